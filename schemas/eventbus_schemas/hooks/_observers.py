"""Which hooks there are, what each is told, and when.

Hooks are synchronous, return nothing, and are called by position. They observe: one
that raises, or that is a coroutine function, changes nothing about the call; it is
counted in :func:`eventbus_schemas.hooks.hook_faults` and told to the logger
``eventbus.hooks``. An observer may have any of these methods; one that it does not have
costs nothing. Hooks run in the task that makes the call, those for pings and pongs as
the loop's callbacks, so they should be quick; from several loops they are called in
several threads.
"""

from __future__ import annotations

from typing import Literal, Protocol

from eventbus_schemas.hooks._polls import SsePoll, WebsocketPoll

Operation = Literal[
    "request", "sse_poll", "websocket_connect", "websocket_request", "websocket_event"
]


class RequestTelemetry(Protocol):
    """Observes attempts of requests."""

    def on_request(
        self,
        attempt: int,
        status: int | None,
        error: Exception | None,
        duration_seconds: float,
        /,
    ) -> None:
        """Note that an attempt ended; called once for each, before a retry is chosen.

        Args:
            attempt: From 0; 1 is the first retry.
            status: Of the response; of an error only where it carries one.
            error: Absent when the client reports a success.
            duration_seconds: By a monotonic clock, from just before sending to the
                response: of a streaming request to its head, of another to its end.
        """
        ...


class SseTelemetry(Protocol):
    """Observes a stream of server-sent events."""

    def on_sse_poll(self, result: SsePoll, duration_seconds: float, /) -> None:
        """Note that a wait for the next event is over; called before it is parsed.

        Args:
            result: An event, an error, the end, or an idle timeout.
            duration_seconds: How long this one was waited for.
        """
        ...


class WebsocketTelemetry(Protocol):
    """Observes a WebSocket."""

    def on_ws_request(
        self,
        duration_seconds: float,
        error: Exception | None,
        connection_reused: bool,
        /,
    ) -> None:
        """Note that a request was sent, or could not be.

        Args:
            duration_seconds: How long sending took.
            error: Absent when it was sent.
            connection_reused: It was not the first one over this connection.
        """
        ...

    def on_ws_event(self, result: WebsocketPoll, duration_seconds: float, /) -> None:
        """Note that a wait for the next frame is over; called before it is dispatched.

        Args:
            result: A frame of any kind, an error, the end, or an idle timeout.
            duration_seconds: How long this one was waited for.
        """
        ...


class ConnectTelemetry(Protocol):
    """Observes how WebSockets are opened."""

    def on_ws_connect(
        self, duration_seconds: float, status: int | None, error: Exception | None, /
    ) -> None:
        """Note that a WebSocket was opened, or could not be.

        Args:
            duration_seconds: Name resolution, TLS and handshake included.
            status: Of the answer that refused the handshake.
            error: Absent when it is open.
        """
        ...


class CancelTelemetry(Protocol):
    """Observes calls that were cut off: no other hook tells of them."""

    def on_cancelled(
        self, operation: Operation, duration_seconds: float, attempt: int | None, /
    ) -> None:
        """Note that a call was cancelled before anything came of it.

        Args:
            operation: What was cut off.
            duration_seconds: How long it had taken by then.
            attempt: Of a request, from 0.
        """
        ...
