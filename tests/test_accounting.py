"""Under random faults, every event is in exactly one place, at every moment."""

from __future__ import annotations

import asyncio
import sys
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from random import Random
from typing import Any

import pytest

from eventbus import (
    Batch,
    Buffer,
    Bus,
    Overflow,
    PublishTimeoutError,
    Record,
    Refused,
    Retry,
    TooLarge,
    Unavailable,
)
from eventbus._record import AnyRecord
from eventbus.testing import RecordingSink, ScriptedSink, settled, steps
from tests._rig import Numbered, Rig, numbers

EVENTS = 300


class WildSink(ScriptedSink):
    """Does anything, and remembers for which events the bus cannot know what."""

    def __init__(self, random: Random) -> None:
        super().__init__()
        self.random = random
        self.ambiguous: set[int] = set()

    async def write(self, batch: Sequence[AnyRecord]) -> Any:
        step, is_ambiguous = self._choice(len(batch))
        if is_ambiguous:
            self.ambiguous |= set(numbers(batch))
        self.attempts.append(list(batch))
        return await step(self, batch)

    def _choice(self, size: int) -> tuple[steps.Step, bool]:
        some = self.random.randrange(size + 1)
        choices: list[tuple[steps.Step, bool]] = [
            (steps.ok, False),
            (steps.slow(0.3), False),
            (steps.slow(60.0), False),
            (steps.fail(Unavailable()), False),
            (steps.fail(Unavailable(retry_after_seconds=7.0), after=some), False),
            (steps.fail(Refused("no")), False),
            (steps.fail(TooLarge()), False),
            (steps.too_large(over=max(size // 2, 1)), False),
            (steps.reject(*range(some)), False),
            (steps.fail(ValueError("bug")), False),
            (steps.fail(asyncio.CancelledError()), False),
            (steps.lose_answer(ConnectionError("cut")), True),
            (steps.answer(7), True),
            (die, False),
        ]
        return self.random.choice(choices + [(steps.ok, False)] * 6)


async def die(sink: ScriptedSink, batch: Sequence[AnyRecord]) -> None:
    task = asyncio.current_task()
    assert task is not None
    task.cancel()
    await sink.until_released()


@pytest.fixture
def frequent_switches() -> Iterator[None]:
    """Let threads interrupt each other nearly everywhere."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


async def calm_down(rig: Rig) -> None:
    """Let time pass until everything is decided."""
    for _ in range(20_000):
        if not any(a.pending for a in rig.bus.stats().attachments.values()):
            return
        await rig.after(1.0)
        rig.check_balance()
    raise AssertionError(f"still pending: {rig.bus.stats()}")


@pytest.mark.proves("D6")
@pytest.mark.parametrize("seed", range(6))
async def test_each_event_has_one_end_under_random_faults(seed: int) -> None:
    random = Random(seed)
    async with Rig() as rig:
        sink, letters = WildSink(random), RecordingSink()
        await rig.attach(
            sink,
            batch=Batch(max_events=7, max_in_flight=random.choice([1, 3])),
            retry=Retry(max_elapsed_seconds=0.0),
            dead_letters=letters,
        )
        await rig.attach(healthy := RecordingSink(), name="healthy")
        for n in range(EVENTS):
            rig.bus.emit(Numbered(n=n))
            if random.random() < 0.4:
                await rig.after(random.choice([0.0, 0.1, 1.0]))
            rig.check_balance()
        await calm_down(rig)
        stats, everything = rig.stats(), set(range(EVENTS))
        arrived, dead = (
            Counter(numbers(sink.delivered)),
            Counter(numbers(letters.records)),
        )
        assert stats.delivered + stats.dead_lettered == stats.offered == EVENTS
        assert set(arrived) | set(dead) == everything
        assert max(dead.values(), default=1) == 1
        assert stats.dead_lettered == len(dead)
        repeats = {n for n, times in arrived.items() if times > 1 or n in dead}
        assert repeats <= sink.ambiguous
        assert stats.possible_duplicates >= len(
            {n for n, times in arrived.items() if times > 1}
        )
        assert sorted(numbers(healthy.records)) == sorted(everything)


@pytest.mark.proves("D6")
@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("overflow", list(Overflow))
async def test_counts_hold_under_random_loads_cancellations_and_detaches(
    overflow: Overflow, seed: int
) -> None:
    random = Random(seed)
    async with Rig() as rig:
        buffer = Buffer(
            max_events=10, max_bytes=random.choice([None, 900]), overflow=overflow
        )
        publishers: list[asyncio.Task[None]] = []
        attachment = await rig.attach(WildSink(random), buffer=buffer)
        await rig.attach(healthy := RecordingSink(), name="healthy")
        handled: list[int] = []

        @rig.bus.on(Numbered, name="on")
        async def handle(record: Record[Numbered]) -> None:
            rig.check_balance()
            if record.event.n % 5 == 0:
                raise ValueError("fifth")
            handled.append(record.event.n)

        for n in range(EVENTS):
            match random.randrange(12):
                case 0:
                    publishers.append(
                        asyncio.create_task(rig.bus.publish(Numbered(n=n)))
                    )
                case 1 if publishers:
                    random.choice(publishers).cancel()
                    rig.bus.emit(Numbered(n=n))
                case 2:
                    asyncio.create_task(rig.bus.flush(0.5))  # noqa: RUF006
                    rig.bus.emit(Numbered(n=n))
                case 3 if n % 10 == 0:
                    report = asyncio.create_task(attachment.detach(0.0))
                    await settled()
                    assert (await report).balanced
                    assert (await report).pending == 0
                    attachment = await rig.attach(WildSink(random), buffer=buffer)
                    rig.bus.emit(Numbered(n=n))
                case _:
                    rig.bus.emit(Numbered(n=n, text="x" * random.randrange(900)))
            await rig.after(random.choice([0.0, 0.0, 0.1, 2.0]))
            rig.check_balance()
            assert rig.stats().pending <= 10
            assert rig.stats().pending_bytes <= 900
        await rig.after(5.0)
        for publisher in publishers:
            assert publisher.done()
            assert publisher.cancelled() or isinstance(
                publisher.exception(), PublishTimeoutError | None
            )
        await rig.after(300.0)
        assert len(healthy.records) == len(set(numbers(healthy.records)))
        assert rig.stats("healthy").delivered == len(healthy.records)
        assert rig.stats("on").delivered == len(handled)


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
