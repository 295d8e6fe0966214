"""The HTTP half of a collector: reads requests from a stream, and answers anything.

No HTTP library is in between, so that an answer may be as broken as a test wants it.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Final

import msgspec

from eventbus.testing._decoded import MAX_BODY_BYTES

_TLS_HANDSHAKE: Final = b"\x16"
_REQUEST_LINE_PARTS: Final = 3  # method, target, version
_MAX_HEAD_BYTES: Final = 1024 * 1024

Reader = asyncio.StreamReader
Writer = asyncio.StreamWriter


class HttpRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A request as it came, and over which connection, from 0."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes
    connection: int


HttpAnswer = Callable[[Writer, HttpRequest], Awaitable[None]]


class HttpListener:
    """Listens, and lets *answer* write whatever it likes.

    Args:
        answer: Called once a request is read whole.
        tls: Serves https.
        host: Where to listen.
        port: Where to listen; 0 is a free one.
    """

    def __init__(
        self, answer: HttpAnswer, *, tls: ssl.SSLContext | None, host: str, port: int
    ) -> None:
        """Listen to nothing yet."""
        self._answer = answer
        self._tls = tls
        self._place = host, port
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._writers: set[Writer] = set()
        self._over: set[int] = set()
        self._went = asyncio.Event()
        self.failures: Final[list[Exception]] = []
        self.connections = 0
        """How many were opened."""
        self.address: tuple[str, int] = ("", 0)
        """Host and port, once it listens."""

    async def start(self) -> None:
        """Listen."""
        self._server = await asyncio.start_server(
            self._connected, *self._place, ssl=self._tls, limit=_MAX_HEAD_BYTES
        )
        self.address = self._server.sockets[0].getsockname()[:2]

    def _connected(self, reader: Reader, writer: Writer) -> None:
        number, self.connections = self.connections, self.connections + 1
        task = asyncio.ensure_future(self._converse(reader, writer, number))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _converse(self, reader: Reader, writer: Writer, number: int) -> None:
        self._writers.add(writer)
        try:
            with suppress(OSError, asyncio.IncompleteReadError):
                while not writer.is_closing():
                    request = await _read(reader, writer, number)
                    if request is None:
                        break
                    await self._answer(writer, request)
        except Exception as error:  # noqa: BLE001 - told by whoever owns the server
            self.failures.append(error)
        finally:
            self._over.add(number)
            self._went.set()
            self._writers.discard(writer)
            writer.close()

    async def end_of(self, connection: int) -> None:
        """Wait until nobody holds the other end of *connection* any more."""
        while connection not in self._over:
            self._went.clear()
            await self._went.wait()

    async def aclose(self) -> None:
        """Listen no more, and break every connection off."""
        if self._server is not None:
            self._server.close()
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
        for writer in list(self._writers):
            writer.transport.abort()


async def _read(reader: Reader, writer: Writer, number: int) -> HttpRequest | None:
    first = await reader.readexactly(1)
    if first == _TLS_HANDSHAKE:  # as Go's servers answer it
        writer.write(b"HTTP/1.0 400 Bad Request\r\n\r\n")
        return None
    rest = await reader.readuntil(b"\r\n\r\n")
    head = (first + rest).decode("latin-1").split("\r\n")
    parts = head[0].split(" ")
    headers = {
        name.strip().lower(): value.strip()
        for name, _, value in (line.partition(":") for line in head[1:] if line)
    }
    if headers.get("expect", "").lower() == "100-continue":
        writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    body = None if len(parts) != _REQUEST_LINE_PARTS else await _body(reader, headers)
    if body is None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
        return None
    return HttpRequest(
        method=parts[0], target=parts[1], headers=headers, body=body, connection=number
    )


async def _body(reader: Reader, headers: Mapping[str, str]) -> bytes | None:
    if headers.get("transfer-encoding", "").lower() == "chunked":
        return await _chunks(reader)
    length = headers.get("content-length", "0")
    if not length.isdecimal() or int(length) > MAX_BODY_BYTES:
        return None
    return await reader.readexactly(int(length))


async def _chunks(reader: Reader) -> bytes | None:
    body = bytearray()
    while True:
        line = await reader.readuntil(b"\r\n")
        try:
            size = int(line.split(b";")[0], 16)
        except ValueError:
            return None
        if size < 0 or len(body) + size > MAX_BODY_BYTES:
            return None
        if size == 0:
            break
        body += await reader.readexactly(size)
        await reader.readexactly(len(b"\r\n"))
    while await reader.readuntil(b"\r\n") != b"\r\n":
        pass  # trailers
    return bytes(body)
