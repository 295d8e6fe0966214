"""How a sink is, since when, and how long the oldest event has waited for it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from typing import Any

import pytest

from eventbus import Batch, Buffer, Bus, Event, Overflow, Refused, Unavailable
from eventbus._record import AnyRecord
from eventbus.testing import ManualClock, RecordingSink, ScriptedSink, settled, steps
from tests._rig import ONE_BY_ONE, PATIENT, CuedSink, Numbered, Rig, Wrong


class WithList(Event, tag="with_list"):
    items: list[int]


def age(rig: Rig, name: str = "sink") -> float:
    return rig.stats(name).oldest_pending_seconds


@pytest.mark.proves("fault-145")
async def test_each_sink_has_a_state_a_cause_and_since_when() -> None:
    async with Rig() as rig:
        began = rig.clock.time_ns()
        await rig.attach(RecordingSink(), name="well")
        late = [steps.fail(OSError("no route"))]
        await rig.attach(ScriptedSink(start=late), name="late")
        refusing = ScriptedSink(then=steps.fail(Refused("bad key", permanent=True)))
        await rig.attach(refusing, name="refusing", select="wrong")
        await rig.attach(
            ScriptedSink(
                steps.fail(Unavailable("busy")), steps.fail(Unavailable("full"))
            ),
            name="flapping",
            batch=ONE_BY_ONE,
        )

        def told(name: str) -> tuple[str, str | None, float]:
            one = rig.stats(name)
            return one.state, one.cause, (one.since_unix_nano - began) / 1e9

        assert told("well") == ("ready", None, 0.0)
        assert told("late") == ("degraded", "start failed: OSError: no route", 0.0)
        await rig.after(5.0)
        await rig.emit(1)
        assert told("late") == ("ready", None, 5.0)
        assert told("flapping") == ("degraded", "busy", 5.0)
        await rig.after(1.0)
        assert told("flapping") == ("degraded", "full", 5.0)
        rig.bus.emit(Wrong(n=1))
        await settled()
        assert told("refusing") == ("failed", "bad key", 6.0)
        await rig.after(2.0)
        assert told("flapping") == ("ready", None, 8.0)
        assert told("refusing") == ("failed", "bad key", 6.0)


def test_a_sink_that_could_not_be_made_has_failed_since_then() -> None:
    bus = Bus.from_config({"sinks": {"jsonl": {"path": 7}}})
    stats = bus.stats().attachments["jsonl"]
    assert stats.state == "failed"
    assert stats.since_unix_nano > 0


@pytest.mark.proves("fault-145")
@pytest.mark.parametrize("overflow", list(Overflow))
async def test_the_oldest_event_ages_until_it_is_decided(overflow: Overflow) -> None:
    async with Rig() as rig:
        sink = CuedSink()
        await rig.attach(
            sink,
            buffer=Buffer(max_events=5, overflow=overflow),
            batch=Batch(max_events=2, max_delay_seconds=0.0),
            retry=PATIENT,
        )
        assert age(rig) == 0.0
        await rig.emit(1)
        await rig.after(3.0)
        await rig.emit(2, 3)
        await rig.after(4.0)
        await rig.emit(4)
        assert age(rig) == 7.0
        await sink.cue()
        assert age(rig) == 4.0
        await rig.after(1.0)
        await sink.cue(Unavailable())
        assert age(rig) == 5.0
        await rig.after(30.0)
        assert age(rig) == 35.0
        await sink.cue()
        assert age(rig) == 31.0
        await sink.cue()
        assert (rig.stats().pending, age(rig)) == (0, 0.0)
        await rig.after(5.0)
        assert age(rig) == 0.0


@pytest.mark.proves("fault-145")
async def test_what_waits_for_a_sink_that_never_started_ages() -> None:
    async with Rig() as rig:
        await rig.attach(ScriptedSink(start=[steps.hang()]), retry=PATIENT)
        await rig.emit(1)
        await rig.after(2.0)
        await rig.emit(2)
        await rig.after(60.0)
        assert age(rig) == 62.0


async def test_what_made_room_is_not_waited_for() -> None:
    async with Rig() as rig:
        sink = CuedSink()
        bounds = Buffer(max_events=2, overflow=Overflow.DROP_OLDEST)
        await rig.attach(sink, buffer=bounds, batch=ONE_BY_ONE, retry=PATIENT)
        for n in range(4):
            await rig.emit(n)
            await rig.after(1.0)
        await sink.cue()
        assert rig.stats().pending == 1
        assert age(rig) == 1.0


@pytest.mark.parametrize("how", ["copied", "sampled", "split", "published", "letters"])
async def test_it_is_the_age_of_an_event_whatever_happens_on_its_way(how: str) -> None:
    async with Rig() as rig:
        sink = CuedSink()
        one = {"max_events": 1} if how == "published" else {}
        await rig.attach(
            sink,
            buffer=Buffer(**one),
            retry=PATIENT,
            sampler=_All() if how == "sampled" else None,
            dead_letters=(letters := CuedSink()),
        )
        await rig.attach(CuedSink(), name="other")
        await rig.emit(0)
        await rig.after(1.0)
        event = WithList(items=[1]) if how == "copied" else Numbered(n=1)
        publishing = asyncio.create_task(rig.bus.publish(event))
        await settled()
        await rig.after(2.0)
        await sink.cue(Refused("no") if how == "letters" else None)
        await rig.after(4.0)
        if how == "split":
            await sink.cue(Unavailable())
            await rig.after(1.0)
            assert age(rig) == 7.0
        else:
            assert age(rig) == 6.0
        if how == "letters":
            assert letters.in_flight == 1
            assert age(rig, "sink.dead_letters") == 4.0
        await publishing


class _All:
    def sample(self, record: AnyRecord) -> float:
        return 1.0


@pytest.mark.proves("fault-145")
def test_what_waits_for_a_loop_that_stands_still_ages_too() -> None:
    clock = ManualClock()
    bus = Bus(clock=clock)
    bus.attach(RecordingSink(), name="sink")
    bus.emit(Numbered(n=1))
    clock.advance(3.0)
    bus.emit(Numbered(n=2))
    clock.advance(4.0)
    assert bus.stats().attachments["sink"].oldest_pending_seconds == 7.0

    async def run() -> None:
        async with bus:
            await settled()
            clock.advance(1.0)
            await settled()
            assert bus.stats().attachments["sink"].oldest_pending_seconds == 0.0
            bus.emit(Numbered(n=3))
            clock.advance(5.0)
            assert bus.stats().attachments["sink"].oldest_pending_seconds == 5.0

    asyncio.run(run())


@pytest.mark.proves("fault-145")
@pytest.mark.parametrize("where", ["write", "observe"])
def test_stats_wait_for_no_sink_that_holds_the_loop(where: str) -> None:
    inside, over = threading.Event(), threading.Event()
    clock = ManualClock()

    class Holding(RecordingSink):
        async def write(self, batch: Sequence[AnyRecord]) -> None:
            self._hold("write")

        def observe(self, batch: Sequence[AnyRecord]) -> None:
            self._hold("observe")

        def _hold(self, here: str) -> None:
            if here == where:
                inside.set()
                assert over.wait(10.0)

    bus = Bus(clock=clock)
    bus.attach(Holding(), name="sink")

    async def run() -> None:
        async with bus:
            bus.emit(Numbered(n=1))
            await bus.flush()

    program = threading.Thread(target=asyncio.run, args=(run(),))
    program.start()
    try:
        assert inside.wait(10.0)
        clock.advance(6.0)
        looked: list[tuple[int, float]] = []

        def look() -> None:
            stats = bus.stats().attachments["sink"]
            looked.append((stats.pending, stats.oldest_pending_seconds))

        looking = threading.Thread(target=look)
        looking.start()
        looking.join(5.0)
        assert looked == [(1, 6.0)]
    finally:
        over.set()
        program.join()


@pytest.mark.proves("fault-145")
async def test_threads_may_look_while_batches_come_and_go() -> None:
    async with Rig() as rig:
        attachment = await rig.attach(
            ScriptedSink(then=steps.fail(Unavailable())),
            batch=Batch(max_events=1, max_delay_seconds=0.0, max_in_flight=8),
        )
        over, failed = threading.Event(), list[BaseException]()

        def look() -> None:
            while not over.is_set():
                try:
                    assert rig.stats().oldest_pending_seconds >= 0.0
                except BaseException as error:
                    failed.append(error)

        looking = asyncio.create_task(asyncio.to_thread(look))
        for n in range(300):
            await rig.emit(n)
            await rig.after(0.5)
        over.set()
        await looking
        assert failed == []
        await attachment.detach(0)


class Troubled(RecordingSink):
    """Delivers everything, and says what it lacks besides."""

    def __init__(self) -> None:
        super().__init__()
        self.trouble: Any = None


async def test_what_a_sink_lacks_besides_is_shown_and_no_report_complete() -> None:
    async with Rig() as rig:
        attachment = await rig.attach(sink := Troubled())
        assert rig.bus.stats().attachments["sink"].trouble is None
        sink.trouble = "metrics wait:\nno answer"
        stats = rig.bus.stats().attachments["sink"]
        assert (stats.state, stats.cause) == ("degraded", "metrics wait: no answer")
        assert (attachment.state, stats.trouble) == ("degraded", stats.cause)
        report = await rig.bus.flush()
        assert not report.complete
        assert not report.attachments["sink"].complete
        sink.trouble = None
        assert (await rig.bus.flush()).complete
        assert attachment.state == "ready"
        sink.trouble = 7
        assert attachment.state == "ready"
