"""An OTLP sink counts the events it sees and sends what it counted."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

import pytest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)

from eventbus import (
    Bus,
    Event,
    Label,
    SinkContext,
    Unavailable,
    Unit,
    bind,
    sampling,
)
from eventbus._log import QuietLog
from eventbus.metrics import Aggregation
from eventbus.testing import ManualClock, settled
from eventbus_otlp import OtlpSettings, OtlpSink, SignalSettings
from eventbus_otlp._metering import Metering
from eventbus_otlp._names import OWN_NAMES
from eventbus_otlp._resolved import resolve
from eventbus_otlp._transport import Reply
from tests.otlp._servers import Request, Server, hangs, says, serving
from tests.otlp._sinks import pings


class Run(Event, tag="run"):
    tool: Annotated[str, Label]
    took_ms: Annotated[float, Unit("ms")] = 5.0


# Any in what follows: official classes without types.


def points(request: Request) -> dict[str, list[Any]]:
    """Return the points of each metric by its name."""
    return points_of(request.content)


def points_of(body: bytes) -> dict[str, list[Any]]:
    read = ExportMetricsServiceRequest.FromString(body)
    found: dict[str, list[Any]] = {}
    for resource in read.resource_metrics:
        for scope in resource.scope_metrics:
            for metric in scope.metrics:
                data = getattr(metric, metric.WhichOneof("data"))
                found.setdefault(metric.name, []).extend(data.data_points)
    return found


def counts(request: Request, name: str = "run") -> list[int]:
    return [point.as_int for point in points(request)[name]]


def labels(point: Any) -> dict[str, str]:
    return {one.key: one.value.string_value for one in point.attributes}


def sink_of(server: Server, *signals: Any, **settings: Any) -> OtlpSink:
    return OtlpSink(OtlpSettings(endpoint=server.url, signals=signals, **settings))


@pytest.mark.proves("H13", "H15", "fault-51")
async def test_metrics_go_out_every_so_often_and_once_more_at_the_close() -> None:
    clock = ManualClock()
    async with serving() as server:
        async with Bus(clock=clock, resource={"service.name": "checkout"}) as bus:
            sink = sink_of(server, "metrics", metric_interval_seconds=30.0)
            attached = bus.attach(sink, sampler=sampling.Ratio(0.5, key="trace_id"))
            await attached.ready(timeout_seconds=10)  # all may be sampled out
            for _ in range(3):
                bus.emit(Run(tool="shell"))
            assert (await bus.flush(10)).complete
            clock.advance(30.0)
            await server.request()
            bus.emit(Run(tool="shell"))
            await bus.flush(10)
        first, last = server.requests
    assert {request.target for request in server.requests} == {"/v1/metrics"}
    assert (counts(first), counts(last)) == ([3], [4])
    assert b"checkout" in first.body
    [duration] = points(last)["run.took"]
    assert (duration.count, duration.sum) == (4, pytest.approx(0.02))


async def test_deltas_labels_and_bound_attributes_are_as_they_are_set() -> None:
    async with serving() as server:
        async with Bus() as bus:
            aggregation = Aggregation(labels={"team": "core"}, bound=("tenant",))
            bus.attach(
                sink_of(server, "metrics", temporality="delta", aggregation=aggregation)
            )
            with bind(tenant="a1"):
                bus.emit(Run(tool="shell"))
            await bus.flush(10)
        [request] = server.requests
    [point] = points(request)["run"]
    assert labels(point) == {"tool": "shell", "tenant": "a1", "team": "core"}


async def test_logs_and_metrics_of_one_sink_agree() -> None:
    async with serving() as server:
        async with Bus() as bus:
            bus.attach(sink_of(server, "logs", "metrics"), name="otlp")
            for number in range(5):
                bus.emit(Run(tool=f"tool-{number % 2}"))
            assert (await bus.flush(10)).complete
            assert bus.stats().attachments["otlp"].delivered == 5
        logs, metrics = server.requests
    assert (len(logs.logs), sorted(counts(metrics))) == (5, [2, 3])


@pytest.mark.proves("fault-1")
async def test_what_is_no_number_is_counted_as_warned_at_the_attachment() -> None:
    async with serving() as server, Bus() as bus:
        bus.attach(sink_of(server, "logs", "metrics"), name="otlp")
        bus.emit(Run(tool="shell", took_ms=float("nan")))
        await bus.flush(10)
        assert bus.stats().warned == {"invalid_value": 1}
        assert bus.stats().attachments["otlp"].delivered == 1


async def test_without_metrics_nothing_is_observed() -> None:
    async with serving() as server:
        assert not hasattr(sink_of(server, "logs"), "observe")


@pytest.mark.proves("H13")
async def test_a_far_side_that_comes_back_has_all_that_was_counted_meanwhile() -> None:
    clock = ManualClock()
    async with serving(says(503), says(503)) as server:
        async with Bus(clock=clock) as bus:
            bus.attach(sink_of(server, "metrics", temporality="delta"))
            bus.emit(Run(tool="shell"))
            await bus.flush(10)
            clock.advance(60.0)
            await server.request()
            await settled()
            bus.emit(Run(tool="shell"))
            await bus.flush(10)
            clock.advance(60.0)
            await server.request()
            await settled()
        assert counts(server.requests[-1]) == [2]


async def test_the_child_of_a_fork_counts_from_zero() -> None:
    async with serving() as server:
        sink = sink_of(server, "metrics")
        context = SinkContext("otlp", {}, Bus().catalog, ManualClock())
        sink.configure(context)
        sink.observe(pings(1, 2, 3))
        sink.after_fork()
        sink.observe(pings(4))
        await sink.start()
        await sink.aclose()
        [request] = server.requests
    assert counts(request, "ping") == [1]


async def test_the_child_of_a_fork_sends_nothing_that_the_parent_still_owes() -> None:
    sent: list[bytes] = []

    async def send(body: bytes) -> Reply:
        sent.append(body)
        if len(sent) == 1:
            raise Unavailable("down")
        return Reply()

    settings = OtlpSettings(
        endpoint="http://h", signals=("metrics",), temporality="delta"
    )
    clock = ManualClock()
    metering = Metering(
        settings,
        resolve(settings, {}, print)["metrics"],
        SinkContext("otlp", {}, Bus().catalog, clock),
        send,
        QuietLog(clock),
    )
    metering.start({}, OWN_NAMES)
    metering.observe(pings(1, 2, 3))
    await metering.aclose()
    assert metering.trouble is not None
    metering.start_over()
    assert metering.trouble is None
    metering.observe(pings(4))
    metering.start({}, OWN_NAMES)
    await metering.aclose()
    [point] = points_of(sent[-1])["ping"]
    assert point.as_int == 1


async def test_metrics_that_do_not_arrive_make_no_report_complete() -> None:
    async with serving(otherwise=says(503)) as server:
        async with Bus() as bus:
            bus.attach(sink_of(server, "metrics"), name="otlp")
            bus.emit(Run(tool="shell"))
        stats = bus.stats().attachments["otlp"]
        assert (stats.delivered, stats.lost) == (1, 0)
        assert stats.state == "degraded"
        assert (stats.cause or "").startswith("metrics (2 points) lost: Unavailable: ")
        assert stats.cause == stats.trouble
        assert not (await bus.flush()).complete


async def test_metrics_that_nobody_answers_hold_up_no_record() -> None:
    """They have a place of their own, and neither retries nor a circuit of records."""
    async with serving() as logs, serving(otherwise=hangs) as metrics, Bus() as bus:
        sink = OtlpSink(
            OtlpSettings(
                signals=("logs", "metrics"),
                logs_endpoint=f"{logs.url}/v1/logs",
                metrics_endpoint=f"{metrics.url}/v1/metrics",
                metric_interval_seconds=0.01,
                metrics=SignalSettings(timeout_seconds=0.01),
            )
        )
        attached = bus.attach(sink, name="otlp")
        await attached.ready(timeout_seconds=10)
        while len(metrics.requests) < 6:
            bus.emit(Run(tool="shell"))
            await bus.flush(10)
        report = bus.stats().attachments["otlp"]
        assert (report.delivered, report.pending) == (report.offered, 0)
        assert report.errors == {}
        assert (report.trouble or "").startswith("metrics (")


async def test_a_sink_that_is_started_again_counts_on_and_sends_once() -> None:
    async with serving() as server:
        sink = sink_of(server, "metrics")
        await sink.start()
        before = asyncio.all_tasks()
        await sink.start()
        assert asyncio.all_tasks() == before
        sink.observe(pings(1, 2))
        await sink.aclose()
        assert [counts(request, "ping") for request in server.requests] == [[2]]
