"""What it costs to make the bytes of a request, without sending them.

Nanoseconds a record, over batches of 512 records of ten attributes that differ, in
traces of sixteen records: by our encoder, by the one of OpenTelemetry's SDK, and by
the classes of ``opentelemetry-proto`` used directly. The records of each are made
beforehand; what is measured ends with the bytes.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import msgspec

from benchmarks.otlp._workload import RESOURCE, Completed, events
from eventbus.bench import Bound, Contender, Effort, Measured, Part, Row, Sample

BATCH: Final = 512
BATCHES: Final = 10
TURNS: Final = 8
TRACE: Final = 16

# Any in this module: libraries that need not be there, and their records.

Encode = Callable[[Sequence[Any]], bytes]


def context(number: int) -> tuple[int, int]:
    """Return the ids of the trace and of the span of a record."""
    return (number // TRACE + 1) << 64 | 0xABCD, number + 1


def batches(records: Sequence[Any]) -> list[Sequence[Any]]:
    """Return *records* by 512."""
    return [records[start : start + BATCH] for start in range(0, len(records), BATCH)]


def contender(make: Callable[[], tuple[Encode, Sequence[Any]]]) -> Contender:
    """Return what measures the encoder and the records that *make* returns."""

    def contend(effort: Effort) -> Sample:
        encode, records = make()
        sent = batches(records)
        assert all(map(encode, sent))
        turns = [_turn_ns(encode, sent) for _ in range(effort.of(TURNS))]
        return Sample(statistics.median(turns))

    return contend


def _turn_ns(encode: Encode, sent: Sequence[Sequence[Any]]) -> float:
    began = time.process_time_ns()
    for batch in sent:
        encode(batch)
    return (time.process_time_ns() - began) / sum(map(len, sent))


def ours(form: Any) -> Callable[[], tuple[Encode, Sequence[Any]]]:
    """Return what makes our encoder of that *form*, and records of ours."""

    def make() -> tuple[Encode, Sequence[Any]]:
        from eventbus import Record
        from eventbus_otlp._encode import LogsEncoder

        encoder = LogsEncoder(form, resource=RESOURCE)
        now = time.time_ns()
        records: list[Any] = []
        for number, event in enumerate(events(BATCH * BATCHES)):
            trace_id, span_id = context(number)
            records.append(
                Record(
                    event,
                    id=f"bench-{number:x}",
                    time_unix_nano=now + number,
                    observed_time_unix_nano=now + number,
                    severity="info",
                    trace_id=f"{trace_id:032x}",
                    span_id=f"{span_id:016x}",
                    trace_flags=1,
                )
            )
        return lambda batch: encoder.encode(batch).body, records

    return make


def sdk() -> tuple[Encode, Sequence[Any]]:
    """Return the SDK's encoder, and records as its processors are given them."""
    from opentelemetry.exporter.otlp.proto.common._log_encoder import encode_logs

    return lambda batch: encode_logs(batch).SerializeToString(), _sdk_records()


def _sdk_records() -> list[Any]:
    from opentelemetry import trace
    from opentelemetry._logs import SeverityNumber
    from opentelemetry.sdk._logs import LoggerProvider
    from opentelemetry.sdk._logs.export import (
        InMemoryLogRecordExporter,
        SimpleLogRecordProcessor,
    )
    from opentelemetry.sdk.resources import Resource

    kept = InMemoryLogRecordExporter()
    resource = Resource.create(RESOURCE)
    provider: Any = LoggerProvider(resource=resource, shutdown_on_exit=False)
    provider.add_log_record_processor(SimpleLogRecordProcessor(kept))
    emit, severity = provider.get_logger("bench").emit, SeverityNumber.INFO
    for number, event in enumerate(events(BATCH * BATCHES)):
        span = trace.SpanContext(*context(number), False, trace.TraceFlags(1))
        emit(
            timestamp=time.time_ns(),
            context=trace.set_span_in_context(trace.NonRecordingSpan(span)),
            severity_number=severity,
            severity_text="INFO",
            event_name="bench.completed",
            attributes=msgspec.structs.asdict(event),
        )
    return list(kept.get_finished_logs())


def official() -> tuple[Encode, Sequence[Any]]:
    """Return an encoder that only calls the official classes, and what it needs."""
    from opentelemetry.proto.collector.logs.v1 import logs_service_pb2
    from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
    from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord

    kinds: dict[type, Callable[[Any], Any]] = {
        str: lambda value: AnyValue(string_value=value),
        bool: lambda value: AnyValue(bool_value=value),
        int: lambda value: AnyValue(int_value=value),
        float: lambda value: AnyValue(double_value=value),
    }

    def pairs(attributes: Mapping[str, Any]) -> list[Any]:
        return [
            KeyValue(key=key, value=kinds[type(value)](value))
            for key, value in attributes.items()
        ]

    def encode(batch: Sequence[Any]) -> bytes:
        request = logs_service_pb2.ExportLogsServiceRequest()
        group = request.resource_logs.add()
        group.resource.attributes.extend(pairs(RESOURCE))
        logs = group.scope_logs.add()
        logs.scope.name = "bench"
        logs.log_records.extend(
            [
                LogRecord(
                    time_unix_nano=now,
                    observed_time_unix_nano=now,
                    severity_number=9,
                    severity_text="INFO",
                    event_name="bench.completed",
                    attributes=pairs(attributes),
                    trace_id=trace_id,
                    span_id=span_id,
                    flags=1,
                )
                for now, attributes, trace_id, span_id in batch
            ]
        )
        return request.SerializeToString()

    return encode, [_parts(*one) for one in enumerate(events(BATCH * BATCHES))]


def _parts(number: int, event: Completed) -> tuple[int, dict[str, Any], bytes, bytes]:
    trace_id, span_id = context(number)
    attributes = msgspec.structs.asdict(event)
    return (
        time.time_ns(),
        attributes,
        trace_id.to_bytes(16, "big"),
        span_id.to_bytes(8, "big"),
    )


CONTENDERS: Final[dict[str, Contender]] = {
    "SDK": contender(sdk),
    "official classes": contender(official),
    "eventbus, protobuf": contender(ours("protobuf")),
    "eventbus, JSON": contender(ours("json")),
}


def rows(found: Mapping[str, Measured]) -> list[Row]:
    """Return how many times less ours cost."""
    protobuf, json = found["eventbus, protobuf"], found["eventbus, JSON"]
    sdk, official = found["SDK"], found["official classes"]
    return [
        _less("protobuf", protobuf, "the SDK's encoder", sdk, Bound(">=", 7, 9)),
        _less(
            "protobuf", protobuf, "the official classes", official, Bound(">=", 3, 4)
        ),
        _less("JSON", json, "the SDK's encoder of protobuf", sdk, None),
    ]


def _less(
    form: str, own: Measured, other: str, theirs: Measured, bound: Bound | None
) -> Row:
    return Row(
        what=f"{form} of a log record, times less than {other}",
        ratio=theirs.value.against(own.value),
        unit="times",
        figure=own.value,
        bound=bound,
        better="more",
    )


PART: Final = Part(
    title="OTLP: the bytes of a record of ten attributes",
    module=__name__,
    contenders=tuple(CONTENDERS),
    rows=rows,
)
