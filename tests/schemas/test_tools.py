"""What is told of a tool's result."""

from __future__ import annotations

import msgspec
import pytest

from eventbus import Bus, Record
from eventbus._catalog import describe
from eventbus._encode_line import LineEncoder
from eventbus.testing import RecordingSink
from eventbus_schemas import ToolResult


@pytest.mark.proves("B10")
def test_result_carries_its_content_and_what_is_safe_to_tell_of_it() -> None:
    event = ToolResult.of(
        "search",
        success=True,
        arguments="{é}",
        output="a\nb€\n",
        tool_origin="mcp",
        mcp_server="docs",
    )
    assert (event.arguments, event.output) == ("{é}", "a\nb€\n")
    assert (event.arguments_length, event.output_length) == (4, 7)
    assert (event.output_line_count, event.tool_origin) == (2, "mcp")
    assert set(describe(ToolResult).sensitive_fields) == {
        "arguments",
        "output",
        "mcp_server",
        "mcp_server_origin",
        "exception_message",
    }


@pytest.mark.proves("B10")
def test_tool_that_could_not_run_is_an_error_that_keeps_its_words_redactable() -> None:
    event = ToolResult.could_not_run("shell", "denied")
    assert (event.outcome, event.success, event.severity) == (
        "could_not_run",
        False,
        "error",
    )
    assert (event.duration_ms, event.output, event.output_length) == (0.0, "denied", 6)
    assert (event.call_id, event.arguments, event.arguments_length) == (
        None,
        None,
        None,
    )


@pytest.mark.parametrize(
    ("success", "outcome", "severity"),
    [
        (True, "completed", "info"),
        (False, "completed", "warn"),
        (False, "no_output", "warn"),
        (False, "could_not_run", "error"),
    ],
)
def test_severity_follows_from_how_it_ended(
    success: bool, outcome: str, severity: str
) -> None:
    event = ToolResult.of("x", success=success, outcome=outcome)  # type: ignore[arg-type]  # a Literal, from the table
    assert event.severity == severity


def test_result_is_a_span_that_ends_with_it() -> None:
    span = describe(ToolResult).identity.span
    assert span is not None
    assert (span.name, span.duration, span.ok) == (
        "execute_tool {tool_name}",
        "duration_ms",
        "success",
    )


@pytest.mark.proves("B10")
async def test_why_a_tool_could_not_run_stays_where_content_was_asked_for() -> None:
    safe, full = RecordingSink(), RecordingSink()
    event = ToolResult.could_not_run(
        "shell", "no such file: /home/ada/x\nsecond line", call_id="c", turn_id="t"
    )
    async with Bus() as bus:
        bus.attach(safe, name="safe")
        bus.attach(full, name="full", content="full")
        bus.emit(event)
    (kept_back,), (told,) = safe.events, full.events
    assert told == event
    assert b"ada" not in LineEncoder().encode_one(Record(kept_back, id="1"))
    assert kept_back == msgspec.structs.replace(event, output="[REDACTED]")
    assert (event.output_length, event.output_line_count) == (37, 2)
    assert (event.tool_origin, event.call_id, event.turn_id) == ("builtin", "c", "t")
