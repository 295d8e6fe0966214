"""Types with nothing to redact are not looked at, those with something once for all."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Annotated, Any, Literal

import msgspec
import pytest

import eventbus.privacy
from eventbus import Bus, Content, Event, Privacy, Record, Sensitive, bind
from eventbus._catalog import describe
from eventbus._record import Attributes
from eventbus.privacy._policy import Policies
from eventbus.testing import RecordingSink

HOME = str(Path(eventbus.privacy.__file__).parent)


class Plain(Event, tag="test.plain"):
    text: str
    choice: Literal["a"] = "a"
    numbers: tuple[int, ...] = ()
    counts: dict[str, float] = msgspec.field(default_factory=dict[str, float])


class Pairs(Event, tag="test.pairs"):
    numbered: list[tuple[int, str]]
    counted: list[tuple[str, int]]
    three: list[tuple[str, str, str]]


class Node(msgspec.Struct):
    below: list[Node]
    note: str = ""


class Tree(Event, tag="test.tree"):
    root: Node


class Marked(Event, tag="test.marked"):
    text: Annotated[str, Sensitive]


@contextmanager
def counted() -> Generator[Counter[str]]:
    """Count the calls of functions of our privacy inside the block, by name."""
    calls: Counter[str] = Counter()

    def note(frame: FrameType, what: str, _: Any) -> None:
        if what == "call" and frame.f_code.co_filename.startswith(HOME):
            calls[frame.f_code.co_name] += 1

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        yield calls
    finally:
        sys.setprofile(before)


async def calls_for(count: int, event: Event, content: Any) -> Counter[str]:
    """Return what was called for *count* events in one pass, after the first one."""
    async with Bus() as bus:
        sinks = [RecordingSink() for _ in range(3)]
        for number, sink in enumerate(sinks):
            bus.attach(sink, name=f"{number}", content=content)
        bus.emit(event)
        await bus.flush()
        with counted() as calls:
            for _ in range(count):
                bus.emit(event)
            await bus.flush()
    assert all(len(sink.events) == count + 1 for sink in sinks)
    return calls


@pytest.mark.parametrize("content", ["redacted", "full", Content(full=("x.*",))])
async def test_a_type_with_nothing_sensitive_costs_no_call_per_event(
    content: Any,
) -> None:
    event = Plain(text="token=abc", counts={"token": 1.5})
    few, many = [await calls_for(count, event, content) for count in (1, 100)]
    assert few == many
    assert sum(many.values()) <= 12  # for the window, and for what was bound


async def test_what_many_attachments_get_alike_is_made_once() -> None:
    calls = await calls_for(100, Marked(text="x"), "redacted")
    assert calls["cleaned"] <= 2  # of the window, and of the type's events in it


async def test_what_is_bound_is_looked_at_once_while_it_lasts() -> None:
    async with Bus() as bus:
        bus.attach(RecordingSink())
        with bind(note="token=abc"):
            bus.emit(Plain(text=""))
            await bus.flush()
            with counted() as calls:
                bus.emit(Plain(text=""))
                await bus.flush()
    assert calls["cleaned"] == 1  # the window
    assert calls["_looked"] == 0


async def test_what_records_in_a_row_share_is_looked_at_once() -> None:
    shared = Attributes(note="token=abc")
    async with Bus() as bus:
        bus.attach(RecordingSink())
        with counted() as calls:
            for _ in range(9):
                bus.relay(Record(Plain(text=""), attributes=shared))
            await bus.flush()
    assert calls["_looked"] == 2  # the name and the value


def test_a_type_that_holds_itself_has_names_of_secrets_only_if_one_is_among_them() -> (
    None
):
    policies = Policies(Privacy(), list)
    assert policies.is_plain(describe(Tree))
    assert not Policies(Privacy(key_names=("note",)), list).is_plain(describe(Tree))


def test_pairs_are_names_with_values_only_if_both_may_be_text() -> None:
    assert Policies(Privacy(), list).is_plain(describe(Pairs))
