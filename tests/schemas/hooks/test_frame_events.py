"""Which events tell of a WebSocket's frames."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eventbus import Event
from eventbus_schemas._websocket import WebsocketEvent, WebsocketTiming
from eventbus_schemas.hooks import (
    IdleTimeoutElapsed,
    IdleTimeoutError,
    Received,
    StreamEnded,
    StreamFailed,
    WebsocketFrame,
    WebsocketPoll,
)
from eventbus_schemas.hooks._frame_events import frame_events

TIMING = "responsesapi.websocket_timing"
FIELDS = {
    "responses_duration_excl_engine_and_client_tool_time_ms": "overhead_ms",
    "engine_service_total_ms": "inference_ms",
    "engine_iapi_ttft_total_ms": "engine_iapi_ttft_ms",
    "engine_service_ttft_total_ms": "engine_service_ttft_ms",
    "engine_iapi_tbt_across_engine_calls_ms": "engine_iapi_tbt_ms",
    "engine_service_tbt_across_engine_calls_ms": "engine_service_tbt_ms",
}


def events_of(result: WebsocketPoll) -> tuple[Event, ...]:
    return frame_events(result, duration_ms=2.5)


def text_events(text: str) -> tuple[Event, ...]:
    return events_of(Received(WebsocketFrame("text", text)))


def frame(kind: Any, data: str | bytes = b"") -> WebsocketPoll:
    return Received(WebsocketFrame(kind, data))


def succeeded(kind: str) -> WebsocketEvent:
    return WebsocketEvent(success=True, kind=kind, duration_ms=2.5)


def failed(words: str, kind: str = "unknown") -> WebsocketEvent:
    return WebsocketEvent.failed(words, kind=kind, duration_ms=2.5)


@pytest.mark.proves("A4", "B6")
@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ('{"type":"response.created","response":{}}', "response.created"),
        ('{"type":"response.completed"}', "response.completed"),
        ('{"response":{}}', "unknown"),
        ('{"type":5}', "unknown"),
        ('{"type":null}', "unknown"),
        ("[1,2]", "unknown"),
        ("5", "unknown"),
        ("null", "unknown"),
    ],
)
def test_text_that_is_json_succeeded_under_its_type(text: str, kind: str) -> None:
    assert text_events(text) == (succeeded(kind),)


@pytest.mark.proves("A4", "B6")
def test_a_failed_response_failed_with_its_text_as_words() -> None:
    text = '{"type":"response.failed","response":{"error":{"message":"no"}}}'
    assert text_events(text) == (failed(text, "response.failed"),)


def test_the_words_of_a_failed_response_may_be_bytes_that_are_no_text() -> None:
    data = b'{"type":"response.failed","x":"\xff"}'
    words = '{"type":"response.failed","x":"\ufffd"}'
    assert events_of(frame("text", data)) == (failed(words, "response.failed"),)


@pytest.mark.proves("A4", "B6")
@pytest.mark.parametrize(
    "text", ["", "no json", '{"type":"x"', "[1, no", "[" * 9999, '{"type":"\ud800"}']
)
def test_text_that_is_no_json_failed_to_parse(text: str) -> None:
    (event,) = text_events(text)
    assert isinstance(event, WebsocketEvent)
    assert (event.kind, event.success, event.severity) == ("parse_error", False, "warn")
    assert event.error_message


@pytest.mark.proves("A4", "B6")
@pytest.mark.parametrize(
    ("result", "words"),
    [
        (frame("binary", b"\0"), "unexpected binary websocket event"),
        (
            frame("close", "bye"),
            "websocket closed by server before response.completed",
        ),
        (frame("frame"), "unexpected raw websocket frame"),
        (StreamFailed(ConnectionResetError("by peer")), "ConnectionResetError"),
        (StreamEnded(), "stream closed before response.completed"),
        (
            IdleTimeoutElapsed(IdleTimeoutError("idle timeout waiting for websocket")),
            "idle timeout waiting for websocket",
        ),
    ],
    ids=repr,
)
def test_everything_else_failed_and_is_of_unknown_kind(
    result: WebsocketPoll, words: str
) -> None:
    assert events_of(result) == (failed(words),)


@pytest.mark.proves("A4", "B6")
@pytest.mark.parametrize("kind", ["ping", "pong"])
def test_pings_and_pongs_are_no_events(kind: str) -> None:
    assert events_of(frame(kind, b"x")) == ()


def timing_of(told: object) -> WebsocketTiming | None:
    text = json.dumps({"type": TIMING, "timing_metrics": told})
    first, *rest = text_events(text)
    assert first == succeeded(TIMING)
    for event in rest:
        assert isinstance(event, WebsocketTiming)
        return event
    return None


@pytest.mark.proves("B6")
@pytest.mark.parametrize(("theirs", "ours"), FIELDS.items())
def test_each_timing_of_the_provider_has_its_field(theirs: str, ours: str) -> None:
    assert timing_of({theirs: 12.6}) == WebsocketTiming(**{ours: 13.0})  # type: ignore[arg-type]


@pytest.mark.proves("B6", "B21")
@pytest.mark.parametrize(
    ("value", "milliseconds"),
    [(0, 0.0), (0.4, 0.0), (0.5, 1.0), (2.5, 3.0), (10**15, 1e15), (7, 7.0)],
)
def test_a_timing_is_rounded_to_milliseconds_and_zero_is_told(
    value: float, milliseconds: float
) -> None:
    name = "engine_service_total_ms"
    assert timing_of({name: value}) == WebsocketTiming(inference_ms=milliseconds)


@pytest.mark.proves("B6")
@pytest.mark.parametrize("value", [-1, -0.2, "5", True, None, [], {}, 10**400])
def test_what_is_no_duration_is_absent(value: object) -> None:
    good = {"engine_iapi_ttft_total_ms": 4}
    assert timing_of({**good, "engine_service_total_ms": value}) == WebsocketTiming(
        engine_iapi_ttft_ms=4.0
    )


@pytest.mark.parametrize("number", ["NaN", "-Infinity", "1e400"])
def test_a_number_that_json_cannot_hold_makes_it_no_json(number: str) -> None:
    (event,) = text_events(f'{{"type":"x","timing_metrics":{{"a":{number}}}}}')
    assert isinstance(event, WebsocketEvent)
    assert event.kind == "parse_error"


def test_timings_of_another_message_are_none() -> None:
    text = '{"type":"x","timing_metrics":{"engine_service_total_ms":5}}'
    assert text_events(text) == (succeeded("x"),)


@pytest.mark.parametrize("told", [None, {}, [], 5, "x", {"other_ms": 5}])
def test_a_message_that_tells_no_timing_is_only_a_frame(told: object) -> None:
    assert timing_of(told) is None


@given(
    st.text()
    | st.recursive(
        st.none() | st.floats() | st.text(),
        lambda inner: st.dictionaries(
            st.sampled_from(["type", "timing_metrics", *FIELDS]), inner
        ),
    ).map(json.dumps)
)
def test_no_text_whatever_raises(text: str) -> None:
    for event in text_events(text):
        if isinstance(event, WebsocketTiming):
            for ours in FIELDS.values():
                value = getattr(event, ours)
                assert value is None or (value >= 0 and math.isfinite(value))
