"""What is found between two exports of what sinks make of events: spans, metrics."""

from __future__ import annotations

from typing import Annotated, Any

import pytest

from eventbus import Event, Span, Unit
from eventbus.metrics import Counter, Histogram, Metrics
from tests.cli._event_types import between, made

# Any in this module: events are made with any fields.

Duration = Annotated[float, Unit("ms")]


class Plain(Event, tag="thing"):
    ms: Duration


class Spanned(Event, tag="thing", span=Span("work", duration="ms")):
    ms: Duration


class OtherSpan(Event, tag="thing", span=Span("play", duration="ms")):
    ms: Duration


@pytest.mark.proves("fault-139")
def test_another_span_breaks_what_is_made_of_the_event_and_a_new_one_does_not() -> None:
    (added,) = between(Plain, Spanned)
    assert (added.rule, added.is_breaking) == ("span_added", False)
    still, changed = sorted(between(Spanned, OtherSpan), key=lambda one: -len(one.rule))
    assert (changed.rule, changed.is_breaking) == ("span_changed", True)
    assert changed.detail == "name from work to play"
    assert still.rule == "version_not_raised"
    gone, _ = between(Spanned, Plain)
    assert (gone.rule, gone.detail) == ("span_changed", "it has none any more")


class Counted(Event, tag="thing", metrics=Metrics(counters=(Counter(name="things"),))):
    ms: Duration


class Timed(
    Event,
    tag="thing",
    metrics=Metrics(histograms=(Histogram(field="ms", unit="s", buckets=(1, 2)),)),
):
    ms: Duration


@pytest.mark.proves("fault-139")
def test_other_metrics_break_what_is_made_of_the_event_and_more_do_not() -> None:
    (added,) = between(Plain, Counted)
    assert (added.rule, added.detail, added.is_breaking) == (
        *("metrics_added", "things"),
        False,
    )
    gone, _ = between(Counted, Plain)
    assert (gone.rule, gone.detail) == ("metrics_changed", "things is gone")
    assert gone.is_breaking
    changed, _ = between(Plain, Timed)
    assert changed.rule == "metrics_changed"
    assert changed.detail.startswith("thing.ms: buckets from [")
    assert changed.detail.endswith(" to [1.0,2.0]")


@pytest.mark.parametrize(("kind", "value"), [(int, "0"), (float, "0.0")])
def test_another_default_is_told_with_both(kind: Any, value: str) -> None:
    (found,) = between(made(a=(kind, kind(0))), made(a=(kind | None, None)))
    assert (found.rule, found.detail) == ("default_changed", f"from {value} to none")
