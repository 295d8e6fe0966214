from __future__ import annotations

import logging

import pytest

from eventbus import Batch, Outcome
from eventbus._log import QuietLog
from eventbus.testing import ManualClock, RecordingSink, ScriptedSink, steps
from tests._rig import Numbered, Rig, numbers

ONE_BY_ONE = Batch(max_events=1, max_delay_seconds=0.0)


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

    logger, raising = logging.getLogger("eventbus"), Raising()
    logger.addFilter(raising)
    try:
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
    finally:
        logger.removeFilter(raising)


async def test_counts_hold_while_a_log_handler_looks_at_them() -> None:
    balanced: list[bool] = []

    class Looking(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            stats = rig.bus.stats().attachments.values()
            balanced.extend(one.balanced for one in stats)

    logger, looking = logging.getLogger("eventbus"), Looking()
    logger.addHandler(looking)
    try:
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
    finally:
        logger.removeHandler(looking)
