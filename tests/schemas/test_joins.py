"""What ends something is joined to what began it, by ids that events carry."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

import pytest

from eventbus import Bus, Event
from eventbus.testing import RecordingSink
from eventbus_schemas import (
    ApiRequest,
    Session,
    SseEvent,
    TokenUsage,
    ToolResult,
    TurnCompleted,
    TurnFirstToken,
    TurnStarted,
    WebsocketRequest,
)

# Any in this module: the fields of events hold values of any type.


def turn(number: int) -> list[Event]:
    """Return what happens in a turn with two requests, the second of them retried."""
    first: dict[str, Any] = {"turn_id": f"t{number}", "request_id": f"r{number}-1"}
    second: dict[str, Any] = {"turn_id": f"t{number}", "request_id": f"r{number}-2"}
    return [
        TurnStarted(turn_id=f"t{number}"),
        ApiRequest(success=True, duration_ms=1.0, **first),
        TurnFirstToken(duration_ms=1.0, **first),
        SseEvent(outcome="completed", input_tokens=number, attempt=0, **first),
        TokenUsage(input_tokens=number, attempt=0, **first),
        ToolResult.of("shell", success=True, attempt=0, **first),
        ApiRequest(success=False, duration_ms=1.0, attempt=0, **second),
        WebsocketRequest(success=True, duration_ms=1.0, attempt=1, **second),
        SseEvent(outcome="completed", input_tokens=number * 10, attempt=1, **second),
        TurnCompleted(turn_id=f"t{number}"),
    ]


def interleaved(turns: Iterable[list[Event]]) -> list[Event]:
    return [event for together in zip(*turns, strict=True) for event in together]


@pytest.mark.proves("B22")
async def test_requests_and_turns_that_run_at_once_are_told_apart() -> None:
    sink = RecordingSink()
    async with Bus() as bus:
        bus.attach(sink, name="all")
        for event in interleaved([turn(1), turn(2), turn(3)]):
            bus.emit(event)
    events: list[Any] = sink.events
    by_request: defaultdict[str, list[Any]] = defaultdict(list)
    for event in events:
        if getattr(event, "request_id", None):
            by_request[event.request_id].append(event)
    assert sorted(by_request) == ["r1-1", "r1-2", "r2-1", "r2-2", "r3-1", "r3-2"]
    for number in (1, 2, 3):
        of_turn = [event for event in events if event.turn_id == f"t{number}"]
        assert of_turn == turn(number)
        completed = [e for e in by_request[f"r{number}-2"] if isinstance(e, SseEvent)]
        assert [(e.input_tokens, e.attempt) for e in completed] == [(number * 10, 1)]
        attempts = [
            (type(event), event.attempt, event.success)
            for event in by_request[f"r{number}-2"]
            if isinstance(event, ApiRequest | WebsocketRequest)
        ]
        assert attempts == [(ApiRequest, 0, False), (WebsocketRequest, 1, True)]


@pytest.mark.proves("B22")
async def test_results_of_tools_say_which_request_asked_for_them() -> None:
    sink = RecordingSink()
    async with Bus() as bus:
        bus.attach(sink)
        asked = Session(bus, conversation_id="c-1").with_request("r-1")
        asked.tool_result("shell", success=True)
        asked.mcp_tool_call_result("search", success=True)
    told: list[Any] = sink.events
    assert [one.request_id for one in told] == ["r-1", "r-1"]
