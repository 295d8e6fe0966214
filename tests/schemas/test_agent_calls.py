"""Calls of tools and waits for approvals: one start, one end, and what joins them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from eventbus import Bus, trace_context
from eventbus.testing import OtlpCollector
from eventbus_otlp import OtlpSettings, OtlpSink, TraceSignalSettings
from eventbus_schemas import (
    ApprovalDecided,
    ApprovalRequested,
    CallCancelled,
    Session,
    ToolResult,
    ToolStarted,
)
from eventbus_schemas.hooks import EventHooks
from tests.schemas.test_agent_session import Rig
from tests.schemas.test_agent_session import rig as rig

# Any in this module: events of many types.

CUT_OFF = (asyncio.CancelledError, KeyboardInterrupt, GeneratorExit, SystemExit)


async def pair(rig: Rig) -> tuple[Any, Any]:
    """Return the start and the end, of which there is one each."""
    start, end = [one.event for one in await rig.records()]
    return start, end


@pytest.mark.proves("C3", "B22")
async def test_a_call_is_told_at_its_start_and_once_at_its_end(rig: Rig) -> None:
    asked = rig.session().turn("t-1").with_request("r-1")
    with asked.tool_call("shell", call_id="c-1", arguments="ls", attempt=1) as call:
        call.completed("a\nb\n")
    start, end = await pair(rig)
    assert start == ToolStarted.of(
        "shell",
        arguments="ls",
        call_id="c-1",
        attempt=1,
        span_token=call.token,
        turn_id="t-1",
    )
    assert end == ToolResult.of(
        "shell",
        success=True,
        output="a\nb\n",
        arguments="ls",
        call_id="c-1",
        attempt=1,
        span_token=call.token,
        duration_ms=end.duration_ms,
        turn_id="t-1",
        request_id="r-1",
    )
    assert end.duration_ms > 0


async def test_what_is_told_of_a_start_alone_is_not_in_the_result(rig: Rig) -> None:
    with rig.session().tool_call(
        "shell",
        module="m",
        is_retry=True,
        metadata="{}",
        capabilities=["a", "b"],
        sandbox_warnings=["w", "W"],
        thread_id="th-1",
    ):
        pass
    start, end = await pair(rig)
    assert (start.module, start.is_retry, start.metadata) == ("m", True, "{}")
    assert (start.capabilities, start.sandbox_warning_count) == ("a, b", 1)
    assert start.thread_id == end.thread_id == "th-1"
    assert (end.success, end.output, end.arguments) == (True, "", None)


@pytest.mark.parametrize(
    ("say", "told"),
    [
        (lambda call: None, (True, "completed", "", "info")),
        (lambda call: call.completed(), (True, "completed", "", "info")),
        (lambda call: call.failed(), (False, "completed", "", "warn")),
        (lambda call: call.failed("no"), (False, "completed", "no", "warn")),
        (
            lambda call: (call.completed("x"), call.could_not_run("no")),
            (False, "could_not_run", "no", "error"),
        ),
        (
            lambda call: (call.could_not_run("no"), call.completed("x")),
            (True, "completed", "x", "info"),
        ),
    ],
)
async def test_a_call_ends_as_was_said_last(
    rig: Rig, say: Callable[[Any], object], told: tuple[object, ...]
) -> None:
    with rig.session().tool_call("shell") as call:
        say(call)
    _, end = await pair(rig)
    assert (end.success, end.outcome, end.output, end.severity) == told
    assert end.tool_origin == ("builtin" if end.outcome == "could_not_run" else None)


@pytest.mark.proves("C3")
async def test_a_call_that_raises_failed_with_what_is_known_of_it(rig: Rig) -> None:
    call = rig.session().tool_call("shell")
    call.completed("well")
    call.learned(exit_code=0, sandbox="none")
    call.learned(exit_code=2)
    with pytest.raises(ValueError, match="no"), call:
        raise ValueError("no")
    _, end = await pair(rig)
    assert (end.success, end.output) == (False, "ValueError: no")
    assert (end.exception_type, end.exception_message) == ("ValueError", "no")
    assert (end.exit_code, end.sandbox) == (2, "none")


class Mute(Exception):
    def __str__(self) -> str:
        raise RuntimeError


Mute.__module__ = "agent.tools"


class Words(Exception):
    def __str__(self) -> str:
        return Text("no")


class Text(str):
    """Text of a type of its own."""


Words.__module__ = None  # type: ignore[assignment]


@pytest.mark.proves("J7")
@pytest.mark.parametrize("content", ["full", "none"])
@pytest.mark.parametrize(
    ("error", "kind", "message"),
    [
        (ValueError("no"), "ValueError", "no"),
        (Mute(), "agent.tools.Mute", "(it cannot be shown)"),
        (Words(), "Words", "no"),
        (KeyError(), "KeyError", None),
    ],
    ids=lambda one: type(one).__name__ if isinstance(one, Exception) else None,
)
async def test_an_exception_that_leaves_a_call_stands_on_its_span(
    content: Any, error: Exception, kind: str, message: str | None
) -> None:
    async with OtlpCollector() as collector, Bus(strict=True) as bus:
        settings = OtlpSettings(
            endpoint=collector.url,
            signals=("traces",),
            traces=TraceSignalSettings(content=content),
        )
        bus.attach(OtlpSink(settings), content="full")
        session = Session(bus, conversation_id="c")
        with pytest.raises(type(error)), session.tool_call("shell"):
            raise error
        with pytest.raises(type(error)):
            await EventHooks(session).tool_call(raising(error), "shell")
        with session.tool_call("shell") as call:
            call.failed("it said no")
        await bus.flush()
        *raised, failed = collector.spans
    told = {"exception.type": kind}
    if message is not None and content == "full":
        told["exception.message"] = message
    for span in raised:
        assert (span.name, span.status) == ("execute_tool shell", "error")
        assert span.status_message == told.get("exception.message", "")
        assert [(one.name, one.attributes) for one in span.events] == [
            ("exception", told)
        ]
        assert not told.keys() & span.attributes.keys()
    assert len(raised) == 2
    assert (failed.status, list(failed.events)) == ("error", [])


async def raising(error: Exception) -> None:
    raise error


async def test_what_is_learned_wins_over_what_a_refusal_takes_for_granted(
    rig: Rig,
) -> None:
    with rig.session().tool_call("find") as call:
        call.learned(tool_origin="mcp")
        call.could_not_run("no such server")
    _, end = await pair(rig)
    assert end.tool_origin == "mcp"


async def test_a_duration_that_the_runner_measured_stands(rig: Rig) -> None:
    with rig.session().tool_call("shell") as call:
        call.learned(duration_ms=5.0, duration_source="reported", span_token="own")
    _, end = await pair(rig)
    assert (end.duration_ms, end.duration_source) == (5.0, "reported")
    assert end.span_token == call.token


@pytest.mark.proves("C3")
@pytest.mark.parametrize("error", CUT_OFF)
async def test_a_call_that_is_cut_off_is_told_as_that_and_has_no_result(
    rig: Rig, error: type[BaseException]
) -> None:
    asked = rig.session(model="m").turn("t-1").with_request("r-1")
    call = asked.tool_call("shell", call_id="c-1")
    with pytest.raises(error), call:
        raise error
    start, end = await pair(rig)
    assert isinstance(start, ToolStarted)
    assert end == CallCancelled(
        operation="tool_call",
        duration_ms=end.duration_ms,
        tool_name="shell",
        call_id="c-1",
        span_token=start.span_token,
        turn_id="t-1",
        request_id="r-1",
        model="m",
    )


async def test_what_happens_in_a_call_is_below_its_span_and_joined_to_it(
    rig: Rig,
) -> None:
    session = rig.session()
    with session.turn() as turn, turn.tool_call("shell", call_id="c-1") as call:
        call.sandbox_outcome(
            tool_name="shell", outcome="escalated", initial_duration_ms=1.0
        )
        with call.tool_call("inner"), call.tool_call("last", call_id="c-2"):
            pass
    records = await rig.records()
    sandbox = records[2]
    assert sandbox.event.call_id == "c-1"
    assert sandbox.span_id == call.token
    results = {one.event.tool_name: one for one in records if one.name.endswith("ult")}
    assert results["inner"].event.call_id is None
    assert results["last"].event.call_id == "c-2"
    assert results["inner"].span_id == call.token
    assert results["shell"].span_id == turn.token


@pytest.mark.proves("C3", "B22")
@pytest.mark.parametrize("outcome", ["approved", "denied", "timeout", "other"])
async def test_an_approval_is_requested_and_decided_with_the_time_waited(
    rig: Rig, outcome: Any
) -> None:
    turn = rig.session().turn("t-1")
    with turn.approval("shell", source="user", call_id="c-1") as approval:
        approval.decided("approved", "yes")
        approval.decided(outcome, "so it is")
    start, end = await pair(rig)
    assert start == ApprovalRequested(
        tool_name="shell", source="user", call_id="c-1", turn_id="t-1"
    )
    assert end == ApprovalDecided.of(
        "shell",
        outcome=outcome,
        reason="so it is",
        duration_ms=end.duration_ms,
        source="user",
        call_id="c-1",
        turn_id="t-1",
    )
    assert end.duration_ms > 0


@pytest.mark.parametrize(
    ("error", "outcome", "reason"),
    [(TimeoutError(), "timeout", None), (OSError("gone"), "other", "OSError: gone")],
)
async def test_a_wait_that_raises_is_decided_by_how(
    rig: Rig, error: Exception, outcome: str, reason: str | None
) -> None:
    approval = rig.session().approval("shell")
    approval.decided("approved")
    with pytest.raises(type(error)), approval:
        raise error
    _, end = await pair(rig)
    assert (end.outcome, end.reason, end.severity) == (outcome, reason, "warn")


async def test_nothing_said_is_no_approval(rig: Rig) -> None:
    with rig.session().approval("shell"):
        pass
    _, end = await pair(rig)
    assert (end.outcome, end.severity) == ("other", "warn")


@pytest.mark.proves("C3")
@pytest.mark.parametrize("error", CUT_OFF)
async def test_a_wait_that_is_cut_off_is_told_as_that_and_has_no_decision(
    rig: Rig, error: type[BaseException]
) -> None:
    approval = rig.session().approval("shell", call_id="c-1")
    approval.decided("approved")
    with pytest.raises(error), approval:
        raise error
    start, end = await pair(rig)
    assert isinstance(start, ApprovalRequested)
    assert end == CallCancelled(
        operation="approval",
        duration_ms=end.duration_ms,
        tool_name="shell",
        call_id="c-1",
    )


async def test_a_wait_has_no_span_and_belongs_to_the_call_around_it(rig: Rig) -> None:
    with rig.session().approval("shell"):
        assert trace_context.current() is None
    with rig.session().tool_call("shell", call_id="c-1") as call:
        inside = trace_context.current()
        with call.approval("shell"):
            assert trace_context.current() == inside
    requested, decided = (await rig.records())[3:5]
    assert requested.event.call_id == decided.event.call_id == "c-1"
    assert requested.span_id == decided.span_id == call.token


@pytest.mark.proves("B22")
async def test_a_request_has_one_id_in_all_that_is_told_of_it(rig: Rig) -> None:
    turn = rig.session().turn("t-1")
    first, second = turn.with_request(), turn.with_request()
    for one in (first, second, turn):
        one.api_request(success=True, duration_ms=1.0)
        one.sse_event(outcome="completed")
        one.tool_result("shell", success=True)
    ids = [one.event.request_id for one in await rig.records()]
    assert ids[:3] == [ids[0]] * 3
    assert ids[3:6] == [ids[3]] * 3
    assert ids[6:] == [None] * 3
    assert ids[0] != ids[3]
    assert len(ids[0]) == 32


async def test_hooks_of_a_request_know_its_id(rig: Rig) -> None:
    session: Session = rig.session().with_request("r-1")
    EventHooks(session).on_request(0, 200, None, 0.1)
    ((record),) = await rig.records()
    assert record.event.request_id == "r-1"


@pytest.mark.parametrize("make", ["tool_call", "approval"])
def test_a_fact_that_there_is_none_of_is_refused_before_anything_is_told(
    make: str,
) -> None:
    rig = Rig()
    with pytest.raises(TypeError, match="cal_id"):
        getattr(rig.session(), make)("shell", cal_id="c")
    with pytest.raises(TypeError, match=r"Unknown fact 'exitcode'. .* 'exit_code'\?"):
        rig.session().tool_call("shell").learned(exitcode=1)  # type: ignore[call-arg]
