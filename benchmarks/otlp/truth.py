"""What a flush says when records were lost: OpenTelemetry's SDK, and eventbus.

``python -m benchmarks.otlp.truth`` sends five records to a far side that behaves badly
in five ways, and prints a table: what the far side stored, what the SDK's
``force_flush`` returned and after how many seconds, and what our ``flush`` reported.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any, Final

from benchmarks.otlp._sending import emit_sdk, sdk_provider
from benchmarks.otlp._workload import RESOURCE, attributes, events

RECORDS: Final = 5
REJECTED: Final = 3
PATIENCE_SECONDS: Final = 20.0

# Any in this module: libraries that need not be there.

Answer = Callable[[socket.socket], None]


def _plain(status: str, *headers: str, body: bytes = b"") -> Answer:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers, "", ""]
    return lambda client: client.sendall("\r\n".join(lines).encode() + body)


def _slow(client: socket.socket) -> None:
    client.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
    for _ in range(1000):
        client.sendall(b"\0")
        time.sleep(1)


def _partial() -> Answer:
    from opentelemetry.proto.collector.logs.v1 import logs_service_pb2 as logs

    refused = logs.ExportLogsPartialSuccess(rejected_log_records=REJECTED)
    body = logs.ExportLogsServiceResponse(partial_success=refused).SerializeToString()
    return _plain("200 OK", "Content-Type: application/x-protobuf", body=body)


CASES: Final[dict[str, tuple[Answer | None, str]]] = {
    "nobody listens": (None, "nothing"),
    "400": (_plain("400 Bad Request"), "nothing"),
    "302 to another place": (
        _plain("302 Found", "Location: http://127.0.0.1:9/"),
        "nothing",
    ),
    "200, its body a byte a second": (_slow, "not known"),
    "200, three of five rejected": (_partial(), "two"),
}


@contextmanager
def far_side(answer: Answer | None) -> Generator[int]:
    """Answer every request so, in threads; ``None`` does not listen."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        if answer is None:
            server.close()
        else:
            threading.Thread(target=_accept, args=(server, answer), daemon=True).start()
        yield port


def _accept(server: socket.socket, answer: Answer) -> None:
    while True:
        try:
            client, _ = server.accept()
        except OSError:
            return
        threading.Thread(target=_serve, args=(client, answer), daemon=True).start()


def _serve(client: socket.socket, answer: Answer) -> None:
    with client:
        try:
            while _read_request(client):
                answer(client)
        except OSError:
            return


def _read_request(client: socket.socket) -> bool:
    read = bytearray()
    while b"\r\n\r\n" not in read:
        part = client.recv(65_536)
        if not part:
            return False
        read += part
    head, _, body = bytes(read).partition(b"\r\n\r\n")
    [length] = [
        int(line.partition(b":")[2])
        for line in head.split(b"\r\n")
        if line.lower().startswith(b"content-length")
    ]
    left = length - len(body)
    while left > 0:
        left -= len(client.recv(left))
    return True


def said_by_sdk(port: int) -> str:
    """Return what the SDK's flush says, and after how long."""
    provider: Any = sdk_provider("http/protobuf", port, RECORDS)
    said: list[str] = []

    def send() -> None:
        try:
            emit_sdk(provider, attributes(RECORDS))
            said.append("`True`")
        except AssertionError:
            said.append("`False`")

    began = time.monotonic()
    sending = threading.Thread(target=send, daemon=True)
    sending.start()
    sending.join(PATIENCE_SECONDS)
    spent = time.monotonic() - began
    return f"{said[0] if said else 'nothing yet'}, {spent:.1f} s"


async def said_by_us(port: int) -> str:
    """Return what our flush reports."""
    from eventbus import Bus
    from eventbus_otlp import OtlpSettings, OtlpSink

    settings = OtlpSettings(endpoint=f"http://127.0.0.1:{port}", timeout_seconds=2.0)
    bus = Bus(resource=RESOURCE)
    bus.attach(OtlpSink(settings), name="otlp")
    await bus.start()
    for event in events(RECORDS):
        bus.emit(event)
    began = time.monotonic()
    report = await bus.flush(timeout_seconds=PATIENCE_SECONDS)
    spent = time.monotonic() - began
    told = report.attachments["otlp"]
    counts = {
        name: getattr(told, name) for name in ("delivered", "rejected", "pending")
    }
    shown = ", ".join(f"{count} {name}" for name, count in counts.items() if count)
    await bus.aclose(0)
    return f"`complete={report.complete}`: {shown}, {spent:.1f} s"


def main() -> None:
    """Print the table."""
    logging.disable()
    print("| the far side | stored | the SDK's `force_flush` | our `flush` |")
    print("|---|---|---|---|")
    for name, (answer, stored) in CASES.items():
        with far_side(answer) as port:
            sdk = said_by_sdk(port)
            ours = asyncio.run(said_by_us(port))
        print(f"| {name} | {stored} | {sdk} | {ours} |", flush=True)
    os._exit(0)  # the SDK's threads would wait for their far sides


if __name__ == "__main__":
    main()
