"""Whatever a program does with a bus, each event is in one place, by its number."""

from __future__ import annotations

import asyncio
import logging

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from eventbus import Buffer, Bus, Overflow
from eventbus.testing import settled
from tests._model_bus import BusMachine
from tests._model_draws import Near
from tests._model_far import FarSide


def prove(chosen: settings) -> None:
    run_state_machine_as_test(
        BusMachine,
        settings=settings(
            chosen,
            deadline=None,
            database=None,
            print_blob=True,
            suppress_health_check=list(HealthCheck),
        ),
    )


@pytest.fixture(autouse=True)
def short_leases(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let leases end, and what is handed over be looked through, after few events."""
    monkeypatch.setattr("eventbus._route.LEASE_EVENTS", 2)
    monkeypatch.setattr("eventbus._ingress.LEASE_EVENTS", 2)


@pytest.fixture(autouse=True)
def silence(monkeypatch: pytest.MonkeyPatch) -> None:
    """Say nothing of the thousands of events that are lost on purpose."""
    monkeypatch.setattr(logging.getLogger("eventbus"), "disabled", True)


@pytest.mark.timeout(120)  # a minute's work where many share the machine
@pytest.mark.proves(
    "C4", "D3", "D4", "D6", "fault-33", "fault-38", "fault-41", "fault-44"
)
def test_each_event_is_in_one_place_whatever_a_program_does() -> None:
    prove(settings(max_examples=100, stateful_step_count=30, derandomize=True))


@pytest.mark.slow
@pytest.mark.proves(
    "C4", "D3", "D4", "D6", "fault-33", "fault-38", "fault-41", "fault-44"
)
def test_each_event_is_in_one_place_whatever_a_program_does_for_long() -> None:
    prove(settings(max_examples=10_000, stateful_step_count=40))


@pytest.mark.proves("fault-38")
async def test_a_publisher_that_is_cancelled_before_there_is_room_never_has_it() -> (
    None
):
    """Room appears in the same pass of the loop, before its task runs again."""
    far = FarSide()
    far.shut()
    async with Bus() as bus:
        bus.attach(far, name="far", buffer=Buffer(max_events=1))
        await bus.publish(Near(n=1))
        await settled()
        publisher = asyncio.create_task(bus.publish(Near(n=2)))
        await settled()
        far.open()
        publisher.cancel()
        with pytest.raises(asyncio.CancelledError):
            await publisher
        await bus.flush()
        assert bus.stats().attachments["far"].offered == 1
    assert far.arrived == [1]


@pytest.mark.proves("fault-44")
async def test_what_waits_and_could_never_fit_any_more_goes_in_at_once() -> None:
    """So that nobody can withdraw it after it was set aside."""
    far, letters = FarSide(), FarSide()
    far.shut()
    async with Bus() as bus:
        one = bus.attach(
            far, name="far", buffer=Buffer(max_events=1), dead_letters=letters
        )
        await bus.publish(Near(n=1))
        await settled()
        publisher = asyncio.create_task(bus.publish(Near(n=2)))
        await settled()
        one.resize(Buffer(max_events=1, max_bytes=1))
        await publisher
        await settled()
        stats = bus.stats().attachments
        assert (stats["far"].offered, stats["far"].dead_lettered) == (2, 1)
        assert stats["far.dead_letters"].offered == 1
        assert letters.arrived == [2]
        far.open()


@pytest.mark.proves("fault-33")
async def test_while_the_loop_stands_still_the_newest_stay_and_not_what_is_queued() -> (
    None
):
    far = FarSide()
    bus = Bus()
    bus.attach(far, buffer=Buffer(max_events=3, overflow=Overflow.DROP_OLDEST))
    for n in range(3):
        bus.emit(Near(n=n))
    await bus.flush()  # from the hand-over to the queue
    for n in range(3, 12):
        bus.emit(Near(n=n))
    async with bus:
        await bus.flush()
    assert far.arrived == [9, 10, 11]
