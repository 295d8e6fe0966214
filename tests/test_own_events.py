"""The bus reports on itself as events, and they never become news of their own."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import pairwise
from random import Random
from typing import Any

import pytest

from eventbus import (
    AttachmentReported,
    AttachmentStateChanged,
    Batch,
    Buffer,
    Bus,
    ConfigError,
    Overflow,
    Record,
    Refused,
    Retry,
    Unavailable,
)
from eventbus._record import AnyRecord
from eventbus.testing import ManualClock, RecordingSink, ScriptedSink, settled, steps
from tests._rig import AT_ONCE, ONE_BY_ONE, CuedSink, Numbered, Rig, Wrong, numbers

OWN = "eventbus.*"
NOT_OWN = "!eventbus.*"
EVERY = 60.0
FREELY = Retry(budget_ratio=1.0)


def told(sink: RecordingSink) -> list[tuple[str, str, str | None]]:
    return [
        (e.attachment, e.state, e.cause)
        for e in sink.events
        if isinstance(e, AttachmentStateChanged)
    ]


def reports(events: Iterable[object]) -> list[AttachmentReported]:
    return [event for event in events if isinstance(event, AttachmentReported)]


async def test_without_being_asked_a_bus_says_nothing_of_itself() -> None:
    async with Rig() as rig:
        await rig.attach(ScriptedSink(then=steps.fail(ValueError("bug"))))
        await rig.attach(
            watcher := RecordingSink(), name="watcher", select=OWN, batch=AT_ONCE
        )
        await rig.emit(1)
        await rig.after(200.0)
        assert watcher.events == []


async def test_a_change_of_state_is_told_to_the_others_with_its_cause() -> None:
    async with Rig(own_events_seconds=EVERY) as rig:
        sink = ScriptedSink(steps.fail(Unavailable("no route")))
        await rig.attach(sink, select=[Numbered, OWN], batch=ONE_BY_ONE)
        await rig.attach(
            watcher := RecordingSink(), name="watcher", select=OWN, batch=AT_ONCE
        )
        await rig.emit(1)
        assert told(watcher) == [("sink", "degraded", "no route")]
        await rig.after(1.0)
        assert numbers(sink.delivered) == [1]
        await rig.after(9.0)
        assert told(watcher)[1:] == [("sink", "ready", None)]
        first, second = watcher.records
        assert (first.severity, second.severity) == ("warn", "info")
        assert (first.event.previous, second.event.previous) == ("ready", "degraded")
        assert all(isinstance(r.event, Numbered) for r in sink.delivered)


async def test_a_sink_that_never_starts_and_one_that_is_given_up_are_told() -> None:
    async with Rig(own_events_seconds=EVERY) as rig:
        await rig.attach(
            watcher := RecordingSink(), name="watcher", select=OWN, batch=AT_ONCE
        )
        await rig.attach(ScriptedSink(start=[steps.fail(OSError("no"))] * 99))
        refusing = ScriptedSink(then=steps.fail(Refused("key", permanent=True)))
        await rig.attach(refusing, name="refusing")
        await rig.emit(1)
        assert told(watcher) == [
            ("sink", "degraded", "start failed: OSError: no"),
            ("refusing", "failed", "key"),
        ]
        assert watcher.records[-1].severity == "error"


async def test_a_least_severity_and_a_selection_hold_for_them_too() -> None:
    async with Rig(own_events_seconds=EVERY) as rig:
        warned, other = RecordingSink(), RecordingSink()
        await rig.attach(warned, name="warned", min_severity="warn")
        await rig.attach(other, name="other", select=NOT_OWN)
        await rig.attach(ScriptedSink(steps.fail(Unavailable("x"))), select=Numbered)
        await rig.emit(1)
        await rig.after(10.0)
        await rig.after(EVERY)
        assert [e.state for e in warned.events] == ["degraded"]  # type: ignore[attr-defined]
        assert numbers(other.records) == [1]


async def test_a_handler_may_take_them() -> None:
    async with Rig(own_events_seconds=EVERY) as rig:
        taken: list[str] = []

        @rig.bus.on(AttachmentStateChanged)
        async def alarm(record: Record[AttachmentStateChanged]) -> None:
            taken.append(record.event.state)

        await settled()
        await rig.attach(ScriptedSink(then=steps.fail(Unavailable("x"))))
        await rig.emit(1)
        assert taken == ["degraded"]


@pytest.mark.proves("fault-15")
async def test_a_sink_that_flaps_is_told_once_in_ten_seconds() -> None:
    async with Rig(own_events_seconds=10_000.0) as rig:
        flapping = [steps.fail(Unavailable("x")), steps.ok, steps.ok, steps.ok] * 500
        await rig.attach(
            ScriptedSink(*flapping), select=Numbered, batch=ONE_BY_ONE, retry=FREELY
        )
        await rig.attach(
            watcher := RecordingSink(), name="watcher", select=OWN, batch=AT_ONCE
        )
        for n in range(200):
            await rig.emit(n)
            await rig.after(0.5)
        times = [r.time_unix_nano / 1e9 for r in watcher.records]
        gaps = [b - a for a, b in pairwise(times)]
        assert 5 <= len(times) <= 11
        assert min(gaps) >= 10.0
        states = [state for _, state, _ in told(watcher)]
        assert all(a != b for a, b in pairwise(states))


@pytest.mark.proves("fault-15")
async def test_own_events_that_fail_everywhere_cause_no_further_ones() -> None:
    async with Rig(own_events_seconds=10.0) as rig:
        failing = {name: ScriptedSink(then=_fail_on_own) for name in "abc"}
        for name, sink in failing.items():
            await rig.attach(sink, name=name, batch=ONE_BY_ONE)
        await rig.attach(ScriptedSink(steps.fail(Unavailable("x"))), select=Numbered)
        await rig.emit(1)
        for _ in range(300):
            await rig.after(1.0)
        seen = {
            (type(record.event).__name__, record.event.attachment)
            for sink in failing.values()
            for batch in sink.attempts
            for record in batch
            if not isinstance(record.event, Numbered)
        }
        changes = {about for kind, about in seen if kind == "AttachmentStateChanged"}
        assert changes == {"sink"}
        assert rig.stats("a").state == "degraded"


async def _fail_on_own(sink: ScriptedSink, batch: Any) -> None:
    if any(not isinstance(record.event, Numbered) for record in batch):
        raise ValueError("not mine")


@pytest.mark.proves("fault-15")
async def test_what_own_events_broke_is_told_when_others_fail_too() -> None:
    async with Rig(own_events_seconds=10_000.0) as rig:
        await rig.attach(
            watcher := RecordingSink(), name="watcher", select=OWN, batch=AT_ONCE
        )
        broken = ScriptedSink(
            *[steps.fail(ValueError("own"))] * 3,
            then=steps.fail(ValueError("theirs")),
        )
        await rig.attach(broken, name="broken", select=["wrong", OWN], batch=ONE_BY_ONE)
        await rig.attach(ScriptedSink(steps.fail(Unavailable("x"))), select=Numbered)
        await rig.emit(1)
        for _ in range(9):
            await rig.after(1.0)
        assert rig.stats("broken").dropped == {"retry_exhausted": 1}
        assert [name for name, *_ in told(watcher)] == ["sink"]
        rig.bus.emit(Wrong(n=2))
        await settled()
        await rig.after(0.1)
        assert told(watcher)[-1] == ("broken", "degraded", "ValueError: theirs")


async def test_a_report_says_what_moved_since_the_one_before() -> None:
    async with Rig(own_events_seconds=EVERY) as rig:
        sink = CuedSink()
        await rig.attach(
            sink,
            select=Numbered,
            buffer=Buffer(max_events=4, overflow=Overflow.DROP_NEWEST),
            batch=Batch(max_events=2, max_delay_seconds=0.0),
            retry=Retry(timeout_seconds=None),
        )
        await rig.attach(
            watcher := RecordingSink(), name="watcher", select=OWN, batch=AT_ONCE
        )
        await rig.emit(1, 2, 3, 4, 5, 6, 7)
        await rig.after(7.0)
        await sink.cue()
        await rig.after(EVERY - 7.0)
        (first,) = reports(watcher.events)
        assert first == AttachmentReported(
            attachment="sink",
            interval_seconds=EVERY,
            offered=7,
            delivered=2,
            dropped=3,
            drops=first.drops,
            pending=2,
            oldest_pending_seconds=EVERY,
            state="ready",
        )
        assert [(d.reason, d.count) for d in first.drops] == [("queue_full", 3)]
        await sink.cue(Refused("no"))
        await rig.after(EVERY)
        _, second = reports(watcher.events)
        assert second == AttachmentReported(
            attachment="sink", interval_seconds=EVERY, rejected=2
        )


@pytest.mark.proves("K5", "fault-15")
async def test_where_only_own_events_moved_nothing_is_reported() -> None:
    async with Rig(own_events_seconds=EVERY) as rig:
        sinks = {name: RecordingSink() for name in "abc"}
        for name, sink in sinks.items():
            await rig.attach(sink, name=name, batch=AT_ONCE)
        await rig.emit(1)
        await rig.after(EVERY)
        counts = [len(reports(sink.events)) for sink in sinks.values()]
        assert counts == [2, 2, 2]
        for _ in range(20):
            await rig.after(EVERY)
        assert [len(reports(sink.events)) for sink in sinks.values()] == counts
        await rig.emit(2)
        await rig.after(EVERY)
        later = [
            report for sink in sinks.values() for report in reports(sink.events)[2:]
        ]
        assert [(r.offered, r.delivered) for r in later] == [(1, 1)] * 6


@pytest.mark.proves("fault-15", "D6")
@pytest.mark.parametrize("overflow", list(Overflow))
@pytest.mark.parametrize(
    "seed", [0, 1, *(pytest.param(s, marks=pytest.mark.slow) for s in range(2, 60))]
)
async def test_reports_add_up_to_what_the_program_emitted_and_nothing_else(
    seed: int, overflow: Overflow
) -> None:
    random, clock = Random(seed), ManualClock()
    bus = Bus(clock=clock, own_events_seconds=10.0)
    watcher, arrived = RecordingSink(), Counter[str]()
    emitted = 0
    bus.attach(watcher, name="watcher", select=OWN, buffer=Buffer(max_events=100_000))
    letters = {name: RecordingSink() for name in "ab"}
    for name in "ab":
        bus.attach(
            ScriptedSink(then=_by_chance(random, arrived, name)),
            name=name,
            buffer=Buffer(max_events=9, max_bytes=2_000, overflow=overflow),
            batch=Batch(max_events=4, max_delay_seconds=0.3),
            retry=Retry(max_elapsed_seconds=20.0),
            sampler=_Some(random),
            dead_letters=letters[name],
        )
    async with bus:
        for _ in range(150):
            for _ in range(random.randrange(6)):
                text = "x" * random.choice([0, 0, 0, 100, 3000])
                bus.emit(Numbered(n=emitted, text=text))
                emitted += 1
            clock.advance(random.choice([0.1, 1.0, 4.0]))
            await settled()
            assert all(one.balanced for one in bus.stats().attachments.values())
        for _ in range(100):
            clock.advance(1.0)
            await settled()
        stats = bus.stats().attachments
        own = {n: bus._life.attachments[n].ledger.own for n in "ab"}
    for name in "ab":
        total = _total(reports(watcher.events), name)
        assert total["offered"] == emitted
        assert stats[name].offered > emitted
        assert own[name].counts["offered"] == stats[name].offered - emitted
        assert not own[name].pending
        assert total["delivered"] == arrived[name]
        assert sum(total[end] for end in ENDS) == emitted
        ours = [r for r in letters[name].records if isinstance(r.event, Numbered)]
        assert total["dead_lettered"] == len(ours)
        kept = _total(reports(watcher.events), f"{name}.dead_letters")
        assert kept["offered"] == kept["delivered"] == len(ours)


class _Some:
    def __init__(self, random: Random) -> None:
        self.random = random

    def sample(self, record: AnyRecord) -> float:
        return float(self.random.random() < 0.9)


def _by_chance(random: Random, arrived: Counter[str], name: str) -> steps.Step:
    async def step(sink: ScriptedSink, batch: Any) -> Any:
        choice = random.randrange(8)
        if choice == 0:
            raise Unavailable
        if choice == 1:
            raise Refused("no")
        if choice == 2:
            raise ValueError("bug")
        arrived[name] += sum(isinstance(r.event, Numbered) for r in batch)
        return None

    return step


ENDS = ("delivered", "rejected", "dropped", "sampled_out", "dead_lettered")


def _total(reported: list[AttachmentReported], name: str) -> Counter[str]:
    total: Counter[str] = Counter()
    for report in reported:
        if report.attachment == name:
            for count in ("offered", *ENDS):
                total[count] += getattr(report, count)
            assert report.dropped == sum(d.count for d in report.drops)
    return total


async def test_they_wait_within_bounds_and_take_no_room_that_was_promised() -> None:
    async with Rig(own_events_seconds=EVERY) as rig:
        slow = CuedSink()
        await rig.attach(
            slow, name="slow", buffer=Buffer(max_events=3), batch=ONE_BY_ONE
        )
        for name in "abcde":
            failing = ScriptedSink(then=steps.fail(Unavailable("x")))
            await rig.attach(failing, name=name, select=Numbered)
        assert await rig.emit(1) == [True]
        assert rig.stats("slow").pending == 3
        assert rig.stats("slow").dropped == {"queue_full": 3}
        assert rig.bus.emit(Numbered(n=2)) is False
        rig.check_balance()


async def test_what_was_promised_while_they_are_offered_keeps_its_room() -> None:
    async with Rig(own_events_seconds=EVERY) as rig:
        answers: list[bool] = []

        class Answering(CuedSink):
            def __init__(self, *values: int) -> None:
                super().__init__()
                self.values = values

            def observe(self, batch: Sequence[AnyRecord]) -> None:
                if isinstance(batch[0].event, AttachmentStateChanged):
                    answers.extend(rig.bus.emit(Wrong(n=n)) for n in self.values)

        first = Answering(1)
        bounds = Buffer(max_events=3)
        await rig.attach(first, name="first", select=["wrong", OWN], buffer=bounds)
        await rig.attach(Answering(2, 3), name="second", select=OWN)
        failing = ScriptedSink(then=steps.fail(Unavailable("x")))
        await rig.attach(failing, select=Numbered)
        await rig.emit(1)
        assert answers == [True, True, False]
        assert rig.stats("first").dropped == {"queue_full": 1}
        assert rig.stats("first").pending == 3


async def test_a_close_reports_the_rest_and_leaves_no_timer() -> None:
    clock = ManualClock()
    bus = Bus(clock=clock, own_events_seconds=EVERY)
    bus.attach(watcher := RecordingSink(), name="watcher", select=OWN, batch=AT_ONCE)
    bus.attach(RecordingSink(), name="sink", select=Numbered)
    async with bus:
        bus.emit(Numbered(n=1))
        await settled()
    (report,) = reports(watcher.events)
    assert (report.attachment, report.delivered) == ("sink", 1)
    assert clock.timers == 0


def test_it_goes_on_on_another_loop() -> None:
    clock = ManualClock()
    bus = Bus(clock=clock, own_events_seconds=EVERY)
    watcher = RecordingSink()
    bus.attach(watcher, name="watcher", select=OWN, batch=AT_ONCE)
    bus.attach(ScriptedSink(*[steps.fail(Unavailable("x"))] * 9), name="sink")

    async def begin() -> None:
        await bus.start()

    async def go_on() -> None:
        await bus.start()
        bus.emit(Numbered(n=1))
        await settled()
        clock.advance(EVERY)
        await settled()
        await bus.aclose(0)

    asyncio.run(begin())
    asyncio.run(go_on())
    assert told(watcher)[-1][:2] == ("sink", "degraded")
    assert [r.offered for r in reports(watcher.events)] == [1]


FORKED = """
import asyncio, os
from eventbus import AttachmentReported, Bus
from eventbus.testing import ManualClock, RecordingSink, settled
from tests._rig import Numbered

async def run(bus, clock, count):
    await bus.start()
    for n in range(count):
        bus.emit(Numbered(n=n))
    await settled()
    clock.advance(60.0)
    await settled()

clock, watcher = ManualClock(), RecordingSink()
bus = Bus(clock=clock, own_events_seconds=60.0)
bus.attach(RecordingSink(), name="sink", select=Numbered)
bus.attach(watcher, name="watcher", select=AttachmentReported)
asyncio.run(run(bus, clock, 5))
child = os.fork()
if child == 0:
    before = len(watcher.records)
    asyncio.run(run(bus, clock, 2))
    news = [record.event for record in watcher.records[before:]]
    print([(event.offered, event.delivered) for event in news], flush=True)
    os._exit(0)
os.waitpid(child, 0)
asyncio.run(bus.aclose(0))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_forked_child_tells_only_what_moved_there() -> None:
    child = subprocess.run(
        [sys.executable, "-c", FORKED], capture_output=True, text=True, timeout=25
    )
    assert child.stdout == "[(2, 2)]\n", child.stderr


def test_a_file_asks_for_them_and_ten_seconds_is_the_least() -> None:
    bus = Bus.from_config({"bus": {"own_events_seconds": 60}})
    assert bus._own_events is not None
    assert Bus.from_config({})._own_events is None
    with pytest.raises(ConfigError, match=r">= 10.*own_events_seconds"):
        Bus.from_config({"bus": {"own_events_seconds": 5}})
    with pytest.raises(ValueError, match="own_events_seconds must be >= 10"):
        Bus(own_events_seconds=9.9)
