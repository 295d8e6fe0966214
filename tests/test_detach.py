from __future__ import annotations

import asyncio
import gc
import weakref
from itertools import pairwise

import pytest

from eventbus import (
    AttachError,
    AttachmentReport,
    Buffer,
    Bus,
    Overflow,
)
from eventbus.testing import RecordingSink, ScriptedSink, settled, steps
from tests._rig import ONE_BY_ONE, PATIENT, CuedSink, Numbered, Rig, numbers


@pytest.mark.proves("fault-30")
async def test_it_has_all_before_its_detach_and_nothing_after() -> None:
    async with Rig() as rig:
        await rig.attach(remaining := RecordingSink(), name="remaining")
        attachment = await rig.attach(first := RecordingSink())
        for n in range(10):
            rig.bus.emit(Numbered(n=n))
        detach = asyncio.create_task(attachment.detach())
        await asyncio.sleep(0)
        for n in range(10, 20):
            rig.bus.emit(Numbered(n=n))
        assert (await detach).complete
        await rig.attach(second := RecordingSink())
        for n in range(20, 30):
            rig.bus.emit(Numbered(n=n))
        await rig.after(1.0)
        assert numbers(first.records) == list(range(10))
        assert numbers(second.records) == list(range(20, 30))
        assert numbers(remaining.records) == list(range(30))


@pytest.mark.proves("fault-30")
async def test_hand_over_is_exact_by_sequence_while_events_flow() -> None:
    """Every way of mixing hand-overs and passes of the loop into a flow of events."""
    async with Rig() as rig:
        await rig.attach(remaining := RecordingSink(), name="remaining")
        sinks, emitted = [RecordingSink()], 0
        attachment = await rig.attach(sinks[0])
        boundaries = [0]

        def flow(count: int) -> None:
            nonlocal emitted
            for _ in range(count):
                rig.bus.emit(Numbered(n=emitted))
                emitted += 1

        for round_ in range(24):
            flow(round_ % 3)
            if round_ % 2:
                await asyncio.sleep(0)
            flow(1)
            detach = asyncio.create_task(attachment.detach())
            if round_ % 4:
                await asyncio.sleep(0)
            else:
                await detach
            sinks.append(RecordingSink())
            attachment = rig.bus.attach(sinks[-1], name="sink")
            boundaries.append(emitted)
            flow(round_ % 2)
            assert (await detach).complete
        flow(2)
        await rig.bus.flush()
        assert numbers(remaining.records) == list(range(emitted))
        boundaries.append(emitted)
        spans = pairwise(boundaries)
        for sink, (start, stop) in zip(sinks, spans, strict=True):
            assert numbers(sink.records) == list(range(start, stop))
        sequences = [record.sequence for record in remaining.records]
        assert sequences == sorted(set(sequences))


@pytest.mark.proves("fault-30")
async def test_the_sink_itself_may_come_back() -> None:
    async with Rig() as rig:
        sink = ScriptedSink()
        for n in (1, 2, 3):
            attachment = await rig.attach(sink)
            await rig.emit(n)
            assert (await attachment.detach()).complete
            await rig.emit(-n)
        assert numbers(sink.delivered) == [1, 2, 3]
        assert (sink.starts, sink.closes) == (3, 3)


async def test_a_sink_that_is_still_leaving_cannot_come_back_yet() -> None:
    async with Rig() as rig:
        sink, letters = CuedSink(), ScriptedSink()
        attachment = await rig.attach(sink, dead_letters=letters)
        await rig.emit(1)
        detach = asyncio.create_task(attachment.detach())
        await settled()
        said = "CuedSink that was attached as 'sink' is still being detached"
        with pytest.raises(AttachError, match=said):
            rig.bus.attach(sink)
        said = r"attached as 'sink\.dead_letters' is still being detached"
        with pytest.raises(AttachError, match=said):
            rig.bus.attach(RecordingSink(), dead_letters=letters)
        assert list(rig.bus.stats().attachments) == []
        await sink.cue()
        await detach
        await rig.attach(sink, dead_letters=letters)


async def test_what_is_pending_is_delivered_in_its_time() -> None:
    async with Rig() as rig:
        attachment = await rig.attach(sink := CuedSink(), batch=ONE_BY_ONE)
        await rig.emit(1, 2)
        detach = asyncio.create_task(attachment.detach(1.0))
        await settled()
        await sink.cue()
        report = await rig.at_once(1.0, detach)
        assert (report.delivered, report.dropped) == (1, {"sink_detached": 1})
        assert not report.complete


async def test_without_a_time_it_takes_that_of_the_close() -> None:
    async with Rig(close_timeout_seconds=2.0) as rig:
        attachment = await rig.attach(ScriptedSink(then=steps.hang()), retry=PATIENT)
        await rig.emit(1)
        detach = asyncio.create_task(attachment.detach())
        report = await rig.at_once(2.0, detach)
        assert report.dropped == {"sink_detached": 1}


async def test_it_is_gone_from_the_stats_and_its_name_is_free_at_once() -> None:
    async with Rig() as rig:
        attachment = await rig.attach(ScriptedSink(then=steps.hang()), retry=PATIENT)
        await rig.emit(1)
        detach = asyncio.create_task(attachment.detach())
        await settled()
        assert list(rig.bus.stats().attachments) == []
        await rig.attach(RecordingSink())
        await rig.at_once(5.0, detach)


async def test_detaching_again_returns_the_same_report() -> None:
    async with Rig() as rig:
        attachment = await rig.attach(sink := ScriptedSink(steps.reject(0)))
        await rig.emit(1)
        reports: list[AttachmentReport] = await asyncio.gather(
            *(attachment.detach() for _ in range(5))
        )
        reports.append(await attachment.detach())
        assert all(report is reports[0] for report in reports)
        assert not reports[0].complete
        assert sink.closes == 1


async def test_after_a_close_it_changes_nothing() -> None:
    async with Rig() as rig:
        attachment = await rig.attach(sink := ScriptedSink())
        await rig.emit(1)
        report = await rig.bus.aclose()
        assert await attachment.detach() == report.attachments["sink"]
        assert sink.closes == 1
        assert list(rig.bus.stats().attachments) == ["sink"]


async def test_during_a_close_it_waits_for_that() -> None:
    async with Rig() as rig:
        attachment = await rig.attach(sink := CuedSink())
        await rig.emit(1)
        close = asyncio.create_task(rig.bus.aclose())
        await settled()
        detach = asyncio.create_task(attachment.detach(0))
        await settled()
        assert not detach.done()
        await sink.cue()
        assert await detach == (await close).attachments["sink"]


async def test_a_cancellation_does_not_cut_it_short() -> None:
    async with Rig() as rig:
        attachment = await rig.attach(sink := CuedSink())
        await rig.emit(1)
        detach = asyncio.create_task(attachment.detach())
        await settled()
        detach.cancel()
        await settled()
        assert not detach.done()
        await sink.cue()
        assert detach.cancelled()
        assert attachment.last_report is not None
        assert attachment.last_report.complete


async def test_who_keeps_its_dead_letters_goes_with_it() -> None:
    async with Rig() as rig:
        letters = ScriptedSink()
        attachment = await rig.attach(
            ScriptedSink(steps.reject(0)), dead_letters=letters
        )
        rig.bus.emit(Numbered(n=1))
        await attachment.detach()
        assert numbers(letters.delivered) == [1]
        assert letters.closes == 1
        assert list(rig.bus.stats().attachments) == []


async def test_before_the_start_it_drops_what_it_held() -> None:
    bus = Bus()
    attachment = bus.attach(sink := ScriptedSink(), name="sink")
    bus.emit(Numbered(n=1))
    report = await attachment.detach()
    assert (report.offered, report.dropped) == (1, {"sink_detached": 1})
    assert sink.closes == 0
    await bus.aclose()


async def test_another_thread_is_told_where_to_do_it() -> None:
    async with Rig() as rig:
        attachment = await rig.attach(RecordingSink())
        with pytest.raises(AttachError, match="detaching 'sink' must happen on"):
            await asyncio.to_thread(asyncio.run, attachment.detach())
        assert list(rig.bus.stats().attachments) == ["sink"]


async def test_publishers_that_wait_for_it_are_let_go() -> None:
    async with Rig() as rig:
        buffer = Buffer(max_events=1, overflow=Overflow.WAIT, wait_timeout_seconds=None)
        attachment = await rig.attach(
            ScriptedSink(then=steps.hang()), buffer=buffer, retry=PATIENT
        )
        await rig.emit(1)
        publisher = asyncio.create_task(rig.bus.publish(Numbered(n=2)))
        await settled()
        report = await attachment.detach(0)
        await publisher
        assert (report.offered, report.dropped) == (2, {"sink_detached": 2})


async def test_a_detached_sink_is_let_go_of() -> None:
    async with Rig() as rig:
        attachment = await rig.attach(sink := RecordingSink())
        await rig.emit(1)
        await attachment.detach()
        gone = weakref.ref(attachment), weakref.ref(sink)
        del attachment, sink
        await rig.emit(2)
        gc.collect()
        assert [reference() for reference in gone] == [None, None]
