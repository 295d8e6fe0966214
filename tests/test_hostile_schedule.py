"""Under any schedule of what a program may do, each event is in one place only."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eventbus import (
    Attachment,
    Batch,
    Buffer,
    Bus,
    BusClosedError,
    Event,
    Overflow,
    PublishTimeoutError,
)
from eventbus._record import AnyRecord
from eventbus.testing import ManualClock, settled


class Near(Event, tag="place.near"):
    n: int


class Far(Event, tag="place.far"):
    n: int


class Gate:
    """Delivers while it is open."""

    def __init__(self) -> None:
        self.arrived: list[int] = []
        self.in_hand: list[int] = []
        self.open = asyncio.Event()

    async def start(self) -> None: ...

    async def write(self, batch: Sequence[AnyRecord]) -> None:
        self.in_hand = [record.event.n for record in batch]
        await self.open.wait()
        self.arrived += self.in_hand
        self.in_hand = []

    async def aclose(self) -> None: ...


@dataclass
class Joined:
    """An attachment, and what it may have been offered."""

    attachment: Attachment
    gate: Gate
    kinds: tuple[type[Event], ...]
    emitted: set[int] = field(default_factory=set)
    published: set[int] = field(default_factory=set)
    withdrawn: set[int] = field(default_factory=set)
    accepted: set[int] = field(default_factory=set)

    @property
    def queued(self) -> list[int]:
        chunks = self.attachment.buffer.chunks
        return [record.event.n for chunk in chunks for record in chunk.records()]

    @property
    def has(self) -> list[int]:
        """What was taken, in order."""
        return self.gate.arrived + self.gate.in_hand + self.queued

    @property
    def keeps_all(self) -> bool:
        """Whether it delivers what it accepted."""
        return self.attachment.plan.buffer.overflow is not Overflow.DROP_OLDEST

    @property
    def makes_no_one_wait_in_vain(self) -> bool:
        """Whether each place in line has somebody in it, and no room stands empty."""
        waiters, door = self.attachment.waiters, self.attachment.door
        return door.waiting == len(waiters) and not (waiters and door.free)


SELECTIONS: dict[str, tuple[type[Event], ...]] = {
    "place.*": (Near, Far),
    "*near": (Near,),
    "!*near": (Far,),
}
kinds = st.sampled_from([Near, Far])
buffers = st.builds(
    Buffer,
    max_events=st.integers(1, 6),
    overflow=st.sampled_from(Overflow),
    wait_timeout_seconds=st.sampled_from([None, 0.0, 1.0]),
)
actions = st.one_of(
    st.tuples(st.just("emit"), kinds, st.integers(1, 9)),
    st.tuples(st.just("publish"), kinds, st.just(None)),
    st.tuples(st.just("publish"), kinds, st.sampled_from([None, 0.0, 1.0])),
    st.tuples(st.just("cancel"), st.integers(0, 9)),
    st.tuples(st.just("attach"), buffers, st.sampled_from(sorted(SELECTIONS))),
    st.tuples(st.just("detach"), st.integers(0, 9)),
    st.tuples(st.just("turn"), st.integers(0, 9)),
    st.tuples(st.just("let"), st.sampled_from([0.1, 1.0])),
    st.tuples(st.just("flush")),
    st.tuples(st.just("close")),
    st.tuples(st.just("hurry")),
)


class Program:
    """Does what a schedule says, and looks after each step."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.bus = Bus(clock=self.clock)
        self.joined: list[Joined] = []
        self.leaving: list[asyncio.Task[Any]] = []
        self.publishers: list[asyncio.Task[None]] = []
        self.waiting: dict[asyncio.Task[None], int] = {}
        self.count = 0
        self.hurried = 0  # how many steps to come do not wait for the ones before

    def make(self, kind: Any, *, published: bool) -> Event:
        self.count += 1
        for one in self.joined:
            if kind in one.kinds:
                (one.published if published else one.emitted).add(self.count)
        event: Event = kind(n=self.count)
        return event

    async def do(self, name: str, *arguments: Any) -> None:
        await getattr(self, name)(*arguments)
        self.hurried -= 1
        if self.hurried <= 0:
            await settled()
            self.check()

    async def hurry(self) -> None:
        self.hurried = 4

    async def emit(self, kind: type[Event], times: int) -> None:
        closed = self.bus._life.is_closed
        for _ in range(times):
            answer = self.bus.emit(self.make(kind, published=closed))
            assert not (closed and answer)
            self.note_answer(kind, answer)

    def note_answer(self, kind: type[Event], answer: bool) -> None:
        takers = [one for one in self.joined if kind in one.kinds and one.keeps_all]
        if answer:
            for one in takers:
                one.accepted.add(self.count)
        else:
            everybody = self.bus._life.attachments.values()  # who leaves soon, too
            full = any(attachment.door.room <= 0 for attachment in everybody)
            assert full or self.bus._life.is_closed

    async def publish(self, kind: type[Event], timeout: float | None) -> None:
        async def run() -> None:
            event = self.make(kind, published=True)
            self.waiting[task] = self.count
            with suppress(PublishTimeoutError, BusClosedError):
                await self.bus.publish(event, timeout_seconds=timeout)
            del self.waiting[task]

        task = asyncio.create_task(run())
        self.publishers.append(task)

    async def cancel(self, which: int) -> None:
        if self.waiting:
            task, n = list(self.waiting.items())[which % len(self.waiting)]
            task.cancel()
            for one in self.joined:
                one.withdrawn |= {n} - set(one.has)

    async def attach(self, buffer: Buffer, select: str) -> None:
        if not self.bus._life.is_closed:
            gate = Gate()
            batch = Batch(max_events=2, max_delay_seconds=0.1)
            attachment = self.bus.attach(
                gate, select=select, buffer=buffer, batch=batch
            )
            self.joined.append(Joined(attachment, gate, SELECTIONS[select]))

    async def detach(self, which: int) -> None:
        if self.joined and not self.bus._life.is_closed:
            one = self.joined.pop(which % len(self.joined))
            one.gate.open.set()
            self.leaving.append(asyncio.create_task(one.attachment.detach()))

    async def turn(self, which: int) -> None:
        if self.joined:
            gate = self.joined[which % len(self.joined)].gate
            (gate.open.clear if gate.open.is_set() else gate.open.set)()

    async def let(self, seconds: float) -> None:
        self.clock.advance(seconds)

    async def flush(self) -> None:
        self.leaving.append(asyncio.create_task(self.bus.flush(1.0)))

    async def close(self) -> None:
        self.leaving.append(asyncio.create_task(self.bus.aclose(1.0)))

    async def end(self) -> None:
        for publisher in self.publishers:
            publisher.cancel()
        self.leaving.append(asyncio.create_task(self.bus.aclose(1.0)))
        await settled()
        self.clock.advance(2.0)
        await asyncio.gather(*self.leaving)
        await asyncio.gather(*self.publishers, return_exceptions=True)
        assert all(one.attachment._counts()["pending"] == 0 for one in self.joined)

    def check(self) -> None:
        names = {one.attachment.name for one in self.joined}
        present = set(self.bus.stats().attachments)
        assert present == names or (self.bus._life.is_closed and present >= names)
        for one in self.joined:
            self.check_one(one)

    def check_one(self, one: Joined) -> None:
        stats = self.bus.stats().attachments[one.attachment.name]
        has = one.has
        assert stats.balanced
        assert has == sorted(set(has))
        assert set(has) <= one.emitted | one.published
        assert one.withdrawn.isdisjoint(has)
        assert one.makes_no_one_wait_in_vain
        assert stats.delivered == len(one.gate.arrived)
        assert len(one.emitted) <= stats.offered
        assert stats.offered <= len(one.emitted) + len(one.published)
        if not self.bus._life.is_closed:
            assert one.accepted <= set(has)
            assert stats.pending == len(has) - len(one.gate.arrived)
            assert stats.pending <= one.attachment.buffer.max_events


attached = st.lists(
    st.tuples(st.just("attach"), buffers, st.sampled_from(sorted(SELECTIONS))),
    min_size=1,
    max_size=3,
)


async def run(schedule: list[tuple[Any, ...]]) -> None:
    program = Program()
    await program.bus.start()
    try:
        for step in schedule:
            await program.do(*step)
        await program.end()
        program.check()
    finally:
        await program.bus.aclose(0)


@pytest.mark.proves("D6", "C4")
@given(beginning=attached, schedule=st.lists(actions, min_size=10, max_size=40))
@settings(max_examples=500, deadline=None, derandomize=True)
def test_each_event_is_in_one_place_under_any_schedule(
    beginning: list[tuple[Any, ...]], schedule: list[tuple[Any, ...]]
) -> None:
    asyncio.run(run([*beginning, *schedule]))


@pytest.mark.slow
@given(beginning=attached, schedule=st.lists(actions, min_size=20, max_size=150))
@settings(max_examples=3_000, deadline=None)
def test_each_event_is_in_one_place_under_any_long_schedule(
    beginning: list[tuple[Any, ...]], schedule: list[tuple[Any, ...]]
) -> None:
    asyncio.run(run([*beginning, *schedule]))


@pytest.mark.proves("fault-38")
async def test_a_publisher_that_is_cancelled_before_there_is_room_never_has_it() -> (
    None
):
    """Room appears in the same pass of the loop, before its task runs again."""
    gate = Gate()
    async with Bus() as bus:
        bus.attach(gate, name="gate", buffer=Buffer(max_events=1))
        await bus.publish(Near(n=1))
        await settled()
        publisher = asyncio.create_task(bus.publish(Near(n=2)))
        await settled()
        gate.open.set()
        publisher.cancel()
        with pytest.raises(asyncio.CancelledError):
            await publisher
        await bus.flush()
        assert bus.stats().attachments["gate"].offered == 1
    assert gate.arrived == [1]
