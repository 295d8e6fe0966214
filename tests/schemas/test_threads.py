"""What is told of a thread, its turns and its tools from start to end."""

from __future__ import annotations

import pytest

from eventbus import Event
from eventbus._catalog import describe
from eventbus_schemas import (
    AttachmentCleaned,
    AttachmentStaged,
    ItemCompleted,
    McpToolCallResult,
    McpToolCallStarted,
    RateLimited,
    RealtimeAudio,
    RealtimeSessionStarted,
    RealtimeSessionStopped,
    ThreadFailed,
    ThreadStarted,
    ThreadStopped,
    TokenUsage,
    ToolResult,
    ToolStarted,
    TurnCompaction,
    TurnCompleted,
    TurnDiffUpdated,
    TurnFailed,
    TurnStarted,
    VoiceStageStarted,
    VoiceStageStopped,
)
from eventbus_schemas._turn_progress import changed_lines

OF_THREAD = {
    *("thread_id", "turn_id", "span_token", "workflow", "group", "source"),
    *("trace_name", "trace_sensitive", "tracing_disabled", "previous_response_id"),
}
TIMED = {"duration_ms", "error_message", "error_message_length"}
FIELDS: list[tuple[type[Event], set[str]]] = [
    (ThreadStarted, {*OF_THREAD, "input", "input_length"}),
    (ThreadStopped, {*OF_THREAD, *TIMED, "success", "result"}),
    (ThreadFailed, {*OF_THREAD, *TIMED}),
    (TurnDiffUpdated, {*OF_THREAD, "diff", "diff_length", "lines_added"}),
    (TurnCompaction, {*OF_THREAD, "stage", "tokens_saved", "compaction"}),
    (ItemCompleted, {*OF_THREAD, "item_id", "item_type"}),
    (
        TokenUsage,
        {
            *("thread_id", "turn_id", "input_tokens", "session_input_tokens"),
            *("session_output_tokens", "session_total_tokens", "total_tokens"),
            *("workflow", "group", "trace_name", "previous_response_id"),
        },
    ),
]
OF_TOOLS: list[tuple[type[Event], set[str]]] = [
    (
        ToolStarted,
        {
            *("tool_name", "module", "metadata", "arguments", "is_retry", "attempt"),
            *("call_id", "thread_id", "turn_id", "capabilities", "sandbox_warnings"),
            "span_token",
        },
    ),
    (
        ToolResult,
        {
            *("tool_name", "arguments", "attempt", "call_id", "thread_id", "turn_id"),
            *("span_token", "duration_ms", "output", "success"),
        },
    ),
    (McpToolCallStarted, {"tool_name", "arguments", "mcp_server", "span_token"}),
    (
        McpToolCallResult,
        {
            *("tool_name", "mcp_server", "attempt", "duration_ms", "error_message"),
            *("success", "span_token", "error_type", "error_code"),
        },
    ),
]
OF_THE_REST: list[tuple[type[Event], set[str]]] = [
    (RateLimited, {"delay_ms", "attempt", "info", "info_length"}),
    (AttachmentStaged, {"size_bytes", "checksum", "name", "persistent", "ttl_ms"}),
    (AttachmentCleaned, {"count", "size_bytes", "checksum", "name", "ttl_ms"}),
    (RealtimeSessionStarted, {"realtime_session_id", "span_token"}),
    (RealtimeSessionStopped, {"realtime_session_id", "span_token", "duration_ms"}),
    (RealtimeAudio, {"direction", "size_bytes"}),
    (VoiceStageStarted, {"stage", "span_token"}),
    (VoiceStageStopped, {"stage", "span_token", "duration_ms"}),
    (TurnStarted, {"turn_id", "span_token"}),
    (TurnCompleted, {"turn_id", "span_token", "duration_ms"}),
    (TurnFailed, {"turn_id", "span_token", "duration_ms", "error_message"}),
    (ItemCompleted, {"item_id", "item_type", "turn_id"}),
]


@pytest.mark.proves("B17")
@pytest.mark.parametrize(("cls", "fields"), FIELDS)
def test_what_happens_in_a_thread_tells_all_of_it(
    cls: type[Event], fields: set[str]
) -> None:
    assert set(cls.__struct_fields__) >= fields


@pytest.mark.proves("B18")
@pytest.mark.parametrize(("cls", "fields"), OF_TOOLS)
def test_what_happens_to_a_tool_tells_all_of_it(
    cls: type[Event], fields: set[str]
) -> None:
    assert set(cls.__struct_fields__) >= fields


@pytest.mark.proves("B19")
@pytest.mark.parametrize(("cls", "fields"), OF_THE_REST)
def test_what_happens_beside_it_tells_all_of_it(
    cls: type[Event], fields: set[str]
) -> None:
    assert set(cls.__struct_fields__) >= fields


@pytest.mark.proves("B17")
@pytest.mark.parametrize(
    ("result", "success", "severity"),
    [
        ("ok", True, "info"),
        ("error", False, "warn"),
        ("early_exit", False, "info"),
        ("cancelled", False, "info"),
    ],
)
def test_a_thread_that_is_left_has_an_end_as_well(
    result: str, success: bool, severity: str
) -> None:
    event = ThreadStopped.of(result, span_token="00f067aa0ba902b7")  # type: ignore[arg-type]  # a Literal, from the table
    assert (event.success, event.severity) == (success, severity)
    assert (event.error_message, event.error_message_length) == (None, None)


@pytest.mark.proves("B17")
@pytest.mark.parametrize(
    "cls", [ThreadStopped, ThreadFailed, ToolResult, McpToolCallResult]
)
def test_the_token_of_start_and_end_is_the_id_of_the_span(cls: type[Event]) -> None:
    span = describe(cls).identity.span
    assert span is not None
    assert (span.id, span.duration, span.ok) == ("span_token", "duration_ms", "success")


@pytest.mark.proves("B17", "B21")
def test_false_marks_for_tracing_differ_from_none() -> None:
    event = ThreadStarted.from_text(
        "Gö.", trace_sensitive=False, tracing_disabled=False
    )
    assert (event.trace_sensitive, event.tracing_disabled) == (False, False)
    assert (event.input, event.input_length) == ("Gö.", 4)
    silent = ThreadStarted.from_text("")
    assert (silent.trace_sensitive, silent.thread_id) == (None, None)


@pytest.mark.proves("B17")
@pytest.mark.parametrize(
    ("diff", "lines"),
    [
        ("", (0, 0)),
        ("--- a/x\n+++ b/x\n@@ -1,2 +1,3 @@\n a\n-b\n+c\n+d\n", (2, 1)),
        ("@@ -1 +1 @@\n--- old\n+++ new\n", (1, 1)),
        ("@@ -0,0 +1 @@\n+a\n\\ No newline at end of file\n", (1, 0)),
        ("@@ -1 +0,0 @@\n-a\n--- a/y\n+++ b/y\n@@ -1 +1,2 @@\n b\n+c\n", (1, 1)),
        ("+ no hunk\n- at all\n", (0, 0)),
        ("Binary files a/x and b/x differ\n", (0, 0)),
    ],
)
def test_lines_of_a_diff_are_counted_where_its_hunks_are(
    diff: str, lines: tuple[int, int]
) -> None:
    assert changed_lines(diff) == lines
    event = TurnDiffUpdated.from_text(diff)
    assert (event.lines_added, event.lines_removed) == lines
    assert event.diff_length == len(diff.encode())


@pytest.mark.proves("B17")
def test_a_compaction_has_its_stage_and_what_it_saved() -> None:
    event = TurnCompaction.of("failed", compaction="{}")
    assert (event.stage, event.tokens_saved, event.severity) == ("failed", None, "warn")
    assert TurnCompaction.of("completed", tokens_saved=0).tokens_saved == 0


@pytest.mark.proves("B18")
def test_a_warning_of_a_sandbox_stands_there_once() -> None:
    event = ToolStarted.of(
        "shell",
        arguments="é",
        capabilities=("net", "fs"),
        sandbox_warnings=["C:\\Tmp is open", "no net", "c:/tmp is open"],
    )
    assert event.sandbox_warnings == "C:\\Tmp is open\nno net"
    assert (event.sandbox_warning_count, event.capabilities) == (2, "net, fs")
    assert event.arguments_length == 2
    assert ToolStarted.of("shell").sandbox_warning_count is None


@pytest.mark.proves("B18")
def test_an_mcp_call_that_failed_keeps_its_words_as_content() -> None:
    event = McpToolCallResult.of("find", success=False, error_message="né", attempt=0)
    assert (event.error_message_length, event.severity, event.attempt) == (3, "warn", 0)
    assert set(describe(McpToolCallResult).sensitive_fields) == {
        *("error_message", "mcp_server", "mcp_server_origin")
    }


@pytest.mark.proves("B19")
def test_a_refusal_for_now_counts_attempts_from_0_and_keeps_what_was_said() -> None:
    event = RateLimited.of(60_000.0, info="né")
    assert (event.attempt, event.delay_ms) == (0, 60_000.0)
    assert (event.info, event.info_length) == ("né", 3)
    assert describe(RateLimited).identity.severity == "warn"


@pytest.mark.proves("B17")
def test_what_is_said_of_the_end_of_a_file_is_no_line_of_it() -> None:
    ending = "\\ No newline at end of file\n"
    diff = f"@@ -1 +1,2 @@\n-a\n{ending}+a\n+b\n{ending}"
    event = TurnDiffUpdated.from_text(diff)
    assert (event.lines_added, event.lines_removed) == (2, 1)
