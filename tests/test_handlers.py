from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator
from typing import Any

import pytest

from eventbus import AttachError, Buffer, Bus, Overflow, Record
from eventbus.testing import RecordingSink, settled
from tests._rig import Numbered, Rig, Wrong, settle_jitter


def name_of(rig: Rig) -> str:
    return next(iter(rig.bus.stats().attachments))


def without_luck(rig: Rig) -> None:
    for attachment in rig.bus._life.attachments.values():
        settle_jitter(attachment)


async def test_a_handler_has_every_record_of_the_types_it_names() -> None:
    async with Rig() as rig:
        seen: list[Any] = []

        @rig.bus.on(Wrong)
        def handle(record: Record[Wrong]) -> None:
            seen.append(record.event)

        await rig.emit(1)
        rig.bus.emit(Wrong(n=2))
        await settled()
        assert seen == [Wrong(n=2)]


async def test_the_decorator_returns_the_handler_itself() -> None:
    bus = Bus()

    def handle(record: Record[Numbered]) -> None: ...

    assert bus.on()(handle) is handle


async def test_a_record_is_delivered_when_its_handler_returns() -> None:
    async with Rig() as rig:
        gate = asyncio.Event()

        @rig.bus.on()
        async def handle(record: Record[Numbered]) -> None:
            await gate.wait()

        await rig.emit(1)
        name = name_of(rig)
        assert (rig.stats(name).delivered, rig.stats(name).pending) == (0, 1)
        gate.set()
        await settled()
        assert (rig.stats(name).delivered, rig.stats(name).pending) == (1, 0)


async def test_handlers_are_called_one_record_at_a_time_in_order() -> None:
    async with Rig() as rig:
        running, seen = 0, []

        @rig.bus.on()
        async def handle(record: Record[Numbered]) -> None:
            nonlocal running
            running += 1
            assert running == 1
            await asyncio.sleep(0)
            seen.append(record.event.n)
            running -= 1

        await rig.emit(*range(2000))
        assert (await rig.bus.flush()).complete
        assert seen == list(range(2000))


async def test_a_handler_is_named_after_its_function() -> None:
    bus = Bus()

    @bus.on()
    def handle(record: Record[Numbered]) -> None: ...

    @bus.on(name="mine")
    def other(record: Record[Numbered]) -> None: ...

    where = test_a_handler_is_named_after_its_function.__qualname__
    assert list(bus.stats().attachments) == [f"on:{where}.<locals>.handle", "mine"]


async def test_handlers_of_one_name_are_told_apart_by_a_number() -> None:
    bus = Bus()
    for _ in range(3):
        bus.on()(lambda record: None)
    names = [name.partition("<lambda>")[2] for name in bus.stats().attachments]
    assert names == ["", "-2", "-3"]


async def test_two_handlers_may_not_be_given_the_same_name() -> None:
    bus = Bus()
    bus.on(name="twice")(lambda record: None)
    with pytest.raises(AttachError, match="'twice' is taken by another attachment"):
        bus.on(name="twice")(lambda record: None)


@pytest.mark.proves("D13")
async def test_a_handler_that_raises_rejects_that_record_and_hurts_nobody() -> None:
    async with Rig() as rig:
        await rig.attach(neighbour := RecordingSink(), name="neighbour")
        seen: list[int] = []

        @rig.bus.on(name="on")
        async def handle(record: Record[Numbered]) -> None:
            if record.event.n % 2:
                raise ValueError(f"odd {record.event.n}")
            seen.append(record.event.n)

        @rig.bus.on(name="calm")
        def calm(record: Record[Numbered]) -> None: ...

        await rig.emit(*range(6))
        assert seen == [0, 2, 4]
        stats = rig.stats("on")
        assert (stats.delivered, stats.rejected, stats.pending) == (3, 3, 0)
        assert rig.stats("calm").delivered == len(neighbour.records) == 6


@pytest.mark.proves("D13")
async def test_a_handler_that_keeps_raising_is_paused_and_then_tried_again() -> None:
    async with Rig() as rig:
        broken, calls = True, 0

        @rig.bus.on(name="on")
        def handle(record: Record[Numbered]) -> None:
            nonlocal calls
            calls += 1
            if broken:
                raise ValueError("down")

        without_luck(rig)
        for n in range(5):
            await rig.emit(n)
            await rig.after(0.25)
        assert calls == 5
        await rig.emit(5)
        await rig.after(0.74)
        assert (calls, rig.stats("on").pending) == (5, 1)
        await rig.after(0.01)
        assert (calls, rig.stats("on").rejected) == (6, 6)
        broken = False
        await rig.emit(6)
        await rig.after(1.99)
        assert calls == 6
        await rig.after(0.01)
        assert (calls, rig.stats("on").delivered) == (7, 1)
        await rig.emit(7)
        await rig.after(0.2)
        assert (calls, rig.stats("on").state) == (8, "ready")


async def test_a_handler_that_is_cancelled_by_somebody_else_rejects_that_record() -> (
    None
):
    async with Rig() as rig:
        seen: list[int] = []

        @rig.bus.on(name="on")
        async def handle(record: Record[Numbered]) -> None:
            seen.append(record.event.n)
            if record.event.n == 1:
                cancelled = asyncio.get_running_loop().create_future()
                cancelled.cancel()
                await cancelled

        await rig.emit(0, 1, 2)
        assert seen == [0, 1, 2]
        assert (rig.stats("on").delivered, rig.stats("on").rejected) == (2, 1)


async def test_what_was_handled_before_an_exit_is_delivered() -> None:
    async with Rig() as rig:

        @rig.bus.on(name="on")
        def handle(record: Record[Numbered]) -> None:
            if record.event.n == 1:
                raise ValueError("odd")
            if record.event.n == 3:
                raise SystemExit(1)

        await rig.emit(0, 1, 2, 3, 4)
        stats = rig.stats("on")
        assert (stats.delivered, stats.rejected, dict(stats.dropped)) == (
            2,
            1,
            {"permanent": 2},
        )
        assert (stats.state, stats.cause) == ("failed", "it raised SystemExit: 1")


async def test_what_was_handled_before_the_close_cut_it_off_is_delivered() -> None:
    async with Rig() as rig:
        seen: list[int] = []

        @rig.bus.on(name="on")
        async def handle(record: Record[Numbered]) -> None:
            seen.append(record.event.n)
            if record.event.n == 0:
                raise ValueError("zero")
            if record.event.n == 2:
                await asyncio.get_running_loop().create_future()

        await rig.emit(0, 1, 2, 3)
        report = await rig.at_once(5.0, asyncio.create_task(rig.bus.aclose()))
        assert seen == [0, 1, 2]
        stats = report.attachments["on"]
        assert (stats.delivered, stats.rejected, dict(stats.dropped)) == (
            1,
            1,
            {"shutdown_deadline": 2},
        )


async def test_a_full_handler_holds_up_no_other() -> None:
    async with Rig() as rig:
        gate, seen = asyncio.Event(), []
        small = Buffer(max_events=2, overflow=Overflow.DROP_NEWEST)

        @rig.bus.on(name="stuck", buffer=small)
        async def stuck(record: Record[Numbered]) -> None:
            await gate.wait()

        @rig.bus.on(name="free")
        def free(record: Record[Numbered]) -> None:
            seen.append(record.event.n)

        await rig.emit(*range(5))
        assert seen == list(range(5))
        assert rig.stats("stuck").dropped == {"queue_full": 3}
        gate.set()


async def test_a_threaded_handler_runs_in_another_thread_and_may_block() -> None:
    async with Rig() as rig:
        here, gate = threading.get_ident(), threading.Event()
        loop, seen = asyncio.get_running_loop(), []
        done = asyncio.Event()

        @rig.bus.on(threaded=True)
        def handle(record: Record[Numbered]) -> None:
            gate.wait()
            seen.append(threading.get_ident() != here)
            loop.call_soon_threadsafe(done.set)

        rig.bus.emit(Numbered(n=1))
        loop.call_soon(gate.set)
        await done.wait()
        assert (await rig.bus.flush()).complete
        assert seen == [True]


async def test_an_async_handler_that_is_threaded_is_awaited_all_the_same() -> None:
    async with Rig() as rig:
        done = asyncio.Event()

        @rig.bus.on(name="on", threaded=True)
        async def handle(record: Record[Numbered]) -> None:
            done.set()

        rig.bus.emit(Numbered(n=1))
        await done.wait()
        assert (await rig.bus.flush()).complete


@pytest.mark.proves("fault-15")
async def test_what_a_handler_emits_reaches_the_others_until_it_feeds_itself() -> None:
    async with Rig() as rig:
        await rig.attach(sink := RecordingSink())

        @rig.bus.on(Numbered, name="on")
        def handle(record: Record[Numbered]) -> None:
            rig.bus.emit(Numbered(n=record.event.n + 1))

        rig.bus.emit(Numbered(n=0))
        for _ in range(10):
            await rig.after(1.0)
        assert [event.n for event in sink.of(Numbered)] == [0, 1, 2, 3]
        assert rig.bus.stats().refused == {"recursion": 1}


async def test_counts_hold_while_a_handler_looks_at_them() -> None:
    async with Rig() as rig:
        balanced: list[bool] = []

        @rig.bus.on()
        async def handle(record: Record[Numbered]) -> None:
            balanced.extend(a.balanced for a in rig.bus.stats().attachments.values())
            if record.event.n % 3 == 0:
                raise ValueError("third")

        await rig.emit(*range(9))
        assert balanced == [True] * 9


@pytest.mark.proves("fault-29")
async def test_a_handler_that_yields_is_refused_not_delivered() -> None:
    async with Bus() as bus:

        @bus.on(name="yields")
        async def handler(record: Record[Numbered]) -> AsyncGenerator[None]:
            yield

        bus.emit(Numbered(n=1))
        await bus.flush()
        stats = bus.stats().attachments["yields"]
        assert (stats.delivered, stats.rejected) == (0, 1)
