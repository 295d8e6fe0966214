"""What becomes of all that is held when one call says that the sink is done for."""

from __future__ import annotations

import asyncio

import pytest

from eventbus import Attachment, Batch, Buffer, Refused, TooLarge, Unavailable
from eventbus.testing import RecordingSink, settled
from tests._rig import PATIENT, CuedSink, Numbered, Rig, numbers

TWO_AT_ONCE = Batch(max_events=1, max_delay_seconds=0.0, max_in_flight=2)
REVOKED = Refused("revoked", permanent=True)


async def attached(rig: Rig, sink: CuedSink, batch: Batch = TWO_AT_ONCE) -> Attachment:
    return await rig.attach(
        sink, batch=batch, buffer=Buffer(max_events=4), retry=PATIENT
    )


async def test_a_call_that_hangs_does_not_keep_the_rest_waiting_for_nothing() -> None:
    async with Rig() as rig:
        await attached(rig, sink := CuedSink())
        await rig.emit(1, 2, 3, 4)
        await sink.cue(REVOKED, index=1)
        stats = rig.stats()
        assert (stats.state, stats.cause) == ("failed", "revoked")
        assert (stats.dropped, stats.pending) == ({"permanent": 3}, 1)
        await rig.emit(5)
        assert rig.stats().dropped == {"permanent": 4}
        await sink.cue()
        assert (rig.stats().delivered, rig.stats().pending) == (1, 0)
        assert rig.stats().state == "failed"
        assert len(sink.attempts) == 2


async def test_publishers_wait_no_longer_and_newcomers_not_at_all() -> None:
    async with Rig() as rig:
        await attached(rig, sink := CuedSink())
        await rig.emit(1, 2, 3, 4)
        publisher = asyncio.create_task(rig.bus.publish(Numbered(n=5)))
        await settled()
        await sink.cue(REVOKED)
        assert publisher.done()
        await rig.bus.publish(Numbered(n=6), timeout_seconds=0)
        await settled()
        assert rig.stats().dropped == {"permanent": 5}
        assert rig.stats().pending == 1


async def test_dead_letters_are_kept_at_once() -> None:
    async with Rig() as rig:
        letters = RecordingSink()
        await rig.attach(
            sink := CuedSink(), batch=TWO_AT_ONCE, retry=PATIENT, dead_letters=letters
        )
        await rig.emit(1, 2, 3, 4)
        await sink.cue(REVOKED)
        await rig.after(1.0)
        assert numbers(letters.records) == [1, 3, 4]
        assert rig.stats().dead_lettered == 3


async def test_what_a_busy_worker_has_beside_its_call_goes_too() -> None:
    async with Rig() as rig:
        batch = Batch(max_events=2, max_delay_seconds=0.0, max_in_flight=2)
        await attached(rig, sink := CuedSink(), batch)
        await rig.emit(1)
        await rig.emit(2, 3)
        await sink.cue(TooLarge(), index=1)
        assert numbers(sink.attempts[-1]) == [2]
        await sink.cue(REVOKED)
        assert (rig.stats().dropped, rig.stats().pending) == ({"permanent": 2}, 1)
        await sink.cue()
        assert numbers(sink.delivered) == [2]


@pytest.mark.parametrize("answer", [Unavailable(), ValueError(), TooLarge()])
async def test_a_call_that_fails_later_is_not_tried_again(answer: Exception) -> None:
    async with Rig() as rig:
        batch = Batch(max_events=2, max_delay_seconds=0.0, max_in_flight=2)
        await attached(rig, sink := CuedSink(), batch)
        await rig.emit(1)
        await rig.emit(2, 3)
        await sink.cue(REVOKED)
        await sink.cue(answer)
        assert (rig.stats().dropped, rig.stats().pending) == ({"permanent": 3}, 0)
        assert len(sink.attempts) == 2


async def test_a_close_after_it_takes_no_time() -> None:
    async with Rig() as rig:
        await attached(rig, sink := CuedSink())
        await rig.emit(1, 2, 3)
        await sink.cue(REVOKED)
        closing = asyncio.create_task(rig.bus.aclose(5.0))
        await settled()
        await sink.cue()
        report = await closing
        assert report.attachments["sink"].dropped == {"permanent": 2}
        assert rig.clock.monotonic() == 0
