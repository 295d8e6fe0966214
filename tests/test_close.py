"""What a close delivers, how long it takes, and what it says."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

import pytest

from eventbus import (
    Batch,
    Buffer,
    Bus,
    Outcome,
    Overflow,
    Report,
    Unavailable,
)
from eventbus._record import AnyRecord
from eventbus.testing import RecordingSink, ScriptedSink, settled, steps
from tests._rig import ONE_BY_ONE, PATIENT, Numbered, Rig, numbers


def closing(rig: Rig, timeout_seconds: float | None = None) -> asyncio.Task[Report]:
    return asyncio.create_task(rig.bus.aclose(timeout_seconds))


@pytest.mark.proves("K2", "K3", "D5")
async def test_what_is_pending_is_delivered_and_everybody_is_closed_once() -> None:
    async with Rig() as rig:
        sinks = [ScriptedSink() for _ in range(3)]
        for index, sink in enumerate(sinks):
            await rig.attach(sink, name=str(index), batch=Batch(max_events=2))
        for n in range(7):
            rig.bus.emit(Numbered(n=n))
        report = await rig.bus.aclose()
        assert report.complete
        assert [numbers(sink.delivered) for sink in sinks] == [list(range(7))] * 3
        assert [sink.closes for sink in sinks] == [1, 1, 1]
        assert rig.clock.timers == 0


@pytest.mark.proves("fault-120", "D5")
async def test_one_time_holds_for_all_sinks_together() -> None:
    async with Rig() as rig:
        await rig.attach(
            ScriptedSink(then=steps.hang(), aclose=[steps.hang()]),
            name="hung",
            retry=PATIENT,
            batch=ONE_BY_ONE,
        )
        slow = ScriptedSink(then=steps.slow(0.8))
        await rig.attach(slow, name="slow", batch=ONE_BY_ONE)
        dead = ScriptedSink(then=steps.fail(Unavailable("down")))
        await rig.attach(dead, name="dead")
        await rig.attach(healthy := ScriptedSink(), name="healthy")
        await rig.emit(1, 2, 3, 4)
        task = closing(rig, 2.0)
        await settled()
        for _ in range(19):
            await rig.after(0.1)
        assert not task.done()
        await rig.after(0.1)
        report = await task
        assert rig.clock.monotonic() == 2.0
        assert not report.complete
        left = {name: dict(r.dropped) for name, r in report.attachments.items()}
        assert left == {
            "hung": {"shutdown_deadline": 4},
            "slow": {"shutdown_deadline": 2},
            "dead": {"circuit_open": 4},
            "healthy": {},
        }
        assert report.attachments["slow"].delivered == 2
        assert healthy.closes == slow.closes == dead.closes == 1


@pytest.mark.proves("fault-120")
async def test_no_time_waits_for_nothing() -> None:
    async with Rig() as rig:
        await rig.attach(hung := ScriptedSink(then=steps.hang()), retry=PATIENT)
        await rig.attach(healthy := RecordingSink(), name="healthy")
        await rig.emit(1)
        rig.bus.emit(Numbered(n=2))
        report = await rig.bus.aclose(0)
        assert rig.clock.monotonic() == 0
        assert report.attachments["sink"].dropped == {"shutdown_deadline": 2}
        assert report.attachments["healthy"].delivered == 1
        assert hung.hanging == 0
        assert numbers(healthy.records) == [1]


@pytest.mark.proves("fault-120")
async def test_without_a_time_it_takes_that_of_the_bus() -> None:
    async with Rig(close_timeout_seconds=3.0) as rig:
        await rig.attach(ScriptedSink(then=steps.hang()), retry=PATIENT)
        await rig.emit(1)
        assert not (await rig.at_once(3.0, closing(rig))).complete


@pytest.mark.proves("fault-120")
async def test_five_seconds_are_the_time_of_a_bus_that_says_nothing() -> None:
    async with Rig() as rig:
        await rig.attach(ScriptedSink(then=steps.hang()), retry=PATIENT)
        await rig.emit(1)
        assert not (await rig.at_once(5.0, closing(rig))).complete


@pytest.mark.proves("fault-120")
async def test_the_time_holds_on_a_real_clock_too() -> None:
    bus = Bus()
    bus.attach(
        ScriptedSink(
            then=steps.hang(ignored_cancellations=9),
            aclose=[steps.hang(ignored_cancellations=9)],
        ),
        name="deaf",
    )
    bus.attach(ScriptedSink(then=steps.fail(Unavailable())), name="dead")
    bus.attach(ScriptedSink(then=steps.slow(10.0)), name="slow")
    await bus.start()
    bus.emit(Numbered(n=1))
    await asyncio.sleep(0)
    began = time.monotonic()
    report = await bus.aclose(0.3)
    took = time.monotonic() - began
    assert 0.3 <= took < 0.3 + 1.0
    assert not report.complete
    assert all(r.balanced and r.pending == 0 for r in report.attachments.values())
    for attachment in bus._life.attachments.values():
        attachment.sink.release()  # type: ignore[attr-defined]
    await settled()


async def test_a_write_that_ignores_its_cancellation_is_left_alone_and_named() -> None:
    async with Rig() as rig:
        deaf = ScriptedSink(then=steps.hang(ignored_cancellations=9))
        await rig.attach(deaf, retry=PATIENT, batch=ONE_BY_ONE)
        await rig.emit(1, 2)
        report = await rig.bus.aclose(0)
        stats = report.attachments["sink"]
        assert (stats.state, stats.cause) == (
            "failed",
            "write ignored its cancellation",
        )
        assert stats.dropped == {"shutdown_deadline": 2}
        deaf.release()
        await settled()
        assert numbers(deaf.delivered) == [1]
        assert rig.stats().delivered == 0
        rig.check_balance()


async def test_a_write_that_ends_well_when_cut_off_has_delivered() -> None:
    class Stubborn(RecordingSink):
        async def write(self, batch: Sequence[AnyRecord]) -> None:
            try:
                await asyncio.get_running_loop().create_future()
            except asyncio.CancelledError:
                await super().write(batch)

    async with Rig() as rig:
        await rig.attach(sink := Stubborn(), retry=PATIENT, batch=ONE_BY_ONE)
        await rig.emit(1, 2)
        report = await rig.bus.aclose(0)
        assert numbers(sink.records) == [1]
        stats = report.attachments["sink"]
        assert (stats.delivered, stats.dropped) == (1, {"shutdown_deadline": 1})
        assert stats.state == "ready"


async def test_a_write_that_fails_when_cut_off_was_not_tried_again() -> None:
    class Stubborn(RecordingSink):
        async def write(self, batch: Sequence[AnyRecord]) -> None:
            try:
                await asyncio.get_running_loop().create_future()
            except asyncio.CancelledError:
                raise ConnectionError("cut") from None

    async with Rig() as rig:
        await rig.attach(Stubborn(), retry=PATIENT)
        await rig.emit(1)
        stats = (await rig.bus.aclose(0)).attachments["sink"]
        assert (stats.possible_duplicates, stats.errors) == (0, {"ConnectionError": 1})
        assert stats.dropped == {"shutdown_deadline": 1}


@pytest.mark.parametrize(
    ("step", "cause"),
    [
        (steps.fail(OSError("broken pipe")), "aclose raised OSError: broken pipe"),
        (steps.fail(asyncio.CancelledError()), "aclose raised CancelledError"),
        (steps.hang(), "aclose did not end in time"),
        (steps.hang(ignored_cancellations=9), "aclose did not end in time"),
    ],
)
async def test_an_end_that_fails_is_said_and_holds_up_nobody(
    step: steps.Step, cause: str
) -> None:
    async with Rig() as rig:
        await rig.attach(sink := ScriptedSink(aclose=[step]))
        await rig.attach(healthy := ScriptedSink(), name="healthy")
        await rig.emit(1)
        report = await rig.bus.aclose(0)
        assert report.attachments["sink"].state == "degraded"
        assert report.attachments["sink"].cause == cause
        assert report.complete
        assert healthy.closes == 1
        sink.release()
        await settled()


async def test_an_end_that_is_no_coroutine_holds_up_nobody() -> None:
    class Plain(RecordingSink):
        def aclose(self) -> None:  # type: ignore[override]
            return None

    async with Rig() as rig:
        await rig.attach(Plain())
        await rig.attach(healthy := ScriptedSink(), name="healthy")
        report = await rig.bus.aclose()
        cause = report.attachments["sink"].cause
        assert cause is not None
        assert cause.startswith("aclose raised TypeError: ")
        assert healthy.closes == 1


@pytest.mark.proves("fault-60")
async def test_waits_for_a_retry_end_at_once() -> None:
    async with Rig() as rig:
        sink = ScriptedSink(steps.fail(Unavailable(retry_after_seconds=300.0)))
        await rig.attach(sink)
        await rig.emit(1)
        report = await rig.bus.aclose()
        assert rig.clock.monotonic() == 0
        assert report.complete
        assert numbers(sink.delivered) == [1]


@pytest.mark.proves("fault-60")
async def test_what_a_dead_far_side_does_not_take_is_reported() -> None:
    async with Rig() as rig:
        sink = ScriptedSink(then=steps.fail(Unavailable("down")))
        await rig.attach(sink)
        await rig.emit(1, 2)
        task = closing(rig)
        await settled()
        for _ in range(4):
            await rig.after(0.25)
        report = await task
        assert report.attachments["sink"].dropped == {"circuit_open": 2}
        assert len(sink.attempts) == 5


@pytest.mark.proves("fault-60")
async def test_a_circuit_that_is_open_at_the_close_is_not_waited_for() -> None:
    async with Rig() as rig:
        await rig.attach(ScriptedSink(then=steps.fail(Unavailable())))
        await rig.emit(1)
        for wait in (1.0, 2.0, 4.0, 8.0):
            await rig.after(wait)
        await rig.emit(2)
        report = await rig.bus.aclose()
        assert report.attachments["sink"].dropped == {"circuit_open": 2}


async def test_a_bus_that_never_started_drops_what_it_holds() -> None:
    bus, sink = Bus(), ScriptedSink()
    bus.attach(sink, name="sink")
    bus.emit(Numbered(n=1))
    report = await bus.aclose()
    assert not report.complete
    assert report.attachments["sink"].dropped == {"shutdown_deadline": 1}
    assert (sink.starts, sink.closes) == (0, 0)


async def test_who_keeps_dead_letters_is_closed_last() -> None:
    order: list[str] = []

    class Noting(ScriptedSink):
        async def aclose(self) -> None:
            order.append("sink")

    class Keeping(RecordingSink):
        async def aclose(self) -> None:
            order.append(f"letters {numbers(self.records)}")

    async with Rig() as rig:
        answer = steps.answer(Outcome(rejected=[(0, "bad")]))
        await rig.attach(Noting(then=answer), dead_letters=Keeping())
        rig.bus.emit(Numbered(n=1))
        report = await rig.bus.aclose()
        assert order == ["sink", "letters [1]"]
        assert report.attachments["sink.dead_letters"].delivered == 1


async def test_the_time_of_a_close_holds_for_detaches_under_way() -> None:
    async with Rig() as rig:
        attachment = await rig.attach(ScriptedSink(then=steps.hang()), retry=PATIENT)
        await rig.emit(1)
        detach = asyncio.create_task(attachment.detach(600.0))
        await settled()
        await rig.at_once(2.0, closing(rig, 2.0))
        assert (await detach).dropped == {"sink_detached": 1}


async def test_drop_oldest_is_emptied_by_a_close_like_any_other() -> None:
    async with Rig() as rig:
        buffer = Buffer(max_events=3, overflow=Overflow.DROP_OLDEST)
        await rig.attach(sink := RecordingSink(), buffer=buffer)
        for n in range(5):
            rig.bus.emit(Numbered(n=n))
        report = await rig.bus.aclose()
        assert numbers(sink.records) == [2, 3, 4]
        assert report.attachments["sink"].dropped == {"queue_full": 2}


async def test_what_was_cut_off_in_flight_is_said_to_be(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with Rig() as rig:
        await rig.attach(ScriptedSink(then=steps.hang()), name="hung")
        await rig.emit(1)
        report = await rig.bus.aclose(0)
        found = report.attachments["hung"]
    assert (found.state, found.cause) == (
        "degraded",
        "no answer before the time was over",
    )
    assert "shutdown_deadline: no answer before the time was over" in caplog.text
