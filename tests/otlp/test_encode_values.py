"""Which values travel in which form, and what a bad one costs."""

from __future__ import annotations

import dataclasses
import datetime
import decimal
import enum
import json
import math
import numbers
import pathlib
import uuid
from typing import Annotated, Any

import msgspec
import pytest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue

from eventbus import Event, Label, Record
from eventbus_otlp._encode import LogsEncoder
from eventbus_otlp._limits import AttributeLimits
from tests.otlp._both import FORMS, both, logs
from tests.otlp._events import Bare, Colour, Inner, Loose, Said
from tests.otlp._official import official_value, same


def sent(value: Any, **options: Any) -> AnyValue:
    """Return what is sent of *value* in a field of an event."""
    [log] = logs([Record(Loose(first_value=value))], **options)
    [attribute] = log.attributes
    assert attribute.key == "firstValue"
    return attribute.value


def in_json(value: Any) -> Any:
    """Return the same as the JSON says it."""
    encoder = LogsEncoder("json", resource={})
    body = json.loads(encoder.encode([Record(Loose(first_value=value))]).body)
    [log] = body["resourceLogs"][0]["scopeLogs"][0]["logRecords"]
    return log["attributes"][0]["value"]


def reason(value: Any) -> str:
    """Return why *value* has no form; its neighbours are sent all the same."""
    batch = [Record(Loose(first_value=one)) for one in ("before", value, "after")]
    _, encoded = both(batch)
    assert list(encoded.sent) == [0, 2]
    [(place, said)] = encoded.unencodable
    assert place == 1
    return said


@pytest.mark.proves("fault-1")
@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_numbers_that_json_lacks_are_numbers_in_protobuf(number: float) -> None:
    words = {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}
    assert str(sent(number).double_value) == str(number)
    assert in_json(number) == {"doubleValue": words[str(number)]}
    [inside] = sent([number]).array_value.values
    assert str(inside.double_value) == str(number)
    x, _ = sent(Point(number, "")).kvlist_value.values
    assert str(x.value.double_value) == str(number)


@pytest.mark.proves("fault-1")
def test_a_number_that_json_lacks_costs_its_column_no_value() -> None:
    values = [0.5, math.nan, 2.5]
    found = logs([Record(Loose(first_value=one)) for one in values])
    assert [str(log.attributes[0].value.double_value) for log in found] == [
        "0.5",
        "nan",
        "2.5",
    ]


@pytest.mark.proves("fault-2")
@pytest.mark.parametrize("number", [2**63, -(2**63) - 1, 10**30])
def test_whole_numbers_beyond_64_bits_are_sent_as_their_digits(number: int) -> None:
    assert sent(number).string_value == str(number)
    assert sent({"in": number}).kvlist_value.values[0].value.string_value == str(number)


@pytest.mark.parametrize("number", [2**63 - 1, -(2**63)])
def test_whole_numbers_of_64_bits_are_numbers(number: int) -> None:
    assert sent(number).int_value == number
    assert in_json(number) == {"intValue": str(number)}


@pytest.mark.proves("fault-2")
def test_a_number_of_5000_digits_has_no_form() -> None:
    said = reason(10**5000)
    assert said == "an integer of more than 4300 digits - at `$.event.firstValue`"


@pytest.mark.proves("fault-3")
def test_a_lone_surrogate_is_replaced_and_counted_once_a_record() -> None:
    bad = "a\ud800b"
    event = Loose(first_value=bad, second_value={bad: [bad]})
    batch = [
        Record(event, attributes={bad: bad}),
        Record(Loose(first_value="fine"), attributes={"fine": "é"}),
        Record(Said(message=bad)),
    ]
    read, encoded = both(batch)
    assert encoded.warned == {"sanitized": 2}
    found = read.resource_logs[0].scope_logs[0].log_records
    assert found[2].body.string_value == "a\ufffdb"
    first, second, bound = found[0].attributes
    assert first.value.string_value == "a\ufffdb"
    assert second.value.kvlist_value.values[0].key == "a\ufffdb"
    assert (bound.key, bound.value.string_value) == ("a\ufffdb", "a\ufffdb")


@pytest.mark.proves("fault-3")
def test_bound_text_that_was_mended_is_counted_each_time() -> None:
    encoder = LogsEncoder("protobuf", resource={})
    record = Record(Bare(), attributes={"bad": "\udfff"})
    for _ in range(2):
        assert encoder.encode([record]).warned == {"sanitized": 1}


@pytest.mark.proves("fault-3")
def test_a_lone_surrogate_in_a_label_is_counted_each_time() -> None:
    class Labelled(Event, tag="test.labelled"):
        word: Annotated[str, Label]

    encoder = LogsEncoder("protobuf", resource={})
    for _ in range(2):
        assert encoder.encode([Record(Labelled(word="\ud800"))]).warned


@pytest.mark.proves("fault-4")
def test_control_and_other_odd_characters_arrive_as_they_are() -> None:
    odd = "a\0b\u2028\u2029\u202e\ufeff\r\n\t\x7f\x1b[31m\U0010ffff"
    assert sent(odd).string_value == odd
    assert sent({odd: odd}).kvlist_value.values[0].key == odd


class Word(str):
    __slots__ = ()


class Whole(int): ...


class Level(enum.IntEnum):
    LOW = 1


class Int64:
    """A whole number of a class of its own, as numpy's are."""

    def __int__(self) -> int:
        return 7


numbers.Integral.register(Int64)


@dataclasses.dataclass
class Point:
    x: float
    label: str


DAY = datetime.datetime(2026, 11, 21, 22, 0, 1, tzinfo=datetime.UTC)
SOME_ID = uuid.UUID(int=5)


@pytest.mark.proves("fault-5")
@pytest.mark.parametrize(
    ("value", "plain"),
    [
        (Word("w"), "w"),
        (Whole(3), 3),
        (Level.LOW, 1),
        (Int64(), 7),
        (Colour.RED, "red"),
        (Point(0.5, "p"), {"x": 0.5, "label": "p"}),
        (Inner("n"), {"name": "n"}),
        (ValueError("no"), "ValueError: no"),
        ({1}, [1]),
        (decimal.Decimal("1.50"), "1.50"),
        (DAY, "2026-11-21T22:00:01Z"),
        (DAY.replace(tzinfo=None), "2026-11-21T22:00:01"),
        (datetime.timedelta(seconds=90), "PT90S"),
        (SOME_ID, str(SOME_ID)),
        (pathlib.PurePosixPath("/tmp/x"), "/tmp/x"),
        (b"\x00\xff", b"\x00\xff"),
        (bytearray(b"a"), b"a"),
        (memoryview(b"a"), b"a"),
        ({7: "number as key"}, {"7": "number as key"}),
        ((), []),
        ({}, {}),
        ([None, {"k": None}], [None, {"k": None}]),
    ],
)
def test_each_kind_of_value_has_its_form(value: Any, plain: Any) -> None:
    assert same(sent(value), official_value(plain))
    assert same(sent([value]), official_value([plain]))


class Raising:
    """Raises whatever is asked of it."""

    def __str__(self) -> str:
        raise RuntimeError("secret")

    __repr__ = __str__

    def __hash__(self) -> int:
        raise RuntimeError("secret")

    def __eq__(self, other: object) -> bool:
        raise RuntimeError("secret")


class RaisingText(Word):
    """Text that compares by code of its own."""

    __slots__ = ()
    __hash__ = Raising.__hash__
    __eq__ = Raising.__eq__
    __str__ = Raising.__str__


class Failing(ValueError):
    def __str__(self) -> str:
        raise RuntimeError("secret")


@pytest.mark.proves("fault-5")
def test_a_bound_value_without_a_form_is_named_by_its_type_and_place() -> None:
    bad: Any = {"secret": object()}
    _, encoded = both([Record(Bare(), attributes=bad)])
    said = "no JSON form for builtins.object - at `$.attributes[...]`"
    assert encoded.unencodable == [(0, said)]


@pytest.mark.proves("fault-5")
def test_what_has_no_form_is_named_by_its_type_and_place_and_not_its_value() -> None:
    said = reason({"deep": [object()]})
    assert said == "no JSON form for builtins.object - at `$.event.firstValue[...][0]`"


@pytest.mark.proves("fault-6")
@pytest.mark.parametrize("value", [Raising(), [Raising()], Failing(), {Raising: 1}])
def test_a_value_whose_own_code_raises_costs_one_event(value: Any) -> None:
    said = reason(value)
    assert "secret" not in said
    assert "$.event.firstValue" in said


@pytest.mark.proves("fault-6")
def test_text_of_a_class_that_raises_is_sent_as_the_text_below() -> None:
    assert sent(RaisingText("below")).string_value == "below"


def test_what_is_not_sent_is_not_warned_of() -> None:
    event = Loose(first_value="\ud800", second_value=object())
    _, encoded = both([Record(event), Record(Bare())])
    assert (list(encoded.sent), encoded.warned) == ([1], {})


class Accent(enum.Enum):
    LONG = "too long"
    FINE = "fine"


class Accented(Event, tag="test.accented"):
    accent: Accent


def test_values_of_enumerations_are_looked_at_each_time_where_need_be() -> None:
    limits = AttributeLimits(value_length=4)
    encoder = LogsEncoder("protobuf", resource={}, limits=limits)
    batch = [Record(Accented(accent=one)) for one in (Accent.LONG, Accent.FINE)]
    for _ in range(2):
        assert encoder.encode(batch).warned == {"truncated": 1}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    "broken",
    [
        {"time_unix_nano": -1},
        {"time_unix_nano": 2**64},
        {"observed_time_unix_nano": -1},
        {"observed_time_unix_nano": 2**64},
        {"time_unix_nano": "now"},
        {"attributes": {"bad": object()}},
        {"attributes": 5},
        {"trace_id": 7},
        {"weight": "heavy"},
        {"dropped_attributes_count": "many"},
        {"severity": ["info"]},
    ],
)
def test_a_record_that_nobody_checked_costs_itself_alone(
    form: Any, broken: dict[str, Any]
) -> None:
    batch = [Record(Bare()), Record(Bare(), **broken), Record(Said(message=""))]
    encoded = LogsEncoder(form, resource={}).encode(batch)
    assert list(encoded.sent) == [0, 2]
    [(place, said)] = encoded.unencodable
    assert place == 1
    assert said


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("resource", [5, {5: "a key"}, {"k": {1, 2}}, {"\ud800": 1}])
def test_a_strange_resource_costs_no_record(form: Any, resource: Any) -> None:
    encoded = LogsEncoder(form, resource={}).encode([Record(Bare(), resource=resource)])
    assert list(encoded.sent) == [0]


def test_one_bad_event_of_each_kind_costs_itself_and_no_other() -> None:
    values: list[Any] = [object(), "fine", 10**5000, 5, [object()], 0.5]
    batch = [Record(Loose(first_value=one), id=str(i)) for i, one in enumerate(values)]
    read, encoded = both([*batch, Record(Bare(), id="6")])
    assert list(encoded.sent) == [1, 3, 5, 6]
    assert [place for place, _ in encoded.unencodable] == [0, 2, 4]
    ids = [
        log.attributes[0].value.string_value
        for log in read.resource_logs[0].scope_logs[0].log_records
    ]
    assert ids == ["1", "3", "5", "6"]


NO_TIME = "a time before 1970, or beyond 64 bits of nanoseconds"


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", ["time_unix_nano", "observed_time_unix_nano"])
@pytest.mark.parametrize("time", [-1, 2**64])
def test_a_time_that_has_no_form_is_the_reason(form: Any, name: str, time: int) -> None:
    broken: dict[str, Any] = {name: time}
    encoded = LogsEncoder(form, resource={}).encode([Record(Bare(), **broken)])
    assert encoded.unencodable == [(0, NO_TIME)]


class Weighed(Event, tag="test.weighed"):
    grams: float


@pytest.mark.parametrize("others", [[], ["heavy"], [object()], [10**400]])
def test_what_is_no_number_in_a_field_of_numbers_is_left_as_it_is(
    others: list[Any],
) -> None:
    values: list[Any] = ["12", True, 3, *others]
    read, _ = both([Record(Weighed(grams=value)) for value in values])
    found = read.resource_logs[0].scope_logs[0].log_records
    text, truth, whole = (log.attributes[0].value for log in found[:3])
    assert (text.string_value, truth.WhichOneof("value")) == ("12", "bool_value")
    assert (whole.WhichOneof("value"), whole.double_value) == ("double_value", 3.0)
    if others == [10**400]:
        assert found[3].attributes[0].value.string_value == str(10**400)


def test_what_is_unset_beside_a_bad_value_costs_nothing() -> None:
    values: list[Any] = [msgspec.UNSET, object(), None]
    _, encoded = both([Record(Loose(first_value=value)) for value in values])
    assert list(encoded.sent) == [0, 2]


@pytest.mark.proves("fault-3")
@pytest.mark.parametrize(
    "bound", [{"a\ud800": 1}, {"a": "\ud800", "b": {1}}, {"a": {"b\ud800": 1}}]
)
def test_a_surrogate_anywhere_is_counted(bound: dict[str, Any]) -> None:
    read, encoded = both([Record(Bare(), attributes=bound)])
    assert encoded.warned == {"sanitized": 1}
    assert "\ufffd".encode() in read.SerializeToString()
