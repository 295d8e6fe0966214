"""What becomes of metrics that several event types declare."""

from __future__ import annotations

from typing import Any

import pytest

from eventbus import Event, Record
from eventbus.metrics import Aggregator, Counter, Histogram, Metrics
from tests.metrics._events import counted, named, records, values


def declaring(**given: Any) -> Metrics:
    return Metrics(
        defaults=False, histograms=(Histogram(name="clash", field="n", **given),)
    )


class Plain(Event, metrics=declaring()):
    n: int = 1


class InSeconds(Event, metrics=declaring(unit="s", buckets=(1.0,))):
    n: int = 1


class InOtherBuckets(Event, metrics=declaring(buckets=(1.0,))):
    n: int = 1


@pytest.mark.parametrize(
    ("other", "said"),
    [
        (InSeconds(), "metric 'clash' is declared twice, with unit '' for "),
        (InOtherBuckets(), "metric 'clash' is declared twice, with buckets (0.0, 5.0,"),
    ],
)
def test_a_metric_of_another_unit_or_other_buckets_is_left_out(
    other: Event, said: str, caplog: pytest.LogCaptureFixture
) -> None:
    aggregator = counted(Plain(), other)
    (found,) = aggregator.snapshot()
    assert [point.count for point in found.points] == [1]  # type: ignore[union-attr]
    assert aggregator.take_warned() == {"metric_conflict": 1}
    assert said in caplog.text


def test_a_conflict_is_said_once_for_all_services(
    caplog: pytest.LogCaptureFixture,
) -> None:
    aggregator = counted(Plain(), InSeconds())
    foreign = {"service.name": "other"}
    events = Plain(), InSeconds()
    aggregator.observe([Record(event, resource=foreign) for event in events])
    assert caplog.text.count("is declared twice") == 1
    assert aggregator.take_warned() == {"metric_conflict": 2}


class Step(
    Event,
    metrics=Metrics(bound=("tenant",), counters=(Counter(name="steps", bound=()),)),
): ...


def test_metrics_of_one_type_may_have_other_bound_labels() -> None:
    aggregator = Aggregator()
    aggregator.observe(records(Step(), attributes={"tenant": "a"}))
    found = named(aggregator.snapshot())
    assert values(found["step"]) == {("a",): 1}
    assert values(found["steps"]) == {(): 1}
