"""What is read of a recording makes traces: one for each session, of its own id."""

from __future__ import annotations

from typing import Any

import pytest

from eventbus import Bus, Record
from eventbus.testing import OtlpCollector
from eventbus_otlp import OtlpSettings, OtlpSink
from eventbus_schemas import (
    ToolResult,
    TurnCompleted,
    TurnFailed,
    TurnStarted,
    read_codex_exec,
)

from . import _lines as lines

TURN_STARTED = b'{"type":"turn.started"}'
TURN_COMPLETED = b'{"type":"turn.completed"}'
TURN_FAILED = b'{"type":"turn.failed","error":{"message":"no"}}'
RAN = lines.completed(
    id="1", type="command_execution", command="ls", status="completed", exit_code=0
)


def places(records: list[Record[Any]]) -> list[tuple[Any, ...]]:
    return [(one.trace_id, one.span_id, one.trace_flags) for one in records]


@pytest.mark.parametrize("name", [*lines.ROLLOUTS, *lines.EXEC_OUTPUTS])
def test_a_session_is_one_trace_and_the_same_when_read_again(name: str) -> None:
    first, again = (lines.records(lines.read_recording(name)) for _ in range(2))
    assert places(first) == places(again)
    ((trace_id, flags),) = {(one.trace_id, one.trace_flags) for one in first}
    assert trace_id is not None
    assert len(trace_id) == 32
    assert flags == 1


def test_sessions_have_traces_of_their_own_whoever_recorded_them() -> None:
    stored = lines.records(lines.rollout(lines.meta("a"), lines.meta("b")))
    printed = lines.records(lines.exec_output(lines.thread("b"), lines.thread("a")))
    assert stored[0].trace_id == printed[1].trace_id
    assert stored[1].trace_id == printed[0].trace_id != printed[1].trace_id


def test_what_a_turn_did_is_below_its_span() -> None:
    said = [lines.thread(), TURN_STARTED, RAN, TURN_COMPLETED]
    said += [TURN_STARTED, TURN_FAILED, RAN]
    begin, start, tool, end, start_2, end_2, after = lines.records(
        lines.exec_output(*said)
    )
    assert isinstance(start.event, TurnStarted)
    assert isinstance(tool.event, ToolResult)
    assert isinstance(end.event, TurnCompleted)
    assert isinstance(end_2.event, TurnFailed)
    token = start.event.span_token
    assert token is not None
    assert len(token) == 16
    assert (start.span_id, tool.span_id, end.span_id) == (token, token, token)
    assert end.event.span_token == token
    assert start_2.span_id == end_2.span_id == end_2.event.span_token != token
    assert (begin.span_id, after.span_id) == (None, None)


def test_without_a_session_there_is_no_trace() -> None:
    start, end = lines.records(lines.exec_output(TURN_STARTED, TURN_COMPLETED))
    assert places([start, end]) == [(None, None, 0)] * 2
    assert start.event.span_token is end.event.span_token is None


def test_two_outputs_of_a_thread_that_come_through_a_pipe_have_turns_of_their_own() -> (
    None
):
    said = [lines.thread(), TURN_STARTED]
    first, again = (
        lines.records(read_codex_exec(said, path="stdin")) for _ in range(2)
    )
    assert first[1].trace_id == again[1].trace_id
    assert first[1].span_id != again[1].span_id


async def test_spans_of_a_recording_are_one_tree() -> None:
    name = "exec-stream-output-2"
    async with OtlpCollector() as server, Bus() as bus:
        settings = OtlpSettings(endpoint=server.url, signals=("traces",))
        bus.attach(OtlpSink(settings))
        for record in lines.records(lines.read_recording(name)):
            if isinstance(record.event, ToolResult | TurnCompleted):
                bus.relay(record)
        assert (await bus.flush()).complete
        tool, turn = sorted(server.spans, key=lambda span: span.name)
    assert (tool.name, turn.name) == ("execute_tool command_execution", "turn")
    assert tool.trace_id == turn.trace_id
    assert (tool.parent_span_id, turn.parent_span_id or "") == (turn.span_id, "")
