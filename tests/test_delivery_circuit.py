from __future__ import annotations

import pytest

from eventbus import Batch, Buffer, Overflow, Retry, Unavailable
from eventbus.testing import ScriptedSink, settled, steps
from tests._rig import PATIENT, CuedSink, Rig, numbers


@pytest.mark.proves("fault-28")
async def test_while_its_circuit_is_open_a_sink_is_not_called() -> None:
    async with Rig() as rig:
        sink = ScriptedSink(*[steps.fail(Unavailable())] * 5)
        await rig.attach(sink)
        await rig.emit(1)
        for wait in (1.0, 2.0, 4.0, 8.0):
            await rig.after(wait)
        assert len(sink.attempts) == 5
        await rig.emit(2)
        await rig.after(15.9)
        assert len(sink.attempts) == 5
        await rig.after(0.1)
        assert numbers(sink.delivered) == [1, 2]


@pytest.mark.proves("fault-28")
async def test_an_open_circuit_lets_one_probe_through_and_its_success_all() -> None:
    async with Rig() as rig:
        await rig.attach(
            sink := CuedSink(),
            batch=Batch(max_events=1, max_delay_seconds=0.0, max_in_flight=3),
            retry=PATIENT,
        )
        await rig.emit(*range(6))
        for _ in range(2):
            for _ in range(3):
                await sink.cue(Unavailable())
            await rig.after(2.0)
        assert (len(sink.attempts), sink.in_flight) == (7, 1)
        await rig.after(300.0)
        assert sink.in_flight == 1
        await sink.cue()
        assert sink.in_flight == 3


@pytest.mark.proves("fault-28")
async def test_the_policy_of_a_full_buffer_holds_while_the_circuit_is_open() -> None:
    async with Rig() as rig:
        sink = ScriptedSink(*[steps.fail(Unavailable())] * 5)
        buffer = Buffer(max_events=3, overflow=Overflow.DROP_OLDEST)
        await rig.attach(sink, buffer=buffer)
        await rig.emit(0)
        for wait in (1.0, 2.0, 4.0, 8.0):
            await rig.after(wait)
        await rig.emit(1, 2, 3, 4)
        assert rig.stats().dropped == {"queue_full": 2}
        await rig.after(16.0)
        assert numbers(sink.delivered) == [0, 3, 4]


async def test_a_probe_that_is_cut_off_lets_the_next_call_be_the_probe() -> None:
    async with Rig() as rig:
        attachment = await rig.attach(
            sink := CuedSink(),
            batch=Batch(max_events=1, max_delay_seconds=0.0, max_in_flight=2),
            retry=PATIENT,
        )
        await rig.emit(1, 2)
        for _ in range(3):
            while sink.in_flight:
                await sink.cue(Unavailable())
            await rig.after(60.0)
        assert sink.in_flight == 1
        for task, hand in attachment.workers._hands.items():
            if hand[-1][0][0] is sink.attempts[-1][0]:
                task.cancel()
        await settled()
        assert sink.in_flight == 1
        assert numbers(sink.attempts[-2] + sink.attempts[-1]) in ([1, 2], [2, 1])


@pytest.mark.proves("fault-28")
async def test_who_waits_for_a_probe_is_tried_later_though_the_probe_is_given_up() -> (
    None
):
    """Nothing new comes that would ask the circuit again."""
    async with Rig() as rig:
        await rig.attach(
            sink := CuedSink(),
            batch=Batch(max_events=1, max_delay_seconds=0.0, max_in_flight=2),
            retry=Retry(timeout_seconds=None, max_elapsed_seconds=12.0),
        )
        await rig.emit(1, 2)
        for wait in (1.0, 2.0, 4.0):
            for _ in range(2):
                await sink.cue(Unavailable())
            await rig.after(wait)
        assert sink.in_flight == 1
        await rig.after(3.0)
        await sink.cue(Unavailable())
        assert rig.stats().dropped == {"retry_exhausted": 1}
        await rig.after(1.9)
        assert sink.in_flight == 0
        await rig.after(0.1)
        await sink.cue()
        assert rig.stats().delivered == 1
