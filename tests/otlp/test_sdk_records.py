"""What is in the records and spans that an exporter of OpenTelemetry's SDK gets."""

from __future__ import annotations

from typing import Annotated, Any

from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from eventbus import Bus, Event, Naming, Record, Span, Unit
from eventbus_otlp import SdkSink
from eventbus_otlp._encode import LogsEncoder
from eventbus_otlp._limits import AttributeLimits
from eventbus_otlp._sdk_records import log_records
from tests.otlp._sinks import Ping, pings
from tests.otlp.test_sdk_sink import SPAN, TRACE, exported, sink_with


class Word(Event, tag="word", body="text"):
    text: str


async def test_a_log_record_has_its_body_and_all_its_flags() -> None:
    exporter = InMemoryLogRecordExporter()
    record = Record(Word(text="hi"), trace_id=TRACE, span_id=SPAN, trace_flags=0x81)
    await exported(sink_with(exporter), record)
    [found] = exporter.get_finished_logs()
    assert found.log_record.body == "hi"
    assert found.log_record.trace_flags == 0x81


def test_a_log_record_says_whose_names_it_has() -> None:
    body = LogsEncoder("json", resource={}, schema_url="https://s").encode(pings(1))
    [found] = log_records(body.body)
    assert found.instrumentation_scope is not None
    assert found.instrumentation_scope.schema_url == "https://s"


async def test_records_of_the_bus_have_the_whole_resource() -> None:
    exporter = InMemoryLogRecordExporter()
    async with Bus(resource={"service.name": "checkout"}) as bus:
        bus.attach(SdkSink(exporter), name="sdk")
        bus.emit(Ping(n=1))
        await bus.flush(10)
    [found] = exporter.get_finished_logs()
    assert found.resource.attributes["service.name"] == "checkout"
    assert found.resource.attributes["telemetry.sdk.name"] == "eventbus"


class Joined(Event, tag="joined", span=Span("j", duration="took", links="after")):
    took: Annotated[float, Unit("s")] = 1.0
    after: Any = ()


async def test_a_span_has_its_links_and_says_what_made_it() -> None:
    exporter = InMemorySpanExporter()
    header = f"00-{TRACE}-{SPAN}-01"
    await exported(sink_with(exporter), Record(Joined(after=[header]), id="b-1"))
    [span] = exporter.get_finished_spans()
    assert [f"{one.context.span_id:016x}" for one in span.links] == [SPAN]
    assert span.instrumentation_scope is not None
    assert span.instrumentation_scope.name == "eventbus"


async def test_names_and_limits_are_those_that_are_given() -> None:
    exporter = InMemoryLogRecordExporter()
    sink = sink_with(
        exporter,
        limits=AttributeLimits(value_length=2),
        names=Naming(renamed={"text": "words"}),
    )
    await exported(sink, *pings(1, text="long"))
    [found] = exporter.get_finished_logs()
    assert (found.log_record.attributes or {})["words"] == "lo"
