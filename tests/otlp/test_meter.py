"""What a meter makes of its settings, and what it tells its attachment."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)

from eventbus import Catalog, Outcome, SinkContext
from eventbus._log import QuietLog
from eventbus.metrics import ObservableGauge
from eventbus.testing import ManualClock
from eventbus_otlp import OtlpSettings
from eventbus_otlp._metering import Metering
from eventbus_otlp._names import OWN_NAMES
from eventbus_otlp._resolved import resolve
from eventbus_otlp._transport import Reply
from tests.metrics._events import Request, records


class Metered:
    """A meter, and what it sent."""

    def __init__(self, timeout_ms: str = "10000", **settings: Any) -> None:
        self.sent: list[bytes] = []
        self.clock = ManualClock()
        self.catalog = Catalog()
        given = OtlpSettings(endpoint="http://h", signals=("metrics",), **settings)
        environ = {"OTEL_EXPORTER_OTLP_TIMEOUT": timeout_ms}
        self.meter = Metering(
            given,
            resolve(given, environ, print)["metrics"],
            SinkContext("otlp", {}, self.catalog, self.clock),
            self._send,
            QuietLog(self.clock),
        )

    async def _send(self, body: bytes) -> Reply:
        await asyncio.sleep(0)
        self.sent.append(body)
        return Reply()

    def observe(self, **given: Any) -> None:
        self.meter.observe(records(Request(route="/", duration_ms=1.0), **given))

    async def start_and_close(self) -> None:
        self.meter.start({}, OWN_NAMES)
        await self.meter.aclose()

    def points(self) -> list[Any]:
        """Return the points of all counters that were sent."""
        return [
            point
            for body in self.sent
            for resource in ExportMetricsServiceRequest.FromString(
                body
            ).resource_metrics
            for scope in resource.scope_metrics
            for metric in scope.metrics
            for point in metric.sum.data_points
        ]


async def test_without_a_limit_for_answers_gauges_have_ten_seconds() -> None:
    metered = Metered(timeout_ms="0")
    asked, answers = threading.Event(), threading.Event()

    def hanging() -> float:
        asked.set()
        answers.wait()
        return 1

    metered.catalog.gauges.append(ObservableGauge("hanging", hanging))
    metered.observe()
    metered.meter.start({}, OWN_NAMES)
    closing = asyncio.create_task(metered.meter.aclose())
    await asyncio.to_thread(asked.wait)
    while not metered.clock.timers:  # noqa: ASYNC110 - a timer wakes nobody
        await asyncio.sleep(0)
    metered.clock.advance(10)
    await closing
    answers.set()
    assert [point.as_int for point in metered.points()] == [1]
    assert metered.meter.trouble is None


async def test_the_filter_of_exemplars_is_as_it_is_set() -> None:
    shown: list[int] = []
    for chosen in ("always_on", "trace_based", "always_off"):
        metered = Metered(exemplar_filter=chosen)
        metered.observe()
        await metered.start_and_close()
        shown += [len(point.exemplars) for point in metered.points()]
    assert shown == [1, 0, 0]


def test_on_another_loop_it_counts_on_and_sends() -> None:
    metered = Metered()

    async def start_and_wait() -> None:
        metered.meter.start({}, OWN_NAMES)
        await asyncio.sleep(0)
        metered.observe()

    async def again() -> None:
        await start_and_wait()
        await metered.meter.aclose()

    asyncio.run(start_and_wait())
    asyncio.run(again())
    assert [point.as_int for point in metered.points()] == [2]


async def test_what_was_wrong_is_told_with_the_outcome_of_a_write(
    caplog: pytest.LogCaptureFixture,
) -> None:
    meter = Metered().meter
    assert meter.told(None) is None
    outcome = Outcome(rejected=[(0, "no")], warned={"invalid_value": 2, "other": 1})
    assert meter.told(outcome) is outcome
    meter.observe(records(Request(route="/", duration_ms=-1.0)))
    told = meter.told(outcome)
    assert told is not None
    assert told.rejected == outcome.rejected
    assert told.warned == {"invalid_value": 3, "other": 1}
    assert not caplog.text


async def test_what_no_outcome_has_a_word_for_is_in_the_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    metered = Metered()
    metered.catalog.gauges.append(ObservableGauge("bad", lambda: 1 / 0))
    await metered.start_and_close()
    assert metered.meter.told(None) is None
    assert "sink 'otlp': metrics: gauge_failed (1)" in caplog.text
