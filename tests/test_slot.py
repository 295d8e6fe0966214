"""A library emits at module level; an application says where to, or nobody listens."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from typing import Any

import pytest

import eventbus
from eventbus import Bus, Event, OwnerError
from eventbus._slot import stand_in
from eventbus.testing import RecordingSink

SNEAK = """
import sys
events = []
def hook(name, args):
    if name.startswith("socket.") or name == "_thread.start_new_thread":
        events.append(name)
sys.addaudithook(hook)
import os
import asyncio, anyio, msgspec
before, events[:] = set(sys.modules), []
read = []
get = os.environ.__class__.__getitem__
os.environ.__class__.__getitem__ = lambda self, key: read.append(key) or get(self, key)
import eventbus
new = {name.partition(".")[0] for name in set(sys.modules) - before}
print(sorted(events), sorted(read), sorted(new - set(sys.stdlib_module_names)))
"""


class Step(Event, tag="work.step"):
    number: int


class Other(Event, tag="work.other"):
    number: int


emit_step = eventbus.emitter(Step)


@pytest.mark.proves("D12")
def test_with_no_bus_in_use_an_emitter_does_nothing_and_says_so() -> None:
    assert emit_step(Step(number=1)) is True


@pytest.mark.proves("D12")
def test_what_nobody_listens_to_costs_two_calls_at_most() -> None:
    """No work is done for it: no time, no context, no lock, nothing allocated."""
    bus = Bus()
    bus.emit(Step(number=1))
    own, step = bus.emitter(Step), Step(number=2)
    for emit in (emit_step, bus.emit, own):
        calls: list[str] = []

        def note(frame: Any, what: str, _: Any, calls: list[str] = calls) -> None:
            calls.append(what)

        sys.setprofile(note)
        try:
            emit(step)
        finally:
            sys.setprofile(None)
        assert calls[-1] == "c_call"  # of setprofile
        assert calls[:-1].count("call") <= 2
        assert set(calls[:-1]) == {"call", "return"}


async def test_an_emitter_reaches_the_bus_in_use_and_none_after() -> None:
    sink = RecordingSink()
    async with Bus() as bus:
        bus.attach(sink)
        with eventbus.use(bus) as used:
            assert used is bus
            assert emit_step(Step(number=1))
        emit_step(Step(number=2))
        await bus.flush()
    assert sink.events == [Step(number=1)]


def test_a_second_owner_is_an_error_that_names_the_first() -> None:
    first = Bus()
    with (
        eventbus.use(first),
        pytest.raises(OwnerError, match=r"<Bus \[\] not started> is behind"),
        eventbus.use(Bus()),
    ):
        pass
    with eventbus.use(Bus()):
        pass


def test_a_stand_in_steps_back_for_an_owner_and_takes_over_again() -> None:
    spare, own = Bus(), Bus()
    spare.attach(RecordingSink())
    own.attach(RecordingSink())
    used: list[Bus] = []
    with stand_in(spare, used.append):
        emit_step(Step(number=1))
        with eventbus.use(own):
            emit_step(Step(number=2))
        emit_step(Step(number=3))
    emit_step(Step(number=4))
    assert used == [own]
    assert (spare.stats().emitted, own.stats().emitted) == (2, 1)


def test_a_stand_in_has_no_other_beside_it_and_no_owner_before_it() -> None:
    named = r"<Bus \[\] not started> is behind eventbus.emitter already"
    with stand_in(Bus(), print), pytest.raises(OwnerError, match=named):
        stand_in(Bus(), print).__enter__()
    with eventbus.use(Bus()), pytest.raises(OwnerError, match=named):
        stand_in(Bus(), print).__enter__()


def test_an_owner_outlives_the_stand_in() -> None:
    own = Bus()
    own.attach(RecordingSink())
    held = stand_in(Bus(), lambda bus: None)
    held.__enter__()
    with eventbus.use(own):
        held.__exit__(None, None, None)
        emit_step(Step(number=1))
    emit_step(Step(number=2))
    assert own.stats().emitted == 1


def test_a_bus_in_a_thread_serves_programs_without_a_loop() -> None:
    sink = RecordingSink()
    bus = Bus()
    bus.attach(sink)
    with eventbus.run_in_thread(bus) as running:
        assert running is bus
        for number in range(10):
            assert running.emit(Step(number=number))
    assert [event.number for event in sink.events] == list(range(10))  # type: ignore[attr-defined]
    assert bus.emit(Step(number=10)) is False


@pytest.mark.proves("D1", "K1")
def test_a_bus_is_built_with_no_loop_in_a_loop_and_in_a_thread() -> None:
    def build() -> Bus:
        bus = Bus()
        bus.attach(RecordingSink())
        return bus

    async def inside() -> tuple[Bus, Bus]:
        return build(), await asyncio.to_thread(build)

    for bus in (build(), *asyncio.run(inside())):
        assert bus.emit(Step(number=1))
        assert bus.stats().attachments["recording"].pending == 1


@pytest.mark.proves("fault-126", "D12")
def test_importing_opens_nothing_starts_nothing_and_reads_no_environment() -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", SNEAK],
        capture_output=True,
        text=True,
        timeout=20,
    )
    assert done.stderr == ""
    assert done.stdout.strip() == "[] [] ['eventbus']"


@pytest.mark.proves("D2")
async def test_attachments_have_names_and_a_second_of_the_same_name_is_refused() -> (
    None
):
    chosen, typed = RecordingSink(), RecordingSink()
    async with Bus() as bus:
        attachment = bus.attach(chosen, name="audit", select=["work.*", "!work.oth*"])
        bus.attach(typed, name="typed", select=[Other])
        with pytest.raises(eventbus.AttachError, match="the name 'audit' is taken"):
            bus.attach(RecordingSink(), name="audit")
        with pytest.raises(eventbus.AttachError, match="attached as 'audit' already"):
            bus.attach(chosen)
        bus.emit(Step(number=1))
        bus.emit(Other(number=2))
        await attachment.detach()
        bus.emit(Step(number=3))
        await bus.flush()
        assert "audit" not in bus.stats().attachments
    assert chosen.events == [Step(number=1)]
    assert typed.events == [Other(number=2)]
