"""What a window keeps of its records while they wait."""

from __future__ import annotations

from typing import Any

import pytest

from eventbus import Buffer, bind
from eventbus._record import Record
from eventbus._window import Window
from eventbus.testing import RecordingSink
from tests._rig import ONE_BY_ONE, PATIENT, CuedSink, Numbered, Rig, numbers


async def waiting(rig: Rig, *, max_bytes: int | None) -> tuple[CuedSink, list[Window]]:
    """Return the windows of events that wait behind a call, one of them wrong."""
    sink, buffer = CuedSink(), Buffer(max_events=100, max_bytes=max_bytes)
    attachment = await rig.attach(sink, buffer=buffer, batch=ONE_BY_ONE, retry=PATIENT)
    wrong: Any = "three"
    await rig.emit(1, 2, wrong)
    with bind(step=4):
        await rig.emit(4)
    await rig.emit(5)
    return sink, [chunk.window for chunk in attachment.buffer.chunks]


async def cue_all(sink: CuedSink) -> None:
    while sink.in_flight:
        await sink.cue()


@pytest.mark.parametrize(("max_bytes", "forgotten"), [(700, True), (7000, False)])
async def test_a_buffer_half_full_of_bytes_keeps_no_records_that_wait(
    max_bytes: int, forgotten: bool
) -> None:
    async with Rig() as rig:
        sink, windows = await waiting(rig, max_bytes=max_bytes)
        assert windows[0].was_made is forgotten
        await cue_all(sink)
        assert [r.event.n for r in sink.delivered] == [1, 2, "three", 4, 5]
        assert [r.attributes for r in sink.delivered] == [{}, {}, {}, {"step": 4}, {}]
        assert len({record.id for record in sink.delivered}) == 5
        assert rig.bus.stats().warned == {"invalid_value": 1}


async def test_records_that_wait_are_the_same_as_those_that_do_not() -> None:
    async with Rig() as rig:
        await rig.attach(at_once := RecordingSink(), name="at once")
        sink, _ = await waiting(rig, max_bytes=700)
        await rig.after(1.0)
        await cue_all(sink)
        assert sink.delivered == at_once.records


async def test_a_part_of_a_window_whose_records_were_forgotten_is_told_nothing() -> (
    None
):
    async with Rig() as rig:
        _, [window, *_] = await waiting(rig, max_bytes=700)
        assert numbers(window.picked([1]).records) == [2]
        assert numbers(window.picked([2]).records) == ["three"]
        assert rig.bus.stats().warned == {"invalid_value": 1}
        await rig.bus.aclose(0)


def test_a_part_of_records_that_were_made_elsewhere_is_that_part() -> None:
    records = [Record(Numbered(n=n), sequence=n) for n in range(4)]
    window = Window.of(list(records))
    assert window.picked([1, 3]).records == [records[1], records[3]]
    assert window.records == records
    window.tighten(forget=True)
    assert window.picked([2]).records == [records[2]]
    assert window.records == records
