from __future__ import annotations

import asyncio

import pytest

from eventbus import AttachError, Buffer, Bus
from eventbus.testing import settled
from tests._rig import Numbered, Rig, Wrong


async def test_it_yields_what_is_emitted_inside_its_block() -> None:
    async with Rig() as rig:
        rig.bus.emit(Numbered(n=0))
        async with rig.bus.subscribe() as records:
            rig.bus.emit(Numbered(n=1))
            rig.bus.emit(Numbered(n=2))
            assert [(await anext(records)).event.n for _ in range(2)] == [1, 2]
        assert list(rig.bus.stats().attachments) == []


async def test_it_selects_as_an_attachment_does() -> None:
    async with Rig() as rig, rig.bus.subscribe("wr*", "!numbered") as records:
        await rig.emit(1)
        rig.bus.emit(Wrong(n=2))
        assert (await anext(records)).event == Wrong(n=2)


async def test_a_record_is_delivered_when_it_is_yielded() -> None:
    async with Rig() as rig, rig.bus.subscribe() as records:
        await rig.emit(1, 2)
        stats = rig.stats("subscribe:1")
        assert (stats.delivered, stats.pending) == (0, 2)
        await anext(records)
        stats = rig.stats("subscribe:1")
        assert (stats.delivered, stats.pending) == (1, 1)


@pytest.mark.proves("D5")
async def test_a_slow_reader_loses_the_oldest_and_is_told_how_many() -> None:
    async with Rig() as rig, rig.bus.subscribe() as records:
        await rig.emit(*range(1024))
        assert records.missed == 0
        await rig.emit(*range(1024, 1030))
        assert records.missed == 6
        assert (await anext(records)).event.n == 6


async def test_each_has_a_number_for_a_name() -> None:
    async with Rig() as rig:
        async with rig.bus.subscribe(), rig.bus.subscribe(), rig.bus.subscribe():
            names = list(rig.bus.stats().attachments)
        assert names == ["subscribe:1", "subscribe:2", "subscribe:3"]


@pytest.mark.proves("fault-144")
async def test_a_number_that_is_free_is_taken_again() -> None:
    async with Rig() as rig:
        for _ in range(20):
            async with rig.bus.subscribe(), rig.bus.subscribe():
                names = list(rig.bus.stats().attachments)
            assert names == ["subscribe:1", "subscribe:2"]


async def test_a_name_that_is_taken_is_refused_at_the_block() -> None:
    async with Rig() as rig, rig.bus.subscribe(name="live"):
        other = rig.bus.subscribe(name="live")
        with pytest.raises(AttachError, match="'live' is taken"):
            await other.__aenter__()


async def test_it_is_read_inside_its_block_only() -> None:
    records = Bus().subscribe()
    assert records.missed == 0
    with pytest.raises(RuntimeError, match="read inside its 'async with'"):
        await anext(records)


async def test_cancelling_a_wait_loses_no_record() -> None:
    async with Rig() as rig, rig.bus.subscribe() as records:
        for n in range(50):
            waiting = asyncio.ensure_future(first_of(records))
            await asyncio.sleep(0)
            rig.bus.emit(Numbered(n=n))
            for _ in range(n % 4):
                await asyncio.sleep(0)
            waiting.cancel()
            await settled()
            if waiting.cancelled():
                assert await first_of(records) == n
            else:
                assert waiting.result() == n


async def first_of(records: object) -> int:
    return (await anext(records)).event.n  # type: ignore[call-overload]


async def test_it_ends_when_the_bus_closes_and_what_is_unread_is_dropped() -> None:
    async with Rig() as rig:
        read: list[int] = []

        async def reader() -> None:
            async with rig.bus.subscribe() as records:
                async for record in records:
                    read.append(record.event.n)
                    if record.event.n == 1:
                        await rig.bus.aclose()

        task = asyncio.create_task(reader())
        await settled()
        await rig.emit(0, 1, 2, 3)
        await task
        assert read == [0, 1]
        stats = rig.stats("subscribe:1")
        assert (stats.delivered, stats.dropped) == (2, {"shutdown_deadline": 2})


async def test_leaving_its_block_drops_what_is_unread() -> None:
    async with Rig() as rig:
        subscription = rig.bus.subscribe()
        async with subscription:
            await rig.emit(1, 2)
            attachment = rig.bus._life.attachments["subscribe:1"]
        assert attachment.last_report is not None
        assert attachment.last_report.dropped == {"sink_detached": 2}
        assert not attachment.last_report.complete


async def test_a_flush_does_not_wait_for_it() -> None:
    async with Rig() as rig, rig.bus.subscribe() as records:
        await rig.emit(1)
        report = await rig.bus.flush()
        assert report.complete
        assert report.attachments["subscribe:1"].pending == 1
        await anext(records)


async def test_what_it_missed_makes_a_flush_incomplete_once() -> None:
    async with Rig() as rig:
        one = Buffer(max_events=1)
        async with rig.bus.subscribe(buffer=one) as records:
            await rig.emit(1, 2)
            assert not (await rig.bus.flush()).complete
            assert (await rig.bus.flush()).complete
            await anext(records)


async def test_two_readers_of_one_subscription_share_its_records() -> None:
    async with Rig() as rig, rig.bus.subscribe() as records:
        readers = [asyncio.ensure_future(first_of(records)) for _ in range(3)]
        await settled()
        await rig.emit(1, 2, 3)
        assert sorted([await reader for reader in readers]) == [1, 2, 3]


async def test_the_same_subscription_can_be_entered_again_after_its_end() -> None:
    async with Rig() as rig:
        subscription = rig.bus.subscribe()
        for n in (1, 2):
            async with subscription as records:
                await rig.emit(n)
                assert await first_of(records) == n
