"""How many attributes a record keeps, which ones, and how long their values may be."""

from __future__ import annotations

from typing import Any

import pytest

from eventbus import Record
from eventbus_otlp._limits import (
    DEFAULT_ATTRIBUTE_COUNT,
    DEFAULT_VALUE_ITEMS,
    AttributeLimits,
)
from tests.otlp._both import both
from tests.otlp._events import Bare, Loose, Said
from tests.otlp._official import official_value, same


def kept(record: Record[Any], count: int | None) -> tuple[list[str], int]:
    """Return the names of the attributes that are sent, and how many are not."""
    read, _ = both([record], limits=AttributeLimits(count=count))
    [log] = read.resource_logs[0].scope_logs[0].log_records
    return [one.key for one in log.attributes], log.dropped_attributes_count


def heavy_record(**options: Any) -> Record[Loose]:
    """Return a record with two attributes of its own, two of its event, two bound."""
    event = Loose(first_value=1, second_value=2)
    return Record(event, id="a", weight=2.0, attributes={"x": 1, "y": 2}, **options)


OWN = ["log.record.uid", "eventbus.weight", "firstValue", "secondValue"]
ALL = [*OWN, "x", "y"]


@pytest.mark.proves("fault-8")
@pytest.mark.parametrize("count", range(8))
def test_the_first_attributes_are_kept_and_the_rest_counted(count: int) -> None:
    assert kept(heavy_record(), count) == (ALL[:count], max(6 - count, 0))


def test_what_was_left_out_before_counts_too() -> None:
    record = heavy_record(dropped_attributes_count=7)
    assert kept(record, 4) == (OWN, 9)
    assert kept(record, None) == (ALL, 7)


def test_a_bound_attribute_that_makes_way_is_not_left_out_for_want_of_room() -> None:
    event = Loose(first_value=1)
    record = Record(event, attributes={"firstValue": 5, "x": 1, "y": 2})
    assert kept(record, 2) == (["firstValue", "x"], 1)
    assert kept(record, None) == (["firstValue", "x", "y"], 0)


@pytest.mark.proves("fault-8")
def test_128_attributes_are_kept_unless_something_else_is_said() -> None:
    attributes = {f"a{i}": i for i in range(1000)}
    read, _ = both([Record(Bare(), attributes=attributes), Record(Bare())])
    many, few = read.resource_logs[0].scope_logs[0].log_records
    assert len(many.attributes) == DEFAULT_ATTRIBUTE_COUNT == 128
    assert many.dropped_attributes_count == 872
    assert few.dropped_attributes_count == 0


@pytest.mark.parametrize(("count", "said"), [(2**40, 2**32 - 1), (-1, 0)])
def test_a_count_beyond_its_field_is_the_nearest_that_it_holds(
    count: int, said: int
) -> None:
    record = Record(Bare(), dropped_attributes_count=count)
    assert kept(record, None) == ([], said)


def cut(value: Any, length: int | None) -> tuple[Any, dict[str, int]]:
    """Return the value that is sent in a field of an event, and what was warned of."""
    limits = AttributeLimits(value_length=length)
    read, encoded = both([Record(Loose(first_value=value))], limits=limits)
    [log] = read.resource_logs[0].scope_logs[0].log_records
    return log.attributes[0].value, dict(encoded.warned)


def test_long_text_is_cut_between_characters_and_counted() -> None:
    value, warned = cut("é𝄞é𝄞", 2)
    assert (value.string_value, warned) == ("é𝄞", {"truncated": 1})


@pytest.mark.parametrize("length", [4, None])
def test_text_within_the_limit_is_left_alone(length: int | None) -> None:
    value, warned = cut("abcd", length)
    assert (value.string_value, warned) == ("abcd", {})


def test_text_and_bytes_inside_of_values_are_cut_too() -> None:
    value, warned = cut({"a key": ["abcd", b"abcd", 12345]}, 2)
    [entry] = value.kvlist_value.values
    text, data, number = entry.value.array_value.values
    assert entry.key == "a key"
    assert (text.string_value, data.bytes_value, number.int_value) == (
        "ab",
        b"ab",
        12345,
    )
    assert warned == {"truncated": 1}


def test_bound_text_and_the_body_are_cut_and_ids_are_not() -> None:
    record = Record(Said(message="abcd"), id="bus-1234", attributes={"x": "abcd"})
    for _ in range(2):
        limits = AttributeLimits(value_length=3)
        read, encoded = both([record, record], limits=limits)
        log, _ = read.resource_logs[0].scope_logs[0].log_records
        assert log.body.string_value == "abc"
        assert {a.key: a.value.string_value for a in log.attributes} == {
            "log.record.uid": "bus-1234",
            "speaker": "age",
            "x": "abc",
        }
        assert encoded.warned == {"truncated": 2}


@pytest.mark.parametrize("name", ["count", "value_length", "value_items"])
def test_a_limit_below_nothing_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match=f"{name} must be >= 0, got -1"):
        AttributeLimits(**{name: -1})
    AttributeLimits(**{name: 0})


def within(value: Any, items: int | None) -> tuple[Any, dict[str, int]]:
    """Return what is sent of *value*, in a field and bound, and what was warned of."""
    limits = AttributeLimits(value_items=items)
    record = Record(Loose(first_value=value), attributes={"bound": value})
    read, encoded = both([record], limits=limits)
    field, bound = read.resource_logs[0].scope_logs[0].log_records[0].attributes
    assert same(field.value, bound.value)
    return field.value, dict(encoded.warned)


@pytest.mark.proves("fault-8")
@pytest.mark.parametrize(
    ("value", "kept"),
    [
        ([1, 2, 3], [1, 2]),
        ((1, 2, 3), [1, 2]),
        ({"a": 1, "b": 2, "c": 3}, {"a": 1, "b": 2}),
        ({1: "a", 2: "b", 3: "c"}, {"1": "a", "2": "b"}),
        ([2, 3, [1]], [2, 3]),
        ([[1, 2], [3]], [[], []]),
        ([{"a": [1]}], [{"a": []}]),
    ],
)
def test_what_is_inside_of_a_value_is_kept_up_to_the_limit(
    value: Any, kept: Any
) -> None:
    found, warned = within(value, 2)
    assert same(found, official_value(kept))
    assert warned == {"truncated": 1}


@pytest.mark.parametrize("value", [{1, 2, 3}, frozenset({1, 2, 3})])
def test_of_a_set_as_many_are_kept(value: Any) -> None:
    found, warned = within(value, 2)
    assert (len(found.array_value.values), warned) == (2, {"truncated": 1})


@pytest.mark.parametrize("items", [3, None])
@pytest.mark.parametrize("value", [[1, [2]], {"a": {1, 2}}, {1, 2, 3}, "abcd"])
def test_a_value_within_the_limit_is_whole(value: Any, items: int | None) -> None:
    found, warned = within(value, items)
    assert same(found, within(value, None)[0])
    assert warned == {}


def test_10_000_values_inside_of_one_are_kept_unless_something_else_is_said() -> None:
    read, _ = both([Record(Loose(first_value=[0] * 10_001))])
    [log] = read.resource_logs[0].scope_logs[0].log_records
    assert len(log.attributes[0].value.array_value.values) == DEFAULT_VALUE_ITEMS
    assert DEFAULT_VALUE_ITEMS == 10_000
