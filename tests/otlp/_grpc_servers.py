"""A gRPC server on loopback that answers each call as a test says."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from google.protobuf.duration_pb2 import Duration
from google.rpc.error_details_pb2 import RetryInfo
from google.rpc.status_pb2 import Status
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import (
    ExportLogsServiceRequest,
    ExportLogsServiceResponse,
)

from eventbus_otlp._grpc_import import grpc
from tests.otlp._servers import HOST, id_of

# Any in this module: grpc has no types.

SERVICE = "opentelemetry.proto.collector.logs.v1.LogsService"


@dataclass(frozen=True, kw_only=True)
class Call:
    """A call as it came."""

    metadata: dict[str, Any]
    body: bytes
    peer: str

    @property
    def ids(self) -> list[str]:
        """The ids of the log records in it."""
        message = ExportLogsServiceRequest.FromString(self.body)
        return [
            id_of(record)
            for resource_logs in message.resource_logs
            for scope_logs in resource_logs.scope_logs
            for record in scope_logs.log_records
        ]


Answer = Callable[[Any], Awaitable[bytes]]


def took(rejected: int = 0, message: str = "") -> Answer:
    """Take the request, but for so many of its records."""

    async def answer(_: Any) -> bytes:
        response = ExportLogsServiceResponse()
        if rejected or message:
            response.partial_success.rejected_log_records = rejected
            response.partial_success.error_message = message
        return response.SerializeToString()

    return answer


def says(data: bytes) -> Answer:
    """Answer OK, with *data* as it is."""

    async def answer(_: Any) -> bytes:
        return data

    return answer


def fails(code: str, words: str = "", *, wish: Duration | None = None) -> Answer:
    """Answer with *code*, and with a ``RetryInfo`` where there is a *wish*."""

    async def answer(context: Any) -> bytes:
        trailing = ()
        if wish is not None:
            status = Status(code=grpc.StatusCode[code].value[0], message=words)
            status.details.add().Pack(RetryInfo(retry_delay=wish))
            details = status.SerializeToString()
            trailing = (("grpc-status-details-bin", details),)
        await context.abort(grpc.StatusCode[code], words, trailing)
        raise AssertionError

    return answer


async def hangs(_: Any) -> bytes:
    """Answer nothing, ever."""
    return await asyncio.Future()


OK = took()


@dataclass
class GrpcServer:
    """What came, and what is answered: first the script, then *otherwise*.

    A ``judge`` answers every call instead, by its body.
    """

    script: deque[Answer] = field(default_factory=deque)
    otherwise: Answer = OK
    calls: list[Call] = field(default_factory=list)
    port: int = 0
    scheme: str = "http"
    came: asyncio.Event = field(default_factory=asyncio.Event)
    judge: Callable[[bytes, Any], Awaitable[bytes]] | None = None
    stop: Callable[[], Awaitable[None]] = field(init=False)

    @property
    def url(self) -> str:
        return f"{self.scheme}://{HOST}:{self.port}"

    @property
    def requests(self) -> list[Call]:
        """The calls, as an HTTP server names them."""
        return self.calls

    @property
    def ids(self) -> list[str]:
        """The ids of all log records that came, in the order in which they did."""
        return [one for call in self.calls for one in call.ids]

    @property
    def peers(self) -> set[str]:
        """Where the calls came from: one place for each connection."""
        return {call.peer for call in self.calls}

    async def call(self) -> Call:
        """Wait for the next call, and return it."""
        self.came.clear()
        await self.came.wait()
        return self.calls[-1]

    async def _export(self, body: bytes, context: Any) -> bytes:
        metadata = {key: value for key, value in context.invocation_metadata()}
        self.calls.append(Call(metadata=metadata, body=body, peer=context.peer()))
        self.came.set()
        if self.judge is not None:
            return await self.judge(body, context)
        answer = self.script.popleft() if self.script else self.otherwise
        return await answer(context)


@asynccontextmanager
async def serving(
    *answers: Answer,
    otherwise: Answer = OK,
    port: int = 0,
    credentials: Any = None,
    max_receive_bytes: int = -1,
    gzip: bool = False,
    options: Sequence[tuple[str, Any]] = (),
    socket: Path | None = None,
) -> AsyncGenerator[GrpcServer]:
    """Run a server that answers so; it ends at once with the block."""
    found = GrpcServer(deque(answers), otherwise)
    listener = grpc.aio.server(
        compression=grpc.Compression.Gzip if gzip else None,
        options=[
            ("grpc.max_receive_message_length", max_receive_bytes),
            ("grpc.max_send_message_length", -1),
            ("grpc.so_reuseport", 0),
            *options,
        ],
    )
    method = grpc.unary_unary_rpc_method_handler(found._export)
    handler = grpc.method_handlers_generic_handler(SERVICE, {"Export": method})
    listener.add_generic_rpc_handlers((handler,))
    address = f"{HOST}:{port}" if socket is None else f"unix:{socket}"
    found.scheme = "http" if credentials is None else "https"
    found.port = (
        listener.add_insecure_port(address)
        if credentials is None
        else listener.add_secure_port(address, credentials)
    )
    await listener.start()

    async def stop() -> None:
        await listener.stop(None)

    found.stop = stop
    try:
        yield found
    finally:
        await stop()
