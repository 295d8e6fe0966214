"""How a message says what a setting or a field expects, and what it got."""

from __future__ import annotations

from typing import Any, Final

from msgspec import inspect

from eventbus._secret import Secret
from eventbus._severity import SEVERITIES

# Any in this module: settings and fields hold values of any type.

TABLE: Final = "a table"
"""What TOML calls names with values; JSON has another word."""

LISTS: Final = (
    inspect.ListType,
    inspect.VarTupleType,
    inspect.SetType,
    inspect.FrozenSetType,
)
"""The types that an array of any length becomes."""

_MAX_SHOWN: Final = 80

_NAMES: Final[dict[type[inspect.Type], str]] = {
    inspect.BoolType: "`bool`",
    inspect.BytesType: "`str` in base64",
    inspect.DateTimeType: "`datetime`",
    inspect.DateType: "`date`",
    inspect.TimeType: "`time`",
    inspect.TimeDeltaType: "`duration`",
    inspect.UUIDType: "`uuid`",
    inspect.DecimalType: "`decimal`",
}


def bare(node: inspect.Type) -> inspect.Type:
    """Return *node* without what only documents it."""
    while isinstance(node, inspect.Metadata):
        node = node.type
    return node


def alternatives(node: inspect.Type) -> tuple[inspect.Type, ...]:
    """Return the types that *node* allows, ``None`` left out."""
    node = bare(node)
    types = node.types if isinstance(node, inspect.UnionType) else (node,)
    kept = (bare(one) for one in types)
    return tuple(one for one in kept if not isinstance(one, inspect.NoneType))


def may_be_none(node: inspect.Type) -> bool:
    """Return whether *node* allows ``None``."""
    node = bare(node)
    types = node.types if isinstance(node, inspect.UnionType) else (node,)
    return any(isinstance(bare(one), inspect.NoneType) for one in types)


def is_secret_type(node: inspect.Type) -> bool:
    """Return whether *node* is the type of settings that are secrets."""
    return isinstance(node, inspect.CustomType) and node.cls is Secret


def choices(node: inspect.Type) -> tuple[object, ...]:
    """Return the values that *node* allows, if it lists them."""
    match node:
        case inspect.EnumType():
            return tuple(member.value for member in node.cls)
        case inspect.LiteralType():
            return _in_order(node.values)
        case _:
            return ()


def _in_order(values: tuple[Any, ...]) -> tuple[object, ...]:
    """Return *values*, which msgspec sorts, with severities from the least on."""
    return SEVERITIES if set(values) == set(SEVERITIES) else values


def expected(node: inspect.Type, *more: str, table: str = TABLE) -> str:
    """Return *node*, or *more*, in words: ```float` between 0 and 1 or 'none'``."""
    words = [word for one in alternatives(node) for word in _words(one, table)]
    return joined([*words, *more])


def joined(words: list[str]) -> str:
    """Return *words* as a choice: ``a, b or c``."""
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} or {words[-1]}"


def _words(node: inspect.Type, table: str) -> list[str]:
    return [shown(value) for value in choices(node)] or [_word(node, table)]


def _word(node: inspect.Type, table: str) -> str:
    match node:
        case inspect.DictType() | inspect.StructType():
            return table
        case inspect.IntType():
            return _with("`int`", _range(node))
        case inspect.FloatType():
            return _with("`float`", _range(node))
        case inspect.StrType():
            return _with("`str`", _length(node, "character"), _pattern(node))
        case (
            inspect.ListType()
            | inspect.VarTupleType()
            | inspect.SetType()
            | inspect.FrozenSetType()
        ):
            return _with("an array", _length(node, "item"))
        case inspect.TupleType():
            return f"an array of {len(node.item_types)} items"
        case inspect.CustomType() if is_secret_type(node):
            return "`str`"
        case _:
            return _NAMES.get(type(node), "another value")


def _with(name: str, *details: str) -> str:
    return " ".join([name, *filter(None, details)])


def _range(node: inspect.IntType | inspect.FloatType) -> str:
    if node.ge is not None and node.le is not None:
        return f"between {_number(node.ge)} and {_number(node.le)}"
    bounds = {">=": node.ge, ">": node.gt, "<=": node.le, "<": node.lt}
    return " and ".join(f"{s} {_number(b)}" for s, b in bounds.items() if b is not None)


def _number(value: float) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _length(node: Any, unit: str) -> str:
    least, most = node.min_length, node.max_length
    if least is not None and most is not None:
        return f"of {least} to {most} {unit}s"
    if most is not None:
        return f"of at most {most} {unit}s"
    if least:
        return f"of at least {least} {unit}{'s' if least > 1 else ''}"
    return ""


def _pattern(node: inspect.StrType) -> str:
    return "" if node.pattern is None else f"matching `{node.pattern}`"


def shown(value: object, *, table: str = TABLE) -> str:
    """Return *value* as it may stand in a message: as in TOML, and not too long."""
    match value:
        case bool():
            return str(value).lower()
        case dict():
            return table
        case list() | tuple():
            return "an array"
        case None:
            return "null"
        case _:
            text = repr(value)
    return text if len(text) <= _MAX_SHOWN else f"{text[:_MAX_SHOWN]}…"
