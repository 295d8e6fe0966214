"""Which events are shown as examples of what is counted."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from eventbus import Record
from eventbus.metrics import Aggregator
from tests.metrics._events import Request, histogram, named, values

SAMPLED: dict[str, Any] = {"trace_id": "a" * 32, "span_id": "b" * 16, "trace_flags": 1}


class Hostile:
    """Is no number, and says so loudly."""

    def __radd__(self, _: object) -> Any:
        raise OSError

    def __lt__(self, _: object) -> Any:
        raise OSError


@pytest.mark.parametrize(
    "odd",
    [float("nan"), float("inf"), -1.0, "7", None, Decimal(1), Hostile(), 10**400],
    ids=lambda odd: type(odd).__name__,
)
def test_what_is_no_number_is_no_example_and_hides_none(odd: Any) -> None:
    aggregator = Aggregator()
    times = [1.0, 20_000.0, odd]
    batch = [Record(Request(route="/", duration_ms=t), **SAMPLED) for t in times]
    aggregator.observe(batch)
    found = named(aggregator.snapshot())
    assert values(found["http.request"]) == {("/", True): 3}
    shown = histogram(found["http.request.duration"]).exemplars
    assert [one.value for one in shown] == [0.001, 20.0]
    assert aggregator.take_warned() == ({} if odd is None else {"invalid_value": 1})


@pytest.mark.parametrize("flags", [0, 2])
def test_what_is_in_no_sampled_trace_is_no_example(flags: int) -> None:
    aggregator = Aggregator()
    given = {**SAMPLED, "trace_flags": flags}
    aggregator.observe([Record(Request(route="/"), **given)])
    (point,) = named(aggregator.snapshot())["http.request"].points
    assert point.exemplars == ()
