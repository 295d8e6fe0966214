from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterable, AsyncIterator, Iterable, Iterator, Sequence
from pathlib import Path

import anyio
import pytest

from eventbus import (
    Batch,
    Broken,
    Buffer,
    Bus,
    Event,
    Reading,
    Record,
    Refused,
    Skipped,
)
from eventbus._record import AnyRecord
from eventbus.cli._digests import Digests
from eventbus.cli._feed import Feed
from eventbus.cli._pump import Sources
from eventbus.cli._stream import InputError
from eventbus.cli._tally import Tally
from eventbus.testing import RecordingSink


class Line(Event, tag="line"):
    text: str


def reading(line: bytes, path: str) -> Reading:
    text = line.decode()
    match text[:1]:
        case "-":
            return Skipped(text, path, 1)
        case "!":
            return Broken(text, path, 1)
        case _:
            return Record(Line(text=text), id=text)


def read(lines: Iterable[bytes], *, path: str) -> Iterator[Reading]:
    for line in lines:
        yield reading(line, path)


async def read_late(
    lines: AsyncIterable[bytes], *, path: str
) -> AsyncIterator[Reading]:
    async for line in lines:
        yield reading(line, path)


class Rig:
    """A feed into a bus, and what came out."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.said: list[str] = []
        self.tally = Tally(self.said.append)
        self.stop = threading.Event()
        self.bus = Bus()

    def sources(self, *texts: str) -> Sources:
        paths = []
        for number, text in enumerate(texts):
            path = self.directory / f"in-{number}"
            path.write_text(text)
            paths.append(str(path))
        return Sources(paths)

    @property
    def feed(self) -> Feed:
        return Feed(
            self.bus, self.tally, Digests({}, print), self.stop, patience_seconds=1e9
        )


@pytest.fixture
def rig(tmp_path: Path) -> Rig:
    return Rig(tmp_path)


@pytest.mark.parametrize("reader", [read, read_late])
async def test_readings_become_published_records_and_counts(
    rig: Rig, reader: object
) -> None:
    sink = RecordingSink()
    rig.bus.attach(sink, name="a")
    async with rig.bus:
        await rig.feed.run(rig.sources("a\n-k\n!x\n", "b\n-k\n"), reader)  # type: ignore[arg-type]
        await rig.bus.flush()
    assert [record.id for record in sink.records] == ["a", "b"]
    assert rig.tally.records == 2
    assert rig.tally.skipped == {"-k": 2}
    assert rig.tally.broken == 1
    assert rig.said == [f"{rig.directory}/in-0:1: !x"]


class Slow(RecordingSink):
    async def write(self, batch: Sequence[AnyRecord]) -> None:
        for _ in range(20):
            await asyncio.sleep(0)
        await super().write(batch)


async def test_a_sink_that_takes_its_time_loses_nothing(rig: Rig) -> None:
    sink = Slow()
    patient = Buffer(max_events=3, wait_timeout_seconds=None)
    rig.bus.attach(sink, name="a", buffer=patient, batch=Batch(max_delay_seconds=0))
    async with rig.bus:
        await rig.feed.run(rig.sources("x\n" * 100), read)
        await rig.bus.flush()
    stats = rig.bus.stats().attachments["a"]
    assert (stats.delivered, stats.pending_peak, stats.lost) == (100, 3, 0)


async def test_a_cancelled_feed_tells_its_thread_to_stop_and_waits_for_it(
    rig: Rig,
) -> None:
    class Cancelling(RecordingSink):
        async def write(self, batch: Sequence[AnyRecord]) -> None:
            scope.cancel()
            await asyncio.Event().wait()

    patient = Buffer(max_events=1, wait_timeout_seconds=None)
    rig.bus.attach(Cancelling(), name="a", buffer=patient)
    await rig.bus.start()
    with anyio.CancelScope() as scope:
        await rig.feed.run(rig.sources("x\n" * 5000), read)
    assert scope.cancelled_caught
    assert rig.stop.is_set()
    assert rig.tally.untaken
    await rig.bus.aclose(0)


async def test_when_every_sink_has_failed_the_reading_stops(rig: Rig) -> None:
    class Failing(RecordingSink):
        async def write(self, batch: Sequence[AnyRecord]) -> None:
            raise Refused("no", permanent=True)

    rig.bus.attach(Failing(), name="a")
    async with rig.bus:
        await rig.feed.run(rig.sources("x\n" * 20_000), read)
    assert rig.stop.is_set()
    assert rig.tally.lines < 20_000
    assert (rig.tally.records, rig.tally.untaken) == (rig.tally.lines, False)


async def test_long_lines_are_not_read_far_ahead_of_the_sinks(rig: Rig) -> None:
    sink = Slow()
    rig.bus.attach(sink, name="a", batch=Batch(max_events=1, max_delay_seconds=0))
    async with rig.bus:
        await rig.feed.run(rig.sources(f"{'x' * 1_000_000}\n" * 40), read)
        await rig.bus.flush()
    stats = rig.bus.stats().attachments["a"]
    assert stats.delivered == 40
    assert stats.pending_peak <= 20


async def test_an_input_that_is_not_there_is_an_error(rig: Rig) -> None:
    async with rig.bus:
        with pytest.raises(InputError, match="Cannot open"):
            await rig.feed.run(Sources([str(rig.directory / "none")]), read)
