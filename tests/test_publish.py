"""Publishing waits for room where an attachment asks for it, and never longer."""

from __future__ import annotations

import asyncio
import math
import threading
from typing import Any

import pytest

from eventbus import (
    Batch,
    Buffer,
    Bus,
    BusClosedError,
    Event,
    Overflow,
    PublishTimeoutError,
    Record,
)
from eventbus.testing import ManualClock, RecordingSink, settled


class Step(Event, tag="work.step"):
    number: int


class Gated(RecordingSink):
    """Takes one batch, and the next when the gate opens."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = asyncio.Event()

    async def write(self, batch: Any) -> None:
        await self.gate.wait()
        await super().write(batch)


def numbers(sink: RecordingSink) -> list[int]:
    return [event.number for event in sink.events if isinstance(event, Step)]


def full_bus(
    *, wait_timeout_seconds: float | None = 5.0
) -> tuple[Bus, Gated, RecordingSink, ManualClock]:
    """Return a bus with a sink that has room for two events, and one with plenty."""
    clock = ManualClock()
    bus, slow, quick = Bus(clock=clock), Gated(), RecordingSink()
    narrow = Buffer(max_events=2, wait_timeout_seconds=wait_timeout_seconds)
    bus.attach(slow, name="slow", buffer=narrow, batch=Batch(max_events=1))
    bus.attach(quick, name="quick")
    return bus, slow, quick, clock


@pytest.mark.proves("D4")
async def test_a_publisher_waits_for_room_and_loses_nothing() -> None:
    bus, slow, quick, _ = full_bus()
    async with bus:
        published = [
            asyncio.create_task(bus.publish(Step(number=n))) for n in range(20)
        ]
        await settled()
        assert sum(task.done() for task in published) == 2
        assert bus.stats().attachments["slow"].pending == 2
        slow.gate.set()
        await asyncio.gather(*published)
        await bus.flush()
    assert numbers(slow) == numbers(quick) == list(range(20))


@pytest.mark.proves("D5")
async def test_a_full_attachment_does_not_starve_its_neighbours() -> None:
    bus, _, quick, clock = full_bus()
    async with bus:
        waiting = [asyncio.create_task(bus.publish(Step(number=n))) for n in range(5)]
        await settled()
        clock.advance(0.5)
        await settled()
        assert numbers(quick) == [0, 1, 2, 3, 4]
        clock.advance(5)
        await asyncio.gather(*waiting, return_exceptions=True)
        await bus.aclose(0)


@pytest.mark.proves("fault-36", "D4")
async def test_a_wait_ends_on_time_and_is_counted() -> None:
    bus, _, _, clock = full_bus(wait_timeout_seconds=5)
    async with bus:
        for number in range(2):
            await bus.publish(Step(number=number))
        waiting = asyncio.create_task(bus.publish(Step(number=2)))
        await settled()
        clock.advance(4.9)
        await settled()
        assert not waiting.done()
        clock.advance(0.2)
        await settled()
        with pytest.raises(PublishTimeoutError) as caught:
            await waiting
        assert caught.value.delivered == 1
        assert caught.value.timed_out == ("slow",)
        assert str(caught.value) == (
            "no room in time at 'slow'; the event reached 1 other attachment(s)"
        )
        slow = bus.stats().attachments["slow"]
        assert slow.dropped == {"block_timeout": 1}
        assert slow.offered == 3
        assert slow.balanced
        await bus.aclose(0)


@pytest.mark.proves("fault-36")
@pytest.mark.parametrize(
    ("own", "given", "ends_after"), [(5.0, 1.0, 1.0), (1.0, 5.0, 1.0), (None, 2.0, 2.0)]
)
async def test_the_lesser_of_both_limits_ends_the_wait(
    own: float | None, given: float, ends_after: float
) -> None:
    bus, _, _, clock = full_bus(wait_timeout_seconds=own)
    async with bus:
        for number in range(2):
            await bus.publish(Step(number=number))
        waiting = asyncio.create_task(
            bus.publish(Step(number=2), timeout_seconds=given)
        )
        await settled()
        clock.advance(ends_after - 0.01)
        await settled()
        assert not waiting.done()
        clock.advance(0.02)
        await settled()
        assert isinstance(waiting.exception(), PublishTimeoutError)
        await bus.aclose(0)


@pytest.mark.proves("fault-36", "D4")
@pytest.mark.parametrize(("own", "given"), [(5.0, 0), (0, None)])
async def test_a_limit_of_zero_never_waits(own: float, given: float | None) -> None:
    bus, _, quick, _ = full_bus(wait_timeout_seconds=own)
    async with bus:
        for number in range(2):
            await bus.publish(Step(number=number))
        with pytest.raises(PublishTimeoutError):
            await bus.publish(Step(number=2), timeout_seconds=given)
        await settled()
        assert bus.stats().attachments["slow"].dropped == {"block_timeout": 1}
        assert bus.stats().attachments["quick"].offered == 3
        await bus.aclose(0)
    assert 2 in numbers(quick) or numbers(quick)


@pytest.mark.proves("fault-36")
async def test_without_limits_a_publisher_waits_for_as_long_as_it_takes() -> None:
    bus, slow, _, clock = full_bus(wait_timeout_seconds=None)
    async with bus:
        for number in range(2):
            await bus.publish(Step(number=number))
        waiting = asyncio.create_task(bus.publish(Step(number=2)))
        await settled()
        assert not waiting.done()
        slow.gate.set()
        await waiting
        del clock
        await bus.flush()
    assert numbers(slow) == [0, 1, 2]


@pytest.mark.proves("fault-37")
async def test_plain_code_on_the_loop_is_refused_at_once_and_counted() -> None:
    bus, _, _, clock = full_bus()
    async with bus:
        answers = [bus.emit(Step(number=number)) for number in range(4)]
        assert answers == [True, True, False, False]
        assert clock.timers == 0
        assert bus.stats().attachments["slow"].dropped == {"queue_full": 2}
        assert bus.stats().attachments["quick"].dropped == {}
        await bus.aclose(0)


@pytest.mark.proves("fault-38")
async def test_a_cancelled_publisher_is_offered_to_nobody_it_waited_for() -> None:
    bus, slow, quick, _ = full_bus()
    async with bus:
        for number in range(2):
            await bus.publish(Step(number=number))
        waiting = [asyncio.create_task(bus.publish(Step(number=n))) for n in (2, 3)]
        await settled()
        waiting[0].cancel()
        await settled()
        assert waiting[0].cancelled()
        stats = bus.stats().attachments["slow"]
        assert (stats.offered, stats.pending, stats.dropped) == (2, 2, {})
        slow.gate.set()
        await waiting[1]
        await bus.flush()
    assert numbers(slow) == [0, 1, 3]
    assert numbers(quick) == [0, 1, 2, 3]


@pytest.mark.proves("fault-38")
async def test_a_publisher_cancelled_at_two_attachments_is_offered_to_neither() -> None:
    """Room appears at the second one before the publisher's task runs again."""
    bus = Bus()
    hung, slow = Gated(), Gated()
    bus.attach(hung, name="hung", buffer=Buffer(max_events=1))
    bus.attach(slow, name="slow", buffer=Buffer(max_events=1))
    async with bus:
        await bus.publish(Step(number=0))
        waiting = asyncio.create_task(bus.publish(Step(number=1)))
        await settled()
        slow.gate.set()
        waiting.cancel()
        await asyncio.wait([waiting])
        await settled()
        assert waiting.cancelled()
        assert bus.stats().attachments["slow"].offered == 1
        assert bus.stats().emitted == 1
        hung.gate.set()
    assert numbers(slow) == numbers(hung) == [0]


@pytest.mark.proves("D5")
@pytest.mark.parametrize("impatient_first", [True, False])
async def test_an_attachment_that_never_waits_does_not_end_the_wait_at_another(
    impatient_first: bool,
) -> None:
    impatient, patient = Gated(), Gated()
    never = Buffer(max_events=1, wait_timeout_seconds=0)
    sinks = [
        (impatient, "impatient", never),
        (patient, "patient", Buffer(max_events=1)),
    ]
    async with Bus() as bus:
        for sink, name, buffer in sinks if impatient_first else sinks[::-1]:
            bus.attach(sink, name=name, buffer=buffer)
        await bus.publish(Step(number=0))
        waiting = asyncio.create_task(bus.publish(Step(number=1)))
        await settled()
        assert not waiting.done()
        patient.gate.set()
        with pytest.raises(PublishTimeoutError, match="'impatient'") as error:
            await waiting
        assert error.value.delivered == 1
        impatient.gate.set()
    assert (numbers(impatient), numbers(patient)) == ([0], [0, 1])


@pytest.mark.proves("fault-38")
async def test_a_wait_that_ends_as_its_publisher_is_cancelled_counts_nothing() -> None:
    bus, slow, _, clock = full_bus(wait_timeout_seconds=1.0)
    async with bus:
        for number in range(2):
            await bus.publish(Step(number=number))
        waiting = asyncio.create_task(bus.publish(Step(number=2)))
        await settled()
        waiting.cancel()
        clock.advance(1.0)
        await asyncio.wait([waiting])
        assert waiting.cancelled()
        stats = bus.stats().attachments["slow"]
        assert (stats.offered, stats.dropped) == (2, {})
        slow.gate.set()


async def test_a_limit_that_is_no_number_is_refused() -> None:
    bus, slow, _, _ = full_bus()
    async with bus:
        for number in range(2):
            await bus.publish(Step(number=number))
        with pytest.raises(
            ValueError, match="timeout_seconds must be a number or None"
        ):
            await bus.publish(Step(number=2), timeout_seconds=math.nan)
        with pytest.raises(
            ValueError, match="timeout_seconds must be a number or None"
        ):
            await bus.flush(math.nan)
        slow.gate.set()
        with pytest.raises(
            ValueError, match="timeout_seconds must be a number or None"
        ):
            await bus.aclose(math.nan)


async def test_an_event_is_emitted_once_some_attachment_was_offered_it() -> None:
    bus, slow, _, _ = full_bus()
    async with bus:
        for number in range(2):
            await bus.publish(Step(number=number))
        assert bus.stats().emitted == 2
        waiting = asyncio.create_task(bus.publish(Step(number=2)))
        await settled()
        assert bus.stats().emitted == 3  # the quick one has it
        slow.gate.set()
        await waiting
        assert bus.stats().emitted == 3


@pytest.mark.proves("fault-38")
async def test_a_publisher_cancelled_as_room_appears_is_in_the_queue_or_not() -> None:
    for passes in range(6):
        bus, slow, _, _ = full_bus()
        async with bus:
            for number in range(2):
                await bus.publish(Step(number=number))
            waiting = asyncio.create_task(bus.publish(Step(number=2)))
            await settled()
            slow.gate.set()
            for _ in range(passes):
                await asyncio.sleep(0)
            waiting.cancel()
            await asyncio.wait([waiting])
            await bus.flush()
            stats = bus.stats().attachments["slow"]
            assert stats.balanced
            assert stats.offered == len(slow.records) == stats.delivered
            assert numbers(slow) in ([0, 1], [0, 1, 2])
            assert waiting.cancelled() or numbers(slow) == [0, 1, 2]


async def test_publishers_are_served_in_their_order() -> None:
    bus, slow, _, _ = full_bus()
    async with bus:
        order: list[int] = []

        async def publish(number: int) -> None:
            await bus.publish(Step(number=number))
            order.append(number)

        tasks = [asyncio.create_task(publish(number)) for number in range(10)]
        await settled()
        slow.gate.set()
        await asyncio.gather(*tasks)
        await bus.flush()
    assert order == numbers(slow) == list(range(10))


@pytest.mark.parametrize("overflow", [Overflow.DROP_NEWEST, Overflow.DROP_OLDEST])
@pytest.mark.proves("D4")
async def test_the_other_policies_never_make_a_publisher_wait(
    overflow: Overflow,
) -> None:
    sink = Gated()
    async with Bus(clock=ManualClock()) as bus:
        narrow = Buffer(max_events=3, overflow=overflow)
        bus.attach(sink, name="sink", buffer=narrow, batch=Batch(max_events=1))
        await settled()
        for number in range(6):
            await bus.publish(Step(number=number))
            await settled()
        assert bus.stats().attachments["sink"].dropped == {"queue_full": 3}
        sink.gate.set()
        await bus.flush()
    kept = [0, 1, 2] if overflow is Overflow.DROP_NEWEST else [0, 4, 5]
    assert numbers(sink) == kept


async def test_a_closed_bus_refuses_publishers() -> None:
    bus = Bus()
    await bus.aclose()
    with pytest.raises(BusClosedError, match="after the bus was closed"):
        await bus.publish(Step(number=1))


async def test_a_close_turns_waiting_publishers_away() -> None:
    bus, _, _, _ = full_bus()
    await bus.start()
    for number in range(2):
        await bus.publish(Step(number=number))
    waiting = asyncio.create_task(bus.publish(Step(number=2)))
    await settled()
    await bus.aclose(0)
    with pytest.raises(BusClosedError, match="while publish waited"):
        await waiting
    assert bus.stats().attachments["slow"].offered == 2


async def test_a_coroutine_of_another_loop_waits_on_the_loop_of_the_bus() -> None:
    bus, slow, _, _ = full_bus()
    async with bus:
        for number in range(2):
            await bus.publish(Step(number=number))
        done = threading.Event()

        async def publish_and_tell() -> None:
            await bus.publish(Step(number=2))
            done.set()

        async with bus.subscribe() as records:
            thread = threading.Thread(target=asyncio.run, args=(publish_and_tell(),))
            thread.start()
            assert (await anext(records)).event == Step(number=2)
        assert not done.is_set()
        slow.gate.set()
        await asyncio.to_thread(thread.join)
        await bus.flush()
    assert numbers(slow) == [0, 1, 2]


async def test_a_record_from_elsewhere_can_be_published() -> None:
    bus, slow, _, _ = full_bus()
    slow.gate.set()
    async with bus:
        for number in range(8):
            await bus.publish(Record(Step(number=number), id=f"theirs-{number}"))
        await bus.flush()
    assert [record.id for record in slow.records] == [f"theirs-{n}" for n in range(8)]


async def test_publishers_wait_for_bytes_too() -> None:
    clock, sink = ManualClock(), Gated()
    async with Bus(clock=clock) as bus:
        bounds = Buffer(max_bytes=600)
        bus.attach(sink, name="sink", buffer=bounds, batch=Batch(max_events=1))
        tasks = [asyncio.create_task(bus.publish(Step(number=n))) for n in range(10)]
        await settled()
        stats = bus.stats().attachments["sink"]
        assert 0 < stats.pending < 10
        assert stats.pending_bytes <= 600
        sink.gate.set()
        await asyncio.gather(*tasks)
        await bus.flush()
    assert numbers(sink) == list(range(10))
