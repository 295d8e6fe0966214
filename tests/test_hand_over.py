from __future__ import annotations

import asyncio

import pytest

from eventbus import Buffer, Bus, Event, Overflow, Record
from eventbus._hand_over import hand_over_of
from eventbus.testing import RecordingSink, ScriptedSink, settled, steps


class Tick(Event, tag="hand.tick"):
    number: int = 0


class Other(Event, tag="hand.other"):
    pass


def records(count: int, start: int = 0) -> list[Record[Tick]]:
    return [Record(Tick(number=start + n), f"r{start + n}") for n in range(count)]


async def test_the_first_of_a_type_is_left_to_publish_and_the_rest_goes_in_order() -> (
    None
):
    sink = RecordingSink()
    async with Bus() as bus:
        bus.attach(sink)
        hand_over = hand_over_of(bus)
        given = records(5)
        assert hand_over(given, 0) == 0
        await bus.publish(given[0])
        assert hand_over(given, 1) == 5
        await bus.flush()
    assert [record.id for record in sink.records] == ["r0", "r1", "r2", "r3", "r4"]


async def test_one_that_would_wait_for_room_keeps_its_place() -> None:
    sink = ScriptedSink(then=steps.hang())
    async with Bus() as bus:
        wait = Buffer(max_events=4, overflow=Overflow.WAIT, wait_timeout_seconds=None)
        bus.attach(sink, name="slow", buffer=wait)
        given = records(8)
        await bus.publish(given[0])
        assert hand_over_of(bus)(given, 1) == 4
        waiting = asyncio.ensure_future(bus.publish(given[4]))
        await settled()
        sink.release()
        await waiting
        taken = hand_over_of(bus)(given, 5)
        await bus.flush()
    assert [record.id for record in sink.delivered] == [r.id for r in given[:taken]]
    stats = bus.stats().attachments["slow"]
    assert stats.balanced
    assert (stats.offered, stats.lost) == (taken, 0)


async def test_what_nobody_selects_is_taken_and_counts_nowhere() -> None:
    async with Bus() as bus:
        bus.attach(RecordingSink(), select="hand.other")
        await bus.publish(Record(Tick()))
        assert hand_over_of(bus)(records(3), 0) == 3
        await bus.flush()
        assert bus.stats().emitted == 0


async def test_a_record_that_can_change_is_left_to_publish() -> None:
    async with Bus() as bus:
        bus.attach(RecordingSink())
        await bus.publish(Record(Tick()))
        open_record = Record(Tick(), attributes={"a": 1})
        assert hand_over_of(bus)([*records(2), open_record], 0) == 2


@pytest.mark.parametrize("floor", ["warn", "error"])
async def test_a_record_more_severe_than_its_type_is_left_to_publish(
    floor: str,
) -> None:
    sink = RecordingSink()
    async with Bus() as bus:
        bus.attach(sink, min_severity=floor)  # type: ignore[arg-type]
        await bus.publish(Record(Tick()))
        severe = Record(Tick(number=7), severity="fatal")
        assert hand_over_of(bus)([*records(2), severe], 0) == 2
        await bus.publish(severe)
        await bus.flush()
    assert [record.event for record in sink.records] == [Tick(number=7)]


async def test_a_closed_bus_takes_nothing() -> None:
    async with Bus() as bus:
        bus.attach(RecordingSink())
        await bus.publish(Record(Tick()))
        hand_over = hand_over_of(bus)
    assert hand_over(records(1), 0) == 0
