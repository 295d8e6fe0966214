"""Metrics in OTLP, with OpenTelemetry's own classes as the judge."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.metrics.v1 import metrics_pb2 as official

from eventbus import Catalog, Event, Label, Naming, Record, Unit
from eventbus._record import Attributes
from eventbus.metrics import (
    BOUNDS_SECONDS,
    Aggregator,
    Exemplar,
    HistogramPoint,
    MetricData,
    NumberPoint,
    ObservableGauge,
)
from eventbus_otlp._metrics_encode import MetricsEncoder, halves
from tests.otlp._official import by_resource, from_json, official_pairs, same

RESOURCE = {"service.name": "checkout", "b": 1}

TIMES = st.integers(0, 2**64 - 1)
FLOATS = st.floats(allow_nan=False) | st.just(math.nan)  # one NaN of the many
VALUES = st.one_of(FLOATS, st.integers(-(2**70), 2**70))
TEXTS = st.text(max_size=20)
LABELS = st.dictionaries(
    st.text(min_size=1, max_size=8),
    st.one_of(TEXTS, st.booleans(), st.integers(-(2**63), 2**63 - 1), FLOATS),
    max_size=4,
).map(Attributes)
EXEMPLARS = st.lists(
    st.builds(
        Exemplar,
        value=VALUES.filter(lambda value: abs(value) < 1e300 or value != value),
        time_unix_nano=TIMES,
        trace_id=st.sampled_from(["", "ab" * 16, "0" * 32, "no id"]),
        span_id=st.sampled_from(["", "cd" * 8, "no id"]),
    ),
    max_size=2,
).map(tuple)
NUMBER_POINTS = st.builds(
    NumberPoint,
    attributes=LABELS,
    start_unix_nano=TIMES,
    time_unix_nano=TIMES,
    value=VALUES,
    exemplars=EXEMPLARS,
)


@st.composite
def histogram_points(draw: Any) -> HistogramPoint:
    bounds = draw(st.lists(st.floats(-1e9, 1e9), max_size=6, unique=True).map(sorted))
    size = len(bounds) + 1
    buckets = draw(st.lists(st.integers(0, 2**40), min_size=size, max_size=size))
    return HistogramPoint(
        attributes=draw(LABELS),
        start_unix_nano=draw(TIMES),
        time_unix_nano=draw(TIMES),
        count=sum(buckets),
        sum=draw(FLOATS),
        buckets=tuple(buckets),
        bounds=tuple(bounds),
        min=draw(st.none() | FLOATS),
        max=draw(st.none() | FLOATS),
        exemplars=draw(EXEMPLARS),
    )


@st.composite
def metrics(draw: Any) -> MetricData:
    kind = draw(st.sampled_from(["sum", "gauge", "histogram"]))
    points = histogram_points() if kind == "histogram" else NUMBER_POINTS
    return MetricData(
        name=draw(TEXTS),
        kind=kind,
        unit=draw(TEXTS),
        description=draw(TEXTS),
        points=draw(st.lists(points, max_size=3)),
        monotonic=draw(st.booleans()),
        temporality=draw(st.sampled_from(["delta", "cumulative"])),
        resource=draw(st.sampled_from([None, None, {"service.name": "other"}, {}])),
    )


def official_number(target: Any, value: float) -> None:
    if isinstance(value, int) and -(2**63) <= value < 2**63:
        target.as_int = value
    else:
        target.as_double = float(value)


def official_exemplar(exemplar: Exemplar) -> official.Exemplar:
    trace_id = exemplar.trace_id if exemplar.trace_id == "ab" * 16 else ""
    span_id = exemplar.span_id if exemplar.span_id == "cd" * 8 else ""
    found = official.Exemplar(
        time_unix_nano=exemplar.time_unix_nano,
        trace_id=bytes.fromhex(trace_id),
        span_id=bytes.fromhex(span_id),
    )
    official_number(found, exemplar.value)
    return found


def official_metric(data: MetricData) -> official.Metric:
    found = official.Metric(
        name=data.name, description=data.description, unit=data.unit
    )
    kept = getattr(found, data.kind)
    kept.SetInParent()
    if data.kind != "gauge":
        kept.aggregation_temporality = {"delta": 1, "cumulative": 2}[data.temporality]
    if data.kind == "sum":
        kept.is_monotonic = data.monotonic
    for point in data.points:
        made = kept.data_points.add(
            attributes=official_pairs(point.attributes.items()),
            start_time_unix_nano=point.start_unix_nano,
            time_unix_nano=point.time_unix_nano,
            exemplars=map(official_exemplar, point.exemplars),
        )
        if isinstance(point, NumberPoint):
            official_number(made, point.value)
            continue
        made.count, made.sum = point.count, point.sum
        made.bucket_counts.extend(point.buckets)
        made.explicit_bounds.extend(point.bounds)
        if point.min is not None:
            made.min = point.min
        if point.max is not None:
            made.max = point.max
    return found


def official_metrics(
    collected: Sequence[MetricData], resource: Mapping[str, Any]
) -> ExportMetricsServiceRequest:
    request = ExportMetricsServiceRequest()
    parts = [(one.resource, official_metric(one)) for one in collected if one.points]
    return by_resource(request, "metrics", "metrics", parts, resource)


def decoded(body: bytes, form: str) -> ExportMetricsServiceRequest:
    if form == "json":
        return from_json(body or b"{}", ExportMetricsServiceRequest)
    return ExportMetricsServiceRequest.FromString(body)


@pytest.mark.proves("fault-75")
@pytest.mark.parametrize("form", ["protobuf", "json"])
@settings(deadline=None)
@given(st.lists(metrics(), max_size=5))
def test_a_request_is_what_the_official_classes_say(
    form: Any, collected: list[MetricData]
) -> None:
    encoder = MetricsEncoder(form, resource=RESOURCE)
    expected = official_metrics(collected, RESOURCE)
    for _ in range(2):  # the second time with what it remembers
        assert same(decoded(encoder.encode(collected), form), expected)


def number(value: float, **labels: Any) -> NumberPoint:
    return NumberPoint(
        attributes=Attributes(labels), start_unix_nano=1, time_unix_nano=2, value=value
    )


def gauge(*points: NumberPoint, name: str = "g") -> MetricData:
    return MetricData(name=name, kind="gauge", unit="", description="", points=points)


def only_points(request: ExportMetricsServiceRequest) -> Any:
    (resource,) = request.resource_metrics
    (scope,) = resource.scope_metrics
    (metric,) = scope.metrics
    return metric.gauge.data_points


@pytest.mark.parametrize("form", ["protobuf", "json"])
def test_nothing_collected_is_no_request(form: Any) -> None:
    encoder = MetricsEncoder(form, resource=RESOURCE)
    assert encoder.encode([]) == b""
    assert encoder.encode([gauge()]) == b""


@pytest.mark.proves("fault-1")
@pytest.mark.parametrize("form", ["protobuf", "json"])
@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_no_number_has_a_form(form: Any, value: float) -> None:
    body = MetricsEncoder(form, resource={}).encode([gauge(number(value))])
    (point,) = only_points(decoded(body, form))
    assert str(point.as_double) == str(value)


@pytest.mark.parametrize("form", ["protobuf", "json"])
def test_a_lone_surrogate_costs_a_character_and_no_metric(form: Any) -> None:
    data = gauge(number(1, **{"a\ud800": "b\udfff"}), name="n\ud800")
    body = MetricsEncoder(form, resource={}).encode([data])
    (point,) = only_points(decoded(body, form))
    (label,) = point.attributes
    assert (label.key, label.value.string_value) == ("a�", "b�")


def test_a_count_beyond_64_bits_is_the_most_they_hold() -> None:
    point = HistogramPoint(
        attributes={},
        start_unix_nano=1,
        time_unix_nano=2,
        count=2**70,
        sum=1.0,
        buckets=(2**70,),
        bounds=(),
    )
    data = MetricData(
        name="h", kind="histogram", unit="", description="", points=[point]
    )
    for form in ("protobuf", "json"):
        body = MetricsEncoder(form, resource={}).encode([data])  # type: ignore[arg-type]
        request = decoded(body, form)
        (metric,) = request.resource_metrics[0].scope_metrics[0].metrics
        (found,) = metric.histogram.data_points
        assert (found.count, list(found.bucket_counts)) == (2**64 - 1, [2**64 - 1])


@pytest.mark.parametrize("form", ["protobuf", "json"])
def test_labels_may_have_other_names_and_travel_as_text(form: Any) -> None:
    names = Naming(
        renamed={"tool.name": "tool"},
        converted={"tool.ok": "text"},
        resource={"stage": "env"},
    )
    encoder = MetricsEncoder(
        form, resource={"stage": "dev"}, names=names, schema_url="http://s"
    )
    body = encoder.encode([gauge(number(1, **{"tool.name": "a", "tool.ok": True}))])
    request = decoded(body, form)
    (point,) = only_points(request)
    found = {pair.key: pair.value.string_value for pair in point.attributes}
    assert found == {"tool": "a", "tool.ok": "true"}
    assert request.resource_metrics[0].scope_metrics[0].schema_url == "http://s"
    assert [one.key for one in request.resource_metrics[0].resource.attributes] == [
        "env"
    ]


class Done(Event, tag="done"):
    name: Annotated[str, Label]
    took_ms: Annotated[float, Unit("ms")] = 5.0


@pytest.mark.proves("H13")
@pytest.mark.parametrize("form", ["protobuf", "json"])
def test_what_an_aggregator_collects_arrives(form: Any) -> None:
    aggregator = Aggregator(resource=RESOURCE)
    aggregator.observe([Record(Done(name="a")), Record(Done(name="a"))])
    aggregator.observe([Record(Done(name="a"), resource={"service.name": "other"})])
    encoder = MetricsEncoder(form, resource=RESOURCE)
    own, other = decoded(
        encoder.encode(aggregator.reader("delta").collect()), form
    ).resource_metrics
    for group, count, service in ((own, 2, "checkout"), (other, 1, "other")):
        services = {a.key: a.value.string_value for a in group.resource.attributes}
        assert services["service.name"] == service
        metric, times = group.scope_metrics[0].metrics
        assert (times.name, times.unit) == ("done.took", "s")
        (timed,) = times.histogram.data_points
        assert (timed.count, timed.sum, timed.max) == (count, 0.005 * count, 0.005)
        assert list(timed.explicit_bounds) == list(BOUNDS_SECONDS)
        assert timed.attributes[0].value.string_value == "a"
        assert (metric.name, metric.unit) == ("done", "{event}")
        assert metric.sum.is_monotonic
        assert metric.sum.aggregation_temporality == 1
        (point,) = metric.sum.data_points
        assert point.as_int == count
        assert point.attributes[0].value.string_value == "a"
        assert 0 < point.start_time_unix_nano <= point.time_unix_nano


@settings(deadline=None)
@given(st.lists(st.integers(0, 6), max_size=6))
def test_halves_hold_all_points_and_neither_is_empty(sizes: list[int]) -> None:
    collected = [
        gauge(*(number(n, metric=index) for n in range(size)), name=str(index))
        for index, size in enumerate(sizes)
    ]
    parts = halves(collected)
    if sum(sizes) < 2:
        assert parts is None
        return
    assert parts is not None
    points = [point for part in parts for data in part for point in data.points]
    assert points == [point for data in collected for point in data.points]
    counts = [sum(len(data.points) for data in part) for part in parts]
    assert max(counts) - min(counts) <= 1


def test_labels_that_never_come_again_are_not_kept() -> None:
    catalog = Catalog()
    catalog.gauges.append(ObservableGauge("g", lambda: [(1, {"k": "v"})]))
    aggregator = Aggregator(catalog=catalog)
    encoder = MetricsEncoder("protobuf", resource={})
    for _ in range(3):
        assert encoder.encode(aggregator.snapshot())
    assert not encoder._written


def only_point(
    form: Any, point: NumberPoint | HistogramPoint, encoder: Any = None
) -> Any:
    kind: Any = "sum" if isinstance(point, NumberPoint) else "histogram"
    data = MetricData(name="m", kind=kind, unit="", description="", points=[point])
    encoder = encoder or MetricsEncoder(form, resource={})
    body = encoder.encode([data])
    if form == "json":
        request = from_json(body, ExportMetricsServiceRequest)
    else:
        request = ExportMetricsServiceRequest.FromString(body)
    (metric,) = request.resource_metrics[0].scope_metrics[0].metrics
    (found,) = getattr(metric, kind).data_points
    return found


@pytest.mark.parametrize("form", ["protobuf", "json"])
def test_a_least_value_of_zero_is_said_and_an_unknown_one_is_not(form: Any) -> None:
    for least in (0.0, None):
        point = HistogramPoint(
            attributes={},
            start_unix_nano=0,
            time_unix_nano=1,
            count=1,
            sum=0.0,
            buckets=(1,),
            bounds=(),
            min=least,
            max=least,
        )
        found = only_point(form, point)
        assert [found.HasField(name) for name in ("min", "max")] == [least == 0.0] * 2


@pytest.mark.parametrize("form", ["protobuf", "json"])
def test_a_truth_value_is_a_whole_number(form: Any) -> None:
    point = NumberPoint(attributes={}, start_unix_nano=0, time_unix_nano=1, value=True)
    assert only_point(form, point).as_int == 1


def test_labels_that_may_change_are_written_each_time() -> None:
    labels = {"room": "a"}
    point = NumberPoint(attributes=labels, start_unix_nano=0, time_unix_nano=1, value=1)
    encoder = MetricsEncoder("protobuf", resource={})
    for room in ("a", "b"):
        labels["room"] = room
        (found,) = only_point("protobuf", point, encoder).attributes
        assert found.value.string_value == room
