"""What is bound follows the program's context, whatever way that takes."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eventbus import Attributes, Bus, Event, bind, carry, trace_context
from eventbus._context import Bound, scope
from eventbus.testing import RecordingSink
from eventbus.trace_context import TraceContext


class Visited(Event, tag="test.visited"):
    number: int
    expected: dict[str, int]


class Node(msgspec.Struct):
    """A piece of a program: what it binds, and how it runs the next pieces."""

    binds: dict[str, int]
    children: list[tuple[str, Node]]


WAYS = ("await", "task", "gather", "thread", "to_thread", "group")

names = st.sampled_from(["a", "b", "c", "number"])
nodes: st.SearchStrategy[Node] = st.recursive(
    st.builds(
        Node, binds=st.dictionaries(names, st.integers(0, 9)), children=st.just([])
    ),
    lambda inner: st.builds(
        Node,
        binds=st.dictionaries(names, st.integers(0, 9), max_size=2),
        children=st.lists(st.tuples(st.sampled_from(WAYS), inner), max_size=3),
    ),
    max_leaves=12,
)


class Walk:
    """Runs a tree of nodes; each emits with what it should have bound."""

    def __init__(self, bus: Bus) -> None:
        self.bus = bus
        self.visits = 0

    def emit(self, expected: dict[str, int]) -> None:
        self.visits += 1
        self.bus.emit(Visited(number=self.visits, expected=dict(expected)))

    async def visit(self, node: Node, outside: dict[str, int]) -> None:
        inside = {**outside, **node.binds}
        with bind(node.binds):
            self.emit(inside)
            for way, child in node.children:
                await self.go(way, child, inside)
                self.emit(inside)
        self.emit(outside)

    async def go(self, way: str, child: Node, inside: dict[str, int]) -> None:
        def run() -> None:
            asyncio.run(self.visit(child, inside))

        match way:
            case "await":
                await self.visit(child, inside)
            case "task":
                await asyncio.create_task(self.visit(child, inside))
            case "gather":
                await asyncio.gather(
                    self.visit(child, inside), self.visit(child, inside)
                )
            case "group":
                async with asyncio.TaskGroup() as group:
                    group.create_task(self.visit(child, inside))
            case "to_thread":
                await asyncio.to_thread(run)
            case _:
                thread = threading.Thread(target=carry(run))
                thread.start()
                await asyncio.to_thread(thread.join)


@pytest.mark.proves("C2")
@given(tree=nodes)
@settings(max_examples=60, deadline=None)
def test_every_event_carries_what_was_bound_around_it_and_nothing_else(
    tree: Node,
) -> None:
    async def run() -> list[Any]:
        sink = RecordingSink()
        async with Bus() as bus:
            bus.attach(sink)
            await Walk(bus).visit(tree, {})
        return sink.records

    for record in asyncio.run(run()):
        expected = {k: v for k, v in record.event.expected.items() if k != "number"}
        assert record.attributes == expected


@pytest.mark.proves("C2")
async def test_what_is_bound_with_other_names_and_nested_adds_up_and_ends() -> None:
    sink = RecordingSink()
    async with Bus() as bus:
        bus.attach(sink)
        with bind({"gen_ai.agent.id": "x"}, turn=1), bind(turn=2):
            bus.emit(Visited(number=1, expected={}))
        with pytest.raises(ZeroDivisionError), bind(turn=3):
            raise ZeroDivisionError
        bus.emit(Visited(number=2, expected={}))
        await bus.flush()
    assert [record.attributes for record in sink.records] == [
        {"gen_ai.agent.id": "x", "turn": 2},
        {},
    ]


async def test_a_carried_function_runs_in_several_threads_at_once() -> None:
    seen: list[int] = []
    all_inside = threading.Barrier(3)
    sink = RecordingSink()
    async with Bus() as bus:
        bus.attach(sink)

        def work(number: int) -> int:
            all_inside.wait()
            with bind(inner=number):
                bus.emit(Visited(number=number, expected={}))
            return number * 2

        with bind(outer=1):
            carried: Callable[[int], int] = carry(work)
        with bind(outer=2):
            threads = [
                threading.Thread(target=lambda n=n: seen.append(carried(n)))
                for n in range(3)
            ]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        await bus.flush()
    assert sorted(seen) == [0, 2, 4]
    for record in sink.records:
        assert record.attributes == {"outer": 1, "inner": record.event.number}


@pytest.mark.proves("fault-19", "J6")
async def test_a_handler_and_a_sink_do_not_lend_their_context_to_events() -> None:
    """The trace context is that of the emitter, not of the worker that delivers."""
    sink = RecordingSink()
    traces = [TraceContext(f"{n:032x}", f"{n:016x}", 1) for n in range(1, 3)]
    async with Bus() as bus:
        with scope(Bound(Attributes(lent=1), traces[0], depth=1)):
            bus.attach(sink)

            @bus.on(Visited)
            async def handle(record: Any) -> None:
                if record.event.number == 1:
                    bus.emit(Visited(number=2, expected={}))

        with trace_context.attach(traces[1]):
            bus.emit(Visited(number=1, expected={}))
        await bus.flush()
        await bus.flush()
    assert [(r.event.number, r.trace_id) for r in sink.records] == [
        (1, traces[1].trace_id),
        (2, None),
    ]
    assert [record.attributes for record in sink.records] == [{}, {}]
