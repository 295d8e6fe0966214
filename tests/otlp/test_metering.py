"""An OTLP sink counts the events it sees and sends what it counted."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any, cast

import pytest

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
from eventbus.testing import (
    ManualClock,
    OtlpCollector,
    OtlpPoint,
    OtlpRequest,
    replies,
    settled,
)
from eventbus_otlp import OtlpSettings, OtlpSink, SignalSettings
from eventbus_otlp._metering import Metering
from eventbus_otlp._names import OWN_NAMES
from eventbus_otlp._resolved import resolve
from eventbus_otlp._transport import Reply
from tests.otlp._sinks import pings


class Run(Event, tag="run"):
    tool: Annotated[str, Label]
    took_ms: Annotated[float, Unit("ms")] = 5.0


def points(request: OtlpRequest) -> dict[str, tuple[OtlpPoint, ...]]:
    """Return the points of each metric by its name."""
    assert len({metric.name for metric in request.metrics}) == len(request.metrics)
    return {metric.name: metric.points for metric in request.metrics}


def counts(request: OtlpRequest, name: str = "run") -> list[int]:
    found = [point.value for point in points(request)[name]]
    assert all(isinstance(value, int) for value in found)
    return cast("list[int]", found)


def sink_of(server: OtlpCollector, *signals: Any, **settings: Any) -> OtlpSink:
    return OtlpSink(OtlpSettings(endpoint=server.url, signals=signals, **settings))


@pytest.mark.proves("H13", "H15", "fault-51")
async def test_metrics_go_out_every_so_often_and_once_more_at_the_close() -> None:
    clock = ManualClock()
    async with OtlpCollector() as server:
        async with Bus(clock=clock, resource={"service.name": "checkout"}) as bus:
            sink = sink_of(server, "metrics", metric_interval_seconds=30.0)
            attached = bus.attach(sink, sampler=sampling.Ratio(0.5, key="trace_id"))
            await attached.ready(timeout_seconds=10)  # all may be sampled out
            for _ in range(3):
                bus.emit(Run(tool="shell"))
            assert (await bus.flush(10)).complete
            clock.advance(30.0)
            await server.next_request()
            bus.emit(Run(tool="shell"))
            await bus.flush(10)
        first, last = server.requests
    assert {request.target for request in server.requests} == {"/v1/metrics"}
    assert (counts(first), counts(last)) == ([3], [4])
    assert b"checkout" in first.body
    [duration] = points(last)["run.took"]
    assert duration.count == 4
    assert duration.sum == pytest.approx(0.02)


async def test_deltas_labels_and_bound_attributes_are_as_they_are_set() -> None:
    async with OtlpCollector() as server:
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
    assert point.attributes == {"tool": "shell", "tenant": "a1", "team": "core"}


async def test_logs_and_metrics_of_one_sink_agree() -> None:
    async with OtlpCollector() as server:
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
    async with OtlpCollector() as server, Bus() as bus:
        bus.attach(sink_of(server, "logs", "metrics"), name="otlp")
        bus.emit(Run(tool="shell", took_ms=float("nan")))
        await bus.flush(10)
        assert bus.stats().warned == {"invalid_value": 1}
        assert bus.stats().attachments["otlp"].delivered == 1


async def test_without_metrics_nothing_is_observed() -> None:
    async with OtlpCollector() as server:
        assert not hasattr(sink_of(server, "logs"), "observe")


@pytest.mark.proves("H13")
async def test_a_far_side_that_comes_back_has_all_that_was_counted_meanwhile() -> None:
    clock = ManualClock()
    async with OtlpCollector(replies.http(503), replies.http(503)) as server:
        async with Bus(clock=clock) as bus:
            bus.attach(sink_of(server, "metrics", temporality="delta"))
            bus.emit(Run(tool="shell"))
            await bus.flush(10)
            clock.advance(60.0)
            await server.next_request()
            await settled()
            bus.emit(Run(tool="shell"))
            await bus.flush(10)
            clock.advance(60.0)
            await server.next_request()
            await settled()
        assert counts(server.requests[-1]) == [2]


async def test_the_child_of_a_fork_counts_from_zero() -> None:
    async with OtlpCollector() as server:
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
    last = OtlpRequest(
        protocol="http/protobuf", signal="metrics", target="", headers={}, body=sent[-1]
    )
    assert counts(last, "ping") == [1]


async def test_metrics_that_do_not_arrive_make_no_report_complete() -> None:
    async with OtlpCollector(otherwise=replies.http(503)) as server:
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
    async with (
        OtlpCollector() as logs,
        OtlpCollector(otherwise=replies.hang) as metrics,
        Bus() as bus,
    ):
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
    async with OtlpCollector() as server:
        sink = sink_of(server, "metrics")
        await sink.start()
        before = asyncio.all_tasks()
        await sink.start()
        assert asyncio.all_tasks() == before
        sink.observe(pings(1, 2))
        await sink.aclose()
        assert [counts(request, "ping") for request in server.requests] == [[2]]
