"""Events carry the span that OpenTelemetry's API says is current."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider

from eventbus import Bus, Record, bind, trace_context
from eventbus.testing import RecordingSink, settled
from eventbus.trace_context import TraceContext
from tests._rig import Numbered, Rig

TRACER = TracerProvider().get_tracer("tests")
HERE = TraceContext("ab" * 16, "cd" * 8, 1)


@contextmanager
def span(name: str = "work") -> Iterator[TraceContext]:
    with TRACER.start_as_current_span(name) as current:
        place = current.get_span_context()
        ids = f"{place.trace_id:032x}", f"{place.span_id:016x}"
        yield TraceContext(*ids, int(place.trace_flags))


def place_of(record: Record[Any]) -> TraceContext | None:
    if record.trace_id is None or record.span_id is None:
        return None
    return TraceContext(record.trace_id, record.span_id, record.trace_flags)


async def placed(*ways: str) -> list[TraceContext | None]:
    """Return where the events of each way of handing over are in a trace."""
    async with Rig() as rig:
        await rig.attach(sink := RecordingSink())
        emitter = rig.bus.emitter(Numbered)
        for _ in range(2):  # the first time the type is not known
            for way in ways:
                if way == "emit":
                    rig.bus.emit(Numbered(n=1))
                elif way == "emitter":
                    emitter(Numbered(n=1))
                else:
                    await rig.bus.publish(Numbered(n=1))
        await settled()
        await rig.after(1.0)
        return [place_of(record) for record in sink.records]


@pytest.mark.proves("J6")
@pytest.mark.parametrize("way", ["emit", "emitter", "publish"])
async def test_an_event_is_where_the_current_span_is(way: str) -> None:
    with span() as here:
        assert await placed(way) == [here, here]


def test_all_that_a_span_says_of_its_place_is_taken_over() -> None:
    state = trace.TraceState([("acme", "t:1")])
    place = trace.SpanContext(
        int("ab" * 16, 16), int("cd" * 8, 16), True, trace.TraceFlags(3), state
    )
    with trace.use_span(trace.NonRecordingSpan(place)):
        found = trace_context.current()
    assert found == TraceContext("ab" * 16, "cd" * 8, 3, "acme=t:1", remote=True)


def test_a_span_that_is_nowhere_changes_nothing() -> None:
    nowhere = trace.NonRecordingSpan(trace.INVALID_SPAN_CONTEXT)
    with trace_context.attach(HERE), trace.use_span(nowhere):
        assert trace_context.current() == HERE


@pytest.mark.proves("J6")
async def test_without_a_current_span_the_attached_context_counts() -> None:
    with trace_context.attach(HERE):
        assert await placed("emit") == [HERE, HERE]
    assert await placed("emit") == [None, None]


async def test_the_newer_one_of_a_span_and_an_attached_context_counts() -> None:
    with trace_context.attach(HERE):
        with span() as inner:
            assert trace_context.current() == inner
            with trace_context.attach(HERE), bind(step=1):
                assert trace_context.current() == HERE
                with span() as innermost:
                    assert trace_context.current() == innermost
                assert trace_context.current() == HERE
            assert trace_context.current() == inner
        assert trace_context.current() == HERE


async def test_nothing_attached_within_a_span_hides_it() -> None:
    with span(), trace_context.attach(None):
        assert trace_context.current() is None


@pytest.mark.proves("J6")
def test_a_span_begun_within_an_attached_context_lies_below_it() -> None:
    remote = TraceContext("ab" * 16, "cd" * 8, 1, "vendor=a", remote=True)
    with TRACER.start_as_current_span("outer") as outer:
        with trace_context.attach(remote):
            assert trace_context.current() == remote
            with TRACER.start_as_current_span("inner") as inner, bind(a=1):
                found = trace_context.current()
        assert trace.get_current_span() is outer
    place = inner.get_span_context()
    assert (place.trace_id, place.trace_flags) == (int("ab" * 16, 16), 1)
    assert place.trace_state.to_header() == "vendor=a"
    assert inner.parent is not None
    assert (inner.parent.span_id, inner.parent.is_remote) == (int("cd" * 8, 16), True)
    assert found is not None
    assert (found.trace_id, found.span_id) == ("ab" * 16, f"{place.span_id:016x}")


@pytest.mark.parametrize("flags", [0, 1])
def test_a_span_within_an_attached_context_is_sampled_as_that_says(flags: int) -> None:
    place = TraceContext("ab" * 16, "cd" * 8, flags)
    with trace_context.attach(place), TRACER.start_as_current_span("a") as inner:
        assert inner.is_recording() is bool(flags)
    assert trace.get_current_span() is trace.INVALID_SPAN


def test_an_interface_that_raises_keeps_no_context_from_being_attached(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delattr(trace, "NonRecordingSpan")
    with trace_context.attach(HERE):
        assert trace_context.current() == HERE
        assert trace.get_current_span() is trace.INVALID_SPAN


async def test_bound_attributes_stay_with_the_events_of_a_span() -> None:
    async with Rig() as rig:
        await rig.attach(sink := RecordingSink())
        with span() as here:
            for step in (1, 2):
                with bind(step=step):
                    await rig.emit(step)
        await rig.after(1.0)
        assert [place_of(record) for record in sink.records] == [here, here]
        assert [r.attributes for r in sink.records] == [{"step": 1}, {"step": 2}]


async def test_each_task_has_its_own_span_though_they_run_in_turn() -> None:
    async with Rig() as rig:
        await rig.attach(sink := RecordingSink())
        expected: dict[int, TraceContext] = {}

        async def work(number: int) -> None:
            with span() as here:
                expected[number] = here
                for _ in range(3):
                    rig.bus.emit(Numbered(n=number))
                    await asyncio.sleep(0)

        await asyncio.gather(*map(work, range(20)))
        await rig.after(1.0)
        assert len(sink.records) == 60
        assert all(place_of(r) == expected[r.event.n] for r in sink.records)


async def test_the_span_of_whoever_started_the_bus_is_not_that_of_its_sinks() -> None:
    async with Bus() as bus:
        found: list[TraceContext | None] = []

        class Asking(RecordingSink):
            async def write(self, batch: Any) -> None:
                found.append(trace_context.current())

        with span():
            bus.attach(Asking())
            await settled()
            bus.emit(Numbered(n=1))
            await bus.flush()
        assert found == [None]


async def test_injected_headers_say_the_current_span() -> None:
    headers: dict[str, str] = {}
    with span() as here:
        assert trace_context.inject(headers)
    assert headers == {"traceparent": trace_context.format(here)}


class Broken(trace.NonRecordingSpan):
    """A span of a stranger's."""

    def get_span_context(self) -> Any:
        raise RuntimeError("no")


async def test_a_span_that_raises_costs_no_event() -> None:
    async with Rig() as rig:
        await rig.attach(sink := RecordingSink())
        with trace.use_span(Broken(trace.INVALID_SPAN_CONTEXT)):
            assert await rig.emit(1) == [True]
        assert [place_of(r) for r in sink.records] == [None]


_LATER = """
import asyncio, sys
import eventbus

class Done(eventbus.Event):
    pass

async def main():
    places = []
    async with eventbus.Bus() as bus:
        @bus.on(Done)
        def place(record):
            places.append(record.span_id)

        bus.emit(Done())
        await bus.flush()
        assert not [name for name in sys.modules if name.startswith("opentelemetry")]
        from opentelemetry.sdk.trace import TracerProvider
        bus.emit(Done())
        await bus.flush()
        with TracerProvider().get_tracer("t").start_as_current_span("work"):
            bus.emit(Done())
        await bus.flush()
    print([place is not None for place in places])

asyncio.run(main())
"""


@pytest.mark.proves("J6")
def test_the_api_is_never_imported_and_noticed_once_somebody_did() -> None:
    done = subprocess.run(
        [sys.executable, "-c", _LATER], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[False, False, True]"
