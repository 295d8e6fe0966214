"""How an event with mutable fields is kept from what others do to it."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from eventbus import Bus, Event, Record
from eventbus.testing import RecordingSink


class Box(msgspec.Struct):
    value: int


class Held(Event, tag="test.held"):
    value: Any

    def __post_init__(self) -> None:
        if isinstance(self.value, Box) and self.value.value < 0:
            raise ValueError("negative")


class Viewed(Event, tag="test.viewed"):
    view: memoryview


class NotCopied:
    def __deepcopy__(self, _: object) -> NotCopied:
        raise LookupError("no copy of me")


def deep(levels: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(levels):
        value = [value]
    return value


async def delivered(event: Event) -> tuple[Any, Bus]:
    sink = RecordingSink()
    async with Bus() as bus:
        bus.attach(sink)
        assert bus.emit(event)
        assert bus.relay(Record(event))
        await bus.flush()
    first, second = sink.events
    assert type(first) is type(second) is type(event)
    return first, bus


@pytest.mark.proves("fault-9")
async def test_what_is_inside_is_copied_at_any_depth() -> None:
    box = Box(1)
    event = Held(value={"list": [box], "tuple": (box,)})
    kept, _ = await delivered(event)
    box.value = 2
    assert kept == Held(value={"list": [Box(1)], "tuple": (Box(1),)})


@pytest.mark.proves("fault-9")
@pytest.mark.parametrize("value", [[1, "a"], {1, "a"}, {"a": 1}])
async def test_what_holds_plain_values_alone_is_copied_too(value: Any) -> None:
    before = value.copy()
    kept, _ = await delivered(Held(value=value))
    value.clear()
    assert kept.value == before


@pytest.mark.proves("fault-9")
async def test_a_view_of_bytes_that_change_is_copied() -> None:
    data = bytearray(b"abc")
    kept, _ = await delivered(Viewed(view=memoryview(data)))
    data[:] = b"xyz"
    assert bytes(kept.view) == b"abc"


@pytest.mark.proves("fault-7", "fault-9")
async def test_a_cycle_is_copied_as_a_cycle() -> None:
    ring: list[Any] = []
    ring.append(ring)
    kept, bus = await delivered(Held(value=ring))
    assert kept.value is not ring
    assert kept.value[0] is kept.value
    inside = Held(value=ring)
    ring[:] = [inside]
    assert repr(inside) == "Held(value=[...])"
    assert bus.stats().refused == {}


@pytest.mark.parametrize("value", [NotCopied(), deep(100_000)])
@pytest.mark.proves("fault-6", "fault-7")
async def test_what_cannot_be_copied_goes_on_as_it_is_and_is_counted(
    value: Any, caplog: pytest.LogCaptureFixture
) -> None:
    event = Held(value=value)
    kept, bus = await delivered(event)
    assert kept.value is event.value
    assert bus.stats().warned["invalid_value"] >= 2
    assert "event 'test.held' is handed over uncopied: " in caplog.text


async def test_the_code_of_the_class_does_not_run_for_the_copy() -> None:
    box = Box(1)
    event = Held(value=box)
    box.value = -1
    kept, _ = await delivered(event)
    assert kept.value == Box(-1)
