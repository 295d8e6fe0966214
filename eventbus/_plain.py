"""Which types are single values: no table, no array, nothing foreign."""

from __future__ import annotations

import datetime
import decimal
import uuid
from collections.abc import Sequence
from typing import Annotated, Any, Final, Literal, Union

from msgspec import Meta, inspect

# Any in this module: types made at run time.

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
    """Return whether *node* is a single value."""
    return type(node) in _PLAIN


def plain_type(nodes: Sequence[inspect.Type]) -> Any:
    """Return the type of the values that one of *nodes*, all plain, takes."""
    return Union[tuple(map(_type_of, nodes))]  # noqa: UP007 - made at run time


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
