"""Signals and emitters: the publisher calls the consumers itself, one by one.

A consumer that is slow or hangs holds the publisher and everybody after it.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

from benchmarks.peers._peer import SLOW, Counter, Peer, at_once, counts_of
from eventbus.bench._rig import Rig, each

# Any in this module: an event; and libraries that need not be there.


@asynccontextmanager
async def open_blinker(consumers: int, total: int) -> AsyncGenerator[Rig]:
    """Set up a signal; the event is what it is sent with."""
    del total
    from blinker import Signal

    signal: Any = Signal()
    counters = [Counter() for _ in range(consumers)]
    for counter in counters:
        signal.connect(counter, weak=False)
    yield Rig(each(signal.send), at_once, counts_of(counters))


@asynccontextmanager
async def open_pyee(consumers: int, total: int) -> AsyncGenerator[Rig]:
    """Set up a plain emitter."""
    del total
    from pyee import EventEmitter

    emitter: Any = EventEmitter()
    counters = [Counter() for _ in range(consumers)]
    for counter in counters:
        emitter.on("tool_result", counter)

    def publish(event: Any) -> None:
        emitter.emit("tool_result", event)

    yield Rig(each(publish), at_once, counts_of(counters))


@asynccontextmanager
async def open_eventkit(consumers: int, total: int) -> AsyncGenerator[Rig]:
    """Set up an event; its listeners are plain functions."""
    del total
    import eventkit

    source: Any = eventkit.Event("tool_result")
    counters = [Counter() for _ in range(consumers)]
    for counter in counters:
        source.connect(counter, keep_ref=True)
    yield Rig(each(source.emit), at_once, counts_of(counters))


@asynccontextmanager
async def open_aiopubsub(consumers: int, total: int) -> AsyncGenerator[Rig]:
    """Set up a hub with synchronous listeners, its fastest."""
    del total
    import aiopubsub

    hub: Any = aiopubsub.Hub()
    key = aiopubsub.Key("tool", "result")
    counters = [Counter() for _ in range(consumers)]
    for number, counter in enumerate(counters):
        listener = aiopubsub.Subscriber(hub, f"consumer-{number}")
        listener.add_sync_listener(key, _second(counter))
    publish_at = hub.publish

    def publish(event: Any) -> None:
        publish_at(key, event)

    yield Rig(each(publish), at_once, counts_of(counters))


def _second(counter: Counter) -> Any:
    def listen(key: Any, event: Any) -> None:
        counter.count += 1

    return listen


@asynccontextmanager
async def open_pyventus(consumers: int, total: int) -> AsyncGenerator[Rig]:
    """Set up an emitter on asyncio; its subscribers are plain functions."""
    del total
    from pyventus.core.processing.asyncio import AsyncIOProcessingService
    from pyventus.events import EventEmitter, EventLinker

    class Linker(EventLinker):
        """The subscribers of this rig alone."""

    service = AsyncIOProcessingService()
    emitter: Any = EventEmitter(event_processor=service, event_linker=Linker)
    counters = [Counter() for _ in range(consumers)]
    for counter in counters:
        Linker.subscribe("tool_result", event_callback=counter.__call__)

    def publish(event: Any) -> None:
        emitter.emit("tool_result", event)

    yield Rig(each(publish), service.wait_for_tasks, counts_of(counters))


_SYNCHRONOUS = (
    "the publisher calls the consumers itself, so there is no queue, no time or "
    "context, and a consumer that is slow holds everybody"
)

PEERS = [
    Peer(
        name="blinker",
        library="blinker",
        setting="an anonymous Signal; receivers without weak references",
        differs=_SYNCHRONOUS,
        open_rig=open_blinker,
    ),
    Peer(
        name="pyee",
        library="pyee",
        setting="the plain EventEmitter with plain functions",
        differs=_SYNCHRONOUS,
        open_rig=open_pyee,
    ),
    Peer(
        name="eventkit",
        library="eventkit",
        setting="an Event whose listeners are plain functions",
        differs=_SYNCHRONOUS,
        open_rig=open_eventkit,
    ),
    Peer(
        name="aiopubsub",
        library="aiopubsub",
        setting="hub.publish with a prepared key; synchronous listeners",
        differs=_SYNCHRONOUS,
        open_rig=open_aiopubsub,
    ),
    Peer(
        name="pyventus",
        library="pyventus",
        setting="AsyncIOProcessingService; subscribers that are plain functions",
        differs="a subscriber runs in a task of its own, without a bound or an account",
        open_rig=open_pyventus,
        shape=SLOW,
        turns=2,
    ),
]
