"""What is left when a worker is broken off in the middle of a write."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from eventbus import Buffer, Bus, Overflow, Retry, Unavailable
from eventbus._delivery import Delivery
from eventbus._record import AnyRecord
from eventbus.testing import RecordingSink, settled
from tests._rig import ONE_BY_ONE, CuedSink, Numbered, Rig, Telling


async def test_a_deadline_ends_with_its_call_though_a_signal_broke_off_its_beginning(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with Rig() as rig:
        await rig.attach(sink := CuedSink(), retry=Retry(timeout_seconds=0.5))
        call_later = rig.clock.call_later

        def broken_off(*args: Any) -> Any:
            monkeypatch.undo()
            call_later(*args)
            raise TimeoutError("of the program's own")

        monkeypatch.setattr(rig.clock, "call_later", broken_off)
        await rig.emit(1)
        await rig.after(0.6)
        assert rig.stats().cause == "TimeoutError: of the program's own"
        await rig.after(0.4)
        await sink.cue(index=-1)
        assert rig.stats().delivered == 1
        assert rig.stats().errors == {"TimeoutError": 1}


@pytest.fixture
def breaks_off_once(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Return what lets a signal handler raise between a write's beginning and rest."""

    def arm() -> None:
        go_on = Delivery._go_on

        async def broken_off(*args: Any) -> None:
            monkeypatch.setattr(Delivery, "_go_on", go_on)
            args[-1].close()
            raise TimeoutError("of the program's own")

        monkeypatch.setattr(Delivery, "_go_on", broken_off)

    return arm


@pytest.mark.proves("fault-42")
async def test_a_worker_that_dies_as_a_write_pauses_loses_no_gap(
    breaks_off_once: Callable[[], None],
) -> None:
    async with Rig() as rig:
        buffer = Buffer(max_events=1, overflow=Overflow.DROP_NEWEST)
        await rig.attach(sink := Telling(), buffer=buffer, batch=ONE_BY_ONE)
        await rig.emit(1, 2)
        await sink.cue()
        breaks_off_once()
        await rig.emit(3, 4)
        await rig.emit(5)
        await rig.after(60.0)
        assert sum(gap.count for gap in sink.told[-1]) == 2
        await sink.cue(index=-1)


@pytest.mark.proves("fault-28")
async def test_a_worker_that_dies_with_the_probe_leaves_another_to_be_tried(
    breaks_off_once: Callable[[], None],
) -> None:
    async with Rig() as rig:
        await rig.attach(sink := CuedSink(), retry=Retry(timeout_seconds=None))
        await rig.emit(1)
        for wait in (1.0, 2.0, 4.0, 8.0, 15.0):
            await sink.cue(Unavailable())
            await rig.after(wait)
        assert not sink.in_flight
        breaks_off_once()
        await rig.after(1.0)
        await rig.after(60.0)
        await sink.cue(index=-1)
        assert rig.stats().delivered == 1
        assert rig.stats().state == "ready"


async def test_a_worker_whose_batch_is_another_processs_ends_without_a_word() -> None:
    """As after a fork in the middle of a write, in the child."""

    class Forking(RecordingSink):
        async def write(self, batch: Sequence[AnyRecord]) -> None:
            attachment.workers.disown()

    async with Bus() as bus:
        attachment = bus.attach(Forking())
        await attachment.ready()
        [worker] = attachment.workers.tasks
        bus.emit(Numbered(n=1))
        await settled()
        assert worker.cancelled()
        await bus.aclose(0)
