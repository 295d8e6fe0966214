from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from eventbus import Batch, Buffer, Record, Retry
from eventbus._record import AnyRecord
from eventbus.sampling import AnyOf, RateLimit, Ratio, keep_severity
from eventbus.testing import RecordingSink, ScriptedSink, settled, steps
from tests._rig import CuedSink, Numbered, Rig, Wrong, numbers


class Odd:
    """Samples out what is even; odd ones stand for two."""

    def sample(self, record: AnyRecord) -> float:
        return 2.0 if record.event.n % 2 else 0.0


class Raising:
    def sample(self, record: AnyRecord) -> float:
        if record.event.n == 1:
            raise ValueError("the sampler's own bug")
        return 0.0


class Observing(RecordingSink):
    def __init__(self) -> None:
        super().__init__()
        self.observed: list[int] = []

    def observe(self, batch: Sequence[AnyRecord]) -> None:
        self.observed += numbers(batch)


async def test_what_is_sampled_out_is_counted_apart_from_losses() -> None:
    async with Rig() as rig:
        await rig.attach(sink := RecordingSink(), sampler=Odd())
        assert all(await rig.emit(*range(5)))
        stats = rig.stats()
        assert (stats.offered, stats.delivered, stats.sampled_out, stats.dropped) == (
            5,
            2,
            3,
            {},
        )
        assert [(r.event.n, r.weight) for r in sink.records] == [(1, 2.0), (3, 2.0)]


@pytest.mark.proves("fault-53")
async def test_what_a_sampler_raises_at_is_kept_counted_and_named_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with Rig() as rig:
        await rig.attach(sink := RecordingSink(), sampler=Raising())
        await rig.emit(0, 1, 2)
        await rig.emit(1)
        await rig.after(1.0)
        assert numbers(sink.records) == [1, 1]
        assert {record.weight for record in sink.records} == {1.0}
        assert rig.bus.stats().warned == {"sampler_error": 2}
        assert rig.stats().sampled_out == 2
        said = [r.getMessage() for r in caplog.records]
        assert said == [
            "sampler_error at attachment 'sink': ValueError: the sampler's own bug"
        ]


@pytest.mark.proves("fault-50", "D9")
async def test_errors_are_kept_at_weight_1_whatever_the_ratio() -> None:
    async with Rig() as rig:
        sampler = AnyOf(keep_severity("error"), Ratio(0.0))
        await rig.attach(sink := RecordingSink(), sampler=sampler)
        for n in range(50):
            rig.bus.emit(Numbered(n=n))
            rig.bus.emit(Wrong(n=n))
        await rig.after(1.0)
        assert sink.of(Numbered) == []
        assert [event.n for event in sink.of(Wrong)] == list(range(50))
        assert {record.weight for record in sink.records} == {1.0}
        assert (rig.stats().sampled_out, rig.stats().delivered) == (50, 50)


@pytest.mark.proves("fault-50")
async def test_the_weights_of_what_is_kept_add_up_to_what_was_emitted() -> None:
    async with Rig() as rig:
        sampler = AnyOf(keep_severity("error"), Ratio(0.25))
        await rig.attach(sink := RecordingSink(), sampler=sampler)
        for n in range(4000):
            rig.bus.emit(Numbered(n=n) if n % 10 else Wrong(n=n))
            if n % 500 == 0:
                await settled()
        await rig.bus.flush()
        weight = sum(record.weight for record in sink.records)
        sigma = (3600 * 0.75 / 0.25) ** 0.5
        assert abs(weight - 4000) < 4 * sigma
        assert {type(r.event): r.weight for r in sink.records} == {
            Numbered: 4.0,
            Wrong: 1.0,
        }


async def test_the_weight_of_a_relayed_record_multiplies() -> None:
    async with Rig() as rig:
        await rig.attach(sink := RecordingSink(), sampler=Odd())
        rig.bus.relay(Record(Numbered(n=1), weight=10.0))
        await settled()
        assert sink.records[0].weight == 20.0


@pytest.mark.proves("fault-51")
async def test_what_observes_sees_everything_before_sampling_and_bounds() -> None:
    async with Rig() as rig:
        sink = Observing()
        await rig.attach(sink, sampler=Odd(), buffer=Buffer(max_events=2))
        await rig.emit(*range(6))
        assert sink.observed == list(range(6))
        assert rig.stats().dropped == {"queue_full": 4}
        assert rig.stats().sampled_out == 1


async def test_an_attachment_has_the_state_of_its_sampler_for_itself() -> None:
    async with Rig() as rig:
        sampler = RateLimit(1, burst=1)
        sinks = [RecordingSink() for _ in range(2)]
        for index, sink in enumerate(sinks):
            await rig.attach(sink, name=str(index), sampler=sampler)
        await rig.emit(1, 2)
        assert [numbers(sink.records) for sink in sinks] == [[1], [1]]


async def test_what_is_sampled_out_waits_for_no_room() -> None:
    async with Rig() as rig:
        hung = ScriptedSink(then=steps.hang())
        buffer = Buffer(max_events=1, wait_timeout_seconds=None)
        await rig.attach(
            hung, sampler=Odd(), buffer=buffer, retry=Retry(timeout_seconds=None)
        )
        await rig.emit(1)
        await rig.bus.publish(Numbered(n=2))
        assert (rig.stats().offered, rig.stats().sampled_out) == (2, 1)


async def test_what_is_sampled_out_behind_others_in_line_waits_for_nobody() -> None:
    async with Rig() as rig:
        sink = CuedSink()
        buffer = Buffer(max_events=1, wait_timeout_seconds=None)
        at_once = Batch(max_delay_seconds=0.0)
        await rig.attach(sink, sampler=Odd(), buffer=buffer, batch=at_once)
        await rig.emit(1)
        first = asyncio.create_task(rig.bus.publish(Numbered(n=3)))
        await settled()
        await rig.bus.publish(Numbered(n=2))
        assert not first.done()
        await sink.cue()
        await first
        await sink.cue()
        assert numbers(sink.delivered) == [1, 3]
