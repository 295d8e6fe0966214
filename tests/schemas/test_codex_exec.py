"""What each line of ``codex exec --json`` becomes, on lines written by hand."""

from __future__ import annotations

import msgspec
import pytest

from eventbus_schemas import (
    FileChange,
    ItemCompleted,
    ToolResult,
    TurnCompleted,
    TurnFailed,
)

from ._lines import completed, events, exec_output, records, skipped, started, thread


def result(*lines: bytes) -> ToolResult:
    (event,) = events(exec_output(*lines))
    assert isinstance(event, ToolResult)
    return event


@pytest.mark.parametrize(
    ("ended", "outcome", "success", "severity"),
    [
        ({"exit_code": 0, "status": "completed"}, "completed", True, "info"),
        ({"exit_code": 1, "status": "failed"}, "completed", False, "warn"),
        ({"exit_code": None, "status": "completed"}, "completed", True, "info"),
        ({"exit_code": None, "status": "failed"}, "could_not_run", False, "error"),
        ({"status": "declined"}, "could_not_run", False, "error"),
    ],
)
def test_command_ends_as_its_exit_status_or_else_its_status_says(
    ended: dict[str, object], outcome: str, success: bool, severity: str
) -> None:
    event = result(completed(id="i", type="command_execution", command="ls", **ended))
    assert (event.outcome, event.success, event.severity) == (
        outcome,
        success,
        severity,
    )


def test_start_and_end_of_a_command_are_one_result() -> None:
    command = {"id": "i", "type": "command_execution", "command": "ls"}
    event = result(
        started(**command, status="in_progress"),
        completed(**command, aggregated_output="a\nb", exit_code=0, status="completed"),
    )
    assert (event.output, event.output_line_count) == ("a\nb", 2)


def test_command_without_an_end_is_a_result_without_output() -> None:
    event = result(started(id="i", type="command_execution", command="ls"))
    assert (event.outcome, event.success, event.arguments) == ("no_output", False, "ls")


def test_command_of_a_thread_before_is_given_up_when_the_next_begins() -> None:
    lines = started(id="i", type="command_execution", command="ls")
    conversations = [
        (record.name, record.attributes["gen_ai.conversation.id"])
        for record in records(exec_output(thread("t-1"), lines, thread("t-2"), lines))
    ]
    assert conversations == [
        ("agent.conversation_starts", "t-1"),
        ("agent.tool_result", "t-1"),
        ("agent.conversation_starts", "t-2"),
        ("agent.tool_result", "t-2"),
    ]


def test_call_of_an_mcp_server_keeps_arguments_and_result_as_json() -> None:
    event = result(
        completed(
            id="i",
            type="mcp_tool_call",
            server="docs",
            tool="search",
            arguments={"q": "é"},
            result={"content": []},
            status="completed",
        )
    )
    assert (event.tool_name, event.tool_origin, event.mcp_server) == (
        "search",
        "mcp",
        "docs",
    )
    assert (event.arguments, event.output) == ('{"q":"é"}', '{"content":[]}')
    assert event.success


def test_call_of_an_mcp_server_without_arguments_and_result_has_none() -> None:
    event = result(
        completed(
            id="i",
            type="mcp_tool_call",
            server="docs",
            tool="search",
            arguments=None,
            result=None,
            status="completed",
        )
    )
    assert (event.arguments, event.arguments_length, event.output) == (None, None, "")


@pytest.mark.parametrize(
    ("ended", "output"),
    [
        ({"status": "failed", "error": {"message": "gone"}}, "gone"),
        ({"status": "completed", "error": {"message": "gone"}}, "gone"),
        ({"status": "failed", "result": {"x": 1}}, '{"x":1}'),
    ],
)
def test_call_of_an_mcp_server_fails_by_its_status_or_an_error(
    ended: dict[str, object], output: str
) -> None:
    event = result(
        completed(id="i", type="mcp_tool_call", server="docs", tool="find", **ended)
    )
    assert (event.success, event.output, event.severity) == (False, output, "warn")


def test_change_that_was_not_made_is_a_warning() -> None:
    changes = [{"path": "a", "kind": "update"}, {"path": "b", "kind": "delete"}]
    (event,) = events(
        exec_output(
            completed(id="i", type="file_change", changes=changes, status="failed")
        )
    )
    assert event == FileChange(
        success=False,
        files_updated=1,
        files_deleted=1,
        paths="a\nb",
        item_id="i",
        severity="warn",
    )


def test_failed_turn_tells_its_error_and_how_long_it_is() -> None:
    (event,) = events(
        exec_output(b'{"type":"turn.failed","error":{"message":"no \xc3\xa9"}}')
    )
    assert event == TurnFailed(error_message="no é", error_message_length=5)


@pytest.mark.proves("B21")
def test_turn_without_usage_has_no_tokens_instead_of_zero() -> None:
    (event,) = events(exec_output(b'{"type":"turn.completed"}'))
    assert event == TurnCompleted()
    assert TurnCompleted().input_tokens is None


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        (msgspec.json.encode({"type": "error", "message": "x"}), "error"),
        (msgspec.json.encode({"type": "item.updated", "item": {}}), "item.updated"),
        (started(id="i", type="todo_list"), "item.started.todo_list"),
        (completed(id="i", type="hologram"), "item.completed.hologram"),
    ],
)
def test_what_has_no_event_type_is_skipped_by_its_type(line: bytes, kind: str) -> None:
    (skip,) = skipped(exec_output(line))
    assert skip.kind == kind


@pytest.mark.parametrize("kind", ["web_search", "todo_list", "error"])
def test_a_part_without_an_event_of_its_own_is_told_to_be_whole(kind: str) -> None:
    (event,) = events(exec_output(completed(id="i", type=kind, query="q")))
    assert event == ItemCompleted(item_type=kind, item_id="i")  # type: ignore[arg-type]  # a Literal, from the table
