"""Which fields may hold text at all, by their types, and which hold tables."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final, Literal

from msgspec import inspect

from eventbus._catalog import alternatives
from eventbus.privacy._key_names import NAME_KEYS, VALUE_KEYS, KeyNames

Holds = Literal["nothing", "text", "more"]

_NOTHING: Final = (
    inspect.NoneType,
    inspect.BoolType,
    inspect.IntType,
    inspect.FloatType,
    inspect.DateTimeType,
    inspect.DateType,
    inspect.TimeType,
    inspect.TimeDeltaType,
    inspect.UUIDType,
    inspect.DecimalType,
    inspect.EnumType,
    inspect.LiteralType,
)
_LISTS: Final = (
    inspect.ListType,
    inspect.VarTupleType,
    inspect.SetType,
    inspect.FrozenSetType,
)
_WITH_FIELDS: Final = (
    inspect.StructType,
    inspect.DataclassType,
    inspect.NamedTupleType,
    inspect.TypedDictType,
)
_PAIR: Final = 2
_KNOWN: Final = (inspect.StrType, inspect.BytesType, inspect.MemoryViewType)


def holds(node: inspect.Type) -> Holds:
    """Return whether values of *node* hold no text, are text, or hold it inside."""
    found = {_holds_one(one) for one in alternatives(node)} - {"nothing"}
    if not found:
        return "nothing"
    return "text" if found == {"text"} else "more"


def _holds_one(node: inspect.Type) -> Holds:
    if isinstance(node, _NOTHING):
        return "nothing"
    if isinstance(node, inspect.StrType):
        return "text"
    if isinstance(node, _WITH_FIELDS):
        return "more"  # it may hold itself
    parts = _parts(node)
    inside = [holds(part) for part in parts]
    return "nothing" if parts and set(inside) == {"nothing"} else "more"


_NUMBERS: Final = (
    inspect.IntType,
    inspect.FloatType,
    inspect.DecimalType,
    inspect.UUIDType,
)


def is_hidden(node: inspect.Type, name: str) -> bool:
    """Return whether values of *node* are secret under *name*, which is a secret's.

    Numbers are, unless the name is of several: that is how tokens are counted.
    """
    if holds(node) != "nothing":
        return True
    has_numbers = any(isinstance(one, _NUMBERS) for one in alternatives(node))
    return has_numbers and name[-1:] not in ("s", "S")


def has_names(node: inspect.Type, key_names: KeyNames) -> bool:
    """Return whether values of *node* have keys that may be names of secrets.

    Tables have, pairs of texts, and what has fields for a name and its value. A table
    of numbers has not, and what may be anything is not said to have.
    """
    return _has_names(node, key_names, set())


def _has_names(node: inspect.Type, key_names: KeyNames, seen: set[type]) -> bool:
    return any(_one_has(one, key_names, seen) for one in alternatives(node))


def _one_has(node: inspect.Type, key_names: KeyNames, seen: set[type]) -> bool:
    if isinstance(node, (*_NOTHING, *_KNOWN)):
        return False
    if isinstance(node, inspect.DictType):
        return holds(node.value_type) != "nothing"
    if isinstance(node, inspect.TupleType) and len(node.item_types) == _PAIR:
        name, value = node.item_types
        return holds(name) == "text" and holds(value) != "nothing"
    if isinstance(node, _WITH_FIELDS):
        if node.cls in seen:
            return False
        seen.add(node.cls)
        fields: Iterable[Any] = node.fields  # Any: fields of several kinds
        names = {field.name for field in fields}
        if not (names.isdisjoint(NAME_KEYS) or names.isdisjoint(VALUE_KEYS)):
            return True
        return any(
            (key_names.is_secret(field.name) and is_hidden(field.type, field.name))
            or _has_names(field.type, key_names, seen)
            for field in fields
        )
    return any(_has_names(part, key_names, seen) for part in _parts(node))


def _parts(node: inspect.Type) -> tuple[inspect.Type, ...]:
    """Return the types of what is inside *node*, none where nobody can say."""
    if isinstance(node, inspect.DictType):
        return node.key_type, node.value_type
    if isinstance(node, _LISTS):
        return (node.item_type,)
    return node.item_types if isinstance(node, inspect.TupleType) else ()


def stand_in(node: inspect.Type, text: str) -> Any:
    """Return what may stand for a value of *node* that cannot be looked at.

    *text* where that is possible, else nothing: ``None``, an empty table or list.
    """
    # Any: a value of that type.
    options = alternatives(node)
    stand_ins: tuple[tuple[type[inspect.Type], Any], ...] = (
        (inspect.StrType, text),
        (inspect.AnyType, text),
        (inspect.BytesType, text.encode()),
        (inspect.NoneType, None),
        (inspect.DictType, dict[Any, Any]()),
        (inspect.ListType, list[Any]()),
        (inspect.VarTupleType, ()),
        (inspect.SetType, set[Any]()),
        (inspect.FrozenSetType, frozenset[Any]()),
    )
    for kind, value in stand_ins:
        if any(isinstance(one, kind) for one in options):
            return value
    return text
