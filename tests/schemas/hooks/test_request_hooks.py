"""What hooks know beforehand: of a session, of a turn, of one request."""

from __future__ import annotations

from typing import ClassVar

import pytest

from eventbus import Event
from eventbus.testing import BusEvents
from eventbus_schemas import ApiRequest, Session, SseEvent
from eventbus_schemas.hooks import EventHooks, HttpError, Received, ServerSentEvent


@pytest.fixture
def emitted() -> list[Event]:
    return []


@pytest.fixture
def hooks(emitted: list[Event]) -> EventHooks:
    return EventHooks(emitted.append, model="m", request_id="q1")


class Fills:
    """Fills in what it knows, as a session does."""

    defaults: ClassVar[dict[str, object]] = {"model": "m", "turn_id": "t1", "x": 5}

    def __init__(self, emitted: list[Event]) -> None:
        self.emit = emitted.append


def test_what_a_session_fills_in_is_said_unless_the_caller_says_other(
    emitted: list[Event],
) -> None:
    for hooks in (
        EventHooks(Fills(emitted)),
        EventHooks(Fills(emitted), model="n", turn_id=None),
        EventHooks(Fills(emitted)).with_facts(turn_id="t2"),
    ):
        hooks.on_request(0, 200, None, 0.1)
    seen = [(e.model, e.turn_id) for e in emitted]  # type: ignore[attr-defined]
    assert seen == [("m", "t1"), ("n", None), ("m", "t2")]


@pytest.mark.proves("B22")
def test_the_events_of_a_turn_say_what_the_turn_knows(bus_events: BusEvents) -> None:
    session = Session(bus_events.bus, conversation_id="c", model="m")
    session = session.with_inference(service_tier="flex", reasoning_effort="high")
    with session.with_auth_environment(provider_key_present=True).turn("t1") as turn:
        hooks = EventHooks(turn, endpoint="/responses").for_request("q1")
        hooks.on_request(0, 200, None, 0.1)
        for tier in ("null", '"default"'):
            data = f'{{"response":{{"service_tier":{tier}}}}}'
            hooks.on_sse_poll(Received(ServerSentEvent("response.completed", data)), 0)
    (request,) = bus_events.of(ApiRequest)
    assert (request.turn_id, request.request_id, request.model) == ("t1", "q1", "m")
    assert request.auth_env_provider_key_present is True
    pieces = bus_events.of(SseEvent)
    assert [piece.service_tier for piece in pieces] == ["flex", "default"]
    assert {piece.reasoning_effort for piece in pieces} == {"high"}
    assert {piece.turn_id for piece in pieces} == {"t1"}
    assert bus_events.records[-1].attributes["gen_ai.conversation.id"] == "c"


COMPLETED = Received(ServerSentEvent("response.completed", '{"response":{}}'))


@pytest.mark.proves("B22")
def test_the_pieces_of_a_request_say_of_which_attempt_they_are(
    hooks: EventHooks, emitted: list[Event]
) -> None:
    one, two = hooks.for_request(), hooks.for_request("q2")
    assert (one.request_id, two.request_id) == ("q1", "q2")
    one.on_request(0, 500, None, 0.1)
    one.on_request(1, 200, None, 0.1)
    two.on_request(0, 200, None, 0.1)
    emitted.clear()
    for each in (one, two, hooks, one.for_request("q3")):
        each.on_sse_poll(COMPLETED, 0.1)
    told = [(e.request_id, e.attempt) for e in emitted]  # type: ignore[attr-defined]
    assert told == [("q1", 1), ("q2", 0), ("q1", None), ("q3", None)]


def piece(kind: str) -> Received[ServerSentEvent]:
    return Received(ServerSentEvent(kind, "{}"))


TEXT = piece("response.output_text.delta")


@pytest.mark.proves("B7")
def test_the_last_piece_says_how_long_the_first_text_was_waited_for(
    hooks: EventHooks, emitted: list[Event]
) -> None:
    one = hooks.for_request()
    one.on_request(0, 500, HttpError(500), 8.0)
    one.on_request(1, 200, None, 0.5)
    one.on_sse_poll(piece("response.created"), 0.25)
    one.on_sse_poll(TEXT, 1.0)
    one.on_sse_poll(TEXT, 4.0)
    one.on_sse_poll(COMPLETED, 4.0)
    told = [e.time_to_first_token_ms for e in emitted if isinstance(e, SseEvent)]
    assert told == [None, None, None, 1750.0]


def test_nothing_is_said_of_the_first_text_where_there_is_none_or_no_request(
    hooks: EventHooks, emitted: list[Event]
) -> None:
    silent, unsent, again = (hooks.for_request() for _ in range(3))
    for each in (silent, hooks, again):
        each.on_request(0, 200, None, 0.5)
    again.on_sse_poll(TEXT, 1.0)
    again.for_request().on_sse_poll(COMPLETED, 1.0)
    again.on_request(1, 200, None, 0.5)
    for each in (hooks, unsent):
        each.on_sse_poll(TEXT, 1.0)
    for each in (silent, hooks, unsent, again):
        each.on_sse_poll(COMPLETED, 1.0)
    told = {e.time_to_first_token_ms for e in emitted if isinstance(e, SseEvent)}
    assert told == {None}


def test_a_request_has_the_id_that_is_known_or_one_of_its_own() -> None:
    hooks = EventHooks(print)
    assert hooks.request_id is None
    ids = {hooks.for_request().request_id, hooks.for_request().request_id}
    one = hooks.for_request("q1")
    assert one.request_id == "q1"
    ids |= {one.for_request().request_id, one.for_request().for_request().request_id}
    assert [len(each or "") for each in ids] == [32] * 4


def test_hooks_of_many_requests_say_of_no_piece_which_attempt_it_is(
    hooks: EventHooks, emitted: list[Event]
) -> None:
    hooks.on_request(2, 200, None, 0.1)
    hooks.on_sse_poll(COMPLETED, 0.1)
    assert emitted[-1].attempt is None  # type: ignore[attr-defined]


@pytest.mark.proves("A7", "B22")
def test_what_was_cut_off_says_of_which_attempt_it_is(
    hooks: EventHooks, emitted: list[Event]
) -> None:
    request = hooks.for_request()
    request.on_request(1, 200, None, 0.1)
    request.on_cancelled("sse_poll", 0.1, None)
    request.on_cancelled("request", 0.1, 2)
    request.on_cancelled("sse_poll", 0.1, None)
    assert [e.attempt for e in emitted[1:]] == [1, 2, 2]  # type: ignore[attr-defined]
