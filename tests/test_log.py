from __future__ import annotations

import logging
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from random import Random

import pytest

from eventbus import Outcome
from eventbus._log import QuietLog
from eventbus.testing import ManualClock, RecordingSink, ScriptedSink, steps
from tests._rig import ONE_BY_ONE, Numbered, Rig, numbers


@contextmanager
def added(part: logging.Filter | logging.Handler) -> Iterator[None]:
    """Have *part* in the bus's logger."""
    logger = logging.getLogger("eventbus")
    parts = logger.filters if isinstance(part, logging.Filter) else logger.handlers
    parts.append(part)
    try:
        yield
    finally:
        parts.remove(part)


def lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [r.getMessage() for r in caplog.records if r.name == "eventbus"]


def test_a_reason_is_said_once_in_ten_seconds_and_then_how_often(
    caplog: pytest.LogCaptureFixture,
) -> None:
    clock = ManualClock()
    log = QuietLog(clock)
    for _ in range(100):
        log.warning("down", "%s is down", "audit")
        clock.advance(0.1)
    log.warning("down", "%s is down", "audit")
    assert lines(caplog) == [
        "audit is down",
        "audit is down (99 more like this since)",
    ]


def test_reasons_do_not_silence_each_other(caplog: pytest.LogCaptureFixture) -> None:
    log = QuietLog(ManualClock())
    for reason in ("a", "b", "a"):
        log.warning(reason, "%s", reason)
    assert lines(caplog) == ["a", "b"]


def test_what_it_remembers_is_bounded() -> None:
    log = QuietLog(ManualClock())
    for n in range(5000):
        log.warning(str(n), "%d", n)
    assert len(log._said) <= 1024


@pytest.mark.proves("fault-22")
async def test_a_sink_that_always_raises_fills_no_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with Rig() as rig:
        sink = ScriptedSink(then=steps.fail(ValueError("bug")))
        await rig.attach(sink, batch=ONE_BY_ONE)
        for n in range(600):
            rig.bus.emit(Numbered(n=n))
            await rig.after(0.1)
        said = lines(caplog)
        degraded = [line for line in said if "degraded" in line]
        lost = [line for line in said if "lost 1 event(s), retry_exhausted" in line]
        assert len(degraded) <= 7
        assert len(lost) <= 7
        assert len(said) == len(degraded) + len(lost)
        assert degraded[0] == "sink 'sink' is degraded: ValueError: bug"
        assert " more like this since)" in degraded[1]


async def test_a_log_that_raises_costs_no_count(
    caplog: pytest.LogCaptureFixture,
) -> None:
    class Raising(logging.Filter):
        def filter(self, record: logging.LogRecord) -> bool:
            raise RuntimeError("a filter of the program's own")

    with added(Raising()):
        async with Rig() as rig:
            rejecting = steps.answer(Outcome(rejected=[(0, "bad"), (2, "bad")]))
            await rig.attach(sink := ScriptedSink(rejecting))
            await rig.attach(healthy := RecordingSink(), name="healthy")
            await rig.emit(0, 1, 2)
            await rig.after(1.0)
            stats = rig.stats()
            assert (stats.rejected, stats.delivered, stats.pending) == (2, 1, 0)
            assert len(sink.attempts) == 1
            assert numbers(healthy.records) == [0, 1, 2]


async def test_counts_hold_while_a_log_handler_looks_at_them() -> None:
    balanced: list[bool] = []

    class Looking(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            stats = rig.bus.stats().attachments.values()
            balanced.extend(one.balanced for one in stats)

    with added(Looking()):
        async with Rig() as rig:
            sink = ScriptedSink(
                steps.answer(Outcome(rejected=[(0, "bad")], unencodable=[(1, "form")])),
                then=steps.fail(ValueError("bug")),
            )
            await rig.attach(sink, dead_letters=RecordingSink())
            await rig.emit(0, 1, 2)
            await rig.emit(3)
            for _ in range(4):
                await rig.after(11.0)
        assert len(balanced) >= 8
        assert all(balanced)


@pytest.mark.proves("K7")
def test_what_was_left_out_is_said_with_the_next_line_of_another_reason(
    caplog: pytest.LogCaptureFixture,
) -> None:
    clock = ManualClock()
    log = QuietLog(clock)
    for _ in range(4):
        log.warning("down", "%s is down", "audit")
    clock.advance(9.0)
    log.warning("full", "%s is full", "audit")
    assert lines(caplog) == ["audit is down", "audit is full"]
    clock.advance(1.0)
    log.warning("late", "%s is late", "audit")
    assert lines(caplog)[2:] == [
        "3 more line(s) were left out: audit is down",
        "audit is late",
    ]
    log.warning("down", "%s is down", "audit")
    assert len(lines(caplog)) == 4


@pytest.mark.proves("K7")
def test_what_was_left_out_is_said_at_the_end_in_one_line(
    caplog: pytest.LogCaptureFixture,
) -> None:
    log = QuietLog(ManualClock())
    for n in range(10):
        for _ in range(n + 1):
            log.warning(f"reason {n}", "%d", n)
    caplog.clear()
    log.close()
    log.close()
    assert lines(caplog) == [
        "45 more line(s) were left out: reason 1 (1), reason 2 (2), reason 3 (3), "
        "reason 4 (4), reason 5 (5), reason 6 (6), reason 7 (7), reason 8 (8), …"
    ]


async def test_a_flush_and_a_close_say_what_was_left_out(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with Rig() as rig:
        rejecting = ScriptedSink(then=steps.reject(0))
        await rig.attach(rejecting, batch=ONE_BY_ONE)
        await rig.emit(1, 2, 3)
        await rig.bus.flush()
        assert len(lines(caplog)) == 1
        await rig.after(10.0)
        await rig.bus.flush()
        assert lines(caplog)[1:] == [
            "2 more line(s) were left out: "
            "sink 'sink' lost 1 event(s), rejected: rejected on cue"
        ]
        await rig.emit(4)
    assert lines(caplog)[2:] == ["1 more line(s) were left out: sink: rejected (1)"]


@pytest.mark.proves("fault-144")
@pytest.mark.parametrize("reasons", [3, 5000])
def test_no_reason_has_two_lines_in_ten_seconds_whatever_comes(
    reasons: int, caplog: pytest.LogCaptureFixture
) -> None:
    clock, random = ManualClock(), Random(reasons)
    log = QuietLog(clock)
    said: dict[str, list[float]] = {}
    told = 0
    for _ in range(20_000):
        log.warning(reason := str(random.randrange(reasons)), "about %s", reason)
        if random.random() < 0.01:
            log.catch_up()
        for record in caplog.records:
            about = record.getMessage().split("about ")[1].split(" ")[0]
            said.setdefault(about, []).append(clock.monotonic())
            told += 1 + sum(map(int, re.findall(r"\((\d+) more", record.getMessage())))
            told += sum(map(int, re.findall(r"^(\d+) more", record.getMessage())))
            told -= record.getMessage().count("left out")
        caplog.clear()
        clock.advance(random.random() / 100)
        assert len(log._said) <= 1024
    clock.advance(10.0)
    log.catch_up()
    for record in caplog.records:
        told += sum(map(int, re.findall(r"^(\d+) more", record.getMessage())))
    assert told == 20_000
    if reasons < 1000:
        gaps = [b - a for times in said.values() for a, b in pairwise(times)]
        assert min(gaps) >= 10.0
    else:
        assert sum(map(len, said.values())) <= 1024 * 11


def test_what_a_peer_said_is_cut_and_keeps_its_line(
    caplog: pytest.LogCaptureFixture,
) -> None:
    log = QuietLog(ManualClock())
    log.warning(
        "down", "sink %r: %s", "a\nb", "down\r\nFATAL \x1b[31m\u202e" + "x" * 9999
    )
    (line,) = lines(caplog)
    assert line.startswith("sink 'a b': down FATAL [31m xxx")
    assert len(line) <= 256 + len("sink 'a b': ")


def test_threads_lose_no_line_from_the_count(caplog: pytest.LogCaptureFixture) -> None:
    log = QuietLog(ManualClock())

    def say() -> None:
        for n in range(2000):
            log.warning(str(n % 3), "%d", n % 3)

    threads = [threading.Thread(target=say) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(lines(caplog)) == ["0", "1", "2"]
    assert sum(said.left_out for said in log._said.values()) == 8000 - 3


def test_a_handler_that_warns_in_the_middle_of_a_line_blocks_nothing(
    caplog: pytest.LogCaptureFixture,
) -> None:
    log = QuietLog(ManualClock())

    class Nested(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            log.warning("inner", "inner")
            log.catch_up()

    with added(Nested()):
        log.warning("outer", "outer")
    assert sorted(lines(caplog)) == ["inner", "outer"]


def test_a_log_of_another_name_keeps_it_after_a_fork(
    caplog: pytest.LogCaptureFixture,
) -> None:
    log = QuietLog(ManualClock(), name="somebody.else")
    log.warning("reason", "before")
    log.start_over()
    log.warning("reason", "after")
    assert [(r.name, r.getMessage()) for r in caplog.records] == [
        ("somebody.else", "before"),
        ("somebody.else", "after"),
    ]
