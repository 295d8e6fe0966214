"""What an event or its attributes cost when they are far too large."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from eventbus import Attributes, Buffer, Bus, Catalog, Event, Limits, Record, bind
from eventbus._decode_line import LineDecoder
from eventbus._encode_line import LineEncoder
from eventbus.testing import RecordingSink

MILLION = 1_000_000


class Noted(Event, tag="test.noted"):
    a0: int = 0


class Listed(Event, tag="test.listed"):
    items: list[Any]


class Lazy(Mapping[str, int]):
    """A mapping that makes its items as they are asked for."""

    def __init__(self, count: int) -> None:
        self._count = count

    def __getitem__(self, name: str) -> int:
        return int(name[1:])

    def __iter__(self) -> Iterator[str]:
        return (f"b{i}" for i in range(self._count))

    def __len__(self) -> int:
        return self._count


def names(count: int, letter: str = "b") -> dict[str, int]:
    return {f"{letter}{i}": i for i in range(count)}


async def record_of(bus: Bus, bound: Mapping[str, int], **named: int) -> Record[Any]:
    sink = RecordingSink()
    async with bus:
        bus.attach(sink)
        with bind(bound, **named):
            bus.emit(Noted())
    [record] = sink.records
    return record


@pytest.mark.proves("fault-8")
@pytest.mark.parametrize("count", [127, 128, 129, 1024, 1025, MILLION])
async def test_of_too_many_bound_attributes_128_are_kept_and_the_others_told(
    count: int,
) -> None:
    bus = Bus()
    record = await record_of(bus, Lazy(count))
    assert record.attributes == names(min(count, 128))
    assert record.dropped_attributes_count == max(count - 128, 0)
    assert bus.stats().warned == ({"truncated": 1} if count > 128 else {})


@pytest.mark.proves("fault-8")
@pytest.mark.parametrize("count", [127, 128, 129, 1025, MILLION])
@pytest.mark.parametrize("kind", [Lazy, lambda count: Attributes(names(count))])
async def test_so_of_a_relayed_record(kind: Any, count: int) -> None:
    sink = RecordingSink()
    async with Bus() as bus:
        bus.attach(sink)
        relayed = Record(Noted(), attributes=kind(count), dropped_attributes_count=7)
        assert bus.relay(relayed)
        await bus.flush()
    [record] = sink.records
    assert record.attributes == names(min(count, 128))
    assert record.dropped_attributes_count == 7 + max(count - 128, 0)


@pytest.mark.proves("fault-8")
async def test_what_is_bound_inside_adds_to_the_count() -> None:
    sink = RecordingSink()
    async with Bus() as bus:
        bus.attach(sink)
        with bind(names(1000)), bind(Lazy(2000), b7=70, c=1):
            bus.emit(Noted())
        with bind(names(2000), b1500=5, c=1), bind(d=1):
            bus.emit(Noted())
        bus.emit(Noted())
        await bus.flush()
    first, second, third = sink.records
    assert first.attributes == {**names(128), "b7": 70}
    assert first.dropped_attributes_count == 2001 - 128
    assert second.dropped_attributes_count == 2002 - 128
    assert third.dropped_attributes_count == 0


async def test_names_of_the_events_own_fields_take_no_place() -> None:
    bus = Bus(limits=Limits(max_attributes=3))
    record = await record_of(bus, names(4, letter="a"))
    assert record.attributes == {"a1": 1, "a2": 2, "a3": 3}
    assert record.dropped_attributes_count == 0


async def test_no_more_than_1024_travel_whatever_the_limit() -> None:
    bus = Bus(limits=Limits(max_attributes=1024))
    record = await record_of(bus, Lazy(1030))
    assert len(record.attributes) == 1024
    assert record.dropped_attributes_count == 6
    assert bus.stats().warned == {"truncated": 1}
    with pytest.raises(ValueError, match="max_attributes must be between 0 and 1024"):
        Limits(max_attributes=1025)


async def test_the_limit_is_a_setting_down_to_none() -> None:
    record = await record_of(Bus(limits=Limits(max_attributes=0)), names(3))
    assert record.attributes == {}
    assert record.dropped_attributes_count == 3
    bus = Bus.from_config({"bus": {"limits": {"max_attributes": 2}}})
    assert (await record_of(bus, names(3))).dropped_attributes_count == 1


def test_a_line_tells_how_many_were_left_out_and_is_read_back() -> None:
    record = Record(Noted(), dropped_attributes_count=9, schema_version=1)
    line = LineEncoder().encode_one(record)
    assert json.loads(line)["dropped_attributes_count"] == 9
    assert b"dropped" not in LineEncoder().encode_one(Record(Noted()))
    again = LineDecoder(Catalog([Noted])).decode(line)
    assert again.dropped_attributes_count == 9


@pytest.mark.parametrize("error", [KeyError, ValueError, RuntimeError])
async def test_attributes_that_raise_cost_themselves_only(error: type) -> None:
    class Raising(Lazy):
        def __iter__(self) -> Iterator[str]:
            raise error("no names")

    sink = RecordingSink()
    async with Bus() as bus:
        bus.attach(sink)
        odd: Any = "many"
        assert bus.relay(Record(Noted(), attributes=Raising(3)))
        assert bus.relay(Record(Noted(), attributes=Raising(MILLION)))
        assert bus.relay(Record(Noted(), attributes={}, dropped_attributes_count=odd))
        await bus.flush()
    assert [record.attributes for record in sink.records] == [{}, {}, {}]
    assert bus.stats().warned["invalid_value"] == 3


@pytest.mark.proves("fault-8", "fault-34")
@pytest.mark.parametrize(
    "items", [["x" * 5000, object()], ["\ud800" * 5000], [0] * 5000, [{1, object()}]]
)
async def test_what_the_encoder_has_no_word_for_counts_for_its_size(
    items: list[Any],
) -> None:
    """A bound of bytes holds for what has no text too."""
    text = {"text": items[0]} if isinstance(items[0], str) else {"items": tuple(items)}
    sizes = LineEncoder().sizes([Record(Anything(**text))])
    assert sizes[0] >= (5000 if len(str(items)) > 5000 else 1024)


class Anything(Event, tag="test.anything"):
    text: Any = ""
    items: Any = ()


@pytest.mark.proves("fault-8")
async def test_what_is_too_large_for_everybody_is_not_even_copied() -> None:
    class Counted:
        copies = 0

        def __deepcopy__(self, _: object) -> Counted:
            Counted.copies += 1
            return self

    large = Listed(items=[*range(2500), Counted()])
    async with Bus() as bus:
        bound = Buffer(max_bytes=5000)
        bus.attach(RecordingSink(), name="a", buffer=bound)
        bus.attach(RecordingSink(), name="b", buffer=Buffer(max_bytes=4000))
        bus.emit(large)
        await bus.flush()
        assert Counted.copies == 0
        for name in "ab":
            assert bus.stats().attachments[name].dropped == {"too_large": 1}

        def is_copied(event: Event) -> bool:
            before = Counted.copies
            bus.emit(event)
            return Counted.copies == before + 1

        assert not is_copied(large)
        assert is_copied(Listed(items=[*range(500), Counted()]))
        letters = RecordingSink()
        other = bus.attach(
            RecordingSink(), name="c", buffer=bound, dead_letters=letters
        )
        assert is_copied(large)
        await other.detach()
        assert not is_copied(large)
        bus.attach(RecordingSink(), name="d")
        assert is_copied(large)


CHILD = """
import asyncio, gc, sys
from eventbus import Bus, Buffer, Event, Record, bind
from eventbus.testing import RecordingSink

class Text(Event, tag="text"):
    text: str = ""

class Table(Event, tag="table"):
    table: dict[str, int] = {}

def status(key):
    with open("/proc/self/status") as lines:
        return next(int(x.split()[1]) * 1024 for x in lines if x.startswith(key))

async def main(kind, max_bytes):
    async with Bus() as bus:
        bus.attach(RecordingSink(), name="sink", buffer=Buffer(max_bytes=max_bytes))
        bus.emit(Text())
        bus.emit(Table())
        await bus.flush()
        million = {f"k{i:06}": i for i in range(1_000_000)} if kind != "text" else {}
        event = Text(text="x" * 10_000_000) if kind == "text" else Text()
        event = Table(table=million) if kind == "table" else event
        gc.collect()
        with open("/proc/self/clear_refs", "w") as peak:
            peak.write("5")
        before = status("VmRSS")
        if kind == "relayed":
            bus.relay(Record(event, attributes=million))
        else:
            with bind(million if kind == "attributes" else {}):
                bus.emit(event)
        await bus.flush()
        sink = bus.stats().attachments["sink"]
        print(status("VmHWM") - before, sink.delivered - 2, sum(sink.dropped.values()))

asyncio.run(main(sys.argv[1], int(sys.argv[2])))
"""


@pytest.mark.proves("fault-8")
@pytest.mark.skipif(
    not Path("/proc/self/clear_refs").exists(),
    reason="only Linux lets a process forget its peak of memory",
)
@pytest.mark.parametrize(
    ("kind", "limit", "delivered"),
    [
        ("text", 12, 1),
        ("text", 8, 0),
        ("text", 1, 0),
        ("table", 24, 1),
        ("table", 11, 0),
        ("table", 1, 0),
        ("attributes", 1, 1),
        ("relayed", 1, 1),
    ],
)
def test_memory_grows_by_no_more_than_three_times_the_limit(
    kind: str, limit: int, delivered: int
) -> None:
    """10 MB of text, a table of a million rows, a million attributes."""
    max_bytes = limit * 2**20
    child = subprocess.run(
        [sys.executable, "-c", CHILD, kind, str(max_bytes)],
        capture_output=True,
        text=True,
        check=True,
    )
    growth, arrived, dropped = map(int, child.stdout.split())
    assert (arrived, dropped) == (delivered, 1 - delivered)
    assert growth <= 3 * max_bytes
