"""Which values a setting accepts, and what is said about the others.

Everything wrong in a table is found, not only the first thing. Numbers and switches
that came from the environment are text there and are read as what is expected.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Final, TypeVar, cast

import msgspec
from msgspec import inspect

from eventbus._nearest import listed, nearest
from eventbus._records import REDACTED
from eventbus.config._expand import Expanded
from eventbus.config._expected import (
    alternatives,
    choices,
    expected,
    may_be_none,
    shown,
)
from eventbus.config._place import Place, written
from eventbus.config._problems import Problems
from eventbus.config._secrets import Secrets

# Any in this module: settings hold values of any type.

S = TypeVar("S", bound=msgspec.Struct)

NO_LIMIT: Final = "none"
"""What stands in TOML, which has no null, for a setting's ``None``."""

_LISTS: Final = (
    inspect.ListType,
    inspect.VarTupleType,
    inspect.SetType,
    inspect.FrozenSetType,
)
_PLAIN: Final = (
    inspect.IntType,
    inspect.FloatType,
    inspect.StrType,
    inspect.BoolType,
    inspect.EnumType,
    inspect.LiteralType,
    inspect.DateTimeType,
    inspect.DateType,
    inspect.TimeType,
    inspect.TimeDeltaType,
    inspect.UUIDType,
    inspect.DecimalType,
    inspect.BytesType,
)


class Wrong(Exception):  # noqa: N818 - it never leaves this module's callers
    """A value cannot be used; the problem is noted."""


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
        self, cls: type[S], table: Mapping[str, Any], place: Place
    ) -> S | None:
        """Return the *cls* that *table* says, or ``None`` with its problems noted."""
        try:
            values = self._fields(fields_of(cls), table, place)
        except Wrong:
            return None
        return self.made(cls, values, place)

    def made(self, cls: type[S], values: Mapping[str, Any], place: Place) -> S | None:
        """Return the *cls* of *values* that were read; it may still refuse them."""
        try:
            struct = msgspec.convert(values, cls)
        except msgspec.ValidationError as error:
            self._note_refusal(str(error), place)
            return None
        return cast("S", self.secrets.hide(struct, place))

    def _note_refusal(self, message: str, place: Place) -> None:
        text, found, inner = message.rpartition(" - at `$")
        if not found:
            text, inner = message, "`"
        self.problems.add(self.secrets.scrubbed(text), (*place, *_steps(inner[:-1])))

    def value(self, node: inspect.Type, value: Any, place: Place) -> Any:
        """Return *value* in the form that *node* takes.

        Raises:
            Wrong: It takes none of it; the problem is noted.
        """
        nodes = alternatives(node)
        if value is None or (value == NO_LIMIT and not _takes_text(nodes)):
            if may_be_none(node):
                return None
            raise self._unexpected(node, value, place)
        chosen = _container(nodes, value)
        match chosen:
            case inspect.StructType():
                return self._fields(chosen.fields, value, place, tag=chosen.tag_field)
            case inspect.DictType():
                return self._table(chosen, value, place)
            case inspect.ListType():
                return self._list(chosen, value, place)
            case _:
                return self._plain(node, nodes, value, place)

    def _fields(
        self,
        fields: tuple[inspect.Field, ...],
        table: Mapping[str, Any],
        place: Place,
        *,
        tag: str | None = None,
    ) -> dict[str, Any]:
        by_name = {field.encode_name: field for field in fields}
        read: dict[str, Any] = {}
        is_wrong = False
        for name, value in table.items():
            if name == tag:
                read[name] = value
            elif name not in by_name:
                self.unknown_key(name, by_name, place)
                is_wrong = True
            else:
                try:
                    inner = (*place, name)
                    read[name] = self.value(by_name[name].type, value, inner)
                except Wrong:
                    is_wrong = True
        for name, field in by_name.items():
            if field.required and name not in table:
                self.problems.add(f"Required key {name!r} is missing", place)
                is_wrong = True
        if is_wrong:
            raise Wrong
        return read

    def unknown_key(self, name: str, valid: Mapping[str, Any], place: Place) -> None:
        """Note that *name* at *place* is none of the *valid* keys."""
        near = nearest(name, valid)
        if near is not None:
            hint = f"Did you mean {near!r}?"
        else:
            hint = f"Expected one of: {listed(valid)}" if valid else "Expected none"
        self.problems.add(f"Unknown key {name!r}. {hint}", (*place, name))

    def _table(
        self, node: inspect.DictType, table: Mapping[str, Any], place: Place
    ) -> dict[str, Any]:
        read: dict[str, Any] = {}
        is_wrong = False
        for name, value in table.items():
            try:
                read[name] = self.value(node.value_type, value, (*place, name))
            except Wrong:
                is_wrong = True
        if is_wrong:
            raise Wrong
        return read

    def _list(self, node: inspect.ListType, items: Any, place: Place) -> list[Any]:
        read: list[Any] = []
        is_wrong = False
        for index, item in enumerate(items):
            try:
                read.append(self.value(node.item_type, item, (*place, index)))
            except Wrong:
                is_wrong = True
        least, most = node.min_length or 0, node.max_length
        if not least <= len(items) <= (len(items) if most is None else most):
            self.problems.add(
                f"Expected {expected(node)}, got {len(items)} item(s)", place
            )
            is_wrong = True
        if is_wrong:
            raise Wrong
        return read

    def _plain(
        self, node: inspect.Type, nodes: tuple[inspect.Type, ...], value: Any, place: Place
    ) -> Any:
        if not all(isinstance(one, _PLAIN) for one in nodes):
            if isinstance(value, Mapping | list | tuple) or not _any_plain(nodes):
                return _as_is(value)
        came_as_text = isinstance(value, Expanded)
        for one in nodes:
            try:
                return _converted(one, _as_is(value), lax=came_as_text)
            except (msgspec.ValidationError, ValueError, TypeError):
                continue
        raise self._unexpected(node, value, place)

    def _unexpected(self, node: inspect.Type, value: Any, place: Place) -> Wrong:
        is_secret = self.secrets.covers(place)
        got = REDACTED if is_secret else shown(value)
        text = f"Expected {expected(node)}, got {got}"
        if isinstance(value, str) and not is_secret:
            valid = [c for n in alternatives(node) for c in choices(n)]
            near = nearest(value, [c for c in valid if isinstance(c, str)])
            text += "" if near is None else f". Did you mean {near!r}?"
        self.problems.add(text, place)
        return Wrong()
