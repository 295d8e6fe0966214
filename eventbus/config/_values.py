"""Which values a setting accepts, and what is said about the others.

Everything wrong in a table is found, not only the first thing. Numbers and switches
that came from the environment are text there and are read as what is expected.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from functools import lru_cache
from typing import Any, Final, TypeVar

import msgspec
from msgspec import inspect

from eventbus._bounds import WrongSetting, place_of
from eventbus._expected import (
    LISTS,
    alternatives,
    choices,
    expected,
    is_secret_type,
    may_be_none,
    shown,
)
from eventbus._nearest import suggestion, unknown
from eventbus._place import Place
from eventbus._plain import is_plain
from eventbus._records import REDACTED
from eventbus._secret import Secret
from eventbus.config._plain import plain_value, without_marks
from eventbus.config._problems import Problems
from eventbus.config._secrets import Secrets

# Any in this module: settings hold values of any type.

S = TypeVar("S", bound=msgspec.Struct)

NO_LIMIT: Final = "none"
"""What stands in TOML, which has no null, for a setting's ``None``."""

_step: Final = re.compile(r"\.([^.\[]+)|\[(\d+)\]").findall
_TABLES: Final = (inspect.StructType, inspect.DictType)
_CONTAINERS: Final = (*LISTS, *_TABLES)


class Wrong(Exception):
    """A value cannot be used; the problem is noted."""


@lru_cache(maxsize=64)
def fields_of(settings: type[msgspec.Struct]) -> tuple[inspect.Field, ...]:
    """Return the fields of *settings*, as msgspec describes them."""
    info = inspect.type_info(settings)
    assert isinstance(info, inspect.StructType)
    return info.fields


class ValueReader:
    """Reads tables into Structs.

    Args:
        problems: Where what is wrong is noted.
        secrets: What must not be repeated.
    """

    def __init__(self, problems: Problems, secrets: Secrets) -> None:
        """Keep both."""
        self.problems: Final = problems
        self.secrets: Final = secrets

    def struct(
        self,
        cls: type[S],
        table: Mapping[str, Any],
        place: Place,
        *,
        others: Collection[str] = (),
    ) -> S | None:
        """Return the *cls* that *table* says, or ``None`` with its problems noted.

        Args:
            cls: A Struct.
            table: What was written.
            place: Where it stands.
            others: Keys that may stand beside, to be named when one is unknown.
        """
        try:
            values = self._fields(fields_of(cls), table, place, others=others)
        except Wrong:
            return None
        return None if self.problems.within(place) else self.made(cls, values, place)

    def made(self, cls: type[S], values: Mapping[str, Any], place: Place) -> S | None:
        """Return the *cls* of *values* that were read; it may still refuse them."""
        try:
            return msgspec.convert(values, cls)
        except msgspec.ValidationError as error:
            self._note_refusal(error, place)
            return None

    def _note_refusal(self, error: msgspec.ValidationError, place: Place) -> None:
        """Note what a Struct says itself, at the setting that it names."""
        message, cause = str(error), error.__cause__
        text, found, inner = message.rpartition(" - at `$")
        if not found:
            text, inner = message, "`"
        place = (*place, *_steps(inner[:-1]), *place_of(cause))
        if isinstance(cause, WrongSetting) and cause.bounds:
            got = REDACTED if self.secrets.covers(place) else cause.value
            text = f"Expected `{type(cause.value).__name__}` {cause.bounds}, got {got}"
        self.problems.add(self.secrets.scrubbed(text), place)

    def value(self, node: inspect.Type, value: Any, place: Place) -> Any:
        """Return *value* in the form that *node* takes.

        Raises:
            Wrong: It takes none of it; the problem is noted.
        """
        nodes = alternatives(node)
        if any(map(is_secret_type, nodes)):
            self.secrets.add(place, value)
            if isinstance(value, str | Secret):
                return Secret(value)
        if value is None or (value == NO_LIMIT and not takes_text(nodes)):
            if may_be_none(node):
                return None
            raise self._unexpected(node, value, place)
        containers = _containers(nodes, value)
        if len(containers) == 1:
            return self._container(containers[0], value, place)
        if containers or not all(map(_is_known, nodes)):
            return without_marks(value)
        plain = [node for node in nodes if is_plain(node)]
        with suppress(ValueError):
            if plain:
                return plain_value(plain, value)
        raise self._unexpected(node, value, place)

    def _container(self, node: inspect.Type, value: Any, place: Place) -> Any:
        match node:
            case inspect.StructType():
                return self._fields(node.fields, value, place, tag=node.tag_field)
            case inspect.DictType():
                return self._table(node, value, place)
            case _:
                return self._list(node, value, place)

    def _fields(
        self,
        fields: tuple[inspect.Field, ...],
        table: Mapping[str, Any],
        place: Place,
        *,
        tag: str | None = None,
        others: Collection[str] = (),
    ) -> dict[str, Any]:
        noted = len(self.problems)
        by_name = {field.encode_name: field for field in fields}
        read: dict[str, Any] = {}
        for name, value in table.items():
            if name == tag:
                read[name] = value
            elif name not in by_name:
                self.unknown_key(name, [*by_name, *others], place)
            else:
                with suppress(Wrong):
                    read[name] = self.value(by_name[name].type, value, (*place, name))
        for name, field in by_name.items():
            if field.required and name not in table:
                self.problems.add(f"Required key {name!r} is missing", (*place, name))
        self._refuse_if_wrong(noted)
        return read

    def _refuse_if_wrong(self, noted: int) -> None:
        if len(self.problems) > noted:
            raise Wrong

    def unknown_key(self, name: str, valid: Iterable[str], place: Place) -> None:
        """Note that *name* at *place* is none of the *valid* keys."""
        self.problems.add(unknown("key", name, valid), (*place, name))

    def _table(
        self, node: inspect.DictType, table: Mapping[str, Any], place: Place
    ) -> dict[str, Any]:
        noted = len(self.problems)
        read: dict[str, Any] = {}
        for name, value in table.items():
            with suppress(Wrong):
                read[name] = self.value(node.value_type, value, (*place, name))
        self._refuse_if_wrong(noted)
        return read

    def _list(self, node: Any, items: Any, place: Place) -> list[Any]:
        noted = len(self.problems)
        read: list[Any] = []
        for index, item in enumerate(items):
            with suppress(Wrong):
                read.append(self.value(node.item_type, item, (*place, index)))
        least, most = node.min_length or 0, node.max_length
        if len(items) < least or (most is not None and len(items) > most):
            self.problems.add(f"Expected {expected(node)}, got {len(items)}", place)
        self._refuse_if_wrong(noted)
        return read

    def _unexpected(self, node: inspect.Type, value: Any, place: Place) -> Wrong:
        is_secret = self.secrets.covers(place)
        is_text = isinstance(value, str)
        is_switched_off = may_be_none(node) and not takes_text(alternatives(node))
        none = (shown(NO_LIMIT),) if is_text and is_switched_off else ()
        got = REDACTED if is_secret else shown(value)
        text = f"Expected {expected(node, *none)}, got {got}"
        if is_text and not is_secret:
            valid = [c for n in alternatives(node) for c in choices(n)]
            text += suggestion(value, [c for c in valid if isinstance(c, str)])
        self.problems.add_unless_known(text, place)
        return Wrong()


def takes_text(nodes: tuple[inspect.Type, ...]) -> bool:
    """Return whether ``"none"`` may be meant as a text."""
    return any(
        isinstance(node, inspect.StrType | inspect.AnyType)
        or is_secret_type(node)
        or NO_LIMIT in choices(node)
        for node in nodes
    )


def _is_known(node: inspect.Type) -> bool:
    return is_plain(node) or is_secret_type(node) or isinstance(node, _CONTAINERS)


def _containers(nodes: tuple[inspect.Type, ...], value: object) -> list[inspect.Type]:
    if isinstance(value, Mapping):
        return [node for node in nodes if isinstance(node, _TABLES)]
    if isinstance(value, list | tuple):
        return [node for node in nodes if isinstance(node, LISTS)]
    return []


def _steps(text: str) -> Place:
    """Read msgspec's ``.table.key[0]``; it writes ``[...]`` for a key it hides."""
    return tuple(name or int(index) for name, index in _step(text) if name or index)
