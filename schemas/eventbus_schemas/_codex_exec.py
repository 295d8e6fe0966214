"""What each line of ``codex exec --json`` becomes."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

import msgspec

from eventbus import Event, Reading
from eventbus_schemas import _codex_exec_lines as shape
from eventbus_schemas._codex_lines import LineFaults, read_lines
from eventbus_schemas._codex_session import CodexSession
from eventbus_schemas._responses import AgentResponse, Reasoning
from eventbus_schemas._session import (
    ConversationStarts,
    TurnCompleted,
    TurnFailed,
    TurnStarted,
)
from eventbus_schemas._threads import ItemCompleted, ItemType
from eventbus_schemas._tools import FileChange, ToolOutcome, ToolResult

_STDIN: Final = "stdin"  # what a run calls the standard input

_decoder: Final = msgspec.json.Decoder(shape.AnyExecLine)

# Any: each handler takes the one type of line or item it stands for.
_LineHandler = Callable[[Any, int], Reading | None]
_ItemEvent = Callable[[Any], Event]


def read_codex_exec(lines: Iterable[bytes], *, path: str) -> Iterator[Reading]:
    """Read what ``codex exec --json`` printed.

    Its lines carry no times: the records leave theirs 0, and the bus says when it saw
    them. Tool results have no duration for the same reason. A call whose start was
    told but not its end becomes an ``agent.tool_result`` with the outcome
    ``"no_output"``: at the end, when another thread begins, or when more than 10,000
    calls or 64 MiB of arguments wait.

    The records have no ids of their own either: one thread's id may stand in many
    outputs, since a thread can be resumed. The trace's id follows from the thread's:
    what becomes of a thread is one trace. A turn is a span around what it did, whose id
    follows from the thread's, *path* and the line: for a file it is the same when it is
    read again, and for ``"stdin"`` never the same twice, since nothing but a new output
    of the thread may come from there.

    Args:
        lines: One JSON object each.
        path: Names the input in what is skipped or broken.
    """
    faults = LineFaults(path, shape.KNOWN_KINDS)
    return read_lines(lines, _decoder, _ExecSession(faults, path), faults)


class _ExecSession(CodexSession):
    def __init__(self, faults: LineFaults, path: str) -> None:
        super().__init__(faults)
        self._output = os.urandom(8).hex() if path == _STDIN else path
        self._handlers: dict[type, _LineHandler] = {
            shape.ThreadStarted: self._thread_started,
            shape.TurnStart: self._turn_started,
            shape.TurnEnd: self._turn_completed,
            shape.TurnFailure: self._turn_failed,
            shape.ItemStarted: self._item_started,
            shape.ItemCompleted: self._item_completed,
        }

    def take(self, line: shape.AnyExecLine, number: int) -> Reading | None:
        return self._handlers[type(line)](line, number)

    def _thread_started(self, line: shape.ThreadStarted, number: int) -> Reading:
        self._begin(line.thread_id, {})
        return self._record(ConversationStarts(), number)

    def _turn_started(self, _: shape.TurnStart, number: int) -> Reading:
        token = self._begin_span(f"{self._output}:{number}")
        return self._record(TurnStarted(span_token=token), number)

    def _turn_completed(self, line: shape.TurnEnd, number: int) -> Reading:
        usage = line.usage or shape.Usage()
        event = TurnCompleted(
            input_tokens=usage.input_tokens,
            cached_input_tokens=usage.cached_input_tokens,
            output_tokens=usage.output_tokens,
            reasoning_output_tokens=usage.reasoning_output_tokens,
            span_token=self._span_id,
        )
        return self._turn_end(event, number)

    def _turn_failed(self, line: shape.TurnFailure, number: int) -> Reading:
        event = TurnFailed.from_text(line.error.message, span_token=self._span_id)
        return self._turn_end(event, number)

    def _turn_end(self, event: Event, number: int) -> Reading:
        record = self._record(event, number)
        self._end_span()
        return record

    def _item_started(self, line: shape.ItemStarted, number: int) -> Reading | None:
        item = line.item
        return self._open(item.id, _tool_name(item), _arguments(item), number)

    def _item_completed(self, line: shape.ItemCompleted, number: int) -> Reading:
        item = line.item
        self._calls.take(item.id)
        return self._record(_EVENTS[type(item)](item), number)


def _tool_name(item: shape.AnyCall) -> str:
    return item.tool if isinstance(item, shape.McpToolCall) else "command_execution"


def _arguments(item: shape.AnyCall) -> str | None:
    if isinstance(item, shape.McpToolCall):
        return _json_text(item.arguments)
    return item.command


def _json_text(raw: msgspec.Raw) -> str | None:
    text = bytes(raw).decode("utf-8", "replace")
    return None if text in ("", "null") else text


def _command(item: shape.CommandExecution) -> ToolResult:
    ran = item.exit_code is not None or item.status == "completed"
    outcome: ToolOutcome = "completed" if ran else "could_not_run"
    return ToolResult.of(
        _tool_name(item),
        success=ran and not item.exit_code,
        outcome=outcome,
        exit_code=item.exit_code,
        call_id=item.id,
        arguments=item.command,
        output=item.aggregated_output,
        tool_origin="builtin",
    )


def _mcp_call(item: shape.McpToolCall) -> ToolResult:
    result = _json_text(item.result) or ""
    return ToolResult.of(
        item.tool,
        success=item.status == "completed" and item.error is None,
        call_id=item.id,
        arguments=_arguments(item),
        output=result if item.error is None else item.error.message,
        tool_origin="mcp",
        mcp_server=item.server,
    )


def _reasoning(item: shape.ReasoningText) -> Reasoning:
    return Reasoning.from_text(item.text, item_id=item.id)


def _response(item: shape.AgentMessage) -> AgentResponse:
    return AgentResponse.from_text(item.text, item_id=item.id)


def _file_change(item: shape.FileChanges) -> FileChange:
    kinds = Counter(change.kind for change in item.changes)
    success = item.status == "completed"
    return FileChange(
        success=success,
        files_added=kinds["add"],
        files_updated=kinds["update"],
        files_deleted=kinds["delete"],
        paths="\n".join(change.path for change in item.changes),
        item_id=item.id,
        severity="info" if success else "warn",
    )


def _other(item: shape.AnyOther) -> ItemCompleted:
    return ItemCompleted(item_type=_OTHERS[type(item)], item_id=item.id)


_OTHERS: Final[dict[type, ItemType]] = {
    shape.WebSearch: "web_search",
    shape.TodoList: "todo_list",
    shape.ErrorItem: "error",
}
_EVENTS: Final[dict[type, _ItemEvent]] = {
    shape.CommandExecution: _command,
    shape.McpToolCall: _mcp_call,
    shape.ReasoningText: _reasoning,
    shape.AgentMessage: _response,
    shape.FileChanges: _file_change,
    **dict.fromkeys(_OTHERS, _other),
}
