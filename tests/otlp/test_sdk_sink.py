"""Records that go to an exporter of OpenTelemetry's SDK, and what it says of them."""

from __future__ import annotations

import asyncio
import math
import threading
from collections.abc import Callable, Sequence
from typing import Annotated, Any

import pytest
from opentelemetry.exporter.otlp.proto.common._log_encoder import encode_logs
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
)
from opentelemetry.sdk._logs import ReadableLogRecord
from opentelemetry.sdk._logs.export import (
    InMemoryLogRecordExporter,
    LogRecordExporter,
    LogRecordExportResult,
)
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from eventbus import (
    Attribute,
    Bus,
    Catalog,
    Event,
    Record,
    Retry,
    SinkContext,
    Span,
    Unit,
)
from eventbus._clock import SystemClock
from eventbus._record import AnyRecord
from eventbus.testing import FarSide, check_sink, settled
from eventbus_otlp import SdkSink
from eventbus_otlp._limits import AttributeLimits
from eventbus_otlp._senders import NO_SPAN
from tests.otlp._official import from_json
from tests.otlp._sinks import Ping, ids, pings

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


class Exporter(LogRecordExporter):
    """Does what it is told, one call after the other."""

    def __init__(self, *steps: Callable[[], LogRecordExportResult]) -> None:
        self._steps = list(steps)
        self.ids: list[str] = []
        self.running = self.most = 0
        self.threads: set[int] = set()
        self.ended = 0

    def export(self, batch: Sequence[ReadableLogRecord]) -> LogRecordExportResult:
        self.running += 1
        self.most = max(self.most, self.running)
        self.threads.add(threading.get_ident())
        try:
            result = LogRecordExportResult.SUCCESS
            if self._steps:
                result = self._steps.pop(0)()
            if result is LogRecordExportResult.SUCCESS:
                self.ids += [
                    str((one.log_record.attributes or {})["log.record.uid"])
                    for one in batch
                ]
            return result
        finally:
            self.running -= 1

    def shutdown(self) -> None:
        self.ended += 1

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        return True


def failure() -> LogRecordExportResult:
    return LogRecordExportResult.FAILURE


def sink_with(exporter: Any, **options: Any) -> SdkSink:
    sink = SdkSink(exporter, **options)
    resource = {"service.name": "checkout"}
    sink.configure(SinkContext("sdk", resource, Catalog(), SystemClock()))
    return sink


async def test_an_exporter_sends_what_we_would_send() -> None:
    """The SDK's own encoder makes of its records what ours makes of the same ones."""
    record = Record(
        Ping(n=2**62, text={"list": [1, "two", 0.5, True, math.inf], "bytes": b"\0"}),
        id="b-1",
        severity="warn",
        time_unix_nano=1_795_247_063_541_164_823,
        observed_time_unix_nano=1_795_247_063_541_164_824,
        attributes={"conversation": "c-1"},
        trace_id=TRACE,
        span_id=SPAN,
        trace_flags=1,
    )
    limits = AttributeLimits(count=3)
    exporter = InMemoryLogRecordExporter()
    sink = sink_with(exporter, limits=limits)
    await sink.start()
    await sink.write([record, *pings(2)])
    assert sink._encoder is not None
    ours = from_json(sink._encoder.encode([record, *pings(2)]).body)
    (theirs,) = encode_logs(exporter.get_finished_logs()).resource_logs
    await sink.aclose()
    for one in theirs.scope_logs[0].log_records:
        one.ClearField("body")  # the SDK writes an empty one where there is none
    assert [*theirs.scope_logs[0].log_records] == [
        *ours.resource_logs[0].scope_logs[0].log_records
    ]
    assert [*theirs.resource.attributes] == [*ours.resource_logs[0].resource.attributes]
    assert theirs.scope_logs[0].scope == ours.resource_logs[0].scope_logs[0].scope


class Step(
    Event,
    tag="step",
    span=Span("step {name}", duration="duration_ms", ok="success"),
):
    name: str
    duration_ms: Annotated[float, Unit("ms")]
    success: bool = True
    error: Annotated[str | None, Attribute("exception.message")] = None
    tried: Any = None


async def test_a_span_exporter_sends_what_we_would_send() -> None:
    batch: list[AnyRecord] = [
        Record(
            Step(name="a", duration_ms=1.5, tried=[{"n": 1}]),
            id="b-1",
            time_unix_nano=1_795_247_063_541_164_823,
            trace_id=TRACE,
            span_id=SPAN,
            trace_flags=1,
            tracestate="vendor=1",
        ),
        *pings(2),
        Record(
            Step(name="b", duration_ms=2.0, success=False, error="no such file"),
            id="b-3",
            time_unix_nano=1_795_247_063_541_164_824,
        ),
    ]
    exporter = InMemorySpanExporter()
    sink = sink_with(exporter)
    await sink.start()
    outcome = await sink.write(batch)
    assert sink._encoder is not None
    encoded = sink._encoder.encode(batch)
    await sink.aclose()
    ours = from_json(encoded.body, ExportTraceServiceRequest)
    theirs = encode_spans(exporter.get_finished_spans())
    kept = [_comparable(span) for span in ours.resource_spans[0].scope_spans[0].spans]
    assert kept == [
        _comparable(span) for span in theirs.resource_spans[0].scope_spans[0].spans
    ]
    assert len(kept) == 2
    assert outcome is not None
    assert outcome.unencodable == [(1, NO_SPAN)]


def _comparable(span: Any) -> Any:
    span.flags = 0  # whether its parent is remote, which we do not know
    if not span.status.code:
        span.ClearField("status")  # the SDK writes an empty one
    return span


async def test_a_failure_is_tried_again_by_the_bus() -> None:
    exporter = Exporter(failure)
    quick = Retry(initial_seconds=0.001, max_seconds=0.001)
    async with Bus() as bus:
        bus.attach(SdkSink(exporter), name="sdk", retry=quick)
        bus.emit(Ping(n=1))
        assert (await bus.flush(10)).complete
        report = bus.stats().attachments["sdk"]
    assert (report.delivered, len(exporter.ids)) == (1, 1)
    assert report.errors == {"Unavailable": 1}
    assert exporter.ended == 1


async def test_one_bad_event_costs_itself() -> None:
    exporter = Exporter()
    sink = sink_with(exporter)
    await sink.start()
    outcome = await sink.write([*pings(1), *pings(2, text=object()), *pings(3)])
    await sink.aclose()
    assert outcome is not None
    assert [place for place, _ in outcome.unencodable] == [1]
    assert exporter.ids == ids(1, 3)


async def test_an_exporter_that_hangs_keeps_one_thread() -> None:
    began, go_on = threading.Event(), threading.Event()

    def hangs() -> LogRecordExportResult:
        began.set()
        go_on.wait()
        return LogRecordExportResult.SUCCESS

    exporter = Exporter(hangs)
    sink = sink_with(exporter)
    await sink.start()
    for n in range(5):
        call = asyncio.create_task(sink.write(pings(n)))
        await asyncio.to_thread(began.wait)
        await settled()
        call.cancel("the time is up")
        with pytest.raises(asyncio.CancelledError, match="the time is up"):
            await call
    go_on.set()
    await sink.write(pings(5))
    await sink.aclose()
    await sink.aclose()
    assert exporter.most == len(exporter.threads) == 1
    assert exporter.ids == ids(0, 5)
    assert exporter.ended == 1
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_what_the_exporter_sends_is_left_alone_by_instrumentation() -> None:
    from opentelemetry import context

    seen: list[object] = []

    def looks() -> LogRecordExportResult:
        seen.append(context.get_value(context._SUPPRESS_INSTRUMENTATION_KEY))
        return LogRecordExportResult.SUCCESS

    sink = sink_with(Exporter(looks))
    await sink.start()
    await sink.write(pings(1))
    await sink.aclose()
    assert seen == [True]


def test_what_is_no_exporter_of_logs_is_refused() -> None:
    with pytest.raises(
        TypeError, match="a SpanExporter or a MetricExporter, got object"
    ):
        SdkSink(object())  # type: ignore[arg-type]


class Exported(FarSide):
    """What all exporters of a factory were given, and took."""

    failures = frozenset({"unavailable"})

    def __init__(self) -> None:
        self.exporters: list[Exporter] = []
        self._fails = False

    def make(self) -> SdkSink:
        self.exporters.append(Exporter(*[self._step] * 1000))
        return SdkSink(self.exporters[-1])

    def _step(self) -> LogRecordExportResult:
        fails, self._fails = self._fails, False
        return failure() if fails else LogRecordExportResult.SUCCESS

    async def received(self) -> Sequence[str]:
        return [one for exporter in self.exporters for one in exporter.ids]

    async def fail_next(self, failure: str) -> None:
        self._fails = True


@pytest.mark.proves("fault-32")
async def test_it_keeps_the_specification() -> None:
    far_side = Exported()
    report = await check_sink(far_side.make, far_side=far_side)
    assert report.scenarios["random_mix"].set_aside > 0


async def exported(sink: SdkSink, *batch: AnyRecord) -> Any:
    """Write *batch* as one that is open, and close it; return what came of it."""
    await sink.start()
    outcome = await sink.write(batch)
    await sink.aclose()
    return outcome


async def test_what_was_mended_is_told_where_nothing_is_left_out() -> None:
    exporter = Exporter()
    outcome = await exported(sink_with(exporter), *pings(1, text="\ud800"))
    assert (outcome.warned, outcome.unencodable) == ({"sanitized": 1}, [])
    assert exporter.ids == ids(1)


async def test_an_exporter_is_not_called_for_nothing() -> None:
    exporter = Exporter()
    outcome = await exported(sink_with(exporter), *pings(1, text=object()))
    assert [place for place, _ in outcome.unencodable] == [0]
    assert not exporter.threads


async def test_an_exporter_that_cannot_be_shut_down_is_left() -> None:
    class Stubborn(Exporter):
        def shutdown(self) -> None:
            super().shutdown()
            raise OSError("no")

    exporter = Stubborn()
    await exported(sink_with(exporter), *pings(1))
    assert (exporter.ids, exporter.ended) == (ids(1), 1)


def test_a_loop_that_is_gone_keeps_nothing_of_the_next_one() -> None:
    """A call that the first loop cancelled hangs; the second has its own thread."""
    go_on = threading.Event()

    def hangs() -> LogRecordExportResult:
        go_on.wait()
        return LogRecordExportResult.SUCCESS

    exporter = Exporter(hangs)
    sink = sink_with(exporter)

    async def is_cut_off() -> None:
        await sink.start()
        call = asyncio.create_task(sink.write(pings(1)))
        while not exporter.running:  # noqa: ASYNC110 - from a thread
            await asyncio.sleep(0)
        call.cancel()
        await asyncio.wait([call])

    asyncio.run(is_cut_off())
    asyncio.run(exported(sink, *pings(2)))
    assert exporter.ids == ids(2)
    go_on.set()
