"""What one table ``[sinks.NAME]`` says."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from typing import Any, Final, TypeVar

import msgspec
from msgspec import inspect

from eventbus._coalesce import Coalesce
from eventbus._errors import PluginError
from eventbus._place import Place
from eventbus._sampling_settings import SamplerSettings
from eventbus._select import Selection
from eventbus._settings import Batch, Buffer, Retry
from eventbus.config._environment import SDK_DISABLED, Environment
from eventbus.config._settings import (
    RESERVED,
    AttachmentSettings,
    LeftOut,
    SinkChoice,
    SinkConfig,
)
from eventbus.config._sink_class import SinkClass, sink_class
from eventbus.config._values import NO_LIMIT, ValueReader, Wrong

# Any in this module: a configuration holds values of any type.

S = TypeVar("S", Buffer, Batch, Retry)

_DIRECTORY: Final = (
    "A directory of dead letters is not part of this version: name a sink, "
    'as in { type = "jsonl", path = "dead.jsonl" }'
)


@cache
def _node(key: str) -> inspect.Type:
    """Return what an attachment's *key* may be; most tables name only one or two."""
    fields = msgspec.structs.fields(AttachmentSettings)
    (given,) = [field.type for field in fields if field.encode_name == key]
    return inspect.type_info(given)


class SinkReader:
    """Reads the tables of sinks.

    Args:
        values: Reads single values and Structs.
        environment: What the environment says.
    """

    def __init__(self, values: ValueReader, environment: Environment) -> None:
        """Keep both."""
        self._values: Final = values
        self._problems: Final = values.problems
        self._environment: Final = environment

    def read(
        self, name: str, table: Mapping[str, Any], place: Place
    ) -> SinkConfig | LeftOut | None:
        """Return the sink that *table* names; ``None`` with its problems noted."""
        noted = len(self._problems)
        keys = self._attachment_keys(table, place)
        if keys.get("enabled", True) is False:
            return LeftOut("enabled = false", "asked")
        found = self._class_of(keys.get("type") or name, place, is_named="type" in keys)
        if found is None:
            return None
        if self._environment.is_disabled and self._environment.is_read_by(found):
            return LeftOut(f"{SDK_DISABLED} = true", "asked")
        sink = self._sink(name, found, keys, table, place)
        return None if len(self._problems) > noted else sink

    def _attachment_keys(
        self, table: Mapping[str, Any], place: Place
    ) -> dict[str, Any]:
        keys: dict[str, Any] = {}
        for key in AttachmentSettings.__struct_encode_fields__:
            if key in table:
                with suppress(Wrong):
                    keys[key] = self._attachment_key(key, table[key], place)
        if "spool" in table:
            self._problems.add(
                "Buffers on disk are not part of this version: remove it",
                (*place, "spool"),
            )
        return keys

    def _attachment_key(self, key: str, value: Any, place: Place) -> Any:
        inner = (*place, key)
        if key == "dead_letters" and value == NO_LIMIT:
            return None
        if key == "dead_letters" and isinstance(value, str):
            self._problems.add(_DIRECTORY, inner)
            raise Wrong
        return self._values.value(_node(key), value, inner)

    def _class_of(
        self, type_name: str, place: Place, *, is_named: bool
    ) -> SinkClass | None:
        try:
            return sink_class(type_name)
        except PluginError as error:
            text = self._values.secrets.scrubbed(str(error))
            self._problems.add(text, (*place, "type") if is_named else place)
            return None

    def _sink(
        self,
        name: str,
        found: SinkClass,
        keys: Mapping[str, Any],
        table: Mapping[str, Any],
        place: Place,
    ) -> SinkConfig | None:
        settings = self._settings(found, table, place, RESERVED)
        buffer = self._merged(found.default("buffer", Buffer()), "buffer", keys, place)
        batch = self._merged(found.default("batch", Batch()), "batch", keys, place)
        retry = self._merged(found.default_retry(settings), "retry", keys, place)
        if buffer is None or batch is None or retry is None:
            return None
        return SinkConfig(
            name=name,
            type=found.type,
            sink=found.sink,
            settings=settings,
            select=self._selection(keys, place),
            min_severity=keys.get("min_severity"),
            buffer=buffer,
            batch=batch,
            retry=retry,
            sampler=self._sampler(keys.get("sampler"), place),
            content=keys.get("content", "redacted"),
            dead_letters=self._dead_letters(keys.get("dead_letters"), place),
            coalesce=self._coalesce(keys.get("coalesce"), place),
        )

    def _settings(
        self,
        found: SinkClass,
        table: Mapping[str, Any],
        place: Place,
        others: frozenset[str],
    ) -> msgspec.Struct | None:
        given = {key: value for key, value in table.items() if key not in others}
        if found.settings is None:
            for key in given:
                self._values.unknown_key(key, others, place)
            return None
        values = self._environment.completed(found, given, place)
        settings = self._values.struct(found.settings, values, place, others=others)
        self._values.secrets.hide(settings, place)
        return settings

    def _merged(
        self, base: S, key: str, keys: Mapping[str, Any], place: Place
    ) -> S | None:
        given = keys.get(key)
        if not given:
            return base
        values = {**msgspec.to_builtins(base), **given}
        return self._values.made(type(base), values, (*place, key))

    def _sampler(
        self, values: Mapping[str, Any] | None, place: Place
    ) -> SamplerSettings | None:
        if values is None:
            return None
        return self._values.made(SamplerSettings, values, (*place, "sampler"))

    def _coalesce(
        self, values: Mapping[str, Any] | None, place: Place
    ) -> Coalesce | None:
        if values is None:
            return None
        return self._values.made(Coalesce, values, (*place, "coalesce"))

    def _selection(
        self, keys: Mapping[str, Any], place: Place
    ) -> tuple[str, ...] | None:
        select = keys.get("select")
        if select is None:
            return None
        globs: list[str] = [select] if isinstance(select, str) else select
        for index, glob in enumerate(globs):
            try:
                Selection(glob)
            except ValueError as error:
                step = () if isinstance(select, str) else (index,)
                message = str(error).replace("select[0]", "select")
                self._problems.add(message, (*place, "select", *step))
        return tuple(globs)

    def _dead_letters(
        self, table: Mapping[str, Any] | None, place: Place
    ) -> SinkChoice | None:
        if table is None:
            return None
        place = (*place, "dead_letters")
        type_name = table.get("type")
        if not isinstance(type_name, str):
            self._problems.add("Required key 'type' is missing: which sink?", place)
            return None
        found = self._class_of(type_name, place, is_named=True)
        if found is None:
            return None
        settings = self._settings(found, table, place, frozenset(("type",)))
        return SinkChoice(type=found.type, sink=found.sink, settings=settings)
