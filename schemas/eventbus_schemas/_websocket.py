"""What is told of a WebSocket to the provider: how it opens, sends and receives."""

from __future__ import annotations

from typing import Annotated

from eventbus import Label, Severity, Unit
from eventbus_schemas._metrics import SESSION_METRICS
from eventbus_schemas._requests import AnsweredRequest, ErrorMessage, ModelRequest
from eventbus_schemas._texts import byte_length
from eventbus_schemas._turn_ids import OfRequest


def connect_succeeded(status_code: int | None, *, error: object = None) -> bool:
    """Return whether a WebSocket was opened: no error, and a status of 2xx or none."""
    return error is None and (status_code is None or 200 <= status_code < 300)


class WebsocketConnect(
    AnsweredRequest, tag="agent.websocket_connect", metrics=SESSION_METRICS, gc=False
):
    """A WebSocket was to be opened, or one that is open was taken again.

    Args:
        success: There was no error, and the status, where there is one, is 2xx.
        status_code: Of the answer to the handshake, when there was one.
        connection_reused: It was open already.
    """

    connection_reused: Annotated[bool | None, Label] = None


class WebsocketRequest(
    ModelRequest, tag="agent.websocket_request", metrics=SESSION_METRICS, gc=False
):
    """A request was sent over a WebSocket, or could not be.

    Args:
        success: There was no error.
        duration_ms: How long sending took.
        connection_reused: It was sent over a connection that was open already.
    """

    connection_reused: Annotated[bool | None, Label] = None


class WebsocketEvent(
    OfRequest, tag="agent.websocket_event", metrics=SESSION_METRICS, gc=False
):
    """A frame came in over a WebSocket, or the wait for one ended otherwise.

    Args:
        success: It is a piece of the stream, and not one that tells of a failure.
        duration_ms: How long it was waited for.
        kind: What it calls itself, one of few; ``"parse_error"`` is text that is no
            JSON, ``"unknown"`` everything that is no text.
        error_message: The failure's own words.
        error_message_length: Their length.
        severity: ``"warn"`` when it failed.
    """

    success: Annotated[bool, Label]
    duration_ms: Annotated[float, Unit("ms")]
    kind: Annotated[str, Label] = "unknown"
    error_message: ErrorMessage = None
    error_message_length: Annotated[int | None, Unit("By")] = None
    severity: Severity = "info"

    @classmethod
    def failed(
        cls,
        error_message: str,
        *,
        duration_ms: float,
        kind: str = "unknown",
        turn_id: str | None = None,
        request_id: str | None = None,
        severity: Severity = "warn",
    ) -> WebsocketEvent:
        """Make one for a failure, with the length that belongs to *error_message*."""
        return cls(
            success=False,
            duration_ms=duration_ms,
            kind=kind,
            error_message=error_message,
            error_message_length=byte_length(error_message),
            turn_id=turn_id,
            request_id=request_id,
            severity=severity,
        )


class WebsocketTiming(
    OfRequest, tag="agent.websocket_timing", metrics=SESSION_METRICS, gc=False
):
    """The provider told how long its parts took; what it does not tell is absent.

    Args:
        overhead_ms: Neither in the engine nor in tools of the client's own.
        inference_ms: In the engine.
        engine_iapi_ttft_ms: To the first token, seen from the engine's interface.
        engine_service_ttft_ms: To the first token, seen from the service.
        engine_iapi_tbt_ms: Between two tokens, seen from the engine's interface.
        engine_service_tbt_ms: Between two tokens, seen from the service.
    """

    overhead_ms: Annotated[float | None, Unit("ms")] = None
    inference_ms: Annotated[float | None, Unit("ms")] = None
    engine_iapi_ttft_ms: Annotated[float | None, Unit("ms")] = None
    engine_service_ttft_ms: Annotated[float | None, Unit("ms")] = None
    engine_iapi_tbt_ms: Annotated[float | None, Unit("ms")] = None
    engine_service_tbt_ms: Annotated[float | None, Unit("ms")] = None
