"""What a batch says of the events that were lost before it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import force_setattr

from eventbus import (
    Batch,
    Buffer,
    Gap,
    Outcome,
    Overflow,
    PublishTimeoutError,
    Refused,
    TooLarge,
    Unavailable,
    gaps_of,
)
from eventbus._gaps import MAX_GAPS, Gaps
from eventbus._ledger import DROP_REASONS
from eventbus._record import AnyRecord
from eventbus._route import LEASE_EVENTS
from eventbus.testing import RecordingSink, settled
from tests._rig import ONE_BY_ONE, PATIENT, Numbered, Rig, Telling, numbers


async def attach(rig: Rig, buffer: Buffer, **wishes: Any) -> Telling:
    sink = Telling()
    wishes = {"batch": ONE_BY_ONE, "retry": PATIENT, **wishes}
    await rig.attach(sink, buffer=buffer, **wishes)
    return sink


async def lose_two(rig: Rig) -> None:
    """Fill a buffer of one event, and lose the second and the third."""
    await rig.emit(1)
    await rig.emit(2, 3)
    assert rig.stats().dropped == {"queue_full": 2}


async def lose_the_third(rig: Rig) -> Telling:
    """Have two batches in flight, lose the event after them, let both arrive."""
    batch = Batch(max_events=1, max_in_flight=2, max_delay_seconds=0.0)
    sink = await attach(rig, Buffer(max_events=2), batch=batch)
    await rig.emit(1, 2)
    await rig.emit(3)
    await sink.cue_all()
    return sink


TWO = Gap("queue_full", 2, 2, 3)
ONE = Buffer(max_events=1)


@pytest.mark.proves("fault-42")
async def test_the_next_batch_that_arrives_carries_what_was_dropped() -> None:
    async with Rig() as rig:
        sink = await attach(rig, ONE)
        await lose_two(rig)
        await sink.cue()
        await rig.emit(4)
        await sink.cue()
        await rig.emit(5)
        assert sink.told == [(), (TWO,), ()]


@pytest.mark.proves("fault-42")
@pytest.mark.parametrize(
    "answer", [Unavailable(), ValueError(), TooLarge(), Refused("never")]
)
async def test_an_attempt_that_fails_leaves_its_gaps_to_the_next(
    answer: BaseException,
) -> None:
    async with Rig() as rig:
        sink = await attach(rig, Buffer(max_events=2), batch=Batch(max_events=2))
        await rig.emit(1, 2)
        await rig.emit(3)
        await sink.cue()
        await rig.emit(4, 5)
        await rig.after(1.0)
        lost = (Gap("queue_full", 1, 3, 3),)
        assert sink.told == [(), lost]
        await sink.cue(answer)
        await rig.after(1.0)
        if isinstance(answer, Refused):
            await rig.emit(6)
        assert sink.told == [(), lost, lost]


@pytest.mark.proves("fault-42")
async def test_an_attempt_that_is_cut_off_leaves_its_gaps_to_the_next() -> None:
    async with Rig() as rig:
        sink = await attach(rig, ONE)
        attachment = rig.bus._life.attachments["sink"]
        await lose_two(rig)
        await sink.cue()
        await rig.emit(4)
        await rig.emit(5)
        for task in attachment.workers.tasks:
            task.cancel()
        await settled()
        await rig.after(1.0)
        assert sink.told == [(), (TWO,), (Gap("queue_full", 3, 2, 5),)]


@pytest.mark.proves("fault-42")
async def test_what_another_batch_told_meanwhile_is_not_told_again() -> None:
    async with Rig() as rig:
        sink = await lose_the_third(rig)
        await rig.emit(4)
        await sink.cue(Unavailable())
        await rig.emit(5)
        await sink.cue()
        await rig.after(1.0)
        lost = (Gap("queue_full", 1, 3, 3),)
        assert sink.told[2:] == [lost, lost, ()]
        assert [numbers(batch) for batch in sink.attempts[2:]] == [[4], [5], [4]]


@pytest.mark.proves("fault-42")
async def test_a_batch_of_which_some_are_rejected_has_told_its_gaps() -> None:
    async with Rig() as rig:
        sink = await attach(rig, ONE)
        await lose_two(rig)
        await sink.cue()
        await rig.emit(4)
        await sink.cue(Outcome(rejected=[(0, "odd")]))
        await rig.emit(5)
        assert sink.told == [(), (TWO,), ()]


@pytest.mark.proves("fault-42")
async def test_of_several_batches_in_flight_one_tells() -> None:
    async with Rig() as rig:
        sink = await lose_the_third(rig)
        await rig.emit(4, 5)
        assert sink.told[2:] == [(Gap("queue_full", 1, 3, 3),), ()]


@pytest.mark.proves("fault-42")
async def test_where_the_oldest_go_the_gap_is_before_what_is_left() -> None:
    async with Rig() as rig:
        buffer = Buffer(max_events=3, overflow=Overflow.DROP_OLDEST)
        sink = await attach(rig, buffer)
        await rig.emit(1)
        await rig.emit(*range(2, 8))
        await sink.cue()
        assert sink.told == [(), (Gap("queue_full", 4, 2, 5),)]
        assert [r.sequence for r in sink.attempts[1]] == [6]


@pytest.mark.proves("fault-42")
async def test_every_reason_of_the_intake_is_told() -> None:
    async with Rig() as rig:
        buffer = Buffer(max_bytes=500, wait_timeout_seconds=1.0)
        sink = await attach(rig, buffer)
        texts = ["a" * 200, "b" * 900, "c" * 200, "d"]
        for n, text in enumerate(texts, start=1):
            rig.bus.emit(Numbered(n=n, text=text))
            await settled()
        publishing = rig.bus.publish(Numbered(n=5, text="e" * 300))
        late = asyncio.create_task(publishing)
        with pytest.raises(PublishTimeoutError):
            await rig.at_once(1.0, late)
        await sink.cue()
        assert numbers(sink.attempts[1]) == [4]
        assert sink.told == [
            (),
            (
                Gap("too_large", 1, 2, 2),
                Gap("bytes_full", 1, 3, 3),
                Gap("block_timeout", 1, 5, 5),
            ),
        ]
        await sink.cue()


@pytest.mark.proves("fault-42")
async def test_what_the_door_refused_is_told_beside_what_was_too_large() -> None:
    async with Rig() as rig:
        sink = await attach(rig, Buffer(max_events=2, max_bytes=500))
        for n, text in enumerate(["", "b" * 900, "", ""], start=1):
            rig.bus.emit(Numbered(n=n, text=text))
        await settled()
        told = {gap.reason: gap for gap in sink.told[0]}
        assert told == {
            "queue_full": Gap("queue_full", 2, 3, 4),
            "too_large": Gap("too_large", 1, 2, 2),
        }


@pytest.mark.proves("fault-42")
async def test_what_is_too_old_or_tried_too_often_is_told() -> None:
    async with Rig() as rig:
        sink = await attach(rig, Buffer(max_age_seconds=50.0))
        await rig.emit(1, 2)
        for _ in range(3):
            await sink.cue(ValueError())
            await rig.after(4.0)
        await rig.emit(3)
        await rig.after(50.0)
        await sink.cue()
        await rig.emit(4)
        assert rig.stats().dropped == {"retry_exhausted": 1, "expired": 1}
        assert sink.told[-2:] == [
            (Gap("retry_exhausted", 1, 1, 1),),
            (Gap("expired", 1, 3, 3),),
        ]


@pytest.mark.proves("fault-42")
async def test_what_could_not_be_made_anything_of_is_told() -> None:
    async with Rig() as rig:
        sink = await attach(rig, Buffer(max_bytes=1_000_000))
        attachment = rig.bus._life.attachments["sink"]
        measure = attachment.host.measure

        def fail(*_: object) -> list[int]:
            raise ValueError

        force_setattr(attachment.host, "measure", fail)
        await rig.emit(1, 2)
        force_setattr(attachment.host, "measure", measure)
        await rig.emit(3)
        assert sink.told == [(Gap("encode_error", 2, 1, 2),)]


@pytest.mark.proves("fault-42")
@pytest.mark.parametrize("overflow", [Overflow.DROP_NEWEST, Overflow.DROP_OLDEST])
async def test_what_was_lost_before_it_had_a_sequence_lies_between_neighbours(
    overflow: Overflow,
) -> None:
    async with Rig() as rig:
        sink = await attach(rig, Buffer(max_events=10, overflow=overflow))
        await rig.emit(1)
        for n in range(12 * LEASE_EVENTS):
            rig.bus.emit(Numbered(n=n))
        await settled()
        await sink.cue_all()
        told = [gap for gaps in sink.told for gap in gaps]
        assert sum(gap.count for gap in told) == rig.stats().dropped["queue_full"]
        assert told[0].first_sequence == 1
        assert told[0].last_sequence < 12 * LEASE_EVENTS


@pytest.mark.proves("fault-42")
async def test_the_counts_of_all_gaps_are_those_of_all_drops() -> None:
    async with Rig() as rig:
        buffer = Buffer(
            max_events=4,
            max_bytes=900,
            overflow=Overflow.DROP_OLDEST,
            max_age_seconds=7.0,
        )
        sink = await attach(rig, buffer, batch=Batch(max_events=2))
        arrived: list[Gap] = []
        cues = [None, Unavailable(), TooLarge(), ValueError(), None, Refused("no")]
        for n in range(200):
            rig.bus.emit(Numbered(n=n, text="x" * (n * 37 % 700)))
            await settled()
            if sink.in_flight and n % 3:
                cue = cues[n % len(cues)]
                told = sink.told[-1]
                arrived += told if cue is None else ()
                await sink.cue(cue)
            await rig.after(0.7)
        claimed = sink.told[-1] if sink.in_flight else ()
        kept = rig.bus._life.attachments["sink"].ledger.gaps.claim()
        dropped = rig.stats().dropped
        for reason, count in dropped.items():
            counts = [
                gap.count for gap in (*arrived, *claimed, *kept) if gap.reason == reason
            ]
            assert sum(counts) == count
        assert len(dropped) >= 3


async def test_what_was_never_dropped_costs_an_empty_tuple() -> None:
    async with Rig() as rig:
        sink = await attach(rig, Buffer())
        await rig.emit(1)
        assert sink.told == [()]
        assert gaps_of([1, 2, 3]) == ()


async def test_what_only_observes_is_told_nothing() -> None:
    class Observing(RecordingSink):
        seen: list[tuple[Gap, ...]]

        def observe(self, batch: Sequence[AnyRecord]) -> None:
            self.seen.append(gaps_of(batch))

    async with Rig() as rig:
        sink = Observing()
        sink.seen = []
        await rig.attach(sink, buffer=ONE)
        await rig.emit(1, 2, 3)
        await rig.emit(4)
        assert sink.seen == [(), ()]


@given(
    st.lists(
        st.tuples(st.sampled_from(sorted(DROP_REASONS)), st.integers(1, 5)), max_size=60
    ),
    st.integers(0, 60),
)
def test_gaps_are_few_and_exact(drops: list[tuple[str, int]], claim_at: int) -> None:
    gaps, sequence, claimed = Gaps(), 0, tuple[Gap, ...]()
    for index, (reason, count) in enumerate(drops):
        if index == claim_at:
            claimed = gaps.claim()
        gaps.add(Gap(reason, count, sequence + 1, sequence + count))
        sequence += count
        assert len(gaps.untold) <= MAX_GAPS
    gaps.put_back(claimed)
    told = gaps.claim()
    assert len(told) <= MAX_GAPS
    for reason in DROP_REASONS:
        counted = sum(count for name, count in drops if name == reason)
        assert sum(gap.count for gap in told if gap.reason == reason) == counted
    if told:
        assert min(gap.first_sequence for gap in told) == 1
        assert max(gap.last_sequence for gap in told) == sequence
    assert len(DROP_REASONS) < MAX_GAPS
