"""faststream with its in-memory broker, which stands in for a server."""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from benchmarks.peers._peer import Counter, Peer, at_once, counts_of
from eventbus.bench._rig import Rig, Shape
from eventbus.bench._workload import fresh_burst

# Any in this module: libraries that need not be there.


def short_burst() -> list[Any]:
    """Return fewer events: each of them takes long."""
    return fresh_burst(64)


@asynccontextmanager
async def open_faststream(consumers: int, total: int) -> AsyncGenerator[Rig]:
    """Set up a broker for NATS, in memory; a subscriber for each consumer."""
    del total
    import msgspec
    from faststream.nats import NatsBroker, TestNatsBroker

    broker: Any = NatsBroker(logger=None, log_level=logging.CRITICAL, apply_types=False)
    counters = [Counter() for _ in range(consumers)]
    for counter in counters:
        broker.subscriber("tool_result")(_handler(counter))
    encode = msgspec.json.encode
    async with TestNatsBroker(broker) as running:

        async def burst(events: Sequence[Any]) -> None:
            for event in events:
                await running.publish(encode(event), "tool_result")

        yield Rig(burst, at_once, counts_of(counters))


def _handler(counter: Counter) -> Any:
    async def handle(body: Any) -> None:
        counter.count += 1

    return handle


PEERS = [
    Peer(
        name="faststream, in memory",
        library="faststream",
        setting="TestNatsBroker; no logger, no validation; bodies encoded by msgspec",
        differs="a message passes everything that one for a real broker passes",
        open_rig=open_faststream,
        make=short_burst,
        shape=Shape(bursts=4, repeats=1),
        turns=4,
    ),
]
