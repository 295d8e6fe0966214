"""What is found between two exports of event types, and that readers agree with it."""

from __future__ import annotations

import enum
from datetime import date, datetime, time
from typing import Annotated, Any, Literal, Optional
from uuid import UUID

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eventbus import Attribute, Catalog, Event, Label, Record, Sensitive, Unit
from eventbus._decode_line import LineDecoder
from eventbus._encode_line import LineEncoder
from eventbus.cli._event_changes import Change, changes
from eventbus.cli._schema_types import Types
from tests.cli._event_types import between, exported, made, rules

# Any in this module: JSON Schema is JSON, and events are made with any fields.


class Node(msgspec.Struct):
    value: int
    next: Optional[Node] = None  # noqa: UP045 - a name in text cannot be in a |


class WideNode(msgspec.Struct):
    value: float
    next: Optional[WideNode] = None  # noqa: UP045


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


class Before(Event, tag="thing"):
    text: str


class After(Event, tag="thing"):
    words: str = msgspec.field(name="text")


@pytest.mark.proves("fault-139")
def test_a_field_with_another_name_in_code_alone_is_the_same() -> None:
    assert between(Before, After) == []


@pytest.mark.proves("fault-139")
def test_events_come_and_go_and_are_renamed() -> None:
    kept = made("kept", name="Kept", a=int)
    old = exported(kept, made("gone", name="Gone", z=int), made("old", b=int, c=str))
    new = exported(kept, made("new", b=int, c=str), made("come", name="Come", q=int))
    assert changes(old, new) == [
        Change("come", None, "event_added"),
        Change("gone", None, "event_removed"),
        Change("old", None, "event_renamed", "it is new now"),
    ]
    same_fields = exported(made("other", name="Other", b=int, c=str))
    (renamed,) = changes(exported(made("old", b=int, c=str)), same_fields)
    assert (renamed.rule, renamed.is_breaking) == ("event_renamed", True)


@pytest.mark.proves("fault-139")
def test_an_event_with_its_class_s_name_or_its_fields_is_the_same() -> None:
    (found,) = between(made("old", a=int), made("new", b=str))
    assert (found.event, found.rule) == ("old", "event_renamed")
    found, other = between(made("old", name="Old"), made("new", name="New"))
    assert (found.event, found.rule) == ("new", "event_added")
    assert (other.event, other.rule) == ("old", "event_removed")
    two = exported(made("one", name="One", a=int), made("two", name="Two", a=int))
    told = changes(two, exported(made("new", name="New", a=int)))
    assert [(one.event, one.rule) for one in told] == [
        ("one", "event_renamed"),
        ("two", "event_removed"),
    ]


@pytest.mark.proves("fault-139")
def test_another_severity_is_told_and_breaks_nothing() -> None:
    class Loud(Event, tag="thing", severity="error"):
        a: int

    (found,) = between(made(a=int), Loud)
    assert (found.rule, found.field, found.is_breaking) == (
        *("severity_changed", None),
        False,
    )
    assert found.detail == "from info to error"


def test_a_version_that_falls_breaks_whatever_else_changed() -> None:
    (found,) = between(made(a=int, version=3), made(a=int, version=2))
    assert (found.rule, found.is_breaking, found.detail) == (
        *("version_lowered", True),
        "from 3 to 2",
    )


def test_a_detail_says_from_what_to_what() -> None:
    narrowed, _ = between(
        made(a=int | str), made(a=Annotated[int, msgspec.Meta(le=5)], version=2)
    )[::-1]
    assert narrowed.detail == "from integer or string to integer, maximum 5"
    removed, _ = between(
        made(a=Literal["x", "y", "z"]), made(a=Literal["y"], version=2)
    )[::-1]
    assert removed.detail == "x, z"


# Readers and writers of two versions.

values: dict[Any, st.SearchStrategy[Any]] = {
    int: st.integers(-(2**53), 2**53),
    float: st.floats(allow_nan=False, allow_infinity=False),
    str: st.text(st.characters(codec="utf-8"), max_size=8),
}
kinds = st.sampled_from([int, float, str])
optional = st.sampled_from([False, True])
shape = st.dictionaries(
    st.sampled_from("abcd"), st.tuples(kinds, optional), min_size=1, max_size=4
)


def version_of(fields: dict[str, tuple[Any, bool]]) -> Any:
    return made(
        **{
            name: (kind | None, None) if may_be_absent else kind
            for name, (kind, may_be_absent) in fields.items()
        }
    )


def drawn(data: st.DataObject, cls: Any, fields: dict[str, tuple[Any, bool]]) -> Any:
    return cls(
        **{
            name: data.draw(st.none() | values[kind] if may_be_absent else values[kind])
            for name, (kind, may_be_absent) in fields.items()
        }
    )


def reads(cls: Any, written: Any, codec: Any) -> Any:
    """Return what a reader of *cls* makes of what was written; ``None``: it refuses."""
    absent = {k: v for k, v in msgspec.structs.asdict(written).items() if v is not None}
    try:
        return codec.decode(codec.encode(absent), type=cls)
    except msgspec.ValidationError:
        return None


@pytest.mark.proves("fault-139")
@pytest.mark.parametrize("codec", [msgspec.json, msgspec.msgpack])
@settings(max_examples=60, deadline=None)
@given(old=shape, new=shape, data=st.data())
def test_what_breaks_nothing_is_read_by_the_new_reader_as_it_was_written(
    old: Any, new: Any, data: st.DataObject, codec: Any
) -> None:
    before, after = version_of(old), version_of(new)
    if any(one.is_breaking for one in between(before, after)):
        return
    written = drawn(data, before, old)
    read = reads(after, written, codec)
    assert read is not None
    for name in old:
        assert getattr(read, name) == getattr(written, name)


@pytest.mark.proves("fault-139")
@pytest.mark.parametrize("codec", [msgspec.json, msgspec.msgpack])
@settings(max_examples=60, deadline=None)
@given(old=shape, new=shape, data=st.data())
def test_what_is_not_even_wider_is_read_by_the_old_reader_too(
    old: Any, new: Any, data: st.DataObject, codec: Any
) -> None:
    before, after = version_of(old), version_of(new)
    found = between(before, after)
    wider = {"type_widened", "field_became_optional"}
    if any(one.is_breaking or one.rule in wider for one in found):
        return
    written = drawn(data, after, new)
    read = reads(before, written, codec)
    assert read is not None
    for name in old:
        assert getattr(read, name) == getattr(written, name)


@pytest.mark.proves("fault-139")
def test_the_reader_of_lines_takes_a_new_field_only_once_it_knows_it() -> None:
    old, new = made(a=int), made(a=int, b=(str | None, None))
    of_old, of_new = LineDecoder(Catalog([old])), LineDecoder(Catalog([new]))

    def line(event: Any) -> bytes:
        return LineEncoder().encode_one(Record(event, id="1"))

    assert of_new.decode(line(old(a=1))).event == new(a=1)
    assert of_old.decode(line(new(a=1))).event == old(a=1)
    with pytest.raises(ValueError, match="Unknown field 'b'"):
        of_old.decode(line(new(a=1, b="x")))


def test_a_cycle_that_differs_deep_down_is_no_match() -> None:
    wide, narrow = exported(made(a=WideNode)), exported(made(a=Node))
    place = {"$ref": "#/$defs/thing/$defs/Thing"}
    assert Types(wide, narrow).takes(place, place)
    assert not Types(narrow, wide).takes(place, place)


def test_a_part_that_did_not_match_once_does_not_the_next_time() -> None:
    defs = {"wide": {"type": "integer"}, "narrow": {"type": "string"}}
    wide = {"type": "object", "properties": {"p": {"$ref": "#/wide"}}}
    narrow = {"type": "object", "properties": {"p": {"$ref": "#/narrow"}}}
    twice = {"anyOf": [wide, {**wide}]}
    assert not Types(defs, defs).takes(twice, narrow)
    assert Types(defs, defs).takes(twice, {**wide})
