"""What attributes and events are called outside, where data says so."""

from __future__ import annotations

import math
from typing import Any

import pytest

from eventbus import Record
from eventbus_otlp._names import AttributeNames
from tests.otlp._both import attributes, both
from tests.otlp._events import Loose, Mixed


def sent(record: Record[Any], names: AttributeNames) -> tuple[str, dict[str, Any]]:
    """Return the event's name and the attributes of *record*, as they are sent."""
    read, _ = both([record, record], names=names)
    log, _ = read.resource_logs[0].scope_logs[0].log_records
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


NAMES = AttributeNames(
    renamed={
        "gen_ai.tool.name": "tool_name",
        "user": "user.name",
        "eventbus.weight": "w",
    },
    converted={
        "duration_ms": "whole_text",
        "success": "text",
        "exit_code": "text",
        "ratio": "text",
        "user": "text",
    },
    left_out=frozenset({"log.record.uid", "model", "secret"}),
    events={"test.mixed": "codex.tool_result"},
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
            "kind": "local",
            "ratio": "0.5",
            "user.name": "7",
            "other": 1,
        },
    )


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("text", "text"),
        (False, "false"),
        (12.0, "12.0"),
        (math.nan, "NaN"),
        (10**30, str(10**30)),
        ([1, None, "é", math.inf], '[1,null,"é","Infinity"]'),
        ({"k": b"\xff"}, '{"k":"/w=="}'),
    ],
)
def test_a_value_as_text_is_its_json(value: Any, text: str) -> None:
    names = AttributeNames(converted={"firstValue": "text"})
    _, found = sent(Record(Loose(first_value=value)), names)
    assert found == {"firstValue": text}


@pytest.mark.parametrize(
    ("value", "text"), [(12.9, "12"), (-0.5, "0"), (7, "7"), (math.inf, "Infinity")]
)
def test_a_number_as_whole_text_is_cut(value: Any, text: str) -> None:
    names = AttributeNames(converted={"firstValue": "whole_text"})
    _, found = sent(Record(Loose(first_value=value)), names)
    assert found == {"firstValue": text}
