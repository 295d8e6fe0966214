from __future__ import annotations

import datetime
import json
import math
import re
import subprocess
import sys
from collections.abc import Mapping
from typing import Annotated, Any

import msgspec
import pytest

from eventbus import Attributes, Event, Label, Record, Severity
from eventbus._encode_line import EncodedLines, LineEncoder
from eventbus._json_form import NoJsonForm


class ToolResult(Event, tag="agent.tool_result", version=1):
    tool_name: Annotated[str, Label]
    duration_ms: float
    success: bool = True
    attempts: int = 1
    output: str = ""


class Usage(msgspec.Struct, frozen=True):
    tokens: int
    cached: int | None = None


class Completed(Event, tag="agent.completed", severity="warn", version=3):
    model: str | None
    tokens: int | None = 5
    retries: int = 0
    note: str | None = None
    usage: Usage | None = None
    choice: int | msgspec.UnsetType | None = msgspec.UNSET


class Anything(Event, tag="anything"):
    value: Any = None


class Renamed(Event, tag="renamed", rename="camel", omit_defaults=True):
    tool_name: str = ""
    call_count: int = 0


class InArray(Event, tag="in_array", array_like=True):
    left: int
    right: int | None = None


class Failed(Event, tag="failed"):
    severity: Severity = "error"


class RawBody(Event, tag="raw_body"):
    body: msgspec.Raw


class Unresolved(Event, tag="unresolved"):
    value: Missing  # type: ignore[name-defined]  # noqa: F821


OK = ToolResult(tool_name="shell", duration_ms=1.5)
FULL: Record[Any] = Record(
    OK,
    id="b-1",
    sequence=7,
    time_unix_nano=1795247063541164823,
    observed_time_unix_nano=1795247063541164999,
    severity="info",
    attributes=Attributes({"conversation_id": "c", "steps": (1, 2)}),
    resource=Attributes({"service.name": "elsewhere"}),
    trace_id="0af7651916cd43dd8448eb211c80319c",
    span_id="b7ad6b7169203331",
    parent_span_id="00f067aa0ba902b7",
    trace_flags=1,
    tracestate="a=b",
    schema_version=2,
    weight=10.0,
)


def line_of(event: Event, **fields: Any) -> str:
    return LineEncoder().encode_one(Record(event, **fields)).decode()


def event_of(event: Event) -> Any:
    return json.loads(line_of(event))["event"]


def test_every_part_of_a_record_has_its_place_in_the_line() -> None:
    assert LineEncoder().encode_one(FULL).decode() == (
        '{"id":"b-1","name":"agent.tool_result","time_unix_nano":1795247063541164823,'
        '"observed_time_unix_nano":1795247063541164999,"severity":"info",'
        '"event":{"tool_name":"shell","duration_ms":1.5,"success":true,"attempts":1,'
        '"output":""},"attributes":{"conversation_id":"c","steps":[1,2]},'
        '"resource":{"service.name":"elsewhere"},'
        '"trace_id":"0af7651916cd43dd8448eb211c80319c","span_id":"b7ad6b7169203331",'
        '"parent_span_id":"00f067aa0ba902b7","trace_flags":1,"tracestate":"a=b",'
        '"schema_version":2,"weight":10.0}\n'
    )


@pytest.mark.proves("B21")
def test_what_is_absent_is_left_out_of_the_line() -> None:
    assert line_of(OK, time_unix_nano=5, observed_time_unix_nano=5) == (
        '{"name":"agent.tool_result","time_unix_nano":5,"severity":"info",'
        '"event":{"tool_name":"shell","duration_ms":1.5,"success":true,"attempts":1,'
        '"output":""}}\n'
    )


@pytest.mark.proves("B21")
def test_zero_is_written_and_none_is_left_out() -> None:
    assert event_of(Completed(model=None, tokens=0, note="")) == {
        "tokens": 0,
        "retries": 0,
        "note": "",
    }


@pytest.mark.proves("B21")
def test_a_nested_none_is_left_out_where_its_class_defaults_to_it() -> None:
    event = Completed(model="m", usage=Usage(tokens=0))
    assert event_of(event) == {
        "model": "m",
        "tokens": 5,
        "retries": 0,
        "usage": {"tokens": 0},
    }


def test_none_is_written_where_the_field_can_be_unset_as_well() -> None:
    assert event_of(Completed(model="m", choice=None))["choice"] is None


def test_none_inside_a_container_stays_where_it_is() -> None:
    assert event_of(Anything(value=[None, {"a": None}])) == {
        "value": [None, {"a": None}]
    }


def test_the_word_null_in_a_text_changes_nothing() -> None:
    assert event_of(Anything(value='{"a":null}')) == {"value": '{"a":null}'}


@pytest.mark.parametrize(
    ("event", "fields"),
    [
        (Renamed(), {"toolName": "", "callCount": 0}),
        (InArray(left=1), {"left": 1}),
    ],
)
def test_an_event_is_an_object_of_all_its_values_whatever_its_options(
    event: Event, fields: Mapping[str, Any]
) -> None:
    assert event_of(event) == fields


@pytest.mark.parametrize(
    ("event", "fields", "severity"),
    [
        (OK, {}, "info"),
        (Completed(model="m"), {}, "warn"),
        (Failed(severity="fatal"), {}, "fatal"),
        (Failed(), {"severity": "debug"}, "debug"),
    ],
)
def test_the_severity_is_the_records_then_the_events_then_the_types(
    event: Event, fields: dict[str, Any], severity: str
) -> None:
    assert json.loads(line_of(event, **fields))["severity"] == severity


def test_a_version_is_written_when_it_is_above_one() -> None:
    assert json.loads(line_of(Completed(model="m")))["schema_version"] == 3


def test_flags_of_zero_are_written_when_there_is_a_trace() -> None:
    line = line_of(OK, trace_id="0" * 31 + "1", trace_flags=0)
    assert json.loads(line)["trace_flags"] == 0


def test_a_resource_is_written_only_when_it_is_not_the_buses_own() -> None:
    own, other = {"service.name": "mine"}, {"service.name": "theirs"}
    records = [Record(OK, resource=r) for r in (own, dict(own), other, None, own)]
    lines = LineEncoder(own).encode(records).data.splitlines()
    assert [json.loads(line).get("resource") for line in lines] == [
        None,
        None,
        other,
        None,
        None,
    ]


@pytest.mark.proves("fault-1")
def test_a_number_that_is_none_is_written_as_its_word() -> None:
    event = ToolResult(tool_name="a", duration_ms=math.nan)
    assert event_of(event)["duration_ms"] == "NaN"
    assert event_of(Anything(value={"a": [-math.inf]})) == {
        "value": {"a": ["-Infinity"]}
    }


def test_a_bound_attribute_that_is_no_number_is_written_as_its_word() -> None:
    line = json.loads(line_of(OK, attributes={"ratio": math.inf}))
    assert line["attributes"] == {"ratio": "Infinity"}


@pytest.mark.proves("fault-2")
def test_an_integer_beyond_64_bits_is_written_in_full() -> None:
    assert '"attempts":1000000000000000000000000000000,' in line_of(
        ToolResult(tool_name="a", duration_ms=1, attempts=10**30)
    )


@pytest.mark.proves("fault-3")
def test_a_lone_surrogate_is_mended_and_counted_once_per_record() -> None:
    bad = Record(ToolResult(tool_name="\ud800", duration_ms=1, output="\udfff"))
    encoded = LineEncoder().encode([Record(OK), bad, Record(OK)])
    assert encoded.warned == {"sanitized": 1}
    assert [json.loads(x)["event"]["tool_name"] for x in encoded.data.splitlines()] == [
        "shell",
        "\ufffd",
        "shell",
    ]


@pytest.mark.proves("fault-3")
def test_a_lone_surrogate_in_an_attributes_name_is_mended() -> None:
    line = json.loads(line_of(OK, attributes={"\ud800": "\ud800"}))
    assert line["attributes"] == {"\ufffd": "\ufffd"}


@pytest.mark.proves("fault-4")
def test_a_record_stays_on_one_line_whatever_its_text() -> None:
    text = "\x00\u2028\u2029\u202e\ufeff\r\n\x85"
    encoded = LineEncoder().encode([Record(Anything(value=text))])
    assert encoded.data.count(b"\n") == 1
    assert json.loads(encoded.data)["event"]["value"] == text


class Hostile:
    @property
    def __class__(self) -> Any:
        raise RuntimeError("a secret")


def cycle() -> list[Any]:
    around: list[Any] = []
    around.append(around)
    return around


@pytest.mark.proves("fault-2", "fault-5", "fault-6", "fault-7")
@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (object(), "no JSON form for builtins.object - at `$.event.value`"),
        (
            {1: {(): 2}},
            "no JSON form for a key of type tuple - at `$.event.value[...]`",
        ),
        (datetime.UTC, "no JSON form for datetime.timezone - at `$.event.value`"),
        pytest.param(
            10**5000,
            "an integer of more than 4300 digits - at `$.event.value`",
            id="digits",
        ),
        pytest.param(cycle(), "nested too deeply, or within itself - at", id="cycle"),
        pytest.param(Hostile(), "no JSON form for", id="hostile"),
    ],
)
def test_a_value_without_a_form_costs_its_own_record_only(
    value: Any, reason: str
) -> None:
    records = [Record(OK, id="1"), Record(Anything(value=value)), Record(OK, id="2")]
    encoded = LineEncoder().encode(records)
    assert [json.loads(line)["id"] for line in encoded.data.splitlines()] == ["1", "2"]
    [(index, told)] = encoded.unencodable
    assert index == 1
    assert told.startswith(reason)


def test_each_of_many_faults_is_named_by_its_index() -> None:
    records = [
        Record(Anything(value=object() if n % 3 == 0 else n)) for n in range(100)
    ]
    encoded = LineEncoder().encode(records)
    assert [index for index, _ in encoded.unencodable] == list(range(0, 100, 3))
    assert [json.loads(x)["event"]["value"] for x in encoded.data.splitlines()] == [
        n for n in range(100) if n % 3
    ]


def test_a_type_that_cannot_be_described_costs_its_own_record_only() -> None:
    encoded = LineEncoder().encode([Record(Unresolved(value=1)), Record(OK)])
    [(index, reason)] = encoded.unencodable
    assert index == 0
    assert reason.startswith(f"the annotations of event type {__name__}.Unresolved")
    assert encoded.data.count(b"\n") == 1


def test_one_record_without_a_form_is_an_error_of_encode_one() -> None:
    with pytest.raises(NoJsonForm, match=r"no JSON form for builtins\.object"):
        LineEncoder().encode_one(Record(Anything(value=object())))


@pytest.mark.parametrize(
    "event",
    [
        Anything(value=msgspec.Raw(b'1}\n{"forged":1')),
        Anything(value=msgspec.Raw(b"1\r")),
        RawBody(body=msgspec.Raw(b"1}{")),
    ],
)
def test_raw_text_cannot_break_a_line(event: Event) -> None:
    encoded = LineEncoder().encode([Record(OK), Record(event), Record(OK)])
    lines = encoded.data.splitlines()
    assert all(json.loads(line)["name"] for line in lines)
    assert len(lines) + len(encoded.unencodable) == 3


def test_nothing_is_nothing() -> None:
    assert LineEncoder().encode([]) == EncodedLines(b"")


def test_a_size_is_the_lines_length() -> None:
    records = [FULL, Record(OK), Record(Completed(model=None))]
    encoder = LineEncoder()
    assert encoder.sizes(records) == [len(encoder.encode_one(r)) for r in records]


def test_a_record_without_a_line_has_a_size_all_the_same() -> None:
    records = [Record(OK), Record(Anything(value=object())), Record(OK)]
    sizes = LineEncoder().sizes(records)
    assert sizes == [sizes[0], 1024, sizes[0]]


DEEP = """
import sys
from typing import Any
from eventbus import Event, Record
from eventbus._encode_line import LineEncoder

class Anything(Event, tag="anything"):
    value: Any

deep = []
for _ in range(100_000):
    deep = [deep]
records = [Record(Anything(value=deep)), Record(Anything(value=1))]
encoded = LineEncoder().encode(records)
print(len(encoded.unencodable), encoded.data.decode())
"""


@pytest.mark.proves("fault-7")
def test_a_hundred_thousand_levels_end_no_process() -> None:
    child = subprocess.run(
        [sys.executable, "-c", DEEP], capture_output=True, text=True, timeout=20
    )
    assert child.returncode == 0, child.stderr
    assert re.match(r'1 {"name":"anything".*"event":{"value":1}}', child.stdout)
