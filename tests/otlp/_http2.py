"""An HTTP/2 server that breaks off its first connection, before a real one of gRPC."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

from eventbus.testing import OtlpCollector
from tests.otlp._collector import HOST, port_of
from tests.otlp._relay import Reader, Serves, Writer, listening, relay_to

# https://www.rfc-editor.org/rfc/rfc9113#section-6, #section-7
_HEADERS, _RST_STREAM, _SETTINGS, _GOAWAY = 1, 3, 4, 7
_PREFACE_BYTES = 24
REFUSED_STREAM, ENHANCE_YOUR_CALM = 7, 11

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
async def breaking_off(first: BreaksOff) -> AsyncGenerator[tuple[OtlpCollector, str]]:
    """Run a collector whose first connection is broken off so.

    Yields:
        It, and the endpoint of who does that, behind which it is.
    """
    connections = 0

    async def serve(reader: Reader, writer: Writer) -> None:
        nonlocal connections
        connections += 1
        does = _break_off(first) if connections == 1 else relay_to(port)
        await does(reader, writer)

    async with OtlpCollector(transports=["grpc"]) as collector:
        port = port_of(collector.grpc_url)
        async with listening(serve) as ours:
            yield collector, f"http://{HOST}:{ours}"


def _break_off(first: BreaksOff) -> Serves:
    async def serve(reader: Reader, writer: Writer) -> None:
        writer.write(_frame(_SETTINGS, 0))
        try:
            with suppress(OSError, asyncio.IncompleteReadError):
                await first(writer, await _next_call(reader))
        finally:
            writer.close()

    return serve


async def _next_call(reader: Reader) -> int:
    """Return the stream of the first call."""
    await reader.readexactly(_PREFACE_BYTES)
    while True:
        head = await reader.readexactly(9)
        await reader.readexactly(int.from_bytes(head[:3], "big"))
        if head[3] == _HEADERS:
            return int.from_bytes(head[5:], "big")


def _frame(kind: int, stream: int, payload: bytes = b"") -> bytes:
    head = len(payload).to_bytes(3, "big") + bytes((kind, 0))
    return head + stream.to_bytes(4, "big") + payload
