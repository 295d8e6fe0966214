"""What one table ``[sinks.NAME]`` says."""

from __future__ import annotations

from collections.abc import Callable, Mapping
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
from eventbus._verdict import describe_error, was_pressed
from eventbus.config._environment import SDK_DISABLED, Environment
from eventbus.config._paths import DirectoryOf, make_paths_absolute
from eventbus.config._problems import Problem
from eventbus.config._settings import (
    RESERVED,
    AttachmentSettings,
    LeftOut,
    SinkChoice,
    SinkConfig,
)
from eventbus.config._sink_class import SinkClass, sink_class
from eventbus.config._values import NO_LIMIT, ValueReader, Wrong
from eventbus.privacy._content import REDACTED_CONTENT, Content, content_of

# Any in this module: a configuration holds values of any type.

S = TypeVar("S", Buffer, Batch, Retry)

WithPreset = Callable[[Mapping[str, Any], Place], Mapping[str, Any] | None]

NOBODY_HAS_IT: Final = "what is required of it names no type, and nobody else has it"

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
        directory_of: From where the path of a file counts.
        is_required: Whether an administrator requires the sink at a place.
        with_preset: Returns a table with what its preset says; ``None`` with the
            problems noted.
    """

    def __init__(
        self,
        values: ValueReader,
        environment: Environment,
        *,
        directory_of: DirectoryOf = lambda _: None,
        is_required: Callable[[Place], bool] = lambda _: False,
        with_preset: WithPreset = lambda table, _: table,
    ) -> None:
        """Keep the parts."""
        self._values: Final = values
        self._problems: Final = values.problems
        self._environment: Final = environment
        self._directory_of: Final = directory_of
        self._is_required: Final = is_required
        self._with_preset: Final = with_preset

    def read(
        self, name: str, table: Mapping[str, Any], place: Place
    ) -> SinkConfig | LeftOut | None:
        """Return the sink that *table* names; ``None`` with its problems noted."""
        noted = len(self._problems)
        is_off = self._is_off(table, place)
        filled = table if is_off else self._with_preset(table, place)
        if filled is None:
            return None
        keys = self._attachment_keys(filled, place)
        if is_off:
            return _switched_off(place)
        found = self._class_of(keys.get("type") or name, place, is_named="type" in keys)
        if found is None:
            return None
        if self._environment.is_disabled and self._environment.is_read_by(found):
            if not self._is_required(place):
                return LeftOut(f"{SDK_DISABLED} = true", "asked")
            self._environment.warn(f"{SDK_DISABLED} is ignored for {name!r}: required")
        try:
            sink = self._sink(name, found, keys, filled, place)
        except BaseException as error:  # whatever a stranger's class does
            if was_pressed(error):
                raise
            self._note_failure(found, error, place)
            return None
        return None if len(self._problems) > noted else sink

    def read_keys(self, table: Mapping[str, Any], place: Place) -> LeftOut:
        """Note what is wrong with the keys of an attachment to no sink at all."""
        self._attachment_keys(table, place)
        if self._is_off(table, place):
            return _switched_off(place)
        return LeftOut(NOBODY_HAS_IT, "asked", place)

    def _is_off(self, table: Mapping[str, Any], place: Place) -> bool:
        with suppress(Wrong):
            enabled = table.get("enabled", True)
            return self._attachment_key("enabled", enabled, place) is False
        return False

    def _note_failure(
        self, found: SinkClass, error: BaseException, place: Place
    ) -> None:
        said = self._values.secrets.scrubbed(describe_error(error))
        text = f"Sink {found.type!r} fails while its settings are read: {said}"
        self._problems.add(text, place)

    def check_key(self, key: str, value: Any, place: Place) -> None:
        """Note what is wrong with *value* as an attachment's *key*, whatever its sink.

        Raises:
            Wrong: It is none at all; the problem is noted.
        """
        keys = {key: self._attachment_key(key, value, place)}
        self._selection(keys, place)
        self._sampler(keys.get("sampler"), place)

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
            content=self._content(keys.get("content", "redacted"), place),
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
        if settings is not None:
            make_paths_absolute(settings, values, place, self._directory_of)
        self._values.secrets.hide(settings, place)
        self._pass_on_advice(settings, place)
        return settings

    def _pass_on_advice(self, settings: msgspec.Struct | None, place: Place) -> None:
        """Note what *settings* say against themselves, though they can be used.

        A ``Settings`` class says it with a method ``advice()`` that returns pairs: the
        place inside the table, and a sentence without secrets.
        """
        advice: Any = getattr(settings, "advice", None)
        if advice is None:
            return
        try:
            said = [(tuple(inner), str(sentence)) for inner, sentence in advice()]
        except Exception as error:  # noqa: BLE001 - a stranger's method
            said = [((), f"advice() fails: {describe_error(error)}")]
        for inner, sentence in said:
            text = self._values.secrets.scrubbed(sentence)
            self._environment.warn(str(Problem(text, (*place, *inner))))

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

    def _content(self, asked: str | Mapping[str, Any], place: Place) -> Content:
        content = content_of(asked)
        if content is None and isinstance(asked, Mapping):
            content = self._values.made(Content, asked, (*place, "content"))
        return content or REDACTED_CONTENT  # what is wrong is noted

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


def _switched_off(place: Place) -> LeftOut:
    return LeftOut("enabled = false", "asked", (*place, "enabled"))
