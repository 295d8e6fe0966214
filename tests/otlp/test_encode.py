"""Log records as the official classes read them, in both forms."""

from __future__ import annotations

import random
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import (
    ExportLogsServiceRequest,
)

from eventbus import Event, Record, Severity
from eventbus_otlp._encode import LogsEncoder
from eventbus_otlp._value import ProtobufValue
from eventbus_otlp._wire import Heads
from tests.otlp._both import attributes, logs
from tests.otlp._events import SPAN_ID, TRACE_ID, Bare, Mixed, Said, random_record
from tests.otlp._official import from_json, official_request, same

RESOURCE = {"service.name": "checkout", "service.version": "1.2", "attempt": 3}
READ = ExportLogsServiceRequest.FromString


def encoders(**options: Any) -> tuple[LogsEncoder, LogsEncoder]:
    return (
        LogsEncoder("protobuf", resource=RESOURCE, **options),
        LogsEncoder("json", resource=RESOURCE, **options),
    )


def full_record() -> Record[Mixed]:
    event = Mixed(
        tool="shell",
        call_id="c-1",
        duration_ms=3,
        success=True,
        exit_code=-1,
        output_length=2048,
        model="m",
        kind="local",
        ratio=0.5,
    )
    return Record(
        event,
        id="bus-1f",
        time_unix_nano=1_795_247_063_541_164_823,
        observed_time_unix_nano=1_795_247_063_541_164_824,
        severity="error",
        attributes={"gen_ai.conversation.id": "s-1", "call_id": "bound"},
        trace_id=TRACE_ID,
        span_id=SPAN_ID,
        trace_flags=1,
        weight=10.0,
        dropped_attributes_count=2,
    )


@pytest.mark.proves("G4")
def test_a_record_is_sent_with_all_its_parts() -> None:
    [log] = logs([full_record()])
    assert log.time_unix_nano == 1_795_247_063_541_164_823
    assert log.observed_time_unix_nano == 1_795_247_063_541_164_824
    assert (log.severity_number, log.severity_text) == (17, "ERROR")
    assert log.event_name == "test.mixed"
    assert not log.HasField("body")
    assert (log.trace_id.hex(), log.span_id.hex()) == (TRACE_ID, SPAN_ID)
    assert (log.flags, log.dropped_attributes_count) == (1, 2)
    assert attributes(log) == {
        "log.record.uid": "bus-1f",
        "eventbus.weight": 10.0,
        "gen_ai.tool.name": "shell",
        "call_id": "c-1",
        "duration_ms": 3.0,
        "success": True,
        "exit_code": -1,
        "output_length": 2048,
        "model": "m",
        "kind": "local",
        "ratio": 0.5,
        "gen_ai.conversation.id": "s-1",
    }


def test_a_number_declared_as_float_is_a_double_even_when_it_is_whole() -> None:
    [log] = logs([full_record()])
    [duration] = [one for one in log.attributes if one.key == "duration_ms"]
    assert duration.value.WhichOneof("value") == "double_value"


def test_an_event_type_says_which_field_is_the_body() -> None:
    with_body, without = logs([Record(Said(message="hi")), Record(Said(message=None))])
    assert with_body.body.string_value == "hi"
    assert attributes(with_body) == {"speaker": "agent"}
    assert not without.HasField("body")


def test_a_bound_attribute_stands_where_the_field_of_its_name_says_nothing() -> None:
    event = full_record().event
    bound = {"error": "bound"}
    silent, loud = logs(
        [
            Record(event, attributes=bound),
            Record(msgspec.structs.replace(event, error="own"), attributes=bound),
        ]
    )
    assert attributes(silent)["error"] == "bound"
    assert attributes(loud)["error"] == "own"
    assert len({one.key for one in loud.attributes}) == len(loud.attributes)


def test_each_service_has_its_own_records() -> None:
    bus = {"service.name": "as the bus was given it"}
    relayed = [{"service.name": "a"}, {"service.name": "b"}, {"service.name": "a"}]
    records = [Record(Bare(), id=str(i), resource=r) for i, r in enumerate(relayed)]
    own = [Record(Bare(), id="own"), Record(Bare(), id="bus", resource=dict(bus))]
    encoder = LogsEncoder("protobuf", resource=RESOURCE, bus_resource=bus)
    request = READ(encoder.encode([*records, *own]).body)
    found = {
        attributes(group.resource)["service.name"]: [
            attributes(log)["log.record.uid"] for log in group.scope_logs[0].log_records
        ]
        for group in request.resource_logs
    }
    assert found == {"a": ["0", "2"], "b": ["1"], "checkout": ["own", "bus"]}


def test_one_of_the_same_two_services_says_its_attributes_in_another_order() -> None:
    services = [{"a": 1, "b": 2}, {"b": 2, "a": 1}]
    [protobuf, _] = encoders()
    body = protobuf.encode([Record(Bare(), resource=one) for one in services]).body
    assert len(READ(body).resource_logs) == 1


def test_a_resource_says_how_many_of_its_attributes_have_no_form() -> None:
    [protobuf, json] = encoders()
    bad: Any = {"good": 1, "bad": object()}
    for encoded, read in ((protobuf, READ), (json, from_json)):
        [group] = read(
            encoded.encode([Record(Bare(), resource=bad)]).body
        ).resource_logs
        assert attributes(group.resource) == {"good": 1}
        assert group.resource.dropped_attributes_count == 1


def test_the_schema_of_the_names_is_said() -> None:
    both = encoders(schema_url="https://s")
    for encoder, read in zip(both, (READ, from_json), strict=True):
        [group] = read(encoder.encode([full_record()]).body).resource_logs
        assert group.scope_logs[0].schema_url == "https://s"


@pytest.mark.parametrize("form", ["protobuf", "json"])
def test_nothing_is_sent_of_no_records(form: Any) -> None:
    assert LogsEncoder(form, resource={}).encode([]) == (b"", (), (), {})


@pytest.mark.proves("fault-76")
@pytest.mark.parametrize(
    "trace_id",
    ["0" * 32, TRACE_ID[:-1], TRACE_ID + "0", TRACE_ID.upper(), "", "xy", "é"],
)
def test_a_trace_id_that_is_none_is_left_out_and_the_span_with_it(
    trace_id: str,
) -> None:
    record = Record(Bare(), trace_id=trace_id, span_id=SPAN_ID, trace_flags=1)
    [log] = logs([record])
    assert (log.trace_id, log.span_id, log.flags) == (b"", b"", 0)


@pytest.mark.proves("fault-76")
@pytest.mark.parametrize(
    "span_id", ["0" * 16, SPAN_ID[:-1], SPAN_ID + "\n", SPAN_ID.upper(), "", None]
)
def test_a_span_id_that_is_none_is_left_out(span_id: str | None) -> None:
    [log] = logs([Record(Bare(), trace_id=TRACE_ID, span_id=span_id)])
    assert (log.trace_id.hex(), log.span_id) == (TRACE_ID, b"")


def test_severities_have_the_numbers_of_the_data_model() -> None:
    said = ["trace", "debug", "info", "warn", "error", "fatal"]
    records: Any = [Record(Bare(), severity=one) for one in said]
    found = [(log.severity_number, log.severity_text) for log in logs(records)]
    assert found == [
        (1, "TRACE"),
        (5, "DEBUG"),
        (9, "INFO"),
        (13, "WARN"),
        (17, "ERROR"),
        (21, "FATAL"),
    ]


def test_a_record_without_a_severity_has_that_of_its_type() -> None:
    [log] = logs([Record(full_record().event)])
    assert log.severity_text == "WARN"


class Graded(Event, tag="test.graded", severity="debug"):
    severity: Severity | None = None


def test_an_event_says_its_own_severity_where_its_record_does_not() -> None:
    events = [Graded(severity="fatal"), Graded()]
    said = [log.severity_text for log in logs([Record(event) for event in events])]
    assert said == ["FATAL", "DEBUG"]


def compared(seed: int, count: int) -> int:
    """Return how many of *count* records at random are what the official classes make.

    It ends at the first one that is not.
    """
    draw = random.Random(seed)
    protobuf, json = encoders()
    found = 0
    for start in range(0, count, 500):
        size = min(500, count - start)
        batch = [random_record(draw, start + number) for number in range(size)]
        official = official_request(batch, RESOURCE)
        encoded = protobuf.encode(batch)
        assert (encoded.unencodable, encoded.sent) == ([], range(size))
        assert same(READ(encoded.body), official)
        assert same(READ(official.SerializeToString()), READ(encoded.body))
        assert same(from_json(json.encode(batch).body), official)
        found += size
    return found


@pytest.mark.proves("G1", "G2")
@given(seed=st.integers(0, 2**32), count=st.integers(1, 30))
@settings(max_examples=60, deadline=None)
def test_both_forms_are_what_the_official_classes_make(seed: int, count: int) -> None:
    assert compared(seed, count) == count


@pytest.mark.proves("fault-74", "fault-75")
@pytest.mark.slow
@pytest.mark.timeout(600)
def test_100_000_records_are_what_the_official_classes_make_of_them() -> None:
    assert compared(seed=1, count=100_000) == 100_000


def test_what_a_record_says_of_its_severity_wins_over_its_event() -> None:
    event = Graded(severity="fatal")
    said = logs([Record(event, severity="error"), Record(event)])
    assert [log.severity_text for log in said] == ["ERROR", "FATAL"]


@pytest.mark.proves("G4")
def test_of_the_flags_the_byte_of_w3c_is_sent() -> None:
    [log] = logs([Record(Bare(), trace_id=TRACE_ID, trace_flags=0x1FF)])
    assert log.flags == 0xFF


def test_a_weight_of_1_is_not_sent_beside_another() -> None:
    found = map(attributes, logs([Record(Bare(), weight=w) for w in (1.0, 2, 1)]))
    assert list(found) == [{}, {"eventbus.weight": 2.0}, {}]


class Measured(Event, tag="test.measured", body="share"):
    share: float
    either: int | float = 0


def test_a_body_and_a_number_are_of_the_type_that_is_declared() -> None:
    [log] = logs([Record(Measured(share=1, either=3))])
    assert log.body.WhichOneof("value") == "double_value"
    assert log.attributes[0].value.WhichOneof("value") == "int_value"


BOUNDARIES = [2**bits + more for bits in range(7, 64, 7) for more in (-1, 0, 1)]


@pytest.mark.proves("fault-75")
@pytest.mark.parametrize("number", [0, 1, *(n for n in BOUNDARIES if n < 2**63)])
def test_a_request_is_as_short_as_the_official_one(number: int) -> None:
    """A varint with zeros at its end, or a field that says nothing, makes it longer."""
    record = msgspec.structs.replace(
        full_record(),
        event=msgspec.structs.replace(
            full_record().event, exit_code=number, output_length=-number
        ),
        trace_flags=number & 1,
        dropped_attributes_count=number & 1,
    )
    batch: Any = [record, full_record()]
    [protobuf, _] = encoders()
    official = official_request(batch, RESOURCE)
    body = protobuf.encode(batch).body
    assert same(READ(body), official)
    assert len(body) == official.ByteSize()


@pytest.mark.parametrize("length", [n for n in BOUNDARIES if n < 2**22])
def test_a_text_of_any_length_is_one(length: int) -> None:
    text = "x" * length
    [protobuf, _] = encoders()
    for _ in range(2):
        body = protobuf.encode([Record(Said(message=text, speaker=text))]).body
        [log] = READ(body).resource_logs[0].scope_logs[0].log_records
        assert (log.body.string_value, attributes(log)) == (text, {"speaker": text})


def test_only_common_lengths_are_remembered() -> None:
    heads, value = Heads(1), ProtobufValue(1)
    lengths = [10**6 + n for n in range(100)]
    assert len({heads[length] for length in lengths}) == 100
    value.texts(["x" * length for length in lengths])
    assert (len(heads), len(value._text_heads)) == (0, 0)
