"""Turns and threads of a session: one start, one end, whatever happens between."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider

from eventbus import trace_context
from eventbus.testing import ManualClock, settled
from eventbus_schemas import (
    ThreadFailed,
    ThreadStarted,
    ThreadStopped,
    TurnAborted,
    TurnCompleted,
    TurnFailed,
    TurnStarted,
    _stretch,
)
from tests.schemas.test_agent_session import Rig
from tests.schemas.test_agent_session import rig as rig


async def ends(rig: Rig) -> tuple[Any, Any]:
    """Return the first event and the last one; there are no other ends."""
    events = [one.event for one in await rig.records()]
    starts = [one for one in events if isinstance(one, TurnStarted | ThreadStarted)]
    terminal = (TurnCompleted, TurnFailed, TurnAborted, ThreadStopped, ThreadFailed)
    stops = [one for one in events if isinstance(one, terminal)]
    assert len(starts) == len(stops) == 1
    assert events[0] is starts[0]
    assert events[-1] is stops[0]
    assert starts[0].span_token == stops[0].span_token
    assert len(starts[0].span_token) == 16
    return starts[0], stops[0]


@pytest.mark.proves("C3", "C5", "B22")
async def test_a_turn_is_told_at_its_start_and_once_at_its_end(rig: Rig) -> None:
    with rig.session(model="m").turn("t-1") as turn:
        turn.tool_result("shell", success=True)
        turn.completed(input_tokens=10, output_tokens=0, tool_call_count=1)
    start, end = await ends(rig)
    assert isinstance(end, TurnCompleted)
    assert start.turn_id == end.turn_id == "t-1"
    assert (end.model, end.input_tokens, end.output_tokens) == ("m", 10, 0)
    assert end.cached_input_tokens is None
    assert end.duration_ms is not None
    assert end.duration_ms >= 0
    assert [one.event.turn_id for one in await rig.records()] == ["t-1"] * 3


@pytest.mark.proves("C3")
async def test_a_turn_without_a_name_gets_one(rig: Rig) -> None:
    session = rig.session()
    with session.turn() as first, session.turn() as second:
        assert first.turn_id != second.turn_id
        assert len(first.turn_id) == 32


@pytest.mark.proves("C3")
async def test_a_cancelled_turn_is_aborted_and_stays_cancelled(rig: Rig) -> None:
    async def work() -> None:
        with rig.session().turn():
            await asyncio.Event().wait()

    task = asyncio.create_task(work())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    _, end = await ends(rig)
    assert isinstance(end, TurnAborted)
    assert end.reason == "interrupted"


@pytest.mark.proves("C3")
async def test_a_turn_that_raises_has_failed_whatever_was_said_before(rig: Rig) -> None:
    turn = rig.session().turn()
    turn.completed(input_tokens=1)
    with pytest.raises(ValueError, match="no"), turn:
        raise ValueError("no")
    _, end = await ends(rig)
    assert isinstance(end, TurnFailed)
    assert (end.error_message, end.error_message_length) == ("ValueError: no", 14)


async def test_an_error_that_cannot_be_shown_is_told_by_its_kind(rig: Rig) -> None:
    class Mute(Exception):
        def __str__(self) -> str:
            raise RuntimeError

    with pytest.raises(Mute), rig.session().turn():
        raise Mute
    _, end = await ends(rig)
    assert end.error_message == "Mute: (it cannot be shown)"


async def test_an_error_without_words_is_told_by_its_kind(rig: Rig) -> None:
    with pytest.raises(TimeoutError), rig.session().turn():
        raise TimeoutError
    _, end = await ends(rig)
    assert end.error_message == "TimeoutError"


@pytest.mark.parametrize(
    ("say", "kind"),
    [
        (lambda turn: turn.failed("no"), TurnFailed),
        (lambda turn: turn.aborted("replaced"), TurnAborted),
        (lambda turn: (turn.failed("no"), turn.completed()), TurnCompleted),
        (lambda turn: None, TurnCompleted),
    ],
)
async def test_a_turn_ends_as_was_said_last(rig: Rig, say: Any, kind: type) -> None:
    with rig.session(model="m").turn() as turn:
        say(turn)
    _, end = await ends(rig)
    assert type(end) is kind
    assert getattr(end, "model", "m") == "m"


@pytest.mark.proves("J7", "C3")
async def test_a_stretch_is_the_parent_of_what_happens_in_it(rig: Rig) -> None:
    outer = trace_context.parse(
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "vendor=1"
    )
    assert outer is not None
    session = rig.session()
    with trace_context.attach(outer):
        with session.turn() as turn:
            turn.tool_result("shell", success=True)
            inner = trace_context.current()
        assert trace_context.current() == outer
    start, tool, end = await rig.records()
    assert {one.trace_id for one in (start, tool, end)} == {outer.trace_id}
    assert inner is not None
    assert inner.span_id == turn.token == end.event.span_token
    assert (inner.tracestate, inner.trace_flags) == ("vendor=1", 1)
    assert start.parent_span_id == end.parent_span_id
    assert outer.span_id in (end.parent_span_id, end.span_id)
    assert turn.token in (tool.parent_span_id, tool.span_id)


async def test_without_a_trace_around_it_it_begins_one(rig: Rig) -> None:
    session = rig.session()
    with session.turn() as turn:
        turn.user_prompt("hello")
        context = trace_context.current()
    assert trace_context.current() is None
    assert context is not None
    assert context.trace_flags == 1
    start, prompt, end = await rig.records()
    assert prompt.trace_id == context.trace_id
    for outermost in (start, end):
        assert outermost.trace_id == context.trace_id
        assert (outermost.span_id, outermost.parent_span_id) == (turn.token, None)


async def test_copies_of_a_turn_belong_to_it(rig: Rig) -> None:
    with rig.session(model="m").turn("t-1") as turn:
        turn.with_model("other").tool_result("shell", success=True)
    records = await rig.records()
    assert records[1].event.turn_id == "t-1"
    assert records[1].attributes["gen_ai.request.model"] == "other"


@pytest.mark.proves("B17", "C3")
async def test_a_thread_is_told_with_what_its_start_and_end_share(rig: Rig) -> None:
    facts: Any = {"workflow": "w", "group": "g", "tracing_disabled": False}
    with rig.session().thread("do it", **facts) as thread:
        thread.learned(thread_id="th-1", turn_id="t-1")
    start, end = await ends(rig)
    assert (start.input, start.input_length, start.thread_id) == ("do it", 5, None)
    assert isinstance(end, ThreadStopped)
    assert (end.success, end.result, end.severity) == (True, "ok", "info")
    assert (end.thread_id, end.turn_id) == ("th-1", "t-1")
    for event in (start, end):
        assert (event.workflow, event.group) == ("w", "g")
        assert event.tracing_disabled is False


@pytest.mark.proves("B22")
async def test_what_is_learned_is_told_from_then_on(rig: Rig) -> None:
    with rig.session(model="m").thread("x", turn_id="t-1") as thread:
        thread.item_completed(item_type="reasoning")
        thread.learned(thread_id="th-1")
        thread.item_completed(item_type="reasoning")
        with thread.turn("t-2") as turn:
            turn.item_completed(item_type="reasoning")
        thread.learned()
        thread.sse_event(outcome="completed")
    assert (await rig.records())[-2].event.model == "m"
    start, first, second, _, third, _, _, end = [
        (one.event.turn_id, getattr(one.event, "thread_id", None))
        for one in await rig.records()
    ]
    assert start == first == ("t-1", None)
    assert second == end == ("t-1", "th-1")
    assert third == ("t-2", "th-1")


@pytest.mark.proves("E10")
async def test_what_a_thread_wishes_for_its_traces_holds_for_all_in_it(
    rig: Rig,
) -> None:
    emit = rig.bus.emitter(TurnStarted)
    wishes: Any = {"tracing_disabled": True, "trace_sensitive": False}
    with rig.session().thread("x", **wishes) as thread:
        emit(TurnStarted())
        with thread.turn():
            await asyncio.create_task(asyncio.to_thread(emit, TurnStarted()))
    thread.user_prompt("after")
    emit(TurnStarted())
    start, *inside, end, prompt, after = await rig.records()
    assert len(inside) == 4
    for record in (*inside, prompt):
        assert dict(record.attributes).items() >= wishes.items()
    for record in (start, end):
        assert (record.event.tracing_disabled, record.event.trace_sensitive) == (
            True,
            False,
        )
    assert dict(after.attributes) == {}


async def test_a_thread_that_wishes_nothing_binds_nothing(rig: Rig) -> None:
    emit = rig.bus.emitter(TurnStarted)
    with rig.session().thread("x"):
        emit(TurnStarted())
    assert dict((await rig.records())[1].attributes) == {}


def test_a_fact_that_no_thread_has_is_refused_before_it_begins() -> None:
    with pytest.raises(TypeError, match=r"Unknown fact 'workflw'. Did .* 'workflow'\?"):
        Rig().session().thread("x", workflw="w")  # type: ignore[call-arg]


async def test_a_word_that_is_not_in_the_set_is_other(rig: Rig) -> None:
    ends: Any = rig.session()
    with ends.turn() as turn, ends.thread("x") as thread, ends.approval("a") as wait:
        turn.aborted("bored")
        thread.stopped("bored")
        wait.decided("bored")
    wait_end, thread_end, turn_end = [one.event for one in (await rig.records())[3:]]
    assert wait_end.outcome == thread_end.result == turn_end.reason == "other"


@pytest.mark.proves("C5")
async def test_a_duration_is_of_a_clock_that_never_goes_back(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert _stretch._monotonic is time.monotonic
    clock = ManualClock()
    monkeypatch.setattr(_stretch, "_monotonic", clock.monotonic)
    session = rig.session()
    with session.turn(), session.thread("x"), session.tool_call("a"):
        clock.advance(2.0)
        with session.approval("a"):
            clock.advance(0.5)
    ends = [getattr(one.event, "duration_ms", None) for one in await rig.records()]
    assert ends[4:] == [500.0, 2500.0, 2500.0, 2500.0]


@pytest.mark.proves("C3")
async def test_a_thread_says_how_it_ended(rig: Rig) -> None:
    with rig.session().thread("x", thread_id="th-1") as thread:
        thread.stopped("error", error_message="no")
    _, end = await ends(rig)
    assert (end.success, end.result, end.error_message) == (False, "error", "no")
    assert end.thread_id == "th-1"
    assert end.duration_ms is not None


@pytest.mark.proves("B17", "C3")
async def test_a_thread_that_raises_has_failed(rig: Rig) -> None:
    with pytest.raises(OSError, match="gone"), rig.session().thread("x"):
        raise OSError("gone")
    _, end = await ends(rig)
    assert isinstance(end, ThreadFailed)
    assert end.error_message == "OSError: gone"


@pytest.mark.proves("C3")
async def test_a_cancelled_thread_is_told_just_so(rig: Rig) -> None:
    async def work() -> None:
        with rig.session().thread("x"):
            await asyncio.Event().wait()

    task = asyncio.create_task(work())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    _, end = await ends(rig)
    assert (type(end), end.result) == (ThreadStopped, "cancelled")


@pytest.mark.proves("C3")
@pytest.mark.parametrize("closes", [True, False])
async def test_a_stream_that_its_consumer_leaves_has_an_end_too(
    rig: Rig, closes: bool
) -> None:
    async def stream() -> AsyncGenerator[int]:
        with rig.session().thread("x"):
            for number in range(10):
                yield number

    numbers = stream()
    async for number in numbers:
        if number == 1:
            break
    if closes:
        await numbers.aclose()
    del numbers  # left to the loop, which closes it in a task of its own
    await settled()
    _, end = await ends(rig)
    assert (type(end), end.result) == (ThreadStopped, "early_exit")


@pytest.mark.proves("J6", "J7")
async def test_spans_of_opentelemetry_and_stretches_nest_as_they_are_begun(
    rig: Rig,
) -> None:
    tracer = TracerProvider().get_tracer("tests")
    with tracer.start_as_current_span("outer") as outer:
        with rig.session().turn() as turn:
            with tracer.start_as_current_span("inner") as inner:
                turn.tool_result("shell", success=True)
            turn.tool_result("shell", success=True)
        assert trace.get_current_span() is outer
    assert trace.get_current_span() is trace.INVALID_SPAN
    assert inner.parent is not None
    assert f"{inner.parent.span_id:016x}" == turn.token
    records = await rig.records()
    traces = {f"{span.get_span_context().trace_id:032x}" for span in (outer, inner)}
    assert {record.trace_id for record in records} == traces
    started, within, beside, ended = (record.span_id for record in records)
    assert within == f"{inner.get_span_context().span_id:016x}"
    assert beside == turn.token
    assert started == ended == f"{outer.get_span_context().span_id:016x}"
