"""A WebSocket server on loopback that behaves as a test says, and its client."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from websockets.asyncio.server import ServerConnection, serve

from eventbus_schemas.hooks import HookedConnection, connect_websocket
from tests.schemas.hooks._servers import HOST

Behaviour = Callable[[ServerConnection], Awaitable[None]]


@asynccontextmanager
async def serving(behaviour: Behaviour, **options: Any) -> AsyncGenerator[str]:
    async with serve(behaviour, HOST, 0, ping_interval=None, **options) as server:
        (socket,) = server.sockets
        yield "ws://{}:{}".format(*socket.getsockname())


@asynccontextmanager
async def connected(
    behaviour: Behaviour, telemetry: Any = None, **options: Any
) -> AsyncGenerator[HookedConnection]:
    async with (
        serving(behaviour) as uri,
        await connect_websocket(
            uri, telemetry, ping_interval=None, proxy=None, **options
        ) as connection,
    ):
        yield connection


async def until_closed(server: ServerConnection) -> None:
    await server.wait_closed()


def saying(*messages: str | bytes | list[str]) -> Behaviour:
    async def say(server: ServerConnection) -> None:
        for message in messages:
            await server.send(message)
        await server.wait_closed()

    return say
