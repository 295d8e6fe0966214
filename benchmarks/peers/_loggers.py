"""Logging libraries: a record with the event attached, to handlers that count.

``logging`` and ``picologging`` go through their QueueHandler, so the handlers run in
the QueueListener's thread; structlog and loguru call them in the publisher, which is
their fastest. Nothing is formatted: the handlers look at no text.
"""

from __future__ import annotations

import asyncio
import queue
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

from benchmarks.peers._peer import Counter, Peer, at_once, counts_of
from eventbus.bench._rig import Burst, Rig, Shape

# Any in this module: libraries that need not be there.

_SHAPE = Shape(bursts=10, repeats=2)


def logged(info: Callable[..., Any]) -> Burst:
    """Return what logs each event as the extra of a short message."""

    def burst(events: Sequence[Any]) -> None:
        for event in events:
            info("tool_result", extra={"event": event})

    return burst


def listening(library: Any, handlers: Any, consumers: int) -> Rig:
    """Return a logger of *library* behind the queue of its *handlers* module.

    It settles by ending the listener, which hears everything before.
    """
    counters = [Counter() for _ in range(consumers)]
    records: Any = queue.SimpleQueue()
    logger = library.Logger("bench", library.INFO)
    logger.addHandler(_as_it_is(handlers.QueueHandler)(records))
    counting = [_counting(library.Handler, counter) for counter in counters]
    listener = handlers.QueueListener(records, *counting)
    listener.start()
    settle = partial(asyncio.to_thread, listener.stop)
    return Rig(logged(logger.info), settle, counts_of(counters))


def _as_it_is(queue_handler: Any) -> Any:
    class AsItIs(queue_handler):  # type: ignore[misc]
        """Does not format the record before it is queued: nothing is pickled here."""

        def prepare(self, record: Any) -> Any:
            return record

    return AsItIs


def _counting(handler: Any, counter: Counter) -> Any:
    class Counting(handler):  # type: ignore[misc]
        def handle(self, record: Any) -> None:
            counter.count += 1

        def emit(self, record: Any) -> None:
            counter.count += 1

    return Counting()


@asynccontextmanager
async def open_logging(consumers: int, total: int) -> AsyncGenerator[Rig]:
    """Set up the standard library's logging."""
    del total
    import logging
    import logging.handlers

    yield listening(logging, logging.handlers, consumers)


@asynccontextmanager
async def open_picologging(consumers: int, total: int) -> AsyncGenerator[Rig]:
    """Set up picologging."""
    del total
    import picologging
    import picologging.handlers

    yield listening(picologging, picologging.handlers, consumers)


@asynccontextmanager
async def open_structlog(consumers: int, total: int) -> AsyncGenerator[Rig]:
    """Set up structlog: a filtering logger, and one processor for each consumer."""
    del total
    import structlog

    counters = [Counter() for _ in range(consumers)]

    def counted(logger: Any, method: str, event: Any) -> Any:
        for counter in counters:
            counter(event)
        raise structlog.DropEvent

    logger = structlog.wrap_logger(
        None,
        processors=[counted],
        wrapper_class=structlog.make_filtering_bound_logger(20),
    ).bind()

    def burst(events: Sequence[Any]) -> None:
        info = logger.info
        for event in events:
            info("tool_result", payload=event)

    yield Rig(burst, at_once, counts_of(counters))


@asynccontextmanager
async def open_loguru(consumers: int, total: int) -> AsyncGenerator[Rig]:
    """Set up loguru: a sink for each consumer, in the publisher's thread."""
    del total
    from loguru import logger

    logger.remove()
    counters = [Counter() for _ in range(consumers)]
    ids = [
        logger.add(counter, format=_no_text, catch=False, backtrace=False)
        for counter in counters
    ]

    def burst(events: Sequence[Any]) -> None:
        info = logger.info
        for event in events:
            info("tool_result", event=event)

    yield Rig(burst, at_once, counts_of(counters))
    for number in ids:
        logger.remove(number)


def _no_text(record: Any) -> str:
    return ""


PEERS = [
    Peer(
        name="logging, through a queue",
        library="",
        setting="QueueHandler that prepares nothing, SimpleQueue, QueueListener",
        differs="another thread takes the records, without a bound or an account",
        open_rig=open_logging,
        shape=_SHAPE,
        turns=10,
    ),
    Peer(
        name="picologging, through a queue",
        library="picologging",
        setting="QueueHandler that prepares nothing, SimpleQueue, QueueListener",
        differs="written in C++; another thread takes the records, without a bound",
        open_rig=open_picologging,
        shape=_SHAPE,
        turns=10,
    ),
    Peer(
        name="structlog",
        library="structlog",
        setting="filtering bound logger, one processor, nothing rendered",
        differs="the processors run in the publisher: no queue, and no time is taken",
        open_rig=open_structlog,
        shape=_SHAPE,
        turns=10,
    ),
    Peer(
        name="loguru",
        library="loguru",
        setting="a sink without a format; not enqueued, as a queue would pickle",
        differs="the sinks run in the publisher",
        open_rig=open_loguru,
        shape=Shape(bursts=2, repeats=2),
        turns=4,
    ),
]
