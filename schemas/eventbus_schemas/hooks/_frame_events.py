"""Which events tell of a wait for a WebSocket's next frame."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Final, cast

import msgspec

from eventbus import Event
from eventbus_schemas._websocket import WebsocketEvent, WebsocketTiming
from eventbus_schemas.hooks._errors import (
    CLOSED_BY_SERVER,
    UNEXPECTED_BINARY,
    closed_before,
)
from eventbus_schemas.hooks._polls import (
    IdleTimeoutElapsed,
    Received,
    StreamEnded,
    StreamFailed,
    WebsocketFrame,
    WebsocketPoll,
)
from eventbus_schemas.hooks._safe_text import safe_text

TIMING: Final = "responsesapi.websocket_timing"

_FAILED: Final = "response.failed"
_PARSE_ERROR: Final = "parse_error"
_UNKNOWN: Final = "unknown"
_LAST_EVENT: Final = "response.completed"
_REFUSED_FRAMES: Final[Mapping[str, str]] = {
    "binary": UNEXPECTED_BINARY,
    "close": CLOSED_BY_SERVER,
    "frame": "unexpected raw websocket frame",
}
_TIMINGS: Final[Mapping[str, str]] = {
    "overhead_ms": "responses_duration_excl_engine_and_client_tool_time_ms",
    "inference_ms": "engine_service_total_ms",
    "engine_iapi_ttft_ms": "engine_iapi_ttft_total_ms",
    "engine_service_ttft_ms": "engine_service_ttft_total_ms",
    "engine_iapi_tbt_ms": "engine_iapi_tbt_across_engine_calls_ms",
    "engine_service_tbt_ms": "engine_service_tbt_across_engine_calls_ms",
}
"""Fields of our event, by the provider's names."""


class _Message(msgspec.Struct):
    # Any: whatever the provider sends.
    type: Any = None
    timing_metrics: Any = None


_message: Final = msgspec.json.Decoder(_Message)
_anything: Final = msgspec.json.Decoder()


def frame_events(result: WebsocketPoll, *, duration_ms: float) -> tuple[Event, ...]:
    """Return the events that tell of *result*.

    =================================  =============================================
    result                             events
    =================================  =============================================
    text, a JSON value                 its ``type`` is the kind, ``"unknown"`` without
                                       one; ``response.failed`` failed, with the text
                                       as its words
    text of a timing message           that, and :class:`WebsocketTiming`
    text that is no JSON               failed, kind ``"parse_error"``
    ping, pong                         none
    binary, close, raw frame           failed, kind ``"unknown"``
    error, end, idle timeout           likewise
    =================================  =============================================
    """
    match result:
        case Received(WebsocketFrame(kind="text", data=data)):
            return _text_events(data, duration_ms)
        case Received(WebsocketFrame(kind="ping" | "pong")):
            return ()
        case Received(WebsocketFrame(kind=kind)):
            words = _REFUSED_FRAMES[kind]
        case StreamEnded():
            words = closed_before(_LAST_EVENT)
        case StreamFailed(error) | IdleTimeoutElapsed(error):
            words = safe_text(error)
    return (WebsocketEvent.failed(words, duration_ms=duration_ms),)


def _text_events(data: str | bytes, duration_ms: float) -> tuple[Event, ...]:
    try:
        message = _decoded(data)
    except (msgspec.DecodeError, RecursionError, UnicodeError) as error:
        failed = WebsocketEvent.failed(
            str(error), kind=_PARSE_ERROR, duration_ms=duration_ms
        )
        return (failed,)
    kind = message.type if isinstance(message.type, str) else _UNKNOWN
    if kind == _FAILED:
        text = data if isinstance(data, str) else data.decode("utf-8", "replace")
        return (WebsocketEvent.failed(text, kind=kind, duration_ms=duration_ms),)
    event = WebsocketEvent(success=True, kind=kind, duration_ms=duration_ms)
    timing = _timing(message.timing_metrics) if kind == TIMING else None
    return (event,) if timing is None else (event, timing)


def _decoded(data: str | bytes) -> _Message:
    try:
        return _message.decode(data)
    except msgspec.ValidationError:  # JSON, but no object
        _anything.decode(data)
        return _Message()


def _timing(told: Any) -> WebsocketTiming | None:
    if not isinstance(told, dict):
        return None
    told = cast("dict[str, object]", told)
    read = {field: _milliseconds(told.get(name)) for field, name in _TIMINGS.items()}
    usable: dict[str, Any] = {
        field: value for field, value in read.items() if value is not None
    }
    return WebsocketTiming(**usable) if usable else None


def _milliseconds(value: object) -> float | None:
    """Return a duration rounded to whole milliseconds; ``None`` if it is none."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        rounded = float(math.floor(value + 0.5))
    except (OverflowError, ValueError):
        return None
    return rounded if value >= 0 else None
