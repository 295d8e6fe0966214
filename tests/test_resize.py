"""What other bounds mean for what is held, what waits and what comes."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest
from msgspec.structs import force_setattr

from eventbus import (
    AttachError,
    Attachment,
    Buffer,
    Overflow,
    PublishTimeoutError,
)
from eventbus._record import AnyRecord
from eventbus._route import Lease
from eventbus.testing import RecordingSink, settled
from tests._rig import ONE_BY_ONE, PATIENT, CuedSink, Numbered, Rig, numbers

FOR_EVER = None


async def attach(rig: Rig, sink: CuedSink, buffer: Buffer) -> Attachment:
    return await rig.attach(sink, buffer=buffer, batch=ONE_BY_ONE, retry=PATIENT)


async def deliver_all(sink: CuedSink) -> list[int]:
    while sink.in_flight:
        await sink.cue()
    return numbers(sink.delivered)


@pytest.mark.proves("fault-44")
@pytest.mark.parametrize("overflow", [Overflow.WAIT, Overflow.DROP_NEWEST])
async def test_lower_bounds_drop_nothing_that_is_held(overflow: Overflow) -> None:
    async with Rig() as rig:
        attachment = await attach(rig, sink := CuedSink(), Buffer(max_events=6))
        await rig.emit(0, 1, 2)
        for n in (3, 4, 5):
            assert rig.bus.emit(Numbered(n=n))
        attachment.resize(Buffer(max_events=2, overflow=overflow))
        assert await rig.emit(6) == [False]
        assert (rig.stats().pending, rig.stats().dropped) == (6, {"queue_full": 1})
        for _ in range(4):
            await sink.cue()
            rig.check_balance()
        assert await rig.emit(7) == [False]
        await sink.cue()
        assert await rig.emit(8, 9) == [True, False]
        assert await deliver_all(sink) == [0, 1, 2, 3, 4, 5, 8]


@pytest.mark.proves("fault-44")
async def test_what_another_thread_hands_over_meanwhile_keeps_its_place() -> None:
    async with Rig() as rig:
        attachment = await attach(rig, sink := CuedSink(), Buffer(max_events=4))
        seal = attachment.host.seal

        leases: list[Lease] = []

        def seal_then_emit() -> None:
            seal()
            assert [rig.bus.emit(Numbered(n=n)) for n in (1, 2)] == [True, True]
            leases.append(rig.bus._engine.ingress.routes[Numbered].lease)

        force_setattr(attachment.host, "seal", seal_then_emit)
        attachment.resize(Buffer(max_events=1))
        assert leases[0].limit == 0
        assert await rig.emit(3) == [False]
        rig.check_balance()
        assert await deliver_all(sink) == [1, 2]


@pytest.mark.proves("fault-44")
async def test_higher_bounds_let_in_more_at_once() -> None:
    async with Rig() as rig:
        attachment = await attach(rig, sink := CuedSink(), Buffer(max_events=2))
        assert await rig.emit(1, 2, 3) == [True, True, False]
        attachment.resize(Buffer(max_events=4))
        assert await rig.emit(4, 5, 6) == [True, True, False]
        assert rig.stats().pending_peak == 4
        assert await deliver_all(sink) == [1, 2, 4, 5]


@pytest.mark.proves("fault-44")
async def test_where_the_oldest_go_lower_bounds_drop_them_at_once() -> None:
    async with Rig() as rig:
        attachment = await attach(rig, sink := CuedSink(), Buffer(max_events=6))
        await rig.emit(*range(6))
        bounds = Buffer(max_events=3, overflow=Overflow.DROP_OLDEST)
        attachment.resize(bounds)
        assert (rig.stats().pending, rig.stats().dropped) == (3, {"queue_full": 3})
        rig.check_balance()
        assert await rig.emit(6) == [True]
        assert rig.stats().dropped == {"queue_full": 4}
        assert await deliver_all(sink) == [0, 5, 6]


@pytest.mark.proves("fault-44")
async def test_where_the_oldest_went_they_go_no_more() -> None:
    async with Rig() as rig:
        oldest = Buffer(max_events=2, overflow=Overflow.DROP_OLDEST)
        attachment = await attach(rig, sink := CuedSink(), oldest)
        assert await rig.emit(0, 1, 2) == [True] * 3
        attachment.resize(Buffer(max_events=2, overflow=Overflow.DROP_NEWEST))
        assert await rig.emit(3) == [False]
        assert rig.stats().dropped == {"queue_full": 2}
        assert await deliver_all(sink) == [1, 2]


@pytest.mark.proves("fault-44")
async def test_who_waits_goes_in_as_far_as_there_is_room() -> None:
    async with Rig() as rig:
        full = Buffer(max_events=1, wait_timeout_seconds=FOR_EVER)
        attachment = await attach(rig, sink := CuedSink(), full)
        await rig.emit(0)
        tasks = [asyncio.create_task(rig.bus.publish(Numbered(n=n))) for n in (1, 2)]
        await settled()
        attachment.resize(Buffer(max_events=2, wait_timeout_seconds=FOR_EVER))
        await settled()
        assert [task.done() for task in tasks] == [True, False]
        rig.check_balance()
        await sink.cue()
        assert tasks[1].done()
        assert await deliver_all(sink) == [0, 1, 2]


@pytest.mark.proves("fault-44")
@pytest.mark.parametrize(
    ("overflow", "delivered"),
    [(Overflow.DROP_NEWEST, [0, 1]), (Overflow.DROP_OLDEST, [0, 3])],
)
async def test_who_waits_goes_by_a_policy_that_never_waits(
    overflow: Overflow, delivered: list[int]
) -> None:
    async with Rig() as rig:
        full = Buffer(max_events=2, wait_timeout_seconds=FOR_EVER)
        attachment = await attach(rig, sink := CuedSink(), full)
        await rig.emit(0, 1)
        tasks = [asyncio.create_task(rig.bus.publish(Numbered(n=n))) for n in (2, 3)]
        await settled()
        attachment.resize(Buffer(max_events=2, overflow=overflow))
        await settled()
        assert [task.done() for task in tasks] == [True, True]
        assert rig.stats().dropped == {"queue_full": 2}
        rig.check_balance()
        assert await deliver_all(sink) == delivered


@pytest.mark.proves("fault-44")
async def test_publishers_wait_from_now_on_where_they_did_not() -> None:
    async with Rig() as rig:
        newest = Buffer(max_events=1, overflow=Overflow.DROP_NEWEST)
        attachment = await attach(rig, sink := CuedSink(), newest)
        await rig.emit(0)
        await rig.bus.publish(Numbered(n=1))
        attachment.resize(Buffer(max_events=1, wait_timeout_seconds=1.0))
        with pytest.raises(PublishTimeoutError):
            await rig.bus.publish(Numbered(n=2), timeout_seconds=0)
        waiting = asyncio.create_task(rig.bus.publish(Numbered(n=3)))
        await settled()
        await sink.cue()
        await waiting
        assert rig.stats().dropped == {"queue_full": 1, "block_timeout": 1}
        assert await deliver_all(sink) == [0, 3]


@pytest.mark.proves("fault-44")
async def test_bytes_count_from_now_on_for_what_is_held_and_what_waits() -> None:
    async with Rig() as rig:
        full = Buffer(max_events=3, wait_timeout_seconds=FOR_EVER)
        attachment = await attach(rig, sink := CuedSink(), full)
        for n in range(3):
            rig.bus.emit(Numbered(n=n, text="x" * 200))
        await settled()
        texts = {3: "x" * 2000, 4: "x" * 200}
        tasks = [
            asyncio.create_task(rig.bus.publish(Numbered(n=n, text=text)))
            for n, text in texts.items()
        ]
        await settled()
        attachment.resize(Buffer(max_bytes=1000, wait_timeout_seconds=FOR_EVER))
        await settled()
        assert rig.stats().pending_bytes > 3 * 200
        assert rig.stats().dropped == {"too_large": 1}
        assert [task.done() for task in tasks] == [True, False]
        await sink.cue()
        assert tasks[1].done()
        rig.check_balance()
        assert await deliver_all(sink) == [0, 1, 2, 4]
        assert rig.stats().pending_bytes == 0


@pytest.mark.proves("fault-44")
async def test_publishers_wait_for_bytes_from_now_on() -> None:
    async with Rig() as rig:
        attachment = await attach(rig, sink := CuedSink(), Buffer())
        await rig.bus.publish(Numbered(n=0, text="x" * 300))
        attachment.resize(Buffer(max_bytes=600))
        with pytest.raises(PublishTimeoutError):
            await rig.bus.publish(Numbered(n=1, text="x" * 300), timeout_seconds=0)
        await settled()
        assert rig.stats().dropped == {"block_timeout": 1}
        assert await deliver_all(sink) == [0]


@pytest.mark.proves("fault-44")
async def test_where_the_oldest_go_they_go_for_bytes_too() -> None:
    async with Rig() as rig:
        attachment = await attach(rig, sink := CuedSink(), Buffer())
        for n in range(4):
            rig.bus.emit(Numbered(n=n, text="x" * 200))
        await settled()
        attachment.resize(Buffer(max_bytes=700, overflow=Overflow.DROP_OLDEST))
        assert rig.stats().dropped == {"bytes_full": 2}
        assert rig.stats().pending_bytes <= 700
        rig.check_balance()
        assert await deliver_all(sink) == [0, 3]
        assert rig.stats().pending_bytes == 0


@pytest.mark.proves("fault-44")
async def test_bytes_count_no_more_where_they_are_bounded_no_more() -> None:
    async with Rig() as rig:
        attachment = await attach(rig, sink := CuedSink(), Buffer(max_bytes=500))
        text = "x" * 200
        await rig.emit(0)
        attachment.resize(Buffer(max_events=3))
        await rig.bus.publish(Numbered(n=1, text=text * 10), timeout_seconds=0)
        await settled()
        assert await deliver_all(sink) == [0, 1]
        assert rig.stats().pending_bytes == 0


async def test_what_observes_cannot_resize_in_the_middle_of_a_seal() -> None:
    class Resizing(RecordingSink):
        raised: BaseException | None = None

        def observe(self, batch: Sequence[AnyRecord]) -> None:
            try:
                attachment.resize(Buffer(max_events=1))
            except RuntimeError as error:
                self.raised = error

    async with Rig() as rig:
        attachment = await rig.attach(sink := Resizing())
        await rig.emit(1, 2)
        assert "in the middle of a seal" in str(sink.raised)
        assert numbers(sink.records) == [1, 2]


async def test_bounds_are_a_buffer() -> None:
    async with Rig() as rig:
        attachment = await rig.attach(RecordingSink())
        with pytest.raises(AttachError, match=r"buffer must be an eventbus.Buffer"):
            attachment.resize(100)  # type: ignore[arg-type]


async def test_what_was_detached_can_be_resized_and_does_nothing() -> None:
    async with Rig() as rig:
        attachment = await rig.attach(RecordingSink())
        await rig.emit(1)
        report = await attachment.detach()
        attachment.resize(Buffer(max_events=1, overflow=Overflow.DROP_OLDEST))
        attachment.pause()
        attachment.resume()
        assert await attachment.detach() == report
