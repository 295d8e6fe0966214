"""How much waits in the hand-over, and that the loop is always told to look."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from eventbus import Batch, Buffer, Bus, Event, Overflow
from eventbus._record import AnyRecord
from eventbus.testing import RecordingSink, settled
from tests._between import Between

MANY = [20_000, pytest.param(1_000_000, marks=pytest.mark.slow)]
ROOM = 100
MOST = 4 * 1024 + 1024  # before the hand-over is compacted, and a lease beyond


class Step(Event, tag="work.step"):
    number: int


class Other(Event, tag="work.other"):
    number: int


def bounded(bus: Bus, overflow: Overflow, name: str | None = None) -> RecordingSink:
    sink = RecordingSink()
    buffer = Buffer(max_events=ROOM, overflow=overflow)
    bus.attach(sink, name=name or overflow.value, buffer=buffer)
    return sink


def emit_many(bus: Bus, count: int) -> int:
    """Emit events of two types; return the most that ever were handed over."""
    most = 0
    entries = bus._engine.ingress.entries
    for number in range(count):
        bus.emit((Other if number % 5 else Step)(number=number))
        most = max(most, len(entries))
    return most


@pytest.mark.parametrize("count", MANY)
@pytest.mark.parametrize("started", [True, False])
async def test_while_the_loop_does_not_look_the_hand_over_stays_small(
    started: bool, count: int
) -> None:
    bus = Bus()
    sinks = {overflow: bounded(bus, overflow) for overflow in Overflow}
    if started:
        await bus.start()
    assert emit_many(bus, count) <= MOST
    stats = bus.stats()
    assert stats.emitted == count
    for one in stats.attachments.values():
        assert one.balanced
        assert (one.offered, one.pending) == (count, ROOM)
        assert one.dropped == {"queue_full": count - ROOM}
    async with bus:
        await bus.flush()
    numbers = {
        overflow: [event.number for event in sink.events]  # type: ignore[attr-defined]
        for overflow, sink in sinks.items()
    }
    assert numbers[Overflow.DROP_NEWEST] == numbers[Overflow.WAIT] == list(range(ROOM))
    assert numbers[Overflow.DROP_OLDEST] == list(range(count - ROOM, count))


@pytest.mark.parametrize("count", MANY)
async def test_while_a_seal_is_held_up_the_hand_over_stays_small(count: int) -> None:
    """An observer blocks the loop, as it should not, and another thread emits."""
    inside, go_on = threading.Event(), threading.Event()

    class Observer(RecordingSink):
        def observe(self, batch: Sequence[AnyRecord]) -> None:
            inside.set()
            go_on.wait(10)

    sink, most = Observer(), []
    bus = Bus()
    bus.attach(sink, name="sink", buffer=Buffer(max_events=ROOM))

    def emit() -> None:
        inside.wait(10)
        most.append(emit_many(bus, count))
        go_on.set()

    thread = threading.Thread(target=emit)
    async with bus:
        thread.start()
        for number in range(ROOM // 2):
            bus.emit(Step(number=-1 - number))
        await settled()
        thread.join()
        await bus.flush()
        stats = bus.stats().attachments["sink"]
        assert stats.balanced
        assert stats.offered == count + ROOM // 2
        assert stats.delivered == len(sink.records) >= ROOM // 2
    assert most[0] <= MOST


def test_types_that_take_turns_do_not_send_each_other_the_slow_way() -> None:
    bus = Bus()
    bus.attach(RecordingSink())
    looks: list[int] = []
    slow, look = bus._engine.router._slow, bus._engine.ingress.look
    slow.look = lambda *args: looks.append(1) or look(*args)  # type: ignore[func-returns-value]
    emit_many(bus, 1000)
    assert len(looks) <= 2


@pytest.mark.proves("fault-13")
async def test_every_event_wakes_the_loop_if_it_has_to() -> None:
    sink = RecordingSink()
    async with Bus() as bus:
        bus.attach(sink)
        emit_other = bus.emitter(Other)
        ways: list[Callable[[int], object]] = [
            lambda n: bus.emit(Step(number=n)),
            lambda n: emit_other(Other(number=n)),
            lambda n: bus.stats(),
        ]
        for number in range(1, 13):
            ways[number % 2](number)
            if number % 3 == 0:
                await asyncio.to_thread(ways[number % 2], -number)
            if number % 4 == 0:
                ways[2](number)
            await settled()
            assert bus._engine.ingress.entries == []
        assert bus.stats().emitted == 16


@pytest.mark.proves("fault-14")
async def test_an_emit_in_the_middle_of_a_seal_wakes_the_loop_again() -> None:
    """A signal handler emits between any two lines; nothing else comes after it."""
    sink = RecordingSink()
    async with Bus() as bus:
        bus.attach(sink)
        place, reached = 0, True
        bus.emit(Other(number=-1))
        await settled()
        while reached:
            with Between([place], lambda: bus.emit(Other(number=0))) as between:
                bus._engine.work()
            reached = between.reached
            await settled()
            assert bus._engine.ingress.entries == []
            place += 1
        assert place > 30
        assert bus.stats().emitted == place


async def test_a_signal_handler_wakes_a_loop_that_waits() -> None:
    """Where no task runs, the loop may be about to wait: only its pipe wakes it."""
    calls: list[str] = []
    sink = RecordingSink()
    async with Bus() as bus:
        bus.attach(sink)
        loop = asyncio.get_running_loop()
        threadsafe = loop.call_soon_threadsafe

        def wake(*args: object, **options: object) -> object:
            calls.append("pipe")
            return threadsafe(*args, **options)  # type: ignore[arg-type]

        loop.call_soon_threadsafe = wake  # type: ignore[method-assign, assignment]
        bus.emit(Step(number=1))
        await settled()
        assert calls == []
        loop.call_soon(bus.emit, Step(number=2))
        await settled()
        assert calls == ["pipe"]
        loop.call_soon_threadsafe = threadsafe  # type: ignore[method-assign]
        await bus.flush()
    assert len(sink.records) == 2


async def test_an_emit_in_each_seal_makes_no_more_of_them_with_time() -> None:
    """As from a finalizer: a wake-up that was planned is called off by a seal."""
    seals: list[int] = []
    async with Bus() as bus:
        bus.attach(RecordingSink(), batch=Batch(max_delay_seconds=0))
        sealer = bus._engine.sealer
        portions = sealer._portions

        def amid(*arguments: Any) -> Any:
            seals[-1] += 1
            if len(seals) <= 40:
                bus.emit(Step(number=-1))
            return portions(*arguments)

        sealer._portions = amid  # type: ignore[method-assign]
        for n in range(42):
            seals.append(0)
            bus.emit(Step(number=n))
            await asyncio.sleep(0)
    assert max(seals) <= 3
