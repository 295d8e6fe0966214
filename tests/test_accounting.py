"""The counts add up for whoever looks, from any thread and in the middle of things."""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import suppress
from operator import le

import pytest

from eventbus import (
    Batch,
    Buffer,
    Bus,
    Overflow,
    PublishTimeoutError,
    Refused,
    TooLarge,
)
from eventbus._record import AnyRecord
from eventbus.testing import RecordingSink, ScriptedSink, settled, steps
from tests._rig import Numbered, Rig, numbers


@pytest.fixture
def frequent_switches() -> Iterator[None]:
    """Let threads interrupt each other nearly everywhere."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


@pytest.mark.proves("D6")
def test_counts_hold_for_threads_that_look_while_others_emit(
    frequent_switches: None,
) -> None:
    bus = Bus()
    sinks = [RecordingSink() for _ in range(3)]
    overflows = [Overflow.WAIT, Overflow.DROP_NEWEST, Overflow.DROP_OLDEST]
    for overflow, sink in zip(overflows, sinks, strict=True):
        bounds = Buffer(max_events=50, overflow=overflow)
        bus.attach(sink, name=overflow.value, buffer=bounds)
    unbalanced: list[object] = []
    over = threading.Event()

    def emit(start: int) -> None:
        for n in range(start, start + 2000):
            bus.emit(Numbered(n=n))

    def look() -> None:
        while not over.is_set():
            found = bus.stats().attachments.values()
            unbalanced.extend(stats for stats in found if not stats.balanced)

    async def main() -> None:
        async with bus:
            looking = asyncio.create_task(asyncio.to_thread(look))
            await asyncio.gather(
                *(asyncio.to_thread(emit, start) for start in (0, 2000))
            )
            await bus.flush()
            over.set()
            await looking

    asyncio.run(main())
    assert unbalanced == []
    for overflow, sink in zip(overflows, sinks, strict=True):
        stats = bus.stats().attachments[overflow.value]
        assert stats.offered == 4000
        assert stats.delivered == len(set(numbers(sink.records))) == len(sink.records)
        assert stats.delivered + stats.dropped.get("queue_full", 0) == 4000


@pytest.mark.proves("D6")
@pytest.mark.parametrize("overflow", list(Overflow))
async def test_what_is_on_its_way_is_pending_for_those_who_look_meanwhile(
    overflow: Overflow,
) -> None:
    seen: list[tuple[int, int, int, int]] = []

    class Looking(RecordingSink):
        def observe(self, batch: Sequence[AnyRecord]) -> None:
            stats = rig.stats()
            assert stats.balanced
            lost = stats.dropped.get("queue_full", 0)
            emitted = rig.bus.stats().emitted
            seen.append((emitted, stats.offered, stats.pending, lost))

    async with Rig() as rig:
        bounds = Buffer(max_events=3, overflow=overflow)
        await rig.attach(Looking(), buffer=bounds)
        await rig.attach(Looking(), name="second")
        await rig.emit(*range(5))
        assert seen == [(5, 5, 3, 2)] * 2


@pytest.mark.proves("D6")
async def test_threads_may_look_while_the_loop_attaches_and_detaches(
    frequent_switches: None,
) -> None:
    async with Rig() as rig:
        over, failed = threading.Event(), []

        def look() -> None:
            while not over.is_set():
                try:
                    rig.check_balance()
                except Exception as error:
                    failed.append(error)

        looking = asyncio.create_task(asyncio.to_thread(look))
        for n in range(40):
            sink = ScriptedSink(
                steps.reject(0, 2), steps.fail(Refused("no")), steps.fail(TooLarge())
            )
            attachment = rig.bus.attach(
                sink,
                name=str(n),
                batch=Batch(max_delay_seconds=0.0),
                dead_letters=RecordingSink() if n % 2 else None,
            )
            await settled()
            await rig.emit(1, 2, 3)
            await rig.emit(4)
            await rig.emit(5)
            if n % 3:
                await attachment.detach()
        over.set()
        await looking
        assert failed == []


class Unhurried(RecordingSink):
    """Lets others go first."""

    async def write(self, batch: Sequence[AnyRecord]) -> None:
        for _ in range(10):
            await asyncio.sleep(0)
        await super().write(batch)


@pytest.mark.proves("fault-143")
async def test_no_count_falls_while_publishers_wait_in_other_threads(
    frequent_switches: None,
) -> None:
    """One whose event was counted may take it back, to wait in line."""
    over, fell = threading.Event(), list[object]()

    async def publish(bus: Bus) -> None:
        while not over.is_set():
            with suppress(PublishTimeoutError):
                await bus.publish(Numbered(n=0), timeout_seconds=0.01)

    def look(bus: Bus) -> None:
        before = (0, 0, 0, 0)
        for _ in range(12_000):
            stats = bus.stats()
            one = stats.attachments["sink"]
            dropped = sum(one.dropped.values())
            now = (stats.emitted, one.offered, one.delivered, dropped)
            if not (one.balanced and all(map(le, before, now))):
                fell.append((before, now))
            before = now

    async with Bus() as bus:
        bus.attach(Unhurried(), name="sink", buffer=Buffer(max_events=4))
        bus.emitter(Numbered)
        publishers = [
            asyncio.create_task(asyncio.to_thread(asyncio.run, publish(bus)))
            for _ in range(3)
        ]
        await asyncio.to_thread(look, bus)
        over.set()
        await asyncio.gather(*publishers)
    assert not fell
