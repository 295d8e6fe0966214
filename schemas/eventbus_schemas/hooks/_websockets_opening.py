"""How a connection of the websockets package is opened and observed from the start."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Generator
from typing import Any, Final, cast

from eventbus import Clock
from eventbus_schemas._facts import text
from eventbus_schemas.hooks._client_errors import refused_with
from eventbus_schemas.hooks._endings import Raised, Returned
from eventbus_schemas.hooks._idle import idle_time
from eventbus_schemas.hooks._observed import SYSTEM_CLOCK, measured, stopwatch
from eventbus_schemas.hooks._observers import WebsocketTelemetry
from eventbus_schemas.hooks._telling import tells
from eventbus_schemas.hooks._websockets_client import (
    ClientConnection,
    HookedConnection,
    connect,
    error_in,
)

# Any in this module: whatever the package's futures yield, and its options.


class Opening(connect):
    """A WebSocket to be opened: ``await`` it, or let ``async with`` close it too.

    ``async for`` opens it again whenever it is lost, as ``connect`` of the package
    does; each opening is told.

    Args:
        uri: Where to.
        telemetry: Gets ``on_ws_connect`` if it has that.
        clock: Measures.
        **options: As of ``connect``.
    """

    def __init__(
        self,
        uri: str,
        telemetry: WebsocketTelemetry | None,
        clock: Clock,
        **options: Any,
    ) -> None:
        """Open nothing yet."""
        super().__init__(uri, **options)
        self._clock: Final = clock
        self._tell: Final = tells(
            telemetry, "on_ws_connect", "websocket_connect", _told_of_opening
        )

    def __await__(self) -> Generator[Any, None, HookedConnection]:
        """Open it."""
        opening = _Awaitable(super().__await__)
        return self._opened(opening).__await__()

    async def _opened(self, opening: _Awaitable) -> HookedConnection:
        if self._tell is None:
            opened = await opening
        else:
            opened = await measured(opening, self._tell, stopwatch(self._clock))
        assert isinstance(opened, HookedConnection)
        return opened

    async def __aenter__(self) -> HookedConnection:
        """Open it."""
        return cast("HookedConnection", await super().__aenter__())

    def __aiter__(self) -> AsyncIterator[HookedConnection]:
        """Open it, and again when it is lost."""
        return cast("AsyncIterator[HookedConnection]", super().__aiter__())


class _Awaitable:
    """Has this method *begin*."""

    def __init__(
        self, begin: Callable[[], Generator[Any, None, ClientConnection]]
    ) -> None:
        self._begin = begin

    def __await__(self) -> Generator[Any, None, ClientConnection]:
        return self._begin()


def connect_websocket(
    uri: str,
    telemetry: WebsocketTelemetry | None = None,
    *,
    idle_timeout_seconds: float | None = None,
    clock: Clock = SYSTEM_CLOCK,
    **options: Any,
) -> Opening:
    """Open a WebSocket whose frames are observed: ``async with …``, or ``await …``.

    ``async for connection in connect_websocket(…)`` opens it again whenever it is lost.

    Args:
        uri: Where to, ``ws://`` or ``wss://``.
        telemetry: See :class:`HookedConnection`; gets ``on_ws_connect`` too if it has
            that, also when nothing could be opened. Of a *uri* that is no address it is
            not told: that is raised before anything is tried.
        idle_timeout_seconds: See :class:`HookedConnection`.
        clock: Measures.
        **options: As of ``websockets.asyncio.client.connect``.

    Raises:
        ImportError: websockets is not installed.
        TypeError: *uri* is no text, or *idle_timeout_seconds* is no number.
        ValueError: *idle_timeout_seconds* is 0 or less; nothing was opened.
        Exception: Whatever ``connect`` raises, as it is.

    Cancelled, the opening is, and the cancellation goes on.
    """
    idle_time(idle_timeout_seconds)

    def connection(*args: Any, **its_options: Any) -> HookedConnection:
        return HookedConnection(
            *args,
            telemetry=telemetry,
            idle_timeout_seconds=idle_timeout_seconds,
            clock=clock,
            **its_options,
        )

    # Any: the package calls for a class, and takes what makes connections.
    factory: Any = connection
    return Opening(
        text("uri", uri), telemetry, clock, create_connection=factory, **options
    )


def _told_of_opening(
    ending: Returned[ClientConnection] | Raised,
) -> tuple[object, ...]:
    error = error_in(ending)
    return ending.duration_seconds, refused_with(error), error
