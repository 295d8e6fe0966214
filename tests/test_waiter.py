"""Who stands in line for room: in what order, and what ends the wait."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from eventbus import Buffer, PublishTimeoutError
from eventbus._record import AnyRecord
from eventbus.testing import RecordingSink, ScriptedSink, settled, steps
from tests._rig import ONE_BY_ONE, PATIENT, CuedSink, Numbered, Rig, numbers


def publishing(
    rig: Rig, n: int, *, text: str = "", **options: Any
) -> asyncio.Task[None]:
    waiting = rig.bus.publish(Numbered(n=n, text=text), **options)
    return asyncio.create_task(waiting)


def end_write(sink: CuedSink) -> None:
    """Let the oldest write end, without a pass of the loop."""
    batch, answer = sink._waiting.popleft()
    sink.delivered += batch
    answer.set_result(None)


@pytest.mark.proves("fault-36")
async def test_by_default_the_wait_ends_after_five_seconds() -> None:
    async with Rig() as rig:
        hung = ScriptedSink(then=steps.hang())
        await rig.attach(hung, buffer=Buffer(max_events=1), retry=PATIENT)
        await rig.emit(1)
        publisher = publishing(rig, 2)
        await settled()
        await rig.after(4.99)
        assert not publisher.done()
        assert (rig.stats().offered, rig.stats().pending) == (1, 1)
        await rig.after(0.01)
        assert isinstance(publisher.exception(), PublishTimeoutError)
        assert (rig.stats().offered, rig.stats().dropped) == (2, {"block_timeout": 1})


@pytest.mark.proves("fault-39")
async def test_a_timeout_in_the_step_in_which_room_appears_loses_neither() -> None:
    for passes in range(8):
        async with Rig() as rig:
            sink = CuedSink()
            buffer = Buffer(max_events=1, wait_timeout_seconds=1.0)
            await rig.attach(sink, buffer=buffer, batch=ONE_BY_ONE, retry=PATIENT)
            await rig.emit(1)
            publishers = [publishing(rig, n) for n in (2, 3)]
            await settled()
            end_write(sink)
            for _ in range(passes):
                await asyncio.sleep(0)
            rig.clock.advance(1.0)
            await settled()
            admitted = sum(task.exception() is None for task in publishers)
            stats = rig.stats()
            assert admitted + stats.dropped.get("block_timeout", 0) == 2
            assert (stats.offered, stats.pending) == (3, admitted)
            assert sink.in_flight == admitted
            later = publishing(rig, 4)
            await settled()
            assert later.done() == (admitted == 0)
            await rig.after(1.0)
            await asyncio.wait([later])


@pytest.mark.proves("fault-39")
async def test_a_timeout_around_publish_loses_neither_room_nor_event() -> None:
    """asyncio.wait_for's own race: it expires in the step in which room appears."""
    for passes in range(8):
        async with Rig() as rig:
            sink = CuedSink()
            buffer = Buffer(max_events=1, wait_timeout_seconds=None)
            await rig.attach(sink, buffer=buffer, batch=ONE_BY_ONE, retry=PATIENT)
            await rig.emit(1)
            expire: list[asyncio.Timeout] = []

            async def publish(n: int) -> bool:
                try:
                    async with asyncio.timeout(None) as scope:
                        expire.append(scope)  # noqa: B023
                        await rig.bus.publish(Numbered(n=n))
                except TimeoutError:
                    return False
                return True

            publishers = [asyncio.create_task(publish(n)) for n in (2, 3)]
            await settled()
            end_write(sink)
            for _ in range(passes):
                await asyncio.sleep(0)
            if not publishers[0].done():
                expire[0].reschedule(0)
            await settled()
            in_queue = sorted(n for b in sink.attempts[1:] for n in numbers(b))
            assert sink.in_flight == 1
            if publishers[0].result():
                assert in_queue == [2]
            else:
                assert in_queue in ([2], [3])
            while sink.in_flight:
                await sink.cue()
            assert publishers[1].done()
            assert rig.stats().delivered == len(sink.delivered) <= 3
            rig.check_balance()


@pytest.mark.proves("fault-40")
async def test_a_thousand_who_wait_are_served_in_the_order_they_came() -> None:
    async with Rig() as rig:
        sink = CuedSink()
        buffer = Buffer(max_events=2, wait_timeout_seconds=None)
        await rig.attach(sink, buffer=buffer, batch=ONE_BY_ONE, retry=PATIENT)
        publishers = [publishing(rig, n) for n in range(1000)]
        await settled()
        served = 2
        while sink.in_flight:
            assert [task.done() for task in publishers[served - 2 : served + 2]] == (
                [True, True, False, False][: len(publishers) - served + 2]
            )
            await sink.cue()
            served += 1
        assert numbers(sink.delivered) == list(range(1000))


async def test_an_emit_does_not_overtake_those_who_wait() -> None:
    async with Rig() as rig:
        sink = CuedSink()
        buffer = Buffer(max_events=1)
        await rig.attach(sink, buffer=buffer, batch=ONE_BY_ONE, retry=PATIENT)
        await rig.emit(1)
        publisher = publishing(rig, 2)
        await settled()
        end_write(sink)
        assert rig.bus.emit(Numbered(n=3)) is False
        await publisher
        await settled()
        assert numbers(sink.attempts[-1]) == [2]


async def test_a_small_emit_does_not_overtake_a_large_one_that_waits() -> None:
    async with Rig() as rig:
        sink = CuedSink()
        buffer = Buffer(max_bytes=1000)
        await rig.attach(sink, buffer=buffer, batch=ONE_BY_ONE, retry=PATIENT)
        await rig.bus.publish(Numbered(n=1, text="x" * 700))
        publisher = publishing(rig, 2, text="x" * 700)
        await settled()
        await rig.emit(3)
        assert rig.stats().dropped == {"bytes_full": 1}
        await sink.cue()
        await publisher
        assert numbers(sink.attempts[-1]) == [2]


@pytest.mark.parametrize("ends", ["cancelled", "timed out"])
async def test_when_a_large_one_gives_up_the_small_ones_behind_it_go_on(
    ends: str,
) -> None:
    async with Rig() as rig:
        sink = CuedSink()
        buffer = Buffer(max_bytes=1000, wait_timeout_seconds=None)
        await rig.attach(sink, buffer=buffer, batch=ONE_BY_ONE, retry=PATIENT)
        await rig.bus.publish(Numbered(n=1, text="x" * 500))
        large = publishing(rig, 2, text="x" * 700, timeout_seconds=1.0)
        await settled()
        small = publishing(rig, 3)
        await settled()
        assert not small.done()
        if ends == "cancelled":
            large.cancel()
            await settled()
        else:
            await rig.after(1.0)
            assert isinstance(large.exception(), PublishTimeoutError)
        assert small.done()
        assert rig.stats().pending == 2


async def test_the_time_counts_once_over_all_who_are_full() -> None:
    async with Rig() as rig:
        for name in ("a", "b"):
            hung = ScriptedSink(then=steps.hang())
            bounds = Buffer(max_events=1)
            await rig.attach(hung, name=name, buffer=bounds, retry=PATIENT)
        await rig.emit(1)
        publisher = publishing(rig, 2, timeout_seconds=2.0)
        await settled()
        await rig.after(2.0)
        with pytest.raises(PublishTimeoutError) as caught:
            await publisher
        assert caught.value.timed_out == ("a", "b")


async def test_a_sink_that_publishes_at_itself_waits_no_longer_than_its_bounds() -> (
    None
):
    async with Rig() as rig:

        class Echo(RecordingSink):
            async def write(self, batch: Sequence[AnyRecord]) -> None:
                await super().write(batch)
                if len(self.batches) == 1:
                    with pytest.raises(PublishTimeoutError):
                        await rig.bus.publish(Numbered(n=2))

        await rig.attach(sink := Echo(), buffer=Buffer(max_events=1), retry=PATIENT)
        await rig.emit(1)
        await rig.after(5.0)
        assert numbers(sink.records) == [1]
        assert rig.stats().dropped == {"block_timeout": 1}
