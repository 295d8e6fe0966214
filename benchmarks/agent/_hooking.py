"""What hooks cost: a poll of a stream and a request of httpx, hooked and bare.

Nanoseconds of processor time: of a poll whose event is there already, and of a request
to a server on loopback in a process of its own. *Quiet* hooks do nothing; *telling*
ones emit to a bus that delivers each event. Of several turns the best one counts: the
others say what else the machine did.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Generator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec
from multiprocessing.connection import Connection
from typing import Any, Final

from eventbus import Bus
from eventbus.bench import Bound, Contender, Effort, Measured, Part, Row, Sample
from eventbus.testing import RecordingSink
from eventbus_schemas.hooks import EventHooks, SsePoll, read_sse

TURNS: Final = 10
POLLS: Final = 4_000
REQUESTS: Final = 100
BODY: Final = b'{"ok":true}'
EVENT: Final = (
    b"event: response.output_text.delta\n"
    b'data: {"type":"response.output_text.delta","delta":"Hello, world"}\n\n'
)

# Any in this module: hooks of any kind, and a client that need not be there.
Turn = Callable[[], Awaitable[int]]
Turns = Callable[[Turn], Awaitable[None]]
Work = Callable[[Any, Turns], Awaitable[None]]


class Quiet:
    """Hooks that do nothing."""

    def on_request(
        self, attempt: int, status: int | None, error: Exception | None, seconds: float
    ) -> None:
        """Do nothing."""

    def on_sse_poll(self, result: SsePoll, seconds: float) -> None:
        """Do nothing."""


class Chunks:
    """Gives one event in a chunk, so that each is a poll that reads."""

    def __init__(self) -> None:
        self._left = POLLS

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        if not self._left:
            raise StopAsyncIteration
        self._left -= 1
        return EVENT


def polling(**options: Any) -> Work:
    """Return what polls a stream, with the *options* of ``read_sse``."""

    async def work(hooks: Any, turns: Turns) -> None:
        async def poll() -> int:
            async for _ in read_sse(Chunks(), hooks, **options):
                pass
            return POLLS

        await turns(poll)

    return work


async def requesting(hooks: Any, turns: Turns) -> None:
    """Send requests, by a client that has *hooks*."""
    import httpx

    from eventbus_schemas.hooks import HookedAsyncClient

    options: dict[str, Any] = {"trust_env": False}
    if hooks is not None:
        options["telemetry"] = hooks
    cls = httpx.AsyncClient if hooks is None else HookedAsyncClient
    with serving() as url:
        async with cls(**options) as client:

            async def request() -> int:
                for _ in range(REQUESTS):
                    await client.get(url)
                return REQUESTS

            await turns(request)


def contender(work: Work, hooks_of: Callable[[Bus], Any]) -> Contender:
    """Return what measures *work* with the hooks that *hooks_of* makes."""

    async def contend(effort: Effort) -> Sample:
        async with Bus() as bus:
            sink = RecordingSink()
            bus.attach(sink)
            taken: list[float] = []

            async def turns(turn: Turn) -> None:
                for _ in range(effort.of(TURNS)):
                    began = time.process_time_ns()
                    count = await turn()
                    await bus.flush()
                    taken.append((time.process_time_ns() - began) / count)
                    sink.batches.clear()

            await work(hooks_of(bus), turns)
        return Sample(min(taken))

    def run(effort: Effort) -> Sample:
        if work is requesting and find_spec("httpx") is None:
            return Sample(0.0, skipped="httpx is not installed")
        return asyncio.run(contend(effort))

    return run


@contextmanager
def serving() -> Generator[str]:
    """Serve short answers in a process of its own."""
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    server = context.Process(target=_serve_in_process, args=(there,), daemon=True)
    server.start()
    try:
        yield here.recv()
    finally:
        server.terminate()
        server.join()


def _serve_in_process(told: Connection) -> None:
    asyncio.run(_serve(told))


async def _serve(told: Connection) -> None:
    server = await asyncio.start_server(_answer, "127.0.0.1", 0)
    told.send("http://{}:{}".format(*server.sockets[0].getsockname()))
    await server.serve_forever()


async def _answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(BODY)
    try:
        while await reader.readuntil(b"\r\n\r\n"):
            writer.write(head + BODY)
    except (asyncio.IncompleteReadError, ConnectionError):
        writer.close()


_HOOKS: Final[dict[str, Callable[[Bus], Any]]] = {
    "bare": lambda bus: None,
    "quiet": lambda bus: Quiet(),
    "telling": lambda bus: EventHooks(bus, endpoint="/responses", turn_id="t"),
}
_WORKS: Final[dict[str, Work]] = {
    "a poll": polling(),
    "a poll with an idle time": polling(idle_timeout_seconds=300),
    "a request of httpx": requesting,
}
CONTENDERS: Final[dict[str, Contender]] = {
    f"{what}, {name}": contender(work, hooks_of)
    for what, work in _WORKS.items()
    for name, hooks_of in _HOOKS.items()
}
_BOUNDS: Final = {
    "quiet": Bound("<=", 1.5, 1.2),
    "telling": Bound("<=", 4, 2.5),
}


def rows(found: Mapping[str, Measured]) -> list[Row]:
    """Return what hooks cost in terms of the bare form."""
    return [
        _row(what, name, found, bound)
        for what in _WORKS
        for name, bound in _BOUNDS.items()
    ]


def _row(what: str, name: str, found: Mapping[str, Measured], bound: Bound) -> Row:
    own, bare = found[f"{what}, {name}"], found[f"{what}, bare"]
    return Row(
        what=f"{what} with {name} hooks, times the bare one",
        ratio=own.value.against(bare.value),
        unit="times",
        figure=own.value,
        bound=bound,
        better="less",
        skipped=own.skipped,
    )


PART: Final = Part(
    title="Agent sessions: hooks",
    module=__name__,
    contenders=tuple(CONTENDERS),
    rows=rows,
)
