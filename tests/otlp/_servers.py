"""An HTTP server on loopback that answers each request as a test says, or badly."""

from __future__ import annotations

import asyncio
import gzip
import os
import socket
import ssl
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import (
    ExportLogsServiceRequest,
    ExportLogsServiceResponse,
)
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord

from tests.otlp._official import from_json

HOST = "127.0.0.1"
PROTOBUF = "application/x-protobuf"
JSON = "application/json"
TLS_HANDSHAKE = b"\x16"


@dataclass(frozen=True, kw_only=True)
class Request:
    """A request as it came, and over which connection, from 0."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes
    connection: int

    @property
    def content(self) -> bytes:
        """The body, decompressed."""
        if self.headers.get("content-encoding") == "gzip":
            return gzip.decompress(self.body)
        return self.body

    @property
    def logs(self) -> list[LogRecord]:
        """The log records in it."""
        if self.headers["content-type"] == JSON:
            message = from_json(self.content, ExportLogsServiceRequest)
        else:
            message = ExportLogsServiceRequest.FromString(self.content)
        return [
            record
            for resource_logs in message.resource_logs
            for scope_logs in resource_logs.scope_logs
            for record in scope_logs.log_records
        ]

    @property
    def ids(self) -> list[str]:
        """The ids of the log records in it."""
        return [id_of(record) for record in self.logs]


def id_of(record: LogRecord) -> str:
    """Return the id that our encoder gave *record*."""
    found = {pair.key: pair.value.string_value for pair in record.attributes}
    return found["log.record.uid"]


Writer = asyncio.StreamWriter
Answer = Callable[[Writer, Request], Awaitable[None]]


def says(
    status: int,
    body: bytes = b"",
    *headers: tuple[str, str],
    content_type: str | None = PROTOBUF,
) -> Answer:
    """Answer with *status*, *body* and *headers*, and keep the connection."""
    lines = [f"HTTP/1.1 {status} Scripted", f"Content-Length: {len(body)}"]
    if content_type is not None:
        lines.append(f"Content-Type: {content_type}")
    lines += [f"{name}: {value}" for name, value in headers]
    return sends("\r\n".join([*lines, "", ""]).encode() + body)


def sends(data: bytes, *, then_close: bool = False) -> Answer:
    """Answer with *data* as it is."""

    async def answer(writer: Writer, _: Request) -> None:
        writer.write(data)
        await writer.drain()
        if then_close:
            writer.close()

    return answer


def sends_for_ever(head: bytes, more: bytes) -> Answer:
    """Answer with *head*, and then *more* again and again until nobody listens."""

    async def answer(writer: Writer, _: Request) -> None:
        writer.write(head)
        while not writer.is_closing():
            writer.write(more)
            await writer.drain()

    return answer


async def hangs(_: Writer, __: Request) -> None:
    """Answer nothing, ever."""
    await asyncio.Event().wait()


async def closes(writer: Writer, _: Request) -> None:
    """Close the connection instead of an answer."""
    writer.close()


async def resets(writer: Writer, _: Request) -> None:
    """Break the connection off instead of an answer."""
    writer.transport.abort()


async def half_closes(writer: Writer, _: Request) -> None:
    """Say that there will be no answer, and go on listening."""
    writer.write_eof()
    await asyncio.Event().wait()


def took(rejected: int = 0, message: str = "") -> Answer:
    """Answer 200, with the number of records that were refused."""
    response = ExportLogsServiceResponse()
    if rejected or message:
        response.partial_success.rejected_log_records = rejected
        response.partial_success.error_message = message
    return says(200, response.SerializeToString())


OK = took()


async def says_its_last(writer: Writer, request: Request) -> None:
    """Take the request, and close our half: nothing more is answered here."""
    await OK(writer, request)
    writer.write_eof()


@dataclass
class Server:
    """What came, and what is answered: first the script, then *otherwise*."""

    script: deque[Answer] = field(default_factory=deque)
    otherwise: Answer = OK
    requests: list[Request] = field(default_factory=list)
    connections: int = 0
    address: tuple[str, int] = ("", 0)
    scheme: str = "http"
    came: asyncio.Event = field(default_factory=asyncio.Event)
    over: set[int] = field(default_factory=set)
    went: asyncio.Event = field(default_factory=asyncio.Event)
    writers: set[Writer] = field(default_factory=set)
    stop: Callable[[], Awaitable[None]] = field(init=False)

    @property
    def url(self) -> str:
        return f"{self.scheme}://{self.address[0]}:{self.address[1]}"

    @property
    def ids(self) -> list[str]:
        """The ids of all log records that came, in the order in which they did."""
        return [one for request in self.requests for one in request.ids]

    def will(self, *answers: Answer) -> None:
        """Answer the next requests so."""
        self.script.extend(answers)

    async def request(self) -> Request:
        """Wait for the next request, and return it."""
        self.came.clear()
        await self.came.wait()
        return self.requests[-1]

    async def end_of(self, connection: int) -> None:
        """Wait until nobody holds the other end of *connection* any more."""
        while connection not in self.over:
            self.went.clear()
            await self.went.wait()

    def drop_all(self) -> None:
        """End all connections here and now, before any loop can hear of it."""
        for writer in self.writers:
            ours = socket.socket(
                fileno=os.dup(writer.get_extra_info("socket").fileno())
            )
            with ours:
                ours.shutdown(socket.SHUT_RDWR)

    async def _serve(self, reader: asyncio.StreamReader, writer: Writer) -> None:
        number, self.connections = self.connections, self.connections + 1
        self.writers.add(writer)
        with suppress(OSError, asyncio.IncompleteReadError):
            while not writer.is_closing():
                first = await reader.readexactly(1)
                if first == TLS_HANDSHAKE:  # as Go's servers answer it
                    writer.write(b"HTTP/1.0 400 Bad Request\r\n\r\n")
                    break
                request = await read_request(reader, first, number)
                self.requests.append(request)
                self.came.set()
                answer = self.script.popleft() if self.script else self.otherwise
                await answer(writer, request)
        self.over.add(number)
        self.went.set()
        self.writers.discard(writer)
        writer.close()


async def read_request(
    reader: asyncio.StreamReader, first: bytes, connection: int
) -> Request:
    rest = await reader.readuntil(b"\r\n\r\n")
    head = (first + rest).decode("latin-1").split("\r\n")
    method, target, _ = head[0].split(" ")
    headers = {
        name.lower(): value.strip()
        for name, _, value in (line.partition(":") for line in head[1:] if line)
    }
    body = await reader.readexactly(int(headers.get("content-length", 0)))
    return Request(
        method=method, target=target, headers=headers, body=body, connection=connection
    )


@asynccontextmanager
async def serving(
    *answers: Answer,
    otherwise: Answer = OK,
    tls: ssl.SSLContext | None = None,
    host: str = HOST,
    port: int = 0,
) -> AsyncGenerator[Server]:
    """Run a server that answers so; it and its connections end with the block."""
    server = Server(deque(answers), otherwise)
    tasks: set[asyncio.Task[None]] = set()

    def connected(reader: asyncio.StreamReader, writer: Writer) -> None:
        tasks.add(asyncio.ensure_future(server._serve(reader, writer)))

    listener = await asyncio.start_server(connected, host, port, ssl=tls)
    server.address = listener.sockets[0].getsockname()[:2]
    server.scheme = "http" if tls is None else "https"

    async def stop() -> None:
        listener.close()
        await ended(tasks)
        for writer in list(server.writers):
            writer.transport.abort()

    server.stop = stop
    try:
        yield server
    finally:
        await stop()


async def ended(tasks: Iterable[asyncio.Task[None]]) -> None:
    """Cancel *tasks* and wait for their end."""
    tasks = list(tasks)
    for task in tasks:
        task.cancel()
    if tasks:
        await asyncio.wait(tasks)
    for task in tasks:
        if not task.cancelled():
            task.result()
