"""A far side in a process of its own, which keeps what it is sent and counts it after.

``python -m benchmarks.otlp._far_side http`` (or ``grpc``) listens on a free port of
127.0.0.1, prints it, answers every request with an empty success, and prints how many
records came when its standard input ends.
"""

from __future__ import annotations

import asyncio
import gzip
import json
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any, Final, Literal

Kind = Literal["http", "grpc"]

_EXPORT: Final = "/opentelemetry.proto.collector.logs.v1.LogsService/Export"
_MAX_MESSAGE_BYTES: Final = 64 * 2**20


class FarSide:
    """A running one.

    Args:
        process: Where it runs.
        port: Where it listens.
    """

    def __init__(self, process: subprocess.Popen[str], port: int) -> None:
        self._process: Final = process
        self.port: Final = port

    def records(self) -> int:
        """Stop it, and return how many records came."""
        out, _ = self._process.communicate()
        return int(out)


@contextmanager
def far_side(kind: Kind) -> Generator[FarSide]:
    """Run one in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.otlp._far_side", kind]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as process:
        assert process.stdout is not None
        try:
            yield FarSide(process, int(process.stdout.readline()))
        finally:
            process.kill()


class _Http(asyncio.Protocol):
    """Just enough of HTTP/1.1 for clients that say the length of what they send."""

    def __init__(self, bodies: list[tuple[str, bytes]]) -> None:
        self._bodies = bodies
        self._unread = bytearray()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._unread += data
        while (end := self._unread.find(b"\r\n\r\n")) >= 0:
            headers = _headers(bytes(self._unread[:end]))
            stop = end + 4 + int(headers["content-length"])
            if len(self._unread) < stop:
                return
            body = bytes(self._unread[end + 4 : stop])
            del self._unread[:stop]
            if headers.get("content-encoding") == "gzip":
                body = gzip.decompress(body)
            kind = headers["content-type"]
            self._bodies.append((kind, body))
            answer = b"{}" if "json" in kind else b""
            self._transport.write(
                b"HTTP/1.1 200 OK\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n%s"
                % (kind.encode(), len(answer), answer)
            )


def _headers(head: bytes) -> dict[str, str]:
    lines = head.decode("latin-1").split("\r\n")[1:]
    pairs = (line.partition(":")[::2] for line in lines)
    return {name.strip().lower(): value.strip() for name, value in pairs}


async def _serve_http(bodies: list[tuple[str, bytes]]) -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: _Http(bodies), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.to_thread(sys.stdin.read)
    server.close()


async def _serve_grpc(bodies: list[tuple[str, bytes]]) -> None:
    import grpc

    async def export(request: bytes, context: Any) -> bytes:  # Any: of gRPC's own
        bodies.append(("application/x-protobuf", request))
        return b""

    handler = grpc.unary_unary_rpc_method_handler(export)

    class Handlers(grpc.GenericRpcHandler):  # type: ignore[misc]  # it has no types
        def service(self, details: Any) -> Any:
            return handler if details.method == _EXPORT else None

    options = [("grpc.max_receive_message_length", _MAX_MESSAGE_BYTES)]
    server = grpc.aio.server(options=options)
    server.add_generic_rpc_handlers([Handlers()])
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    print(port, flush=True)
    await asyncio.to_thread(sys.stdin.read)
    await server.stop(0)


def _count(bodies: list[tuple[str, bytes]]) -> int:
    from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import (
        ExportLogsServiceRequest,
    )

    count = 0
    for kind, body in bodies:
        if "json" in kind:
            resources = json.loads(body)["resourceLogs"]
            scopes = [scope for one in resources for scope in one["scopeLogs"]]
            count += sum(len(scope["logRecords"]) for scope in scopes)
        else:
            request = ExportLogsServiceRequest.FromString(body)
            count += sum(
                len(scope.log_records)
                for one in request.resource_logs
                for scope in one.scope_logs
            )
    return count


def main() -> None:
    """Serve until the standard input ends, then say how many records came."""
    bodies: list[tuple[str, bytes]] = []
    serve = _serve_grpc if sys.argv[1] == "grpc" else _serve_http
    asyncio.run(serve(bodies))
    print(_count(bodies), flush=True)


if __name__ == "__main__":
    main()
