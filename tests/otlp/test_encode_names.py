"""What attributes and events are called outside, where data says so."""

from __future__ import annotations

import enum
import math
from typing import Annotated, Any

import msgspec
import pytest

from eventbus import Event, EventNaming, Naming, Record, Span, Unit
from eventbus_otlp._limits import AttributeLimits
from tests.otlp._both import attributes, both, logs, spans
from tests.otlp._events import Loose, Mixed

TIME = 1_795_247_063_541_999_999


def sent(record: Record[Any], names: Naming) -> tuple[str, dict[str, Any]]:
    """Return the event's name and the attributes of *record*, as they are sent."""
    log, _ = logs([record, record], names=names)
    return log.event_name, attributes(log)


def result(**values: Any) -> Mixed:
    own: dict[str, Any] = {
        "tool": "shell",
        "call_id": "c",
        "duration_ms": 12.75,
        "success": True,
        "exit_code": 0,
        "output_length": 5,
        "model": "m",
        "kind": "local",
        "ratio": 0.5,
    }
    return Mixed(**own | values)


OF_MIXED = EventNaming(
    name="codex.tool_result",
    renamed={"gen_ai.tool.name": "tool_name", "user": "user.name"},
    values={"kind": {"local": "Local"}, "user": {"ada": "Ada"}},
    converted={
        "duration_ms": "whole_text",
        "success": "text",
        "exit_code": "text",
        "ratio": "text",
        "user": "text",
    },
    left_out=frozenset({"model", "secret"}),
)
NAMES = Naming(
    renamed={"eventbus.weight": "w", "firstValue": "first"},
    converted={"ratio": "whole_text"},
    left_out=frozenset({"log.record.uid"}),
    events={"test.mixed": OF_MIXED},
)


def test_names_types_and_choice_of_attributes_are_data() -> None:
    record = Record(
        result(), id="a", weight=2.0, attributes={"user": 7, "secret": "s", "other": 1}
    )
    assert sent(record, NAMES) == (
        "codex.tool_result",
        {
            "w": 2.0,
            "tool_name": "shell",
            "call_id": "c",
            "duration_ms": "12",
            "success": "true",
            "exit_code": "0",
            "output_length": 5,
            "kind": "Local",
            "ratio": "0.5",
            "user.name": "7",
            "other": 1,
        },
    )


def test_an_event_without_a_form_of_its_own_has_what_is_for_all() -> None:
    record = Record(
        Loose(first_value="x"), id="a", attributes={"user": "ada", "ratio": 1.5}
    )
    assert sent(record, NAMES) == (
        "test.loose",
        {"first": "x", "user": "ada", "ratio": "1"},
    )


def test_text_is_spelled_otherwise_where_data_says_so() -> None:
    record = Record(result(kind="remote"), attributes={"user": "ada"})
    _, found = sent(record, NAMES)
    assert (found["kind"], found["user.name"]) == ("remote", "Ada")


def test_one_attribute_may_have_several_names() -> None:
    names = Naming(renamed={"call_id": ("call_id", "id"), "user": ("u", "user")})
    _, found = sent(Record(result(), attributes={"user": "ada"}), names)
    assert (found["call_id"], found["id"]) == ("c", "c")
    assert (found["u"], found["user"]) == ("ada", "ada")


def test_a_name_is_given_once_and_fields_have_it_first() -> None:
    """``attributes`` fails where a name is there twice."""
    names = Naming(renamed={"gen_ai.tool.name": "kind", "user": "call_id", "a": "b"})
    record = Record(result(), attributes={"user": "x", "kind": "y", "a": 1, "b": 2})
    _, found = sent(record, names)
    assert (found["kind"], found["call_id"], found["b"]) == ("shell", "c", 1)


def test_a_bound_attribute_has_the_name_where_the_field_says_nothing() -> None:
    names = Naming(renamed={"user": "error"})
    bound = {"user": "ada"}
    said, silent = (Record(result(error=e), attributes=bound) for e in ("failed", None))
    found = [attributes(log)["error"] for log in logs([said, silent], names=names)]
    assert found == ["failed", "ada"]


def test_what_was_mended_beside_fields_is_warned_of_record_by_record() -> None:
    bound = {"error": "x", "user": "\ud800"}
    records = [Record(result(error=e), attributes=bound) for e in ("failed", None)]
    _, encoded = both([*records, Record(result())])
    assert encoded.warned == {"sanitized": 2}


class Fetched(Event, tag="test.fetched", span=Span("fetch", duration="took_ms")):
    took_ms: Annotated[float, Unit("ms")] = 5.0
    ok: bool = True


def test_spans_have_the_names_for_all_and_no_event_s_form() -> None:
    form = EventNaming(renamed={"ok": "success"}, added={"event.name": "fetched"})
    names = Naming(
        renamed={"ok": "fine", "user": "who"},
        converted={"ok": "text"},
        events={"test.fetched": form},
    )
    record = Record(Fetched(), id="a", time_unix_nano=TIME, attributes={"user": "ada"})
    (span,) = spans(record, names=names)
    assert attributes(span) == {"fine": "true", "took_ms": 5.0, "who": "ada"}


def test_what_is_left_over_under_limits_is_counted_by_its_names() -> None:
    names = Naming(renamed={"user": ("u", "v"), "w": "u"})
    record = Record(Loose(), attributes={"user": 1, "w": 2, "x": 3, "y": 4})
    (log,) = logs([record], names=names, limits=AttributeLimits(count=3))
    assert attributes(log) == {"u": 1, "v": 1, "x": 3}
    assert log.dropped_attributes_count == 1


def test_each_name_of_an_attribute_counts_for_the_limit() -> None:
    names = Naming(renamed={"user": ("u", "v"), "w": ("w", "x")})
    record = Record(Loose(), attributes={"user": 1, "w": 2})
    (log,) = logs([record], names=names, limits=AttributeLimits(count=3))
    assert attributes(log) == {"u": 1, "v": 1}
    assert log.dropped_attributes_count == 1


def test_a_name_that_is_taken_leaves_an_attribute_its_others() -> None:
    names = Naming(renamed={"user": ("u", "v")}, left_out=frozenset({"quiet"}))
    for first in ({"v": 1, "user": 2}, {"v": 1, "quiet": 0, "user": 2}):
        (log,) = logs([Record(Loose(), attributes=first)], names=names)
        assert attributes(log) == {"v": 1, "u": 2}
    (log,) = logs(
        [Record(Loose(), attributes={"u": 1, "v": 1, "user": 2})], names=names
    )
    assert attributes(log) == {"u": 1, "v": 1}


def test_what_is_left_out_leaves_its_name_to_others() -> None:
    names = Naming(renamed={"user": "u", "quiet": "u"}, left_out=frozenset({"quiet"}))
    record = Record(Loose(), attributes={"quiet": 1, "user": 2})
    (log,) = logs([record], names=names)
    assert attributes(log) == {"u": 2}


ADDED = EventNaming(
    added={"event.name": "codex.tool_result", "error": ""}, timestamp="event.timestamp"
)


def test_a_form_adds_constants_and_the_time_as_text() -> None:
    names = Naming(events={"test.mixed": ADDED})
    records = [
        Record(result(), time_unix_nano=TIME),
        Record(result(error="failed"), observed_time_unix_nano=1_000_000),
        Record(result(error=""), attributes={"event.name": "x"}),
    ]
    keys = ("event.name", "error", "event.timestamp")
    name = "codex.tool_result"
    found = [attributes(log) for log in logs(records, names=names)]
    assert [tuple(map(one.get, keys)) for one in found] == [
        (name, "", "2026-11-21T07:44:23.541Z"),
        (name, "failed", "1970-01-01T00:00:00.001Z"),
        (name, "", None),
    ]


def test_a_time_that_cannot_be_sent_costs_its_record_with_the_reason() -> None:
    names = Naming(events={"test.mixed": ADDED})
    records = [Record(result(), time_unix_nano=time) for time in (TIME, 10**30, TIME)]
    _, encoded = both(records, names=names)
    assert encoded.sent == [0, 2]
    assert encoded.unencodable == [
        (1, "a time before 1970, or beyond 64 bits of nanoseconds")
    ]


def test_resources_are_named_by_data_too() -> None:
    names = Naming(resource={"deployment.environment.name": ("env", "e"), "a": "b"})
    own = {"deployment.environment.name": "prod", "a": 1, "b": 2}
    relayed = Record(result(), resource={"a": 3, "service.name": "s"})
    read, _ = both([Record(result()), relayed], names=names, resource=own)
    assert [attributes(one.resource) for one in read.resource_logs] == [
        {"env": "prod", "e": "prod", "b": 1},
        {"b": 3, "service.name": "s"},
    ]


class Colour(enum.Enum):
    RED = "red"


class Painted(Event, tag="test.painted"):
    colour: Colour
    paint: str = ""
    litres: float = 0.0


def test_conversions_keep_limits_and_reach_enumerations() -> None:
    names = Naming(
        values={"colour": {"red": "crimson"}, "paint": {"oil": "linseed"}},
        converted={"litres": "whole_text"},
    )
    record = Record(Painted(colour=Colour.RED, paint="oil", litres=12345.5))
    read, encoded = both(
        [record, record], names=names, limits=AttributeLimits(value_length=4)
    )
    log, _ = read.resource_logs[0].scope_logs[0].log_records
    found = attributes(log)
    assert found == {"colour": "crim", "paint": "lins", "litres": "1234"}
    assert encoded.warned == {"truncated": 2}


TEXTS = [
    ("text", "text"),
    (False, "false"),
    (12.0, "12.0"),
    (1e16, "1e16"),
    (math.nan, "NaN"),
    (7, "7"),
    (10**30, str(10**30)),
    ([1, None, "é", math.inf], '[1,null,"é","Infinity"]'),
    ({"k": b"\xff"}, '{"k":"/w=="}'),
]


@pytest.mark.parametrize(("value", "text"), TEXTS)
def test_a_value_as_text_is_its_json(value: Any, text: str) -> None:
    names = Naming(converted={"firstValue": "text"})
    _, found = sent(Record(Loose(first_value=value)), names)
    assert found == {"firstValue": text}


def test_values_of_all_types_become_text_together_as_alone() -> None:
    names = Naming(converted={"firstValue": "text"})
    records = [Record(Loose(first_value=value)) for value, _ in TEXTS]
    found = [attributes(log)["firstValue"] for log in logs(records, names=names)]
    assert found == [text for _, text in TEXTS]


@pytest.mark.parametrize(
    ("value", "whole", "text"),
    [
        (12.9, 12, "12"),
        (-0.5, 0, "0"),
        (7, 7, "7"),
        (True, True, "true"),
        (math.inf, math.inf, "Infinity"),
        (1e30, str(int(1e30)), str(int(1e30))),
        (msgspec.UNSET, None, None),
        ("12.5", "12.5", "12.5"),
    ],
)
def test_a_number_as_a_whole_one_is_cut(value: Any, whole: Any, text: Any) -> None:
    for wish, expected in (("whole", whole), ("whole_text", text)):
        names = Naming(converted={"firstValue": wish})  # type: ignore[dict-item]
        _, found = sent(Record(Loose(first_value=value)), names)
        assert found.get("firstValue") == expected


def test_a_text_is_spelled_before_it_is_converted_and_numbers_are_not() -> None:
    names = Naming(
        values={"call_id": {"c": "d"}, "exit_code": {"0": "none"}},
        converted={"call_id": "text"},
    )
    _, found = sent(Record(result()), names)
    assert (found["call_id"], found["exit_code"]) == ("d", 0)


def test_a_constant_stands_where_the_field_is_unset() -> None:
    names = Naming(events={"test.loose": EventNaming(added={"whole": 5})})
    _, found = sent(Record(Loose()), names)
    assert found == {"whole": 5}


def test_a_bound_attribute_of_another_name_outside_makes_no_way() -> None:
    names = Naming(renamed={"firstValue": "user", "user": "who"})
    record = Record(Loose(first_value="x"), attributes={"user": "ada"})
    _, found = sent(record, names)
    assert found == {"user": "x", "who": "ada"}
