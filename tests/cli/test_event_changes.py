"""What is found between two exports of event types that differ in their fields."""

from __future__ import annotations

import enum
from datetime import date, datetime, time
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
import pytest

from eventbus import Attribute, Label, Sensitive, Unit
from tests.cli._event_types import Node, WideNode, between, made, rules

# Any in this module: JSON Schema is JSON, and events are made with any fields.


class Inner(msgspec.Struct):
    a: int
    b: int | None = None


class Less(msgspec.Struct):
    a: int


class More(msgspec.Struct):
    a: int
    more: int


class Renamed(msgspec.Struct):
    a: int
    c: int | None = None


class WithDefault(msgspec.Struct):
    a: int
    b: int = 0


class Required(msgspec.Struct):
    a: int
    b: int


class Holder(msgspec.Struct):
    held: Inner


class OtherHolder(msgspec.Struct):
    held: Less


class Ours(msgspec.Struct, tag="ours"):
    a: int


class Theirs(msgspec.Struct, tag="theirs"):
    a: int
    b: int | None = None


class Fewer(msgspec.Struct, tag="theirs"):
    a: int


class Cells(msgspec.Struct, array_like=True, tag="cells"):
    at: str


class TimedCells(msgspec.Struct, array_like=True, tag="cells"):
    at: datetime


class Colour(enum.Enum):
    RED = "red"
    BLUE = "blue"


Text = Annotated[str, Label]


Zoned = Annotated[datetime, msgspec.Meta(tz=True)]


Local = Annotated[datetime, msgspec.Meta(tz=False)]


BREAKING_CHANGES: list[tuple[Any, Any, list[tuple[str | None, str]]]] = [
    ({"a": int, "b": int}, {"a": int}, [("b", "field_removed")]),
    ({"a": int}, {"a": int, "b": int}, [("b", "required_field_added")]),
    ({"a": (int, 1)}, {"a": int}, [("a", "field_became_required")]),
    ({"a": float}, {"a": int}, [("a", "type_narrowed")]),
    ({"a": int | str}, {"a": int}, [("a", "type_narrowed")]),
    ({"a": int}, {"a": Annotated[int, msgspec.Meta(le=5)]}, [("a", "type_narrowed")]),
    ({"a": str}, {"a": Literal["x"]}, [("a", "type_narrowed")]),
    ({"a": int}, {"a": str}, [("a", "type_changed")]),
    ({"a": list[int]}, {"a": list[str]}, [("a[]", "type_changed")]),
    ({"a": tuple[int, int]}, {"a": tuple[int, int, int]}, [("a", "type_changed")]),
    ({"a": dict[str, float]}, {"a": dict[str, int]}, [("a{}", "type_narrowed")]),
    ({"a": WideNode}, {"a": Node}, [("a.value", "type_narrowed")]),
    ({"a": Inner}, {"a": Less}, [("a.b", "field_removed")]),
    ({"a": list[Inner]}, {"a": tuple[Less, ...]}, [("a[].b", "field_removed")]),
    ({"a": dict[str, Inner]}, {"a": dict[str, Less]}, [("a{}.b", "field_removed")]),
    (
        {"a": (Inner | None, None)},
        {"a": (Less | None, None)},
        [("a.b", "field_removed")],
    ),
    (
        {"a": Inner},
        {"a": Renamed},
        [("a.b", "field_removed"), ("a.c", "optional_field_added")],
    ),
    ({"a": Less}, {"a": More}, [("a.more", "required_field_added")]),
    ({"a": Holder}, {"a": OtherHolder}, [("a.held.b", "field_removed")]),
    (
        {"a": Literal[1]},
        {"a": Literal["1", "y"]},
        [("a", "enum_value_added"), ("a", "type_changed")],
    ),
    (
        {"a": Inner, "z": Inner},
        {"a": Less, "z": Less},
        [("a.b", "field_removed"), ("z.b", "field_removed")],
    ),
    (
        {"a": list[Less]},
        {"a": Annotated[list[Inner], msgspec.Meta(max_length=2)]},
        [("a", "type_changed")],
    ),
    ({"a": Ours | Theirs}, {"a": Ours | Fewer}, [("a", "type_narrowed")]),
    ({"a": bytes | None}, {"a": float | None}, [("a", "type_changed")]),
    ({"a": str}, {"a": bytes}, [("a", "type_narrowed")]),
    (
        {"a": Annotated[int, msgspec.Meta(ge=0)]},
        {"a": Annotated[int, msgspec.Meta(gt=0)]},
        [("a", "type_narrowed")],
    ),
    (
        {"a": Annotated[float, msgspec.Meta(lt=6)]},
        {"a": Annotated[float, msgspec.Meta(le=5)]},
        [("a", "type_narrowed")],
    ),
    (
        {"a": dict[str, int]},
        {"a": Annotated[dict[str, int], msgspec.Meta(min_length=1)]},
        [("a", "type_narrowed")],
    ),
    (
        {"a": dict[str, int]},
        {"a": Annotated[dict[str, int], msgspec.Meta(max_length=9)]},
        [("a", "type_narrowed")],
    ),
    (
        {"a": Annotated[float, msgspec.Meta(le=5)]},
        {"a": Annotated[float, msgspec.Meta(lt=5)]},
        [("a", "type_narrowed")],
    ),
    (
        {"a": Annotated[int, msgspec.Meta(multiple_of=5)]},
        {"a": Annotated[int, msgspec.Meta(multiple_of=3)]},
        [("a", "type_changed")],
    ),
    (
        {"a": str},
        {"a": Annotated[str, msgspec.Meta(pattern="^a")]},
        [("a", "type_narrowed")],
    ),
    ({"a": WithDefault}, {"a": Required}, [("a.b", "field_became_required")]),
    (
        {"a": tuple[int, int]},
        {"a": tuple[int, str]},
        [("a", "type_changed")],
    ),
    (
        {"a": Annotated[list[int], msgspec.Meta(min_length=2, max_length=2)]},
        {"a": tuple[int, str]},
        [("a", "type_changed")],
    ),
    (
        {"a": Literal["x", "y"]},
        {"a": Literal["x"]},
        [("a", "enum_value_removed")],
    ),
    (
        {"a": Literal["x", "y"]},
        {"a": Literal["x", "z"]},
        [("a", "enum_value_added"), ("a", "enum_value_removed")],
    ),
    (
        {"a": Annotated[float, Unit("ms")]},
        {"a": Annotated[float, Unit("s")]},
        [("a", "unit_changed")],
    ),
    (
        {"a": Annotated[float, Unit("ms")]},
        {"a": float},
        [(None, "metrics_changed"), ("a", "unit_changed")],
    ),
    (
        {"a": Annotated[str, Attribute("x.y")]},
        {"a": Annotated[str, Attribute("x.z")]},
        [("a", "attribute_name_changed")],
    ),
    (
        {"a": Text},
        {"a": str},
        [(None, "metrics_changed"), ("a", "label_changed")],
    ),
    (
        {"a": str},
        {"a": Text},
        [(None, "metrics_changed"), ("a", "label_changed")],
    ),
    ({"a": str}, {"a": datetime}, [("a", "type_narrowed")]),
    ({"a": date}, {"a": datetime}, [("a", "type_changed")]),
    ({"a": datetime}, {"a": Zoned}, [("a", "type_narrowed")]),
    ({"a": Local}, {"a": Zoned}, [("a", "type_changed")]),
    ({"a": str}, {"a": time}, [("a", "type_narrowed")]),
    ({"a": list[str]}, {"a": list[datetime]}, [("a[]", "type_narrowed")]),
    ({"a": Less | str}, {"a": Less | datetime}, [("a", "type_narrowed")]),
    ({"a": dict[str, int]}, {"a": dict[int, int]}, [("a{key}", "type_narrowed")]),
    ({"a": dict[str, int]}, {"a": dict[float, int]}, [("a{key}", "type_narrowed")]),
    ({"a": dict[str, int]}, {"a": dict[date, int]}, [("a{key}", "type_narrowed")]),
    ({"a": dict[date, Any]}, {"a": dict[UUID, Any]}, [("a{key}", "type_changed")]),
    ({"a": dict[str, Any]}, {"a": dict[datetime, Any]}, [("a{key}", "type_narrowed")]),
    (
        {"a": dict[int | date, int]},
        {"a": dict[int, int]},
        [("a{key}", "type_narrowed")],
    ),
    (
        {"a": dict[Literal["x", "y"], int]},
        {"a": dict[Literal["x"], str]},
        [("a{key}", "enum_value_removed"), ("a{}", "type_changed")],
    ),
    (
        {"a": dict[Colour, int]},
        {"a": dict[Literal["red"], int]},
        [("a{key}", "enum_value_removed")],
    ),
    (
        {"a": dict[str, int]},
        {"a": dict[Annotated[str, msgspec.Meta(max_length=3)], int]},
        [("a{key}", "type_narrowed")],
    ),
    ({"a": tuple[str, Cells]}, {"a": tuple[str, TimedCells]}, [("a", "type_narrowed")]),
    (
        {"a": Annotated[str, Sensitive]},
        {"a": str},
        [("a", "sensitive_mark_removed")],
    ),
]


HARMLESS_CHANGES: list[tuple[Any, Any, list[tuple[str | None, str]]]] = [
    ({"a": int}, {"a": int}, []),
    ({"a": int, "b": str}, {"b": str, "a": int}, []),
    ({"a": int}, {"a": int, "b": (str | None, None)}, [("b", "optional_field_added")]),
    ({"a": int}, {"a": (int, 3)}, [("a", "field_became_optional")]),
    ({"a": int}, {"a": float}, [("a", "type_widened")]),
    ({"a": Literal["x"]}, {"a": str}, [("a", "type_widened")]),
    ({"a": Literal["x"]}, {"a": Literal["x", "y"]}, [("a", "enum_value_added")]),
    ({"a": Literal["x"]}, {"a": Literal["x", 3]}, [("a", "enum_value_added")]),
    ({"a": Node}, {"a": WideNode}, [("a.value", "type_widened")]),
    ({"a": Node}, {"a": Node}, []),
    ({"a": Less}, {"a": Inner}, [("a.b", "optional_field_added")]),
    ({"a": Inner}, {"a": WithDefault}, [("a.b", "default_changed")]),
    ({"a": (int, 0)}, {"a": (int, 5)}, [("a", "default_changed")]),
    ({"a": datetime}, {"a": str}, [("a", "type_widened")]),
    ({"a": dict[int, int]}, {"a": dict[str, int]}, [("a{key}", "type_widened")]),
    ({"a": dict[Any, int]}, {"a": dict[str, int]}, []),
    ({"a": Required}, {"a": WithDefault}, [("a.b", "field_became_optional")]),
    ({"a": Inner}, {"a": dict[str, Any]}, [("a", "type_widened")]),
    ({"a": tuple[int, int]}, {"a": tuple[int, float]}, [("a", "type_widened")]),
    ({"a": Ours | Fewer}, {"a": Ours | Theirs}, [("a", "type_widened")]),
    (
        {"a": Annotated[int, msgspec.Meta(gt=0)]},
        {"a": Annotated[int, msgspec.Meta(ge=0)]},
        [("a", "type_widened")],
    ),
    (
        {"a": Annotated[int, msgspec.Meta(ge=5, lt=9)]},
        {"a": Annotated[int, msgspec.Meta(gt=0, le=9)]},
        [("a", "type_widened")],
    ),
    (
        {"a": Annotated[dict[str, int], msgspec.Meta(min_length=1)]},
        {"a": dict[str, int]},
        [("a", "type_widened")],
    ),
    (
        {"a": float},
        {"a": Annotated[float, Unit("ms")]},
        [(None, "metrics_added"), ("a", "unit_added")],
    ),
    ({"a": str}, {"a": Annotated[str, Sensitive]}, [("a", "sensitive_mark_added")]),
]


CHANGES = [*BREAKING_CHANGES, *HARMLESS_CHANGES]


BREAKS = [(old, new, True) for old, new, _ in BREAKING_CHANGES] + [
    (old, new, False) for old, new, _ in HARMLESS_CHANGES
]


@pytest.mark.proves("fault-139")
@pytest.mark.parametrize(("old", "new", "expected"), CHANGES)
def test_each_change_of_a_field_is_named(
    old: dict[str, Any], new: dict[str, Any], expected: list[tuple[str | None, str]]
) -> None:
    raised = [(None, "version_raised")]
    assert rules(made(**old), made(**new, version=2)) == sorted(
        [*expected, *raised], key=lambda one: (one[0] or "", one[1])
    )


@pytest.mark.proves("fault-139")
@pytest.mark.parametrize(("old", "new", "breaks"), BREAKS)
def test_a_change_that_breaks_says_so_and_needs_a_higher_version(
    old: dict[str, Any], new: dict[str, Any], breaks: bool
) -> None:
    raised = between(made(**old), made(**new, version=2))
    assert any(one.is_breaking for one in raised) is breaks
    found = rules(made(**old), made(**new))
    assert ((None, "version_not_raised") in found) is breaks
