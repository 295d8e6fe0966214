"""How a connection of the websockets package is observed, frame by frame."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterable, AsyncIterator, Iterable
from typing import TYPE_CHECKING, Any, Final, Literal, overload

from eventbus import Clock
from eventbus_schemas.hooks._endings import Raised, Returned
from eventbus_schemas.hooks._errors import IDLE_SENDING, IDLE_WEBSOCKET
from eventbus_schemas.hooks._guard import hook_of
from eventbus_schemas.hooks._idle import IdleTimer
from eventbus_schemas.hooks._observed import SYSTEM_CLOCK, measured, stopwatch
from eventbus_schemas.hooks._observers import WebsocketTelemetry
from eventbus_schemas.hooks._polls import (
    FrameKind,
    Received,
    StreamEnded,
    WebsocketFrame,
    WebsocketPoll,
)
from eventbus_schemas.hooks._telling import Tell, failure_of, tells

try:
    from websockets.asyncio.client import ClientConnection as ClientConnection
    from websockets.asyncio.client import connect as connect
    from websockets.exceptions import ConnectionClosed
    from websockets.frames import Frame, Opcode
except ImportError as error:
    raise ImportError(
        "This hooked connection needs websockets 14 or newer, which is not installed. "
        "Try: pip install 'websockets>=14'"
    ) from error

if TYPE_CHECKING:
    from websockets.typing import Data, DataLike  # which not every version has

_CONTROL_FRAMES: Final[dict[Opcode, FrameKind]] = {
    Opcode.PING: "ping",
    Opcode.PONG: "pong",
}
_MESSAGES: Final[dict[Opcode, FrameKind]] = {
    Opcode.TEXT: "text",
    Opcode.BINARY: "binary",
}


class HookedConnection(ClientConnection):
    """A connection of ``websockets`` whose frames are observed, and nothing changed.

    It is what :func:`connect_websocket` returns, and what
    ``connect(uri, create_connection=partial(HookedConnection, telemetry=…))`` makes.
    Each ``send`` is a request to the hooks, each ``recv`` (so each step of
    ``async for``) a poll. A ping or pong is told when it comes in: while ``recv``
    waits it ends one poll and begins another, else its duration is 0. The close frame
    is told once, by the ``recv`` that raises for it; whoever goes on receiving gets
    the end. ``recv_streaming`` is not observed.

    Args:
        *args: As of ``ClientConnection``.
        telemetry: Gets ``on_ws_request`` and ``on_ws_event``, and ``on_cancelled`` for
            what is cut off if it has that.
        idle_timeout_seconds: Longest wait for the next frame, and for sending one.
            Pings of the far side begin it anew; pongs do not, since they answer pings
            of our own. ``None`` waits for ever.
        clock: Measures the waits.
        **options: As of ``ClientConnection``.
    """

    def __init__(
        self,
        *args: Any,  # Any, here and below: the package's own
        telemetry: WebsocketTelemetry | None = None,
        idle_timeout_seconds: float | None = None,
        clock: Clock = SYSTEM_CLOCK,
        **options: Any,
    ) -> None:
        """Wait for nothing yet."""
        super().__init__(*args, **options)
        self._receiving = IdleTimer(idle_timeout_seconds, IDLE_WEBSOCKET, clock)
        self._sending = IdleTimer(idle_timeout_seconds, IDLE_SENDING, clock)
        self._telemetry: Final = telemetry
        self._on_event = hook_of(telemetry, "on_ws_event")
        self._tell_poll = tells(
            telemetry, "on_ws_event", "websocket_event", self._told_of_poll
        )
        self._clock: Final = clock
        self._waiting_since: float | None = None
        self._kinds: Final[deque[FrameKind]] = deque()  # of messages not received yet
        self._is_reused = False
        self._close_was_told = False

    async def send(
        self,
        message: DataLike | Iterable[DataLike] | AsyncIterable[DataLike],
        *,
        text: bool | None = None,
    ) -> None:
        """See ``ClientConnection.send``.

        Raises:
            IdleTimeoutError: It could not be sent in time; the connection is good for
                ``close`` alone.
        """
        tell = _tells_of_sending(self._telemetry, connection_reused=self._is_reused)
        self._is_reused = True
        sending = self._sending.wait(super().send(message, text=text))
        if tell is None:
            await sending
        else:
            await measured(sending, tell, stopwatch(self._clock))

    @overload
    async def recv(self, decode: Literal[True]) -> str: ...
    @overload
    async def recv(self, decode: Literal[False]) -> bytes: ...
    @overload
    async def recv(self, decode: bool | None = None) -> Data: ...
    async def recv(self, decode: bool | None = None) -> Data:
        """See ``ClientConnection.recv``.

        Raises:
            IdleTimeoutError: Nothing came in time: ``"idle timeout waiting for
                websocket"``. The next call waits anew.
        """
        if self._waiting_since is not None:
            return await super().recv(decode)  # which refuses a second one at a time
        receiving = self._receiving.wait(self._message(decode))
        if self._tell_poll is None:
            return (await receiving).data
        self._waiting_since = self._clock.monotonic()
        try:
            return (await measured(receiving, self._tell_poll, self._waited)).data
        finally:
            self._waiting_since = None

    async def _message(self, decode: bool | None) -> WebsocketFrame:
        data = await super().recv(decode)
        return WebsocketFrame(self._kinds.popleft(), data)

    @overload
    def recv_streaming(self, decode: Literal[True]) -> AsyncIterator[str]: ...
    @overload
    def recv_streaming(self, decode: Literal[False]) -> AsyncIterator[bytes]: ...
    @overload
    def recv_streaming(self, decode: bool | None = None) -> AsyncIterator[Data]: ...
    async def recv_streaming(self, decode: bool | None = None) -> AsyncIterator[Data]:
        """See ``ClientConnection.recv_streaming``; no hook is told."""
        async for part in super().recv_streaming(decode):
            yield part
        self._kinds.popleft()

    def process_event(self, event: Any) -> None:
        """Tell of a ping or a pong, then let the connection have its frame."""
        if isinstance(event, Frame):
            self._note(event)
        super().process_event(event)

    def _note(self, frame: Frame) -> None:
        if frame.opcode in _MESSAGES:
            self._kinds.append(_MESSAGES[frame.opcode])
        elif frame.opcode in _CONTROL_FRAMES:
            self._tell_control_frame(_CONTROL_FRAMES[frame.opcode], bytes(frame.data))

    def _tell_control_frame(self, kind: FrameKind, data: bytes) -> None:
        if self._on_event is not None:
            self._on_event(Received(WebsocketFrame(kind, data)), self._waited())
        if self._waiting_since is not None:
            self._waiting_since = self._clock.monotonic()
        if kind == "ping":
            self._receiving.put_off()

    def _waited(self) -> float:
        since = self._waiting_since
        return 0.0 if since is None else self._clock.monotonic() - since

    def _told_of_poll(
        self, ending: Returned[WebsocketFrame] | Raised
    ) -> tuple[WebsocketPoll, float]:
        return self._result_of(ending), ending.duration_seconds

    def _result_of(self, ending: Returned[WebsocketFrame] | Raised) -> WebsocketPoll:
        if isinstance(ending, Returned):
            return Received(ending.value)
        error = ending.error
        if not isinstance(error, ConnectionClosed):
            return failure_of(error)
        if self._close_was_told:
            return StreamEnded()
        self._close_was_told = True
        if error.rcvd is None:
            return failure_of(error)
        frame = WebsocketFrame(
            "close", error.rcvd.reason, close_code=int(error.rcvd.code)
        )
        return Received(frame)


def _tells_of_sending(
    telemetry: object, *, connection_reused: bool
) -> Tell[None] | None:
    def told(ending: Returned[None] | Raised) -> tuple[object, ...]:
        return ending.duration_seconds, error_in(ending), connection_reused

    return tells(telemetry, "on_ws_request", "websocket_request", told)


def error_in(ending: Returned[Any] | Raised) -> Exception | None:
    """Return what *ending* raised, if it did."""
    return ending.error if isinstance(ending, Raised) else None
