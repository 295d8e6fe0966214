"""What is nested without end, or larger than anybody needs, and what it costs."""

from __future__ import annotations

import subprocess
import sys
import tracemalloc
from collections.abc import Callable
from typing import Annotated, Any

import pytest

from eventbus import Event, Label, Record
from eventbus._record import Attributes
from eventbus_otlp._encode import LogsEncoder
from eventbus_otlp._encoded import Encoded
from eventbus_otlp._limits import AttributeLimits
from tests.otlp._both import FORMS
from tests.otlp._events import Bare, Loose
from tests.otlp._official import official_value, same
from tests.otlp.test_encode_values import Point, reason, sent


def nested(depth: int, *, table: bool) -> Any:
    value: Any = "deep"
    for _ in range(depth):
        value = {"k": value} if table else [value]
    return value


@pytest.mark.proves("fault-7")
@pytest.mark.parametrize(("table", "deepest"), [(True, 31), (False, 47)])
def test_values_are_nested_as_deeply_as_decoders_take_them(
    table: bool, deepest: int
) -> None:
    assert same(
        sent(nested(deepest, table=table)),
        official_value(nested(deepest, table=table)),
    )
    said = reason(nested(deepest + 1, table=table))
    assert said.startswith("nested too deeply")


@pytest.mark.proves("fault-7")
def test_cycles_cost_one_event() -> None:
    cycle: list[Any] = []
    cycle.append(cycle)
    table: dict[str, Any] = {}
    table["self"] = table
    foreign = Point(1.0, "")
    foreign.label = foreign  # type: ignore[assignment]
    for value in (cycle, table, foreign):
        assert reason(value).startswith("nested too deeply")


DEEP = """
import sys
from tests.otlp._events import Loose
from eventbus import Event, Label, Record
from eventbus._record import Attributes
from eventbus_otlp._encode import LogsEncoder
from dataclasses import dataclass
@dataclass
class Box:
    inside: object
for wrap in (lambda v: [v], lambda v: {"k": v}, lambda v: (v,), Box):
    value = 1
    for _ in range(100_000):
        value = wrap(value)
    for form in ("protobuf", "json"):
        record = Record(Loose(first_value=value))
        encoded = LogsEncoder(form, resource={}).encode([record])
        assert not encoded.sent and "nested too deeply" in encoded.unencodable[0][1]
    while not isinstance(value, int):  # so that freeing it does not recurse
        value = value.inside if type(value) is Box else next(iter(
            value.values() if type(value) is dict else value))
print("ended")
"""


@pytest.mark.proves("fault-7")
def test_a_depth_of_100_000_ends_no_process() -> None:
    done = subprocess.run(
        [sys.executable, "-c", DEEP], capture_output=True, text=True, timeout=25
    )
    assert (done.returncode, done.stdout) == (0, "ended\n"), done.stderr


@pytest.mark.proves("fault-8")
@pytest.mark.parametrize("form", FORMS)
def test_a_text_of_10_mb_costs_at_most_three_times_as_much(form: Any) -> None:
    size = 10_000_000
    batch = [Record(Loose(first_value="x" * size))]
    peak, encoded = peak_of(LogsEncoder(form, resource={}), batch)
    assert len(encoded.body) > size
    assert peak < 3.1 * size


@pytest.mark.proves("fault-8")
@pytest.mark.parametrize("form", FORMS)
def test_a_text_beyond_the_limit_costs_what_the_limit_lets_in(form: Any) -> None:
    limits = AttributeLimits(value_length=1000)
    batch = [Record(Loose(first_value="é" * 10_000_000))]
    peak, encoded = peak_of(LogsEncoder(form, resource={}, limits=limits), batch)
    assert encoded.warned == {"truncated": 1}
    assert peak < 100_000


@pytest.mark.proves("fault-8")
@pytest.mark.parametrize("form", FORMS)
def test_a_million_attributes_cost_what_the_limit_lets_in(form: Any) -> None:
    attributes = {f"a{i}": i for i in range(1_000_000)}
    batch = [Record(Bare(), attributes=attributes)]
    peak, encoded = peak_of(LogsEncoder(form, resource={}), batch)
    assert list(encoded.sent) == [0]
    assert peak < 300_000


MANY = 300_000
LARGE: dict[str, Callable[[], Any]] = {
    "list": lambda: list(range(MANY)),
    "tuple": lambda: (1.5,) * MANY,
    "table": lambda: {str(n): n for n in range(MANY)},
    "table with other keys": lambda: {n: n for n in range(MANY)},
    "set": lambda: set(range(MANY)),
    "inside": lambda: {"rows": [["x"] * 1000] * (MANY // 1000)},
}


@pytest.mark.proves("fault-8")
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", LARGE)
def test_many_values_inside_of_one_cost_what_the_limit_lets_in(
    form: Any, name: str
) -> None:
    value = LARGE[name]()
    batch: list[Record[Any]] = [
        Record(Loose(first_value=value)),
        Record(Bare(), attributes={"bound": value}),
    ]
    peak, encoded = peak_of(LogsEncoder(form, resource={}), batch)
    assert encoded.warned == {"truncated": 2}
    assert peak < 8_000_000


def peak_of(encoder: LogsEncoder, batch: list[Record[Any]]) -> tuple[int, Encoded]:
    """Return the most bytes that encoding *batch* held at once, and the outcome."""
    encoder.encode([Record(event) for event in (Bare(), Loose(first_value="x"))])
    tracemalloc.start()
    try:
        encoded = encoder.encode(batch)
        return tracemalloc.get_traced_memory()[1], encoded
    finally:
        tracemalloc.stop()


class Churning(Event, tag="test.churning"):
    """Labels that take ever new values, one of them a long text."""

    word: Annotated[str, Label]
    text: Annotated[str, Label]


def churning_record(number: int) -> Record[Any]:
    """Return a record of which nothing comes again."""
    return Record(
        Churning(word=f"word-{number}", text=f"{number:04096}"),
        attributes=Attributes({f"name-{number}": "x", "name": f"text-{number}"}),
        resource=Attributes({"service.name": f"service-{number}"}),
        trace_id=f"{number + 1:032x}",
    )


@pytest.mark.parametrize("form", FORMS)
def test_what_an_encoder_remembers_is_bounded(form: Any) -> None:
    encoder = LogsEncoder(form, resource={})
    batches = (range(start, start + 500) for start in range(0, 15_000, 500))
    tracemalloc.start()
    try:
        found: list[int] = []
        for numbers in batches:
            assert encoder.encode([churning_record(n) for n in numbers]).sent
            found.append(tracemalloc.get_traced_memory()[0])
    finally:
        tracemalloc.stop()
    assert max(found) < 3_000_000
