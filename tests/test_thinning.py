from __future__ import annotations

import asyncio
import math
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress

import pytest

from eventbus import Attachment, Bus, Event, bind
from eventbus._ledger import BusLedger, Ledger
from eventbus._record import AnyRecord
from eventbus._thinning import Thinning
from eventbus.sampling import AnyOf, KeepIf, Ratio, Sampler
from eventbus.testing import RecordingSink, settled
from tests._between import Between, core, every_place, interrupt


class Step(Event):
    n: int


class Leap(Event):
    n: int


class Observing(RecordingSink):
    """Counts what it observes."""

    observed = 0

    def observe(self, batch: Sequence[AnyRecord]) -> None:
        self.observed += len(batch)


class Odd(Ratio):
    """Keeps the odd ones."""

    def sample(self, record: AnyRecord) -> float:
        return record.event.n % 2

    def for_attachment(self, clock: object) -> Odd:
        del clock
        return Odd(0.5)


EVENTS = 20_000
THREADS = 4

Emission = Callable[[Bus], Callable[[Event], bool]]

EMISSIONS: list[Emission] = [lambda bus: bus.emit, lambda bus: bus.emitter(Step)]


@pytest.fixture
def often_switched() -> Iterator[None]:
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(interval)


def handed_over(bus: Bus) -> int:
    """Return how many wait for the seal."""
    return len(bus._engine.ingress.entries)


def check(bus: Bus, attachment: Attachment, emitted: int) -> None:
    stats = bus.stats()
    counts = stats.attachments[attachment.name]
    assert stats.emitted == emitted
    assert counts.offered == emitted
    assert counts.balanced


@pytest.mark.proves("D8", "fault-48", "fault-50")
@pytest.mark.parametrize("emission", EMISSIONS)
async def test_what_luck_leaves_out_never_reaches_the_hand_over(
    emission: Emission,
) -> None:
    sink, ratio = RecordingSink(), 0.05
    async with Bus() as bus:
        attachment = bus.attach(sink, sampler=Ratio(ratio, seed=7))
        bus.emitter(Step)  # the first event of a type comes by a longer way
        emit = emission(bus)
        waiting = 0
        for n in range(EVENTS):
            assert emit(Step(n=n))
            if n % 1000 == 999:
                check(bus, attachment, n + 1)
                waiting += handed_over(bus)
                await settled()
        await bus.flush()
        stats = bus.stats().attachments[attachment.name]
    three_sigma = 3 * math.sqrt(EVENTS * ratio * (1 - ratio))
    assert stats.delivered == len(sink.records) == waiting
    assert stats.sampled_out == EVENTS - stats.delivered
    assert abs(stats.delivered - EVENTS * ratio) < three_sigma
    assert {record.weight for record in sink.records} == {1 / ratio}


async def test_a_kept_event_keeps_what_was_bound() -> None:
    sink = RecordingSink()
    async with Bus() as bus:
        bus.attach(sink, sampler=Ratio(0.5, seed=3))
        with bind(request="r1"):
            for n in range(20):
                bus.emit(Step(n=n))
        await bus.flush()
    assert sink.records
    assert all(record.attributes["request"] == "r1" for record in sink.records)


async def test_types_that_go_to_one_attachment_share_its_luck() -> None:
    sink = RecordingSink()
    async with Bus() as bus:
        attachment = bus.attach(sink, sampler=Ratio(0.1, seed=5))
        for n in range(EVENTS):
            bus.emit(Step(n=n) if n % 2 else Leap(n=n))
            if n % 1000 == 999:
                check(bus, attachment, n + 1)
                await settled()
        await bus.flush()
    for kind in (Step, Leap):
        kept = sum(isinstance(event, kind) for event in sink.events)
        assert abs(kept - EVENTS / 2 * 0.1) < 3 * math.sqrt(EVENTS / 2 * 0.09)


@pytest.mark.usefixtures("often_switched")
@pytest.mark.proves("fault-13")
async def test_threads_count_each_event_that_is_left_out_once() -> None:
    sink = RecordingSink()
    async with Bus() as bus:
        attachment = bus.attach(sink, sampler=Ratio(0.01))
        emitter = bus.emitter(Leap)

        def emit(thread: int) -> None:
            for n in range(EVENTS):
                assert bus.emit(Step(n=n)) if thread % 2 else emitter(Leap(n=n))

        threads = [threading.Thread(target=emit, args=(n,)) for n in range(THREADS)]
        for thread in threads:
            thread.start()
        while any(thread.is_alive() for thread in threads):
            assert bus.stats().attachments[attachment.name].balanced
            await asyncio.sleep(0)
        await bus.flush()
        check(bus, attachment, THREADS * EVENTS)
    assert len(sink.records) == attachment.ledger.delivered


@pytest.mark.parametrize(
    ("sampler", "observes"),
    [
        (Ratio(0.5, seed=1), True),
        (Ratio(0.5, key="n"), False),
        (Odd(0.5), False),
        (AnyOf(KeepIf(lambda record: record.event.n == 0), Ratio(0.5)), False),
    ],
)
async def test_what_needs_the_event_or_counts_all_sees_all(
    sampler: Sampler, observes: bool
) -> None:
    sink = Observing() if observes else RecordingSink()
    async with Bus() as bus:
        attachment = bus.attach(sink, sampler=sampler)
        for n in range(1, 101):
            bus.emit(Step(n=n))
        assert handed_over(bus) == 100
        await bus.flush()
        check(bus, attachment, 100)
    if isinstance(sink, Observing):
        assert sink.observed == 100


async def test_a_second_attachment_has_everything_from_its_first_event_on() -> None:
    sampled, whole = RecordingSink(), RecordingSink()
    async with Bus() as bus:
        first = bus.attach(sampled, name="sampled", sampler=Ratio(0.01, seed=1))
        for n in range(50):
            bus.emit(Step(n=n))
        second = bus.attach(whole, name="whole")
        for n in range(50, 100):
            bus.emit(Step(n=n))
        await bus.flush()
        assert [event.n for event in whole.events] == [*range(50, 100)]
        await second.detach()
        for n in range(100, 150):
            bus.emit(Step(n=n))
        check(bus, first, 150)


@pytest.mark.parametrize(("ratio", "kept"), [(0, 0), (1, 100)])
async def test_all_and_nothing_are_kept_as_asked(ratio: float, kept: int) -> None:
    sink = RecordingSink()
    async with Bus() as bus:
        attachment = bus.attach(sink, sampler=Ratio(ratio))
        for n in range(100):
            bus.emit(Step(n=n))
        await bus.flush()
        check(bus, attachment, 100)
    assert len(sink.records) == kept


async def test_published_and_relayed_ones_are_sampled_when_they_are_sealed() -> None:
    source, sink = RecordingSink(), RecordingSink()
    async with Bus() as bus:
        bus.attach(source)
        bus.emit(Step(n=0))
        await bus.flush()
    async with Bus() as bus:
        attachment = bus.attach(sink, sampler=Ratio(0.5, seed=2))
        for n in range(100):
            await bus.publish(Step(n=n))
            bus.relay(source.records[0])
        assert handed_over(bus) == 200
        await bus.flush()
        check(bus, attachment, 200)
    assert {record.weight for record in sink.records} == {2.0}


async def test_after_the_close_nothing_is_left_out_but_refused() -> None:
    bus = Bus()
    async with bus:
        bus.attach(RecordingSink(), sampler=Ratio(0.01))
        emit = bus.emitter(Step)
        emit(Step(n=0))
    assert not emit(Step(n=1))
    assert not bus.emit(Step(n=2))
    assert bus.stats().refused == {"closed": 2}


@pytest.mark.proves("D8", "fault-50")
async def test_the_first_events_have_no_better_luck_than_all_others() -> None:
    """As in short programs, and in the many workers of one."""
    buses, events, ratio = 300, 10, 0.1
    weights, kept = 0.0, 0
    for seed in range(buses):
        bus, sink = Bus(), RecordingSink()
        bus.attach(sink, sampler=Ratio(ratio, seed=seed))
        emit = bus.emitter(Step)
        async with bus:
            for n in range(events):
                emit(Step(n=n))
        kept += len(sink.records)
        weights += sum(record.weight for record in sink.records)
    total = buses * events
    three_sigma = 3 * math.sqrt(total * ratio * (1 - ratio))
    assert abs(kept - total * ratio) < three_sigma
    assert abs(weights - total) < three_sigma / ratio


async def test_what_one_attachments_luck_kept_is_decided_anew_at_another() -> None:
    """It was kept, and handed over when a thread had changed who is attached."""
    first, second = RecordingSink(), RecordingSink()
    async with Bus() as bus:
        before = bus.attach(first, name="first", sampler=Ratio(0.5, seed=1))
        bus.emit(Step(n=0))
        thinning = before.thinning
        assert thinning is not None
        await before.detach()
        bus.attach(second, name="second", sampler=Ratio(1e-9, seed=1))
        route = bus._engine.ingress.routes[Step]
        entry = (Step(n=1), 0, thinning.marked(None))
        bus._engine.router._append(entry, route)
        await bus.flush()
        assert not second.records
        assert bus.stats().attachments["second"].sampled_out == 1


def test_an_interrupt_at_any_line_leaves_the_count_of_what_was_left_out_right() -> None:
    def run(place: int) -> bool:
        ledger = Ledger()
        thinning = Thinning(Ratio(0.2, seed=1), ledger, BusLedger())
        left_out = 0

        def use_up() -> None:
            nonlocal left_out
            while thinning.decisions:
                left_out += thinning.decisions.pop()

        use_up()
        with (
            Between([place], interrupt, core("thinning")) as between,
            suppress(KeyboardInterrupt),
        ):
            left_out += thinning.renew()
        seen = ledger.offered
        use_up()
        thinning.settle()
        assert seen <= ledger.offered == ledger.sampled_out == left_out
        return between.reached

    assert every_place(run, step=3) > 100
