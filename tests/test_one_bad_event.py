"""One bad event costs one event: the others of its batch are delivered."""

from __future__ import annotations

import decimal
import json
import math
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from eventbus import Batch, Buffer, Bus, Event, Outcome
from eventbus._encode_line import LineEncoder
from eventbus._record import AnyRecord


class Value(Event, tag="test.value"):
    value: Any


class Lines:
    """Encodes what it is given as lines of JSON, as our sinks do."""

    def __init__(self) -> None:
        self.batches: list[int] = []
        self.lines: list[Any] = []
        self._encoder = LineEncoder()

    async def start(self) -> None: ...

    async def write(self, batch: Sequence[AnyRecord]) -> Outcome:
        self.batches.append(len(batch))
        encoded = self._encoder.encode(batch)
        self.lines += map(json.loads, encoded.data.splitlines())
        return Outcome(unencodable=encoded.unencodable, warned=encoded.warned)

    async def aclose(self) -> None: ...

    @property
    def values(self) -> list[Any]:
        return [line["event"]["value"] for line in self.lines]


class Refuses:
    def __repr__(self) -> str:
        raise RuntimeError("no repr")

    __str__ = __repr__
    __hash__ = None  # type: ignore[assignment]

    def __eq__(self, other: object) -> bool:
        raise RuntimeError("no comparison")


class Endless(ValueError):
    def __str__(self) -> str:
        return str(self)


class Wordless(ValueError):
    def __str__(self) -> Any:
        return 3


class Text(str):
    __slots__ = ()

    def __str__(self) -> str:
        return 5  # type: ignore[return-value]


def ring() -> Any:
    value: list[Any] = []
    value.append(value)
    return value


def deep() -> Any:
    value: list[Any] = []
    for _ in range(100_000):
        value = [value]
    return value


FORMS: dict[str, tuple[Callable[[], Any], Any]] = {
    "nan": (lambda: math.nan, "NaN"),
    "infinity": (lambda: -math.inf, "-Infinity"),
    "beyond int64": (lambda: 2**63, 2**63),
    "very long int": (lambda: 10**30, 10**30),
    "lone surrogate": (lambda: "a\ud800b", "a�b"),
    "surrogate in a key": (lambda: {"\ud800": 1}, {"�": 1}),
    "decimal": (lambda: decimal.Decimal("1.10"), "1.10"),
    "set": (lambda: {1}, [1]),
}
NO_FORM: dict[str, Callable[[], Any]] = {
    "object": object,
    "function": lambda: deep,
    "refuses everything": Refuses,
    "in a list": lambda: [1, Refuses()],
    "text that asks for itself": Endless,
    "text that is none": Wordless,
    "int of 5000 digits": lambda: 10**5000,
    "cycle": ring,
    "100,000 levels": deep,
}


async def delivered_with(value: Any) -> tuple[Lines, Lines, Bus]:
    free, weighing = Lines(), Lines()
    async with Bus() as bus:
        for name, sink, max_bytes in (("free", free, None), ("heavy", weighing, 10**6)):
            bus.attach(
                sink,
                name=name,
                buffer=Buffer(max_bytes=max_bytes),
                batch=Batch(max_events=3),
            )
        for one in (1, value, 3):
            assert bus.emit(Value(value=one))
        report = await bus.flush()
        for name in ("free", "heavy"):
            assert report.attachments[name].balanced
            assert report.attachments[name].pending == 0
    return free, weighing, bus


@pytest.mark.proves("fault-1", "fault-2", "fault-3", "fault-5")
@pytest.mark.parametrize("name", FORMS)
async def test_an_unusual_value_arrives_in_its_documented_form(name: str) -> None:
    make, form = FORMS[name]
    free, heavy, bus = await delivered_with(make())
    assert free.batches == heavy.batches == [3]
    assert free.values == heavy.values == [1, form, 3]
    sanitized = bus.stats().warned.get("sanitized", 0)
    assert sanitized == (2 if "surrogate" in name else 0)


@pytest.mark.proves("fault-2", "fault-5", "fault-6", "fault-7")
@pytest.mark.parametrize("name", NO_FORM)
async def test_a_value_without_a_form_costs_its_own_event_at_each_sink(
    name: str,
) -> None:
    free, heavy, bus = await delivered_with(NO_FORM[name]())
    assert free.batches == heavy.batches == [3]
    assert free.values == heavy.values == [1, 3]
    for stats in bus.stats().attachments.values():
        assert stats.delivered == 2
        assert stats.dropped == {"encode_error": 1}
        assert stats.state == "ready"


async def test_a_text_of_another_class_costs_no_other_event() -> None:
    free, _, bus = await delivered_with(Text("text"))
    assert (free.values[0], free.values[-1]) == (1, 3)
    assert bus.stats().attachments["free"].delivered >= 2
