"""Spans at random against what the official classes make of them, and to the letter."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.proto.trace.v1 import trace_pb2

from eventbus import Record
from eventbus_otlp._encode_spans import SpansEncoder
from tests.otlp._both import both_of_spans, spans
from tests.otlp._events import (
    SPAN_ID,
    TRACE_ID,
    random_bound,
    random_record,
    random_value,
)
from tests.otlp._official import official_pairs, same
from tests.otlp.test_encode_spans import END, ERROR, OK, Failure, Tool, made


def official_span(record: Record[Tool], span_id: bytes) -> trace_pb2.Span:
    """Return what the official class says of *record*, whose span has that id."""
    event, kinds = record.event, trace_pb2.Span.SpanKind
    own = {
        "eventbus.weight": None if record.weight == 1 else record.weight,
        "gen_ai.tool.name": event.tool,
        "duration_ms": event.duration_ms,
        "success": event.success,
        "error.message": event.error_message,
    }
    said = {name: value for name, value in own.items() if value is not None}
    bound = {k: v for k, v in record.attributes.items() if k not in said}
    took = int((event.duration_ms or 0) * 10**6)
    span = trace_pb2.Span(
        trace_id=bytes.fromhex(record.trace_id or ""),
        span_id=span_id,
        parent_span_id=bytes.fromhex(record.span_id or ""),
        flags=record.trace_flags,
        name=f"execute_tool {event.tool}",
        kind=kinds.SPAN_KIND_INTERNAL,
        start_time_unix_nano=max(record.time_unix_nano - took, 0),
        end_time_unix_nano=record.time_unix_nano,
        attributes=official_pairs((said | bound).items()),
        dropped_attributes_count=record.dropped_attributes_count,
    )
    if event.success is not None:
        span.status.code = OK if event.success else ERROR
        span.status.message = "" if event.success else event.error_message or ""
    return span


def compared(seed: int, count: int) -> int:
    """Return how many of *count* spans at random are what the official classes make.

    It ends at the first one that is not.
    """
    draw = random.Random(seed)
    batch: list[Record[Any]] = []
    for number in range(count):
        event = Tool(
            tool=draw.choice(("shell", "é", "")),
            duration_ms=draw.choice((None, 0.0, 1.5, 1e9, draw.random())),
            success=draw.choice((None, True, False)),
            error_message=draw.choice((None, "", "no")),
        )
        record = made(
            event,
            id=f"id-{number}",
            trace_id=f"{draw.randrange(1, 2**128):032x}",
            span_id=f"{draw.randrange(1, 2**64):016x}",
            trace_flags=draw.choice((0, 1)),
            attributes=random_bound(draw),
            weight=draw.choice((1.0, 3.0)),
            dropped_attributes_count=draw.choice((0, 2)),
        )
        batch.append(record)
    found = spans(*batch)
    assert len(found) == count
    assert len({span.span_id for span in found}) == count
    for record, span in zip(batch, found, strict=True):
        assert same(span, official_span(record, span.span_id))
    return len(found)


@pytest.mark.proves("fault-75")
@given(seed=st.integers(0, 2**32), count=st.integers(1, 20))
@settings(max_examples=40, deadline=None)
def test_spans_are_what_the_official_classes_make(seed: int, count: int) -> None:
    assert compared(seed, count) == count


@given(seed=st.integers(0, 2**32))
@settings(max_examples=40, deadline=None)
def test_whatever_is_in_an_event_both_forms_say_the_same(seed: int) -> None:
    draw = random.Random(seed)
    values = [random_value(draw) for _ in range(10)]
    tools = [made(Tool(anything=v), attributes=random_bound(draw)) for v in values]
    others = [random_record(draw, number) for number in range(10)]
    _, encoded = both_of_spans([*tools, *others])
    assert list(encoded.sent) == list(range(10))


def test_a_span_in_json_is_written_as_the_protocol_says_it() -> None:
    event = Failure(took=1, kind="E", caused_by=f"00-{TRACE_ID}-{SPAN_ID}-01")
    record = made(event, trace_flags=1)
    body = SpansEncoder("json", resource={}).encode([record]).body
    [span] = json.loads(body)["resourceSpans"][0]["scopeSpans"][0]["spans"]
    own_id = span.pop("spanId")
    assert len(own_id) == 16
    assert span == {
        "traceId": TRACE_ID,
        "parentSpanId": SPAN_ID,
        "flags": 1,
        "name": "E",
        "kind": 1,
        "startTimeUnixNano": str(END - 10**9),
        "endTimeUnixNano": str(END),
        "attributes": [
            {"key": "took", "value": {"intValue": "1"}},
            {
                "key": "caused_by",
                "value": {"stringValue": f"00-{TRACE_ID}-{SPAN_ID}-01"},
            },
        ],
        "events": [
            {
                "timeUnixNano": str(END),
                "name": "exception",
                "attributes": [
                    {"key": "exception.type", "value": {"stringValue": "E"}}
                ],
            }
        ],
        "links": [{"traceId": TRACE_ID, "spanId": SPAN_ID, "flags": 1}],
        "status": {"code": 2},
    }
