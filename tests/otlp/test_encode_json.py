"""OTLP in JSON to the letter."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest

from eventbus import Record
from eventbus_otlp._encode import LogsEncoder
from eventbus_otlp._version import version
from tests.otlp._events import SPAN_ID, TRACE_ID, Bare, Loose, Said
from tests.otlp.test_encode import full_record

SCOPE = {"name": "eventbus", "version": version()}


def encoded(*records: Record[Any], **resource: Any) -> dict[str, Any]:
    """Return the request as JSON says it, which has no ``null`` in it."""
    body = LogsEncoder("json", resource=resource).encode(records).body
    assert b"null" not in body
    found: dict[str, Any] = json.loads(body)
    return found


@pytest.mark.proves("G2", "fault-74")
def test_a_request_is_written_as_the_protocol_says_it() -> None:
    request = encoded(full_record(), **{"service.name": "checkout"})
    assert request == {
        "resourceLogs": [
            {
                "resource": {
                    "attributes": [
                        {"key": "service.name", "value": {"stringValue": "checkout"}}
                    ]
                },
                "scopeLogs": [{"scope": SCOPE, "logRecords": [FULL]}],
            }
        ]
    }


FULL = {
    "timeUnixNano": "1795247063541164823",
    "observedTimeUnixNano": "1795247063541164824",
    "severityNumber": 17,
    "severityText": "ERROR",
    "eventName": "test.mixed",
    "attributes": [
        {"key": "log.record.uid", "value": {"stringValue": "bus-1f"}},
        {"key": "eventbus.weight", "value": {"doubleValue": 10.0}},
        {"key": "gen_ai.tool.name", "value": {"stringValue": "shell"}},
        {"key": "call_id", "value": {"stringValue": "c-1"}},
        {"key": "duration_ms", "value": {"doubleValue": 3.0}},
        {"key": "success", "value": {"boolValue": True}},
        {"key": "exit_code", "value": {"intValue": "-1"}},
        {"key": "output_length", "value": {"intValue": "2048"}},
        {"key": "model", "value": {"stringValue": "m"}},
        {"key": "kind", "value": {"stringValue": "local"}},
        {"key": "ratio", "value": {"doubleValue": 0.5}},
        {"key": "gen_ai.conversation.id", "value": {"stringValue": "s-1"}},
    ],
    "droppedAttributesCount": 2,
    "flags": 1,
    "traceId": TRACE_ID,
    "spanId": SPAN_ID,
}


@pytest.mark.proves("fault-74")
def test_what_is_absent_is_left_out() -> None:
    assert encoded(Record(Bare()), Record(Said(message=None, speaker="s"))) == {
        "resourceLogs": [
            {
                "scopeLogs": [
                    {
                        "scope": SCOPE,
                        "logRecords": [
                            {
                                "timeUnixNano": "0",
                                "observedTimeUnixNano": "0",
                                "severityNumber": 9,
                                "severityText": "INFO",
                                "eventName": "test.bare",
                            },
                            {
                                "timeUnixNano": "0",
                                "observedTimeUnixNano": "0",
                                "severityNumber": 9,
                                "severityText": "INFO",
                                "eventName": "test.said",
                                "attributes": [
                                    {"key": "speaker", "value": {"stringValue": "s"}}
                                ],
                            },
                        ],
                    }
                ]
            }
        ]
    }


@pytest.mark.proves("G2", "fault-74")
def test_each_kind_of_value_is_written_as_the_protocol_says_it() -> None:
    value = {"t": "x", "i": 2**53, "d": math.nan, "b": b"\xff", "y": True, "n": None}
    request = encoded(Record(Loose(first_value=value, second_value=[1, []])))
    [log] = request["resourceLogs"][0]["scopeLogs"][0]["logRecords"]
    assert log["attributes"] == [
        {
            "key": "firstValue",
            "value": {
                "kvlistValue": {
                    "values": [
                        {"key": "t", "value": {"stringValue": "x"}},
                        {"key": "i", "value": {"intValue": "9007199254740992"}},
                        {"key": "d", "value": {"doubleValue": "NaN"}},
                        {"key": "b", "value": {"bytesValue": "/w=="}},
                        {"key": "y", "value": {"boolValue": True}},
                        {"key": "n", "value": {}},
                    ]
                }
            },
        },
        {
            "key": "secondValue",
            "value": {
                "arrayValue": {
                    "values": [{"intValue": "1"}, {"arrayValue": {"values": []}}]
                }
            },
        },
    ]


def test_text_that_needs_escapes_stays_one_value() -> None:
    texts = ['"},{"', "a\nb", "\u2028", "\\", "\x00", "é"]
    request = encoded(*(Record(Loose(first_value=text)) for text in texts))
    found = request["resourceLogs"][0]["scopeLogs"][0]["logRecords"]
    sent = [log["attributes"][0]["value"]["stringValue"] for log in found]
    assert sent == texts


def test_what_only_other_records_of_a_batch_have_is_left_out() -> None:
    request = encoded(
        Record(Bare(), dropped_attributes_count=1, trace_id=TRACE_ID, trace_flags=1),
        Record(Bare(), trace_id=TRACE_ID),
    )
    first, second = request["resourceLogs"][0]["scopeLogs"][0]["logRecords"]
    assert (first.pop("droppedAttributesCount"), first.pop("flags")) == (1, 1)
    assert first == second
