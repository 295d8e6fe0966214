from __future__ import annotations

from typing import Annotated, Any

import pytest

from eventbus import (
    Catalog,
    Event,
    Label,
    LabelError,
    MetricError,
    RegistrationError,
    Unit,
)
from eventbus._catalog import describe
from eventbus.metrics import (
    BOUNDS_BYTES,
    BOUNDS_MILLISECONDS,
    BOUNDS_SECONDS,
    BOUNDS_TOKENS,
    Aggregation,
    Counter,
    Gauge,
    Histogram,
    MetricPlan,
    Metrics,
    ObservableGauge,
    plans_of,
)
from tests.metrics._events import Request, Usage


def planned(
    event_type: type[Event], metrics: Metrics | None = None
) -> dict[str, MetricPlan]:
    return {plan.name: plan for plan in plans_of(describe(event_type), metrics)}


class Work(Event, tag="work"):
    kind: Annotated[str, Label]
    duration_ms: Annotated[float, Unit("ms")]
    wait_seconds: Annotated[float, Unit("s")]
    size_bytes: Annotated[int, Unit("By")]
    memory: Annotated[int, Unit("MiBy")]
    load_percent: Annotated[float, Unit("%")]
    output_tokens: Annotated[int, Unit("{token}")]
    exit_code: int = 0
    text: str = ""


@pytest.mark.proves("H1")
def test_a_counter_and_a_histogram_for_each_unit_follow_from_the_marks() -> None:
    found = planned(Work)
    assert {name: (plan.kind, plan.unit) for name, plan in found.items()} == {
        "work": ("counter", "{event}"),
        "work.duration": ("histogram", "s"),
        "work.wait": ("histogram", "s"),
        "work.size": ("histogram", "By"),
        "work.memory": ("histogram", "By"),
        "work.load": ("histogram", "1"),
        "work.output_tokens": ("histogram", "{token}"),
    }
    assert all(plan.labels == (("kind", "kind"),) for plan in found.values())
    assert all(plan.description for plan in found.values())


def test_the_default_buckets_are_those_of_the_unit() -> None:
    found = planned(Work)
    assert found["work.duration"].bounds == BOUNDS_SECONDS
    assert found["work.duration"].bounds[0] == 0.005
    assert found["work.duration"].bounds[-1] == 10.0
    assert found["work.size"].bounds == BOUNDS_BYTES
    assert found["work.output_tokens"].bounds == BOUNDS_TOKENS


@pytest.mark.proves("H2")
def test_a_catalog_in_milliseconds_has_its_own_fifteen_bounds() -> None:
    declared = Metrics(
        histograms=(
            Histogram(
                name="work.duration_ms",
                field="duration_ms",
                unit="ms",
                buckets=BOUNDS_MILLISECONDS,
            ),
        )
    )
    found = planned(Work, declared)
    assert found["work.duration_ms"].unit == "ms"
    assert found["work.duration_ms"].bounds == (
        *(0, 5, 10, 25, 50, 75, 100, 250, 500, 750),
        *(1000, 2500, 5000, 7500, 10000),
    )
    assert found["work.duration"].unit == "s"


def test_a_label_is_called_as_its_attribute() -> None:
    assert planned(Request)["http.request"].labels == (
        ("http.route", "route"),
        ("success", "success"),
    )


def test_fields_that_differ_in_their_unit_alone_keep_their_names() -> None:
    class Twice(Event):
        time_ms: Annotated[float, Unit("ms")]
        time_s: Annotated[float, Unit("s")]

    assert list(planned(Twice)) == ["twice", "twice.time_ms", "twice.time_s"]


def test_what_is_declared_takes_the_place_of_the_default_of_its_name() -> None:
    declared = Metrics(histograms=(Histogram(field="duration_ms", buckets=(1, 2)),))
    found = planned(Work, declared)
    assert found["work.duration"].bounds == (1.0, 2.0)
    assert len(found) == len(planned(Work))


def test_what_an_instrument_says_itself_counts_more_than_its_type() -> None:
    gauge = Gauge(field="exit_code", description="How it ended.", bound=())
    declared = Metrics(bound=("tenant",), gauges=(gauge,))
    found = planned(Work, declared)
    assert found["work"].bound == ("tenant",)
    assert found["work.exit_code"].bound == ()
    assert found["work.exit_code"].description == "How it ended."
    assert found["work.exit_code"].unit == ""


def test_a_name_that_is_nothing_but_a_unit_stays() -> None:
    class Odd(Event):
        _ms: Annotated[float, Unit("ms")]

    assert list(planned(Odd)) == ["odd", "odd._ms"]


def test_what_is_given_counts_more_than_what_the_class_says() -> None:
    assert list(planned(Usage, Metrics(labels=()))) == [
        *("usage", "usage.input", "usage.output"),
    ]


def test_none_is_said_by_defaults_alone() -> None:
    assert planned(Work, Metrics(defaults=False)) == {}


def test_a_histogram_over_several_fields_has_a_label_for_them() -> None:
    found = planned(Usage)
    assert list(found) == ["usage.sum", "usage.tokens", "usage.window"]
    told = {source.field: source.told_by for source in found["usage.tokens"].sources}
    assert told == {"input": "in", "output": "out"}
    assert found["usage.tokens"].by == "token_type"
    assert found["usage.tokens"].unit == "{token}"


TWICE = {"x": "memory", "y": "memory"}


@pytest.mark.parametrize(
    ("declared", "text", "place"),
    [
        (
            Metrics(histograms=(Histogram(field="duraton_ms"),)),
            "event type 'work' has no field 'duraton_ms'. Did you mean 'duration_ms'?",
            ("histograms", 0, "field"),
        ),
        (
            Metrics(gauges=(Gauge(field="text"),)),
            "field 'text' of event type 'work' is not a number",
            ("gauges", 0, "field"),
        ),
        (
            Metrics(counters=(Counter(field="size_bytes", unit="s"),)),
            "field 'size_bytes' is in 'By', which cannot be told in 's'",
            ("counters", 0, "field"),
        ),
        (
            Metrics(labels=("knd",)),
            "event type 'work' has no field 'knd'. Did you mean 'kind'?",
            ("labels", 0),
        ),
        (
            Metrics(counters=(Counter(name="a"), Counter(name="a"))),
            "two metrics are called 'a'",
            ("counters", 1),
        ),
        (
            Metrics(
                counters=(Counter(name="a", fields={"x": "exit_code"}, by="kind"),)
            ),
            "two labels are called 'kind'",
            ("counters", 0, "by"),
        ),
        (
            Metrics(counters=(Counter(name="a", fields=TWICE, by="z"),)),
            "a field stands twice in 'fields'",
            ("counters", 0, "fields"),
        ),
    ],
)
def test_what_does_not_fit_the_type_is_refused_at_its_place(
    declared: Metrics, text: str, place: tuple[str | int, ...]
) -> None:
    with pytest.raises(MetricError) as caught:
        planned(Work, declared)
    assert str(caught.value) == text
    assert caught.value.place == place


@pytest.mark.proves("H4")
@pytest.mark.parametrize("name", ["", "9a", "a b", "ä", "a" * 256, "a{b}"])
def test_a_name_that_no_metric_can_have_is_refused(name: str) -> None:
    with pytest.raises(MetricError, match="the name of a metric must be 1 to 255"):
        ObservableGauge(name, lambda: 1)
    if name:
        with pytest.raises(MetricError, match="got "):
            Counter(name=name)


@pytest.mark.proves("H4")
@pytest.mark.parametrize("key", ["", "a b", "ä", "a\n", "a" * 256])
def test_a_label_that_cannot_be_called_so_is_refused_early(key: str) -> None:
    with pytest.raises(LabelError, match="the name of a label must be 1 to 255"):
        Aggregation(labels={key: "x"})
    with pytest.raises(LabelError):
        Metrics(bound=(key,))
    with pytest.raises(LabelError):
        Counter(name="a", fields={"x": "y"}, by=key)


@pytest.mark.proves("H4")
@pytest.mark.parametrize(
    "value", [["x"], None, "x" * 257, "\ud800", 2**63, float("nan")], ids=str
)
def test_a_label_of_all_series_that_cannot_say_so_is_refused_early(value: Any) -> None:
    with pytest.raises(LabelError, match="the value of a label must be") as caught:
        Aggregation(labels={"a": value})
    assert caught.value.place == ("labels", "a")
    Aggregation(labels={"a": "x" * 256, "b": True, "c": -(2**63), "d": 0.5})


@pytest.mark.parametrize(
    ("wrong", "text"),
    [
        (lambda: Histogram(name="a"), "a histogram needs a 'field'"),
        (lambda: Gauge(name="a"), "a gauge needs a 'field'"),
        (
            lambda: Counter(name="a", field="b", fields={"c": "d"}, by="e"),
            "give either 'field' or 'fields', not both",
        ),
        (lambda: Counter(name="a", fields={"c": "d"}), "'fields' and 'by' belong"),
        (lambda: Counter(fields={"c": "d"}, by="e"), "over 'fields' needs a 'name'"),
        (
            lambda: Histogram(field="a", buckets=(1, 1)),
            r"buckets must be finite and ascend, got \[1, 1\]",
        ),
        (lambda: Histogram(field="a", buckets=(1, float("inf"))), "must be finite"),
        (lambda: Aggregation(max_series=1), "max_series must be >= 2, got 1"),
        (lambda: Aggregation(max_label_length=0), "max_label_length must be >= 1"),
        (lambda: Aggregation(max_resources=0), "max_resources must be >= 1, got 0"),
    ],
)
def test_a_declaration_that_contradicts_itself_is_refused(
    wrong: Any, text: str
) -> None:
    with pytest.raises(ValueError, match=text):
        wrong()


def test_a_class_whose_metrics_do_not_fit_cannot_be_registered() -> None:
    class Odd(Event, metrics=Metrics(histograms=(Histogram(field="b"),))):
        a: int

    with pytest.raises(RegistrationError) as caught:
        Catalog([Odd])
    assert "has no field 'b'" in str(caught.value)
    assert str(caught.value).endswith("- at `$.histograms[0].field`")


def test_metrics_of_another_type_are_refused() -> None:
    class Odd(Event, metrics=[Counter()]):  # type: ignore[arg-type]
        a: int

    with pytest.raises(
        RegistrationError, match=r"must be an eventbus\.metrics\.Metrics"
    ):
        Catalog([Odd])
