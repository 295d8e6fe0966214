"""Labels of metrics under a naming: words, constants, and series that become one."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from eventbus import Event, EventNaming, LabelNaming, Naming
from eventbus.metrics import (
    Counter,
    Exemplar,
    Gauge,
    Histogram,
    HistogramPoint,
    Metrics,
    NumberPoint,
)
from eventbus_otlp._merged_series import merged
from eventbus_schemas import ToolResult

from ._sent_metrics import sent

# Any in this module: JSON.


class Done(Event, tag="test.done"):
    number: float
    flag: bool | None = None
    word: str = "a"


def naming(*, metrics: Metrics, **labels: Any) -> Naming:
    form = EventNaming(metrics=metrics, labels=LabelNaming(**labels))
    return Naming(events={"test.done": form})


BY_BOTH = ("flag", "word")


def test_series_that_come_to_have_the_same_labels_are_one() -> None:
    metrics = Metrics(
        defaults=False,
        counters=(Counter(name="c", labels=BY_BOTH),),
        histograms=(Histogram(name="h", field="number", labels=BY_BOTH, buckets=(2,)),),
        gauges=(Gauge(name="g", field="number", labels=BY_BOTH),),
    )
    events = [Done(number=1, word="a"), Done(number=5, word="b"), Done(number=3)]
    found = sent(events, naming(metrics=metrics, left_out=frozenset({"word"})))
    (counted,) = found["c"]["sum"]["dataPoints"]
    assert (counted["asInt"], counted.get("attributes", [])) == ("3", [])
    (point,) = found["h"]["histogram"]["dataPoints"]
    assert (point["count"], point["sum"], point["min"], point["max"]) == ("3", 9, 1, 5)
    assert point["bucketCounts"] == ["1", "2"]
    (last,) = found["g"]["gauge"]["dataPoints"]
    assert last["asInt"] == "5"


def test_what_is_not_known_of_a_series_is_not_known_of_both() -> None:
    def point(least: float | None, *exemplars: Exemplar) -> HistogramPoint:
        return HistogramPoint(
            attributes={},
            start_unix_nano=1,
            time_unix_nano=2,
            count=1,
            sum=1.0,
            buckets=(1, 0),
            bounds=(2.0,),
            min=least,
            max=1.0,
            exemplars=exemplars,
        )

    shown = Exemplar(1.0, 2)
    ((both,), labels) = merged([point(None), point(1.0, shown)], [b"a", b"a"])
    assert isinstance(both, HistogramPoint)
    assert (both.count, both.min, both.max) == (2, None, 1.0)
    assert (both.exemplars, labels) == ((shown,), [b"a"])
    counted = [
        NumberPoint(
            attributes={}, start_unix_nano=1, time_unix_nano=2, value=1, exemplars=each
        )
        for each in ((), (shown,))
    ]
    ((one,), _) = merged(counted, [b"a", b"a"])
    assert one.exemplars == (shown,)


def test_metrics_beside_those_that_are_named_keep_their_labels() -> None:
    metrics = Metrics(labels=BY_BOTH, counters=(Counter(name="c"),))
    found = sent([Done(number=1)], naming(metrics=metrics, renamed={"word": "w"}))

    def keys(metric: str) -> set[str]:
        (point,) = found[metric]["sum"]["dataPoints"]
        return {tag["key"] for tag in point["attributes"]}

    assert keys("c") == {"w"}
    assert keys("test.done") == {"word"}


def test_a_label_that_is_left_out_everywhere_is_no_label_of_metrics_either() -> None:
    everywhere = Naming(left_out=frozenset({"auth_mode"}))
    found = sent([ToolResult.of("shell", success=True)], everywhere)
    (point,) = found["agent.tool_result"]["sum"]["dataPoints"]
    keys = {tag["key"] for tag in point["attributes"]}
    assert "originator" in keys
    assert "auth_mode" not in keys


def test_labels_have_words_for_truth_values_and_what_is_added() -> None:
    metrics = Metrics(defaults=False, counters=(Counter(name="c", labels=("flag",)),))
    form = naming(
        metrics=metrics,
        values={"flag": {"true": "yes"}},
        renamed={"flag": "is"},
        added={"is": "unknown", "by": "us"},
    )
    events = [Done(number=1, flag=flag) for flag in (True, False, None)]
    points = sent(events, form)["c"]["sum"]["dataPoints"]
    told = [{tag["key"]: tag["value"] for tag in one["attributes"]} for one in points]
    assert {json.dumps(one["is"]) for one in told} == {
        *('{"stringValue": "yes"}', '{"boolValue": false}'),
        '{"stringValue": "unknown"}',
    }
    assert all(one["by"] == {"stringValue": "us"} for one in told)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: LabelNaming(added={"": "x"}), "added has a name that is empty"),
        (lambda: LabelNaming(renamed={"a": ""}), "renamed has a name that is empty"),
    ],
)
def test_labels_of_nothing_are_refused(
    make: Callable[[], object], message: str
) -> None:
    with pytest.raises(ValueError, match=f"^{message}"):
        make()
