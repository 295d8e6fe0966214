"""Where a value that was read from JSON differs from what is expected there.

msgspec says that it does; this says it in our words, with the value, the nearest valid
name, and a place that can be found in the text.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final, cast

import msgspec
from msgspec import inspect

from eventbus._expected import (
    LISTS,
    alternatives,
    choices,
    expected,
    joined,
    may_be_none,
    shown,
)
from eventbus._nearest import suggestion, unknown
from eventbus._place import ROOT, Place
from eventbus._plain import is_plain, plain_type

# Any in this module: decoded JSON.

Say = Callable[[Any, inspect.Type, Place], str]
"""Says a value that stands at a place where a node is expected."""

_OBJECT: Final = "an object"
_UNBOUNDED: Final[dict[type, inspect.Type]] = {
    bool: inspect.BoolType(),
    int: inspect.IntType(),
    float: inspect.FloatType(),
    str: inspect.StrType(),
}
_KNOWN: Final = (*LISTS, inspect.TupleType, inspect.DictType, inspect.StructType)


class Mismatch(msgspec.Struct, frozen=True):
    """One difference.

    Args:
        message: What was expected and what was found.
        place: Where in the text.
    """

    message: str
    place: Place


def first_mismatch(node: inspect.Type, value: Any, *, say: Say) -> Mismatch | None:
    """Return how *value* differs from *node*; ``None`` where only msgspec knows.

    Args:
        node: What is expected.
        value: As :func:`msgspec.json.decode` returns it.
        say: Says a text, number or switch that was found; it may be a secret.
    """
    return next(_Comparison(say).differences(node, value, ROOT), None)


class _Comparison:
    def __init__(self, say: Say) -> None:
        self._say: Final = say

    def differences(
        self, node: inspect.Type, value: Any, place: Place
    ) -> Iterator[Mismatch]:
        nodes = alternatives(node)
        if (value is None and may_be_none(node)) or not all(map(_is_known, nodes)):
            return
        containers = [one for one in nodes if _holds(one, value)]
        plain = [one for one in nodes if is_plain(one)]
        if containers:
            yield from self._inside(containers, value, place)
        elif not (plain and _fits(plain, value)):
            yield self._unexpected(node, value, place)

    def _inside(
        self, nodes: list[inspect.Type], value: Any, place: Place
    ) -> Iterator[Mismatch]:
        match nodes[0]:
            case inspect.StructType():
                yield from self._struct(nodes, value, place)
            case inspect.DictType() as node:
                yield from self._table(node, value, place)
            case inspect.TupleType() as node:
                yield from self._tuple(node, value, place)
            case node:
                yield from self._list(node, value, place)

    def _struct(
        self, nodes: list[Any], table: dict[str, Any], place: Place
    ) -> Iterator[Mismatch]:
        tag = nodes[0].tag_field
        is_sole = len(nodes) == 1 and tag not in table  # msgspec does without its tag
        fitting = [one for one in nodes if is_sole or table.get(tag) == one.tag]
        if not fitting:
            yield self._untagged(nodes, table, place)
            return
        fields = {field.encode_name: field for field in fitting[0].fields}
        for name, value in table.items():
            inner = (*place, name)
            if name in fields:
                yield from self.differences(fields[name].type, value, inner)
            elif name != tag and fitting[0].forbid_unknown_fields:
                yield Mismatch(unknown("field", name, fields), inner)
        for name, field in fields.items():
            if field.required and name not in table:
                yield _missing(name, place)

    def _untagged(
        self, nodes: list[Any], table: dict[str, Any], place: Place
    ) -> Mismatch:
        name = nodes[0].tag_field
        if name not in table:
            return _missing(name, place)
        words = [shown(one.tag) for one in nodes]
        got = self._got(inspect.StrType(), table[name], (*place, name))
        return Mismatch(f"Expected {joined(words)}, got {got}", (*place, name))

    def _table(
        self, node: inspect.DictType, table: dict[str, Any], place: Place
    ) -> Iterator[Mismatch]:
        keys = alternatives(node.key_type)
        for name, value in table.items():
            inner = (*place, name)
            if all(map(is_plain, keys)) and not _fits(keys, name, strict=False):
                what = expected(node.key_type)
                yield Mismatch(f"Expected a key that is {what}", inner)
            yield from self.differences(node.value_type, value, inner)

    def _tuple(
        self, node: inspect.TupleType, items: list[Any], place: Place
    ) -> Iterator[Mismatch]:
        if len(items) != len(node.item_types):
            yield Mismatch(f"Expected {expected(node)}, got {len(items)}", place)
            return
        for index, (inner, item) in enumerate(zip(node.item_types, items, strict=True)):
            yield from self.differences(inner, item, (*place, index))

    def _list(self, node: Any, items: list[Any], place: Place) -> Iterator[Mismatch]:
        for index, item in enumerate(items):
            yield from self.differences(node.item_type, item, (*place, index))
        least, most = node.min_length or 0, node.max_length
        if len(items) < least or (most is not None and len(items) > most):
            yield Mismatch(f"Expected {expected(node)}, got {len(items)}", place)

    def _unexpected(self, node: inspect.Type, value: Any, place: Place) -> Mismatch:
        text = f"Expected {expected(node, table=_OBJECT)}"
        text += f", got {self._got(node, value, place)}"
        if isinstance(value, str):
            valid = [name for one in alternatives(node) for name in choices(one)]
            text += suggestion(value, [one for one in valid if isinstance(one, str)])
        return Mismatch(text, place)

    def _got(self, node: inspect.Type, value: Any, place: Place) -> str:
        if value is None or isinstance(value, (dict, list)):
            return shown(cast("object", value), table=_OBJECT)
        return self._say(value, node, place)


def _missing(name: str, place: Place) -> Mismatch:
    return Mismatch(f"Required field {name!r} is missing", (*place, name))


def _is_known(node: inspect.Type) -> bool:
    if isinstance(node, inspect.StructType) and node.array_like:
        return False
    return is_plain(node) or isinstance(node, _KNOWN)


def _holds(node: inspect.Type, value: object) -> bool:
    """Return whether *node* is the kind of container that *value* is."""
    if isinstance(value, dict):
        return isinstance(node, inspect.StructType | inspect.DictType)
    return isinstance(value, list) and isinstance(node, (*LISTS, inspect.TupleType))


def _fits(nodes: Sequence[inspect.Type], value: object, *, strict: bool = True) -> bool:
    if _UNBOUNDED.get(type(value)) in nodes:
        return True  # most do, and a type made at run time is slow
    try:
        msgspec.convert(value, plain_type(nodes), strict=strict)
    except ValueError:
        return False
    return True
