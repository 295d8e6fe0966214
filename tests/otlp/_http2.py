"""An HTTP/2 server that breaks off its first connection, before a real one of gRPC."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress

from tests.otlp._grpc_servers import GrpcServer, serving
from tests.otlp._servers import HOST, Writer, ended

# https://www.rfc-editor.org/rfc/rfc9113#section-6, #section-7
_HEADERS, _RST_STREAM, _SETTINGS, _GOAWAY = 1, 3, 4, 7
_PREFACE_BYTES = 24
REFUSED_STREAM, ENHANCE_YOUR_CALM = 7, 11

Serves = Callable[[asyncio.StreamReader, Writer], Awaitable[None]]
BreaksOff = Callable[[Writer, int], Awaitable[None]]
"""What is done with the first call, by the number of its stream."""


def goes_away(*, has_seen_the_call: bool) -> BreaksOff:
    """End the connection as servers do whose clients ping too often."""

    async def answer(writer: Writer, stream: int) -> None:
        last = stream if has_seen_the_call else 0
        numbers = last.to_bytes(4, "big") + ENHANCE_YOUR_CALM.to_bytes(4, "big")
        writer.write(_frame(_GOAWAY, 0, numbers + b"too_many_pings"))
        await writer.drain()

    return answer


def resets(code: int) -> BreaksOff:
    """End the stream with *code*."""

    async def answer(writer: Writer, stream: int) -> None:
        writer.write(_frame(_RST_STREAM, stream, code.to_bytes(4, "big")))
        await writer.drain()
        await asyncio.Event().wait()

    return answer


async def aborts(writer: Writer, _: int) -> None:
    """Break the connection off."""
    writer.transport.abort()


@asynccontextmanager
async def breaking_off(first: BreaksOff) -> AsyncGenerator[GrpcServer]:
    """Run a server that does so once; its ``port`` is that of who does."""
    tasks: set[asyncio.Task[None]] = set()

    def connected(reader: asyncio.StreamReader, writer: Writer) -> None:
        is_first = not tasks
        does = _break_off(first) if is_first else _relay(real)
        tasks.add(asyncio.ensure_future(does(reader, writer)))

    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(serving())
        real = server.port
        listener = await asyncio.start_server(connected, HOST, 0)
        server.port = listener.sockets[0].getsockname()[1]
        try:
            yield server
        finally:
            listener.close()
            await ended(tasks)


def _break_off(first: BreaksOff) -> Serves:
    async def serve(reader: asyncio.StreamReader, writer: Writer) -> None:
        writer.write(_frame(_SETTINGS, 0))
        try:
            with suppress(OSError, asyncio.IncompleteReadError):
                await first(writer, await _next_call(reader))
        finally:
            writer.close()

    return serve


async def _next_call(reader: asyncio.StreamReader) -> int:
    """Return the stream of the first call."""
    await reader.readexactly(_PREFACE_BYTES)
    while True:
        head = await reader.readexactly(9)
        await reader.readexactly(int.from_bytes(head[:3], "big"))
        if head[3] == _HEADERS:
            return int.from_bytes(head[5:], "big")


def _relay(port: int) -> Serves:
    async def serve(reader: asyncio.StreamReader, writer: Writer) -> None:
        there, back = await asyncio.open_connection(HOST, port)
        try:
            await asyncio.gather(_pipe(reader, back), _pipe(there, writer))
        finally:
            back.transport.abort()
            writer.transport.abort()

    return serve


async def _pipe(reader: asyncio.StreamReader, writer: Writer) -> None:
    with suppress(OSError):
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
        writer.close()


def _frame(kind: int, stream: int, payload: bytes = b"") -> bytes:
    head = len(payload).to_bytes(3, "big") + bytes((kind, 0))
    return head + stream.to_bytes(4, "big") + payload
