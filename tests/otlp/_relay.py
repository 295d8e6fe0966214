"""Servers of plain sockets on loopback, and what passes their bytes on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from tests.otlp._collector import HOST

Reader = asyncio.StreamReader
Writer = asyncio.StreamWriter
Serves = Callable[[Reader, Writer], Awaitable[None]]


@asynccontextmanager
async def listening(
    serve: Serves, *, unix_socket: Path | None = None
) -> AsyncGenerator[int]:
    """Serve each connection so, until the block ends; over TCP, yield the port."""
    tasks: set[asyncio.Task[None]] = set()

    def connected(reader: Reader, writer: Writer) -> None:
        tasks.add(asyncio.ensure_future(serve(reader, writer)))

    listener = await (
        asyncio.start_server(connected, HOST, 0)
        if unix_socket is None
        else asyncio.start_unix_server(connected, unix_socket)
    )
    try:
        yield listener.sockets[0].getsockname()[1] if unix_socket is None else 0
    finally:
        listener.close()
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
        for task in tasks:
            if not task.cancelled():
                task.result()


def relay_to(port: int) -> Serves:
    """Pass on what comes to *port*, and what comes back."""

    async def serve(reader: Reader, writer: Writer) -> None:
        there, back = await asyncio.open_connection(HOST, port)
        try:
            await asyncio.gather(_pipe(reader, back), _pipe(there, writer))
        finally:
            back.transport.abort()
            writer.transport.abort()

    return serve


async def _pipe(reader: Reader, writer: Writer) -> None:
    with suppress(OSError):
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
        writer.close()
