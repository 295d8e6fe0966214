"""The call of a tool around an awaitable: told as a session tells it, unchanged."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import pytest
from msgspec.structs import replace

from eventbus import trace_context
from eventbus.testing import BusEvents, ManualClock, settled
from eventbus_schemas import Session, ToolResult, ToolStarted
from eventbus_schemas.hooks import CallCancelled, EventHooks, hook_faults
from tests.schemas.hooks.test_observed import Work


@pytest.mark.proves("B23")
@pytest.mark.parametrize(
    ("end", "options", "told"),
    [
        ("two\nlines", {}, {"success": True, "output_length": 9, "severity": "info"}),
        ({"n": 5}, {}, {"success": True, "output": ""}),
        (5, {"output_of": str}, {"success": True, "output": "5"}),
        (
            5,
            {"succeeded": lambda code: code == 0, "output_of": str},
            {"success": False, "output": "5", "severity": "warn"},
        ),
        (
            ValueError("no"),
            {},
            {
                "success": False,
                "output": "ValueError: no",
                "exception_type": "ValueError",
                "exception_message": "no",
            },
        ),
    ],
)
async def test_a_call_of_a_tool_is_a_start_and_an_end_with_its_ids(
    bus_events: BusEvents, end: Any, options: dict[str, Any], told: dict[str, Any]
) -> None:
    work = Work(end)
    hooks = EventHooks(bus_events.bus.emit, turn_id="t1", request_id="r1")
    calling = hooks.tool_call(
        work(), "shell", call_id="c1", arguments="ls", clock=work.clock, **options
    )
    if isinstance(end, Exception):
        with pytest.raises(ValueError, match="no") as raised:
            await calling
        assert raised.value is end
    else:
        assert await calling is end
    start, event = bus_events.events
    assert isinstance(start, ToolStarted)
    assert isinstance(event, ToolResult)
    assert (start.call_id, start.turn_id, start.arguments) == ("c1", "t1", "ls")
    assert start.span_token == event.span_token
    wanted = {
        "tool_name": "shell",
        "call_id": "c1",
        "turn_id": "t1",
        "request_id": "r1",
        "arguments": "ls",
        "arguments_length": 2,
        "duration_ms": 1500.0,
        **told,
    }
    assert {name: getattr(event, name) for name in wanted} == wanted


@pytest.mark.proves("A7", "B23")
async def test_a_tool_that_is_cut_off_is_told_as_itself(bus_events: BusEvents) -> None:
    hooks = EventHooks(bus_events.bus.emit, turn_id="t1")
    task = asyncio.ensure_future(
        hooks.tool_call(asyncio.Event().wait(), "shell", call_id="c1")
    )
    await settled()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    _, event = bus_events.events
    assert isinstance(event, CallCancelled)
    told = (event.operation, event.tool_name, event.call_id, event.turn_id)
    assert told == ("tool_call", "shell", "c1", "t1")


@pytest.mark.proves("B23")
async def test_a_tool_whose_error_has_no_words_is_told_by_its_name(
    bus_events: BusEvents,
) -> None:
    class Wordless(Exception):
        def __str__(self) -> str:
            raise RuntimeError("none")

    hooks = EventHooks(bus_events.bus)
    with pytest.raises(Wordless):
        await hooks.tool_call(Work(Wordless())(), "shell")
    (result,) = bus_events.of(ToolResult)
    words = "Wordless: (it cannot be shown)"
    assert (result.success, result.output) == (False, words)


@pytest.mark.parametrize(("answer", "success"), [(5, True), ("", False), (None, False)])
async def test_any_answer_says_whether_a_tool_succeeded(
    bus_events: BusEvents, answer: Any, success: bool
) -> None:
    hooks = EventHooks(bus_events.bus)
    await hooks.tool_call(Work(1)(), "shell", succeeded=lambda value: answer)
    (result,) = bus_events.of(ToolResult)
    assert result.success is success


def raise_of_own(value: object) -> Any:
    raise RuntimeError("of the caller's own")


async def answer_later(value: object) -> Any:
    raise AssertionError("nobody awaits it")


@pytest.mark.proves("A5", "B23")
@pytest.mark.parametrize("wrong", ["output_of", "succeeded"])
@pytest.mark.parametrize("function", [raise_of_own, answer_later], ids=["", "async"])
async def test_a_caller_s_function_that_raises_costs_what_it_says_alone(
    bus_events: BusEvents,
    wrong: str,
    function: Callable[[object], Any],
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.CRITICAL, "eventbus.hooks")
    place = "EventHooks.tool_call"
    before = hook_faults().get(place, 0)
    options: dict[str, Any] = {"succeeded": lambda value: value != 5, wrong: function}
    hooks = EventHooks(bus_events.bus)
    assert await hooks.tool_call(Work(5)(), "shell", **options) == 5
    (end,) = bus_events.of(ToolResult)
    assert (end.success, end.output) == (wrong == "succeeded", "")
    assert hook_faults()[place] == before + 1


@pytest.mark.parametrize("emit", [raise_of_own, answer_later], ids=["", "async"])
async def test_a_call_that_cannot_be_told_of_is_made_all_the_same(
    emit: Callable[[object], Any], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.CRITICAL, "eventbus.hooks")
    before = hook_faults().get("EventHooks.tool_call", 0)
    assert await EventHooks(emit).tool_call(Work(5)(), "shell") == 5
    assert hook_faults()["EventHooks.tool_call"] == before + 1


@pytest.mark.proves("B23")
@pytest.mark.parametrize("error", [None, ValueError("no"), asyncio.CancelledError()])
async def test_a_session_and_its_hooks_tell_the_same_of_a_call(
    bus_events: BusEvents, error: BaseException | None
) -> None:
    session = Session(bus_events.bus, conversation_id="c").with_request("r-1")
    clock = ManualClock()
    told = pytest.raises(type(error)) if error else nullcontext()
    with told:
        await EventHooks(session, endpoint="/responses").tool_call(
            Work(error or "out")(), "shell", call_id="c1", arguments="ls", clock=clock
        )
    told = pytest.raises(type(error)) if error else nullcontext()
    with told, session.tool_call("shell", call_id="c1", arguments="ls") as call:
        call.completed(await Work(error or "out")())
    changing = {"span_token": None, "duration_ms": 1.0}
    plain: list[Any] = []
    for event in bus_events.events:
        names = changing.keys() & set(event.__struct_fields__)
        plain.append(replace(event, **{name: changing[name] for name in names}))
    assert len(plain) == 4
    assert plain[:2] == plain[2:]


@pytest.mark.proves("J6")
async def test_what_a_tool_does_is_below_its_call(bus_events: BusEvents) -> None:
    hooks = EventHooks(bus_events.bus)

    async def run() -> None:
        inside = trace_context.current()
        assert inside is not None
        spans.append(inside.span_id)

    spans: list[str] = []
    await hooks.tool_call(run(), "shell")
    (end,) = bus_events.of(ToolResult)
    assert spans == [end.span_token]
    assert trace_context.current() is None
