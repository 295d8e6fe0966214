"""Which single value a text, number or switch is read as."""

from __future__ import annotations

import datetime
import decimal
import enum
import math
import uuid
from collections.abc import Sequence
from typing import Annotated, Any, Final, Literal, Union

import msgspec
from msgspec import Meta, inspect

from eventbus.config._expand import Expanded
from eventbus.config._tree import as_array, as_table

# Any in this module: settings hold values of any type.

_TYPES: Final[dict[type[inspect.Type], Any]] = {
    inspect.BoolType: bool,
    inspect.BytesType: bytes,
    inspect.DateTimeType: datetime.datetime,
    inspect.DateType: datetime.date,
    inspect.TimeType: datetime.time,
    inspect.TimeDeltaType: datetime.timedelta,
    inspect.UUIDType: uuid.UUID,
    inspect.DecimalType: decimal.Decimal,
}
_PLAIN: Final = (
    *_TYPES,
    inspect.IntType,
    inspect.FloatType,
    inspect.StrType,
    inspect.EnumType,
    inspect.LiteralType,
)


def is_plain(node: inspect.Type) -> bool:
    """Return whether *node* is a single value: no table, array, or foreign type."""
    return type(node) in _PLAIN


def plain_value(nodes: Sequence[inspect.Type], value: Any) -> Any:
    """Return *value* as one of *nodes* takes it.

    Text that came from the environment is read as a number or a switch where text is
    not expected; other text is not.

    Raises:
        ValueError: None takes it.
    """
    takes_text = any(isinstance(node, inspect.StrType) for node in nodes)
    is_lax = isinstance(value, Expanded) and not takes_text
    wanted: Any = Union[tuple(map(_type_of, nodes))]  # noqa: UP007 - made at run time
    read = msgspec.convert(without_marks(value), wanted, strict=not is_lax)
    if isinstance(read, float) and not math.isfinite(read):
        raise ValueError("not finite")
    return read.value if isinstance(read, enum.Enum) else read


def without_marks(value: Any) -> Any:
    """Return *value* with its texts as plain ones."""
    table, items = as_table(value), as_array(value)
    if table is not None:
        return {key: without_marks(v) for key, v in table.items()}
    if items is not None:
        return [without_marks(item) for item in items]
    return str(value) if isinstance(value, Expanded) else value


def _type_of(node: inspect.Type) -> Any:
    match node:
        case inspect.IntType():
            return Annotated[int, _bounds(node)]
        case inspect.FloatType():
            return Annotated[float, _bounds(node)]
        case inspect.StrType():
            length = Meta(min_length=node.min_length, max_length=node.max_length)
            return Annotated[str, length, Meta(pattern=node.pattern)]
        case inspect.EnumType():
            return node.cls
        case inspect.LiteralType():
            literal: Any = Literal
            return literal[node.values]
        case _:
            return _TYPES[type(node)]


def _bounds(node: inspect.IntType | inspect.FloatType) -> Any:
    bounds = {"gt": node.gt, "ge": node.ge, "lt": node.lt, "le": node.le}
    meta: Any = Meta  # Any: its overloads forbid naming both bounds of a side
    return meta(multiple_of=node.multiple_of, **bounds)
