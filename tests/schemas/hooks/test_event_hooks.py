"""The events that hooks make, of what, and where they go."""

from __future__ import annotations

import base64
import logging
from collections.abc import Callable
from typing import Any

import pytest

import eventbus
from eventbus import Bus, Event
from eventbus.testing import BusEvents
from eventbus_schemas import ApiRequest, SseEvent, classify_sse
from eventbus_schemas._websocket import (
    WebsocketConnect,
    WebsocketEvent,
    WebsocketRequest,
    WebsocketTiming,
)
from eventbus_schemas.hooks import (
    CallCancelled,
    EventHooks,
    HttpError,
    IdleTimeoutElapsed,
    IdleTimeoutError,
    NetworkError,
    Received,
    ServerSentEvent,
    SsePoll,
    StreamEnded,
    StreamFailed,
    WebsocketFrame,
    hook_faults,
    observed_request,
)

CODE = base64.b64encode(b'{"error":{"code":"token_expired"}}').decode()
REFUSAL = HttpError(
    401,
    url="https://api.example/secret",
    headers={
        "x-request-id": "r1",
        "cf-ray": "ray",
        "x-openai-authorization-error": "missing",
        "x-error-json": CODE,
    },
    body="secret",
)


@pytest.fixture
def emitted() -> list[Event]:
    return []


@pytest.fixture
def hooks(emitted: list[Event]) -> EventHooks:
    return EventHooks(
        emitted.append, endpoint="/responses", model="m", turn_id="t1", request_id="q1"
    )


def only(emitted: list[Event]) -> Any:
    (event,) = emitted
    return event


@pytest.mark.proves("A8", "B5")
@pytest.mark.parametrize(
    ("status", "error", "success"),
    [
        (200, None, True),
        (299, None, True),
        (302, None, False),
        (None, None, False),
        (500, HttpError(500), False),
        (200, NetworkError("reset"), False),
    ],
    ids=repr,
)
def test_a_request_succeeded_with_2xx_and_no_error(
    hooks: EventHooks,
    emitted: list[Event],
    status: int | None,
    error: Exception | None,
    success: bool,
) -> None:
    hooks.on_request(2, status, error, 0.25)
    event = only(emitted)
    assert isinstance(event, ApiRequest)
    assert event.success is success
    assert event.severity == ("info" if success else "warn")
    assert (event.attempt, event.status_code, event.duration_ms) == (2, status, 250.0)
    assert (event.endpoint, event.model) == ("/responses", "m")
    assert (event.turn_id, event.request_id) == ("t1", "q1")


@pytest.mark.proves("A9", "A10", "B5")
def test_a_refusal_is_told_with_its_headers_and_without_its_content(
    hooks: EventHooks, emitted: list[Event]
) -> None:
    hooks.on_request(0, 401, REFUSAL, 0.1)
    event = only(emitted)
    assert (event.error_type, event.error_message) == ("http", "http 401")
    assert event.auth_request_id == "r1"
    assert event.auth_cf_ray == "ray"
    assert event.auth_error == "missing"
    assert event.auth_error_code == "token_expired"
    assert "secret" not in str(eventbus.Record(event=event).event)


@pytest.mark.proves("A10")
def test_a_success_tells_nothing_of_its_headers(
    hooks: EventHooks, emitted: list[Event]
) -> None:
    hooks.on_request(0, 200, None, 0.1)
    event = only(emitted)
    told = [name for name in event.__struct_fields__ if name.startswith("auth_")]
    assert {getattr(event, name) for name in told} == {None}


@pytest.mark.proves("A3", "B7")
@pytest.mark.parametrize(
    ("kind", "data"),
    [
        ("response.created", "{}"),
        ("message", "[DONE]"),
        ("response.failed", '{"error":5}'),
        ("response.output_item.done", '{"item":{}}'),
        ("response.created", "no"),
        ("response.completed", '{"response":{}}'),
        ("response.completed", "no"),
    ],
)
def test_an_event_of_a_stream_is_classified(
    hooks: EventHooks, emitted: list[Event], kind: str, data: str
) -> None:
    hooks.on_sse_poll(Received(ServerSentEvent(kind, data)), 0.002)
    event = only(emitted)
    plain = classify_sse(kind, data, duration_ms=2.0)
    for name in ("outcome", "kind", "duration_ms", "error_message", "severity"):
        assert getattr(event, name) == getattr(plain, name)
    assert (event.model, event.turn_id, event.request_id) == ("m", "t1", "q1")


IDLE = IdleTimeoutElapsed(IdleTimeoutError("idle timeout waiting for SSE"))


@pytest.mark.proves("A3", "B7")
@pytest.mark.parametrize(
    ("result", "words"),
    [
        (StreamFailed(OSError("secret")), "OSError"),
        (IDLE, "idle timeout waiting for SSE"),
    ],
    ids=repr,
)
def test_a_stream_that_broke_failed_and_is_of_no_kind(
    hooks: EventHooks, emitted: list[Event], result: SsePoll, words: str
) -> None:
    hooks.on_sse_poll(result, 0.5)
    event = only(emitted)
    assert isinstance(event, SseEvent)
    assert (event.outcome, event.kind, event.error_message) == ("failed", None, words)
    assert event.duration_ms == 500.0


@pytest.mark.proves("A3", "B7")
def test_the_end_of_a_stream_is_no_event(
    hooks: EventHooks, emitted: list[Event]
) -> None:
    hooks.on_sse_poll(StreamEnded(), 0.5)
    assert emitted == []


@pytest.mark.proves("A4", "B6")
@pytest.mark.parametrize("reused", [True, False])
@pytest.mark.parametrize("error", [None, NetworkError("reset")], ids=repr)
def test_a_request_over_a_socket_says_whether_it_was_reused(
    hooks: EventHooks, emitted: list[Event], reused: bool, error: Exception | None
) -> None:
    hooks.on_ws_request(0.1, error, reused)
    event = only(emitted)
    assert isinstance(event, WebsocketRequest)
    assert (event.success, event.connection_reused) == (error is None, reused)
    assert event.error_message == (None if error is None else "reset")
    assert (event.duration_ms, event.turn_id, event.model) == (100.0, "t1", "m")


@pytest.mark.proves("A10", "B6")
@pytest.mark.parametrize(
    ("status", "error", "success"),
    [(None, None, True), (401, REFUSAL, False), (None, NetworkError("x"), False)],
    ids=repr,
)
def test_the_opening_of_a_socket_is_told(
    hooks: EventHooks,
    emitted: list[Event],
    status: int | None,
    error: Exception | None,
    success: bool,
) -> None:
    hooks.on_ws_connect(0.1, status, error)
    event = only(emitted)
    assert isinstance(event, WebsocketConnect)
    assert (event.success, event.status_code) == (success, status)
    assert event.auth_request_id == ("r1" if error is REFUSAL else None)
    assert (event.endpoint, event.connection_reused) == ("/responses", False)


@pytest.mark.proves("A4", "B6")
def test_a_timing_message_is_a_frame_and_its_timings(
    hooks: EventHooks, emitted: list[Event]
) -> None:
    text = (
        '{"type":"responsesapi.websocket_timing",'
        '"timing_metrics":{"engine_service_total_ms":5}}'
    )
    hooks.on_ws_event(Received(WebsocketFrame("text", text)), 0.001)
    frame, timing = emitted
    assert isinstance(frame, WebsocketEvent)
    assert isinstance(timing, WebsocketTiming)
    assert (timing.inference_ms, timing.overhead_ms) == (5.0, None)
    assert (frame.turn_id, timing.turn_id) == ("t1", "t1")


@pytest.mark.proves("A7")
def test_what_was_cut_off_is_an_event_of_its_own(
    hooks: EventHooks, emitted: list[Event]
) -> None:
    hooks.on_cancelled("request", 0.5, 2)
    assert emitted == [
        CallCancelled(
            operation="request",
            duration_ms=500.0,
            endpoint="/responses",
            attempt=2,
            model="m",
            turn_id="t1",
            request_id="q1",
        )
    ]


def test_hooks_with_other_facts_are_others(
    hooks: EventHooks, emitted: list[Event]
) -> None:
    other = hooks.with_facts(endpoint=None, model="n")
    for one in (other, hooks):
        one.on_request(0, 200, None, 0.1)
    seen = [(e.endpoint, e.model, e.turn_id) for e in emitted]  # type: ignore[attr-defined]
    assert seen == [("unknown", "n", "t1"), ("/responses", "m", "t1")]


@pytest.mark.proves("E9")
def test_a_name_that_is_none_is_another_kind(
    hooks: EventHooks, emitted: list[Event]
) -> None:
    name = "x" * 1_000
    hooks.on_sse_poll(Received(ServerSentEvent(name, "{}")), 0.1)
    hooks.on_sse_poll(Received(ServerSentEvent(name, "no")), 0.1)
    text = f'{{"type":"{name}"}}'
    hooks.on_ws_event(Received(WebsocketFrame("text", text)), 0.1)
    assert [e.kind for e in emitted] == ["other"] * 3  # type: ignore[attr-defined]
    assert [e.model for e in emitted[:2]] == ["m", "m"]  # type: ignore[attr-defined]


@pytest.mark.proves("A5")
async def test_an_emit_that_would_have_to_be_awaited_is_told_as_a_mistake(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def work() -> int:
        return 5

    async def emit(event: Event) -> None:
        raise AssertionError

    before = hook_faults().get("EventHooks.on_request", 0)
    assert await observed_request(work(), EventHooks(emit)) == 5
    assert hook_faults()["EventHooks.on_request"] == before + 1


def test_a_fact_that_no_call_has_is_refused_with_the_nearest() -> None:
    with pytest.raises(TypeError, match=r"'endpont'.*Did you mean 'endpoint'"):
        EventHooks(print, endpont="/x")  # type: ignore[call-arg]


class HasEmitter:
    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self.asked: list[type[Event]] = []

    def emitter(self, event_type: type[Any]) -> Callable[[Any], bool]:
        self.asked.append(event_type)
        return self._bus.emitter(event_type, attributes={"conversation.id": "c"})


@pytest.mark.proves("A8")
def test_events_go_to_whatever_takes_them(bus_events: BusEvents) -> None:
    session = HasEmitter(bus_events.bus)
    for emit in (
        bus_events.bus.emit,
        bus_events.bus,
        eventbus.emitter(ApiRequest),
        session,
    ):
        hooks = EventHooks(emit)
        hooks.on_request(0, 200, None, 0.1)
        hooks.on_request(1, 200, None, 0.1)
    assert [e.attempt for e in bus_events.of(ApiRequest)] == [0, 1] * 4
    assert session.asked == [ApiRequest]
    assert bus_events.records[-1].attributes == {"conversation.id": "c"}


@pytest.mark.parametrize("wrong", [None, 5, "emit"])
def test_what_takes_no_events_is_refused(wrong: Any) -> None:
    with pytest.raises(TypeError, match=f"got {type(wrong).__name__}"):
        EventHooks(wrong)


@pytest.mark.proves("A5")
async def test_an_emit_that_raises_changes_nothing(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.CRITICAL, "eventbus.hooks")

    def emit(event: Event) -> None:
        raise RuntimeError("full")

    async def work() -> int:
        return 5

    assert await observed_request(work(), EventHooks(emit)) == 5
