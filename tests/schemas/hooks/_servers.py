"""A server on loopback that says the bytes a test scripts, and breaks off as told."""

from __future__ import annotations

import asyncio
import gzip
from collections import deque
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Final, Literal

HOST: Final = "127.0.0.1"

Step = bytes | asyncio.Event | Literal["reset"]
Reply = Sequence[Step]


def head(status: int = 200, *headers: str, length: int | None = None) -> bytes:
    """Return the head of a response; without *length* its body ends with the stream."""
    lines = [f"HTTP/1.1 {status} Said", "Connection: close", *headers]
    if length is not None:
        lines.append(f"Content-Length: {length}")
    return "\r\n".join([*lines, "", ""]).encode()


def says(status: int, body: bytes = b"", *headers: str) -> Reply:
    """Return a whole response."""
    return [head(status, *headers, length=len(body)) + body]


def says_gzipped(body: bytes) -> Reply:
    """Return a whole response, compressed."""
    return says(200, gzip.compress(body), "Content-Encoding: gzip")


class Scripted:
    """Answers each request with the next reply; the last one again and again."""

    def __init__(self, replies: Sequence[Reply]) -> None:
        self.requests: list[bytes] = []
        self.arrived = asyncio.Event()
        self.url = ""
        self._replies = deque(replies)
        self._tasks: set[asyncio.Task[None]] = set()

    async def take(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            with suppress(asyncio.IncompleteReadError, ConnectionError):
                await self._answer(reader, writer)
        finally:
            self._tasks.discard(task)
            writer.close()

    async def _answer(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.requests.append(await reader.readuntil(b"\r\n\r\n"))
        self.arrived.set()
        last = len(self._replies) == 1
        for step in self._replies[0] if last else self._replies.popleft():
            if isinstance(step, asyncio.Event):
                await step.wait()
            elif step == "reset":
                writer.transport.abort()
                return
            else:
                assert isinstance(step, bytes)
                writer.write(step)
                await writer.drain()

    async def aclose(self) -> None:
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


@asynccontextmanager
async def scripted(*replies: Reply) -> AsyncGenerator[Scripted]:
    """Serve *replies*, one for each request."""
    script = Scripted(replies)
    server = await asyncio.start_server(script.take, HOST, 0)
    script.url = "http://{}:{}".format(*server.sockets[0].getsockname())
    try:
        yield script
    finally:
        server.close()
        await script.aclose()


async def closed_port() -> int:
    """Return a port of loopback that nobody listens at."""
    server = await asyncio.start_server(lambda _, w: w.close(), HOST, 0)
    port: int = server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()
    return port
