"""Emitters whose events have attributes of their own, whatever is bound around them."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Mapping
from typing import Any

import eventbus
from eventbus import Bus, Event, Record, trace_context
from eventbus.testing import RecordingSink


class Asked(Event, tag="emitbound.asked"):
    number: int = 0


async def recorded(bus: Bus, sink: RecordingSink) -> list[Record[Any]]:
    assert (await bus.flush()).complete
    return list(sink.records)


async def test_what_is_its_own_wins_over_what_is_bound_around_it() -> None:
    sink = RecordingSink()
    async with Bus() as bus:
        bus.attach(sink)
        emit = bus.emitter(Asked, attributes={"session": "a", "model": "m"})
        assert emit(Asked())
        with eventbus.bind(session="b", tool="t"):
            assert emit(Asked())
            assert emit(Asked())
            with eventbus.bind(tool="u"):
                assert emit(Asked())
        assert emit(Asked())
        alone = {"session": "a", "model": "m"}
        with_tool: Mapping[str, object] = {**alone, "tool": "t"}
        assert [dict(one.attributes) for one in await recorded(bus, sink)] == [
            *(alone, with_tool, with_tool, {**alone, "tool": "u"}, alone)
        ]


async def test_nothing_of_it_stays_behind() -> None:
    sink = RecordingSink()
    async with Bus() as bus:
        bus.attach(sink)
        bus.emitter(Asked, attributes={"session": "a"})(Asked())
        bus.emit(Asked())
        bus.emitter(Asked)(Asked())
        records = await recorded(bus, sink)
        assert [len(one.attributes) for one in records] == [1, 0, 0]


async def test_the_trace_that_is_current_stays_current() -> None:
    parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    sink = RecordingSink()
    async with Bus() as bus:
        bus.attach(sink)
        context = trace_context.parse(parent)
        assert context is not None
        with trace_context.attach(context):
            bus.emitter(Asked, attributes={"session": "a"})(Asked())
        (record,) = await recorded(bus, sink)
        assert record.trace_id == context.trace_id


async def test_attributes_are_read_once() -> None:
    said = {"session": "a"}
    sink = RecordingSink()
    async with Bus() as bus:
        bus.attach(sink)
        emit = bus.emitter(Asked, attributes=said)
        said["session"] = "b"
        emit(Asked())
        with eventbus.bind(tool="t"):
            emit(Asked())
        records = await recorded(bus, sink)
        assert [one.attributes["session"] for one in records] == ["a", "a"]


async def test_threads_that_share_one_do_not_mix_what_is_bound_in_each() -> None:
    sink = RecordingSink()
    async with Bus() as bus:
        bus.attach(sink, buffer=eventbus.Buffer(max_events=100_000))
        emit = bus.emitter(Asked, attributes={"session": "a"})
        begin = threading.Barrier(4)

        def work(number: int) -> None:
            begin.wait()
            for _ in range(2_000):
                with eventbus.bind(thread=number):
                    emit(Asked(number=number))

        await asyncio.gather(*(asyncio.to_thread(work, n) for n in range(4)))
        records = await recorded(bus, sink)
        assert len(records) == 8_000
        assert all("session" in one.attributes for one in records)
        told = [(one.event.number, one.attributes["thread"]) for one in records]
        assert all(number == bound for number, bound in told)


async def test_a_library_has_one_without_knowing_the_bus() -> None:
    emit = eventbus.emitter(Asked, attributes={"library": "x"})
    assert emit(Asked())
    sink = RecordingSink()
    async with Bus() as bus:
        bus.attach(sink)
        with eventbus.use(bus):
            assert emit(Asked())
        (record,) = await recorded(bus, sink)
        assert dict(record.attributes) == {"library": "x"}
