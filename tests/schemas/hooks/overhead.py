"""What hooks cost: a request of httpx and a poll of a stream, hooked and bare.

``python -m tests.schemas.hooks.overhead`` prints CPU time in microseconds, and ratios:
contenders take turns in one process, and of each the best of several rounds counts.
Requests go to a server on loopback in a process of its own.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from multiprocessing.connection import Connection
from typing import Any, Final

import httpx

from eventbus import Bus
from eventbus_schemas.hooks import EventHooks, HookedAsyncClient, SsePoll, read_sse

ROUNDS: Final = 15
REQUESTS: Final = 200
POLLS: Final = 20_000
BODY: Final = b'{"ok":true}'
EVENT: Final = (
    b"event: response.output_text.delta\n"
    b'data: {"type":"response.output_text.delta","delta":"Hello, world"}\n\n'
)


class Nothing:
    """Hooks that do nothing."""

    def on_request(
        self, attempt: int, status: int | None, error: Exception | None, seconds: float
    ) -> None:
        """Do nothing."""

    def on_sse_poll(self, result: SsePoll, seconds: float) -> None:
        """Do nothing."""


class Discarding:
    """A sink that does nothing."""

    async def start(self) -> None:
        """Do nothing."""

    async def write(self, batch: Sequence[Any]) -> None:
        """Do nothing."""

    async def aclose(self) -> None:
        """Do nothing."""


class Chunks:
    """Gives one event in a chunk, so that each is a poll that waits."""

    def __init__(self) -> None:
        self._left = POLLS

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        if not self._left:
            raise StopAsyncIteration
        self._left -= 1
        return EVENT


Contender = Callable[[], Awaitable[None]]


async def compare(what: str, count: int, contenders: dict[str, Contender]) -> None:
    """Print the best time of each contender, and its ratio to the first."""
    best = dict.fromkeys(contenders, float("inf"))
    for _ in range(ROUNDS):
        for name, run in contenders.items():
            started = time.process_time()
            await run()
            taken = (time.process_time() - started) / count * 1e6
            best[name] = min(best[name], taken)
    bare = next(iter(best.values()))
    for name, taken in best.items():
        print(f"{what}, {name}: {taken:.1f} µs, {taken / bare:.2f} of bare")  # noqa: T201


def polls(telemetry: Any, **options: Any) -> Contender:
    async def run() -> None:
        async for _ in read_sse(Chunks(), telemetry, **options):
            pass

    return run


def requests(client: httpx.AsyncClient, url: str) -> Contender:
    async def run() -> None:
        for _ in range(REQUESTS):
            await client.get(url)

    return run


async def measure(url: str) -> None:
    async with Bus() as bus:
        bus.attach(Discarding())
        events = EventHooks(bus.emit, endpoint="/responses", model="m", turn_id="t")
        await compare(
            "poll",
            POLLS,
            {
                "bare": polls(None),
                "hooks that do nothing": polls(Nothing()),
                "events to a bus": polls(events),
                "bare, with an idle timeout": polls(None, idle_timeout_seconds=300),
                "events to a bus, with an idle timeout": polls(
                    events, idle_timeout_seconds=300
                ),
            },
        )
        async with (
            httpx.AsyncClient(trust_env=False) as bare,
            HookedAsyncClient(telemetry=Nothing(), trust_env=False) as quiet,
            HookedAsyncClient(telemetry=events, trust_env=False) as hooked,
        ):
            await compare(
                "request",
                REQUESTS,
                {
                    "bare": requests(bare, url),
                    "hooks that do nothing": requests(quiet, url),
                    "events to a bus": requests(hooked, url),
                },
            )


async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(BODY)
    try:
        while await reader.readuntil(b"\r\n\r\n"):
            writer.write(head + BODY)
    except (asyncio.IncompleteReadError, ConnectionError):
        writer.close()


async def serve(told: Connection) -> None:
    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    told.send("http://{}:{}".format(*server.sockets[0].getsockname()))
    await server.serve_forever()


def serve_in_process(told: Connection) -> None:
    asyncio.run(serve(told))


def main() -> None:
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    server = context.Process(target=serve_in_process, args=(there,), daemon=True)
    server.start()
    try:
        asyncio.run(measure(here.recv()))
    finally:
        server.terminate()
        server.join()


if __name__ == "__main__":
    main()
