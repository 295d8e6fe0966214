"""The wall clock is for timestamps: whatever it does, no timer notices."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from eventbus import Batch, Buffer, Bus, Catalog, Record, Retry, Unavailable
from eventbus._decode_line import LineDecoder
from eventbus._encode_line import LineEncoder
from eventbus._record import AnyRecord
from eventbus.testing import ManualClock, RecordingSink, ScriptedSink, settled, steps
from tests._rig import Numbered, Rig, numbers

HOUR = 3600 * 10**9
YEAR = 365 * 24 * HOUR
Steps = Callable[[ManualClock], None]


def stepping(*jumps: int) -> Steps:
    """Return what steps the wall clock, by each of *jumps* in turn."""
    turns = itertools.cycle(jumps)
    return lambda clock: clock.set_wall_clock(clock.time_ns() + next(turns))


def frozen(clock: ManualClock) -> None:
    clock.set_wall_clock(1_700_000_000 * 10**9)


WALL_CLOCKS: dict[str, Steps] = {
    "an hour back": stepping(-HOUR),
    "ten years ahead": stepping(10 * YEAR, *[0] * 999),
    "daylight saving": stepping(HOUR, 0, 0, -HOUR),
    "a leap second": stepping(-(10**9), 0, 0, 0),
    "to and fro": stepping(10 * YEAR, -20 * YEAR, 10 * YEAR),
    "frozen": frozen,
    "1970": lambda clock: clock.set_wall_clock(0),
    "before 1970": lambda clock: clock.set_wall_clock(-HOUR),
}


class Story:
    """What happened, and when by the monotonic clock."""

    def __init__(self, rig: Rig, step: Steps) -> None:
        self.rig, self._step = rig, step
        self.lines: list[tuple[float, str, Any]] = []

    def tell(self, what: str, value: Any = None) -> None:
        self.lines.append((round(self.rig.clock.monotonic(), 6), what, value))

    async def pass_time(self, seconds: float) -> None:
        for _ in range(round(seconds / 0.25)):
            self._step(self.rig.clock)
            await self.rig.after(0.25)

    def sink(self, name: str, *script: Any, **options: Any) -> ScriptedSink:
        story = self

        class Telling(ScriptedSink):
            async def write(self, batch: Sequence[AnyRecord]) -> Any:
                story.tell(f"{name} is called", numbers(batch))
                return await super().write(batch)

        return Telling(*script, **options)

    async def until(self, what: str, waiting: Any) -> None:
        try:
            await waiting
        except Exception as error:  # whatever it is, it is part of the story
            self.tell(what, type(error).__name__)
        else:
            self.tell(what, "done")


async def story(step: Steps) -> tuple[list[Any], list[AnyRecord], dict[str, Any]]:
    """Retries, batches, waits, an open circuit and a close, told with their times."""
    async with Rig() as rig:
        told, kept = Story(rig, step), RecordingSink()
        failing = told.sink("failing", *[steps.fail(Unavailable())] * 7)
        await rig.attach(failing, name="failing")
        hung = told.sink("hung", then=steps.hang())
        tight = Buffer(max_events=1, wait_timeout_seconds=3.0)
        await rig.attach(
            hung, name="hung", buffer=tight, retry=Retry(timeout_seconds=9)
        )
        slow = Batch(max_delay_seconds=1.5)
        await rig.attach(told.sink("calm"), name="calm", batch=slow)
        await rig.attach(kept, name="kept")
        rig.bus.emit(Numbered(n=0))
        waiting = [
            asyncio.create_task(told.until("publish", rig.bus.publish(Numbered(n=1)))),
            asyncio.create_task(told.until("flush", rig.bus.flush(4.0))),
        ]
        for n in range(2, 30):
            rig.bus.emit(Numbered(n=n))
            await told.pass_time(2.0)
        closing = asyncio.create_task(told.until("close", rig.bus.aclose(2.5)))
        await told.pass_time(5.0)
        await asyncio.gather(*waiting, closing)
        stats = rig.bus.stats()
        counts = {n: (s.delivered, s.dropped) for n, s in stats.attachments.items()}
        return told.lines, kept.records, counts


@pytest.fixture(scope="module")
def by_a_clock_that_goes_right() -> Any:
    return asyncio.run(story(stepping(0)))


@pytest.mark.proves("fault-57")
@pytest.mark.parametrize("name", WALL_CLOCKS)
def test_nothing_comes_earlier_or_later(
    name: str, by_a_clock_that_goes_right: Any
) -> None:
    lines, records, counts = asyncio.run(story(WALL_CLOCKS[name]))
    expected_lines, expected_records, expected_counts = by_a_clock_that_goes_right
    assert lines == expected_lines
    assert counts == expected_counts
    assert numbers(records) == numbers(expected_records)
    assert len(expected_lines) > 20


@pytest.mark.proves("fault-57")
@pytest.mark.parametrize("name", WALL_CLOCKS)
async def test_times_are_never_negative_and_can_be_written_and_read(name: str) -> None:
    records = await _records(WALL_CLOCKS[name])
    assert len(records) == 30
    decoder = LineDecoder(Catalog([Numbered]))
    for record in records:
        assert record.time_unix_nano >= 0
        assert record.observed_time_unix_nano >= 0
        again = decoder.decode(LineEncoder().encode_one(record))
        assert again.time_unix_nano == record.time_unix_nano


async def _records(step: Steps) -> list[AnyRecord]:
    clock, sink = ManualClock(), RecordingSink()
    async with Bus(clock=clock) as bus:
        bus.attach(sink)
        for n in range(30):
            step(clock)
            bus.emit(Numbered(n=n))
            if n % 5 == 0:
                await settled()
    return sink.records


@pytest.mark.proves("fault-57")
async def test_a_relayed_time_before_1970_is_as_good_as_none() -> None:
    sink = RecordingSink()
    async with Bus(clock=ManualClock()) as bus:
        bus.attach(sink)
        bus.relay(
            Record(Numbered(n=1), time_unix_nano=-5, observed_time_unix_nano=-(2**70))
        )
    [record] = sink.records
    now = ManualClock().time_ns()
    assert (record.time_unix_nano, record.observed_time_unix_nano) == (now, now)
