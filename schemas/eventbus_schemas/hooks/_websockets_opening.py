"""How a connection of the websockets package is opened and observed from the start."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Generator
from typing import Any, Final

from eventbus import Clock
from eventbus._bounds import above
from eventbus_schemas.hooks._client_errors import refused_with
from eventbus_schemas.hooks._endings import Raised, Returned
from eventbus_schemas.hooks._observed import SYSTEM_CLOCK, measured, stopwatch
from eventbus_schemas.hooks._observers import WebsocketTelemetry
from eventbus_schemas.hooks._telling import tells
from eventbus_schemas.hooks._websockets_client import (
    ClientConnection,
    HookedConnection,
    connect,
    error_in,
)


class Opening:
    """A WebSocket to be opened: ``await`` it, or let ``async with`` close it too.

    Args:
        open_it: Opens it.
    """

    def __init__(self, open_it: Callable[[], Awaitable[HookedConnection]]) -> None:
        """Open nothing yet."""
        self._open: Final = open_it
        self._opened: HookedConnection | None = None

    def __await__(self) -> Generator[Any, None, HookedConnection]:
        """Open it. Any: whatever its futures yield."""
        return self._open().__await__()

    async def __aenter__(self) -> HookedConnection:
        """Open it."""
        self._opened = await self
        return self._opened

    async def __aexit__(self, *raised: object) -> None:
        """Close it."""
        assert self._opened is not None
        await self._opened.close()


def connect_websocket(
    uri: str,
    telemetry: WebsocketTelemetry | None = None,
    *,
    idle_timeout_seconds: float | None = None,
    clock: Clock = SYSTEM_CLOCK,
    **options: Any,
) -> Opening:
    """Open a WebSocket whose frames are observed: ``async with …``, or ``await …``.

    Args:
        uri: Where to, ``ws://`` or ``wss://``.
        telemetry: See :class:`HookedConnection`; gets ``on_ws_connect`` too if it has
            that, also when nothing was opened.
        idle_timeout_seconds: See :class:`HookedConnection`.
        clock: Measures.
        **options: As of ``websockets.asyncio.client.connect``.

    Raises:
        ImportError: websockets is not installed.
        ValueError: *idle_timeout_seconds* is 0 or less; nothing was opened.
        Exception: Whatever ``connect`` raises, as it is.

    Cancelled, the opening is, and the cancellation goes on.
    """
    above("idle_timeout_seconds", idle_timeout_seconds, 0)

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

    async def open_it() -> HookedConnection:
        opening = connect(uri, create_connection=factory, **options)
        tell = tells(telemetry, "on_ws_connect", "websocket_connect", _told_of_opening)
        if tell is None:
            opened = await opening
        else:
            opened = await measured(opening, tell, stopwatch(clock))
        assert isinstance(opened, HookedConnection)
        return opened

    return Opening(open_it)


def _told_of_opening(
    ending: Returned[ClientConnection] | Raised,
) -> tuple[object, ...]:
    error = error_in(ending)
    return ending.duration_seconds, refused_with(error), error
