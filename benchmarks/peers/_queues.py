"""Queues and streams: one for each consumer, since none of them has a fan-out.

Each is filled without waiting and emptied by a task that awaits one event at a time,
as none of them hands out batches.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

from benchmarks.peers._peer import Peer
from eventbus.bench._rig import Open, Rig, open_queues, to_all

# Any in this module: an event; and the queues of libraries that need not be there.

Get = Callable[[], Awaitable[Any]]


def rig_of(
    puts: Sequence[Callable[[Any], object]], gets: Sequence[Get], total: int
) -> Rig:
    """Return the rig of queues that are filled by *puts* and emptied by *gets*."""
    counts = [0] * len(gets)

    async def consume(index: int, get: Get) -> None:
        for _ in range(total):
            await get()
            counts[index] += 1

    tasks = [asyncio.create_task(consume(i, get)) for i, get in enumerate(gets)]
    return Rig(to_all(puts), lambda: asyncio.gather(*tasks), lambda: counts)


@asynccontextmanager
async def open_anyio(consumers: int, total: int) -> AsyncGenerator[Rig]:
    """Set up memory object streams."""
    import anyio

    streams = [
        anyio.create_memory_object_stream[Any](math.inf) for _ in range(consumers)
    ]
    sends = [send.send_nowait for send, _ in streams]
    yield rig_of(sends, [receive.receive for _, receive in streams], total)
    for send, receive in streams:
        send.close()
        receive.close()


@asynccontextmanager
async def open_janus(consumers: int, total: int) -> AsyncGenerator[Rig]:
    """Set up janus queues, used from their asynchronous side."""
    import janus

    queues: list[Any] = [janus.Queue() for _ in range(consumers)]
    sides = [queue.async_q for queue in queues]
    yield rig_of([q.put_nowait for q in sides], [q.get for q in sides], total)
    for queue in queues:
        await queue.aclose()


@asynccontextmanager
async def open_culsans(consumers: int, total: int) -> AsyncGenerator[Rig]:
    """Set up culsans queues, used from their asynchronous side."""
    import culsans

    sides: list[Any] = [culsans.Queue().async_q for _ in range(consumers)]
    yield rig_of([q.put_nowait for q in sides], [q.get for q in sides], total)


@asynccontextmanager
async def open_aiologic(consumers: int, total: int) -> AsyncGenerator[Rig]:
    """Set up aiologic's simple queues."""
    import aiologic

    queues: list[Any] = [aiologic.SimpleQueue() for _ in range(consumers)]
    puts = [queue.put for queue in queues]
    yield rig_of(puts, [queue.async_get for queue in queues], total)


def queue(name: str, library: str, setting: str, open_rig: Open, differs: str) -> Peer:
    """Return a peer of this module."""
    return Peer(
        name=name,
        library=library,
        setting=setting,
        differs=differs,
        open_rig=open_rig,
    )


_ONE_LOOP = (
    "it has no time, context, types, selection, bound or account: an append to a deque"
)

PEERS = [
    queue(
        "asyncio.Queue",
        "",
        "unbounded; put_nowait, and a task that awaits get",
        open_queues,
        _ONE_LOOP,
    ),
    queue(
        "anyio streams",
        "anyio",
        "memory object streams without a bound; send_nowait, receive",
        open_anyio,
        _ONE_LOOP,
    ),
    queue(
        "janus",
        "janus",
        "unbounded; put_nowait and get of the asynchronous side",
        open_janus,
        "it has no time, context, types, selection or account",
    ),
    queue(
        "culsans",
        "culsans",
        "unbounded; put_nowait and get of the asynchronous side",
        open_culsans,
        "it has no time, context, types, selection or account",
    ),
    queue(
        "aiologic",
        "aiologic",
        "SimpleQueue, its fastest; put, and a task that awaits async_get",
        open_aiologic,
        "it has no time, context, types, selection, bound or account",
    ),
]
