"""Which metrics the bus has about itself, by which names; sinks send just these.

OpenTelemetry's names, where its semantic conventions for SDK metrics have one: then
unit, description and meaning are theirs. An attachment is both the processor, whose
queue is what it holds back, and the exporter, which has what its sink was given.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final, Literal, cast

import msgspec

from eventbus._durations import Durations
from eventbus._stats import AttachmentStats, BusStats

Kind = Literal["counter", "updowncounter", "gauge", "histogram"]

COMPONENT_NAME: Final = "otel.component.name"
COMPONENT_TYPE: Final = "otel.component.type"
ERROR_TYPE: Final = "error.type"
REASON: Final = "eventbus.reason"
STATE: Final = "eventbus.state"

PROCESSOR_TYPE: Final = "eventbus.Attachment"


class Instrument(msgspec.Struct, frozen=True):
    """A metric, and where its value stands in the stats.

    Args:
        name: As OpenTelemetry writes names.
        kind: OpenTelemetry's kind of instrument, in lower case.
        unit: In UCUM.
        description: For people.
        field: Which field or property of the stats it is.
        key: For a field with a value per key, the attribute that tells the key; the
            key ``""`` is told by no attribute.
        of_processor: Whether the component is the attachment, and not its sink.
    """

    name: str
    kind: Kind
    unit: str
    description: str
    field: str
    key: str = ""
    of_processor: bool = False


class Measurement(msgspec.Struct, frozen=True):
    """One value of one metric, at the moment of the stats.

    Args:
        name: The metric's name.
        kind: ``"counter"``, ``"updowncounter"``, ``"gauge"`` or ``"histogram"``.
        unit: In UCUM: ``"s"``, ``"By"``, ``"{log_record}"``.
        description: The metric's, for people.
        attributes: What tells it from the others of that name; their values come from
            small sets: attachments, classes of sinks, reasons.
        value: Since the start for a counter, else of now; for a histogram the
            durations.
    """

    name: str
    kind: Kind
    unit: str
    description: str
    attributes: Mapping[str, str]
    value: float | Durations


_RECORDS: Final = "{log_record}"
_EVENTS: Final = "{event}"

OF_BUS: Final = (
    Instrument(
        "otel.sdk.log.created",
        "counter",
        _RECORDS,
        "The number of log records submitted to an enabled `Logger`.",
        "emitted",
    ),
    Instrument(
        "eventbus.refused",
        "counter",
        _EVENTS,
        "The number of events that were never offered to any attachment.",
        "refused",
        ERROR_TYPE,
    ),
    Instrument(
        "eventbus.warned",
        "counter",
        _EVENTS,
        "The number of times an event went on though something was wrong.",
        "warned",
        REASON,
    ),
)

OF_ATTACHMENT: Final = (
    Instrument(
        "otel.sdk.processor.log.queue.size",
        "updowncounter",
        _RECORDS,
        "The number of log records in the queue of a given instance of an SDK log "
        "processor.",
        "queued",
        of_processor=True,
    ),
    Instrument(
        "otel.sdk.processor.log.queue.capacity",
        "updowncounter",
        _RECORDS,
        "The maximum number of log records the queue of a given instance of an SDK "
        "Log Record processor can hold.",
        "max_events",
        of_processor=True,
    ),
    Instrument(
        "otel.sdk.processor.log.processed",
        "counter",
        _RECORDS,
        "The number of log records for which the processing has finished, either "
        "successful or failed.",
        "processed",
        ERROR_TYPE,
        of_processor=True,
    ),
    Instrument(
        "otel.sdk.exporter.log.inflight",
        "updowncounter",
        _RECORDS,
        "The number of log records which were passed to the exporter, but that have "
        "not been exported yet (neither successful, nor failed).",
        "in_flight",
    ),
    Instrument(
        "otel.sdk.exporter.log.exported",
        "counter",
        _RECORDS,
        "The number of log records for which the export has finished, either "
        "successful or failed.",
        "exported",
        ERROR_TYPE,
    ),
    Instrument(
        "otel.sdk.exporter.operation.duration",
        "histogram",
        "s",
        "The duration of exporting a batch of telemetry records.",
        "operations",
        ERROR_TYPE,
    ),
    Instrument(
        "eventbus.offered",
        "counter",
        _EVENTS,
        "The number of events an attachment selected, whatever came of them.",
        "offered",
    ),
    Instrument(
        "eventbus.sampled_out",
        "counter",
        _EVENTS,
        "The number of events an attachment did not take, by choice.",
        "sampled_out",
    ),
    Instrument(
        "eventbus.dead_lettered",
        "counter",
        _EVENTS,
        "The number of failed events that were set aside for a person.",
        "set_aside",
        ERROR_TYPE,
    ),
    Instrument(
        "eventbus.spooled",
        "counter",
        _EVENTS,
        "The number of events kept on disk.",
        "spooled",
    ),
    Instrument(
        "eventbus.possible_duplicates",
        "counter",
        _EVENTS,
        "The number of events sent again after an attempt of unknown outcome.",
        "possible_duplicates",
    ),
    Instrument(
        "eventbus.pending.peak",
        "gauge",
        _EVENTS,
        "The most events that ever were pending at once.",
        "pending_peak",
    ),
    Instrument(
        "eventbus.pending.size",
        "updowncounter",
        "By",
        "The size of what is pending, where a bound in bytes asks for it.",
        "pending_bytes",
    ),
    Instrument(
        "eventbus.pending.age",
        "gauge",
        "s",
        "How long the oldest pending event has waited.",
        "oldest_pending_seconds",
    ),
    Instrument(
        "eventbus.state",
        "updowncounter",
        "1",
        "1 for the state an attachment is in, 0 for the others.",
        "states",
        STATE,
    ),
    Instrument(
        "eventbus.attempts.failed",
        "counter",
        "{attempt}",
        "The number of attempts to deliver a batch that failed.",
        "errors",
        ERROR_TYPE,
    ),
    Instrument(
        "eventbus.call.duration",
        "histogram",
        "s",
        "The duration of each call of a sink's write.",
        "calls",
    ),
)


def own_metrics(stats: BusStats) -> tuple[Measurement, ...]:
    """Return what the bus counts of itself as measurements, ready to be sent.

    A pure function of :meth:`eventbus.Bus.stats`: it reads no clock and no sink, and
    works when all of them are down. For each attachment the law of accounting can be
    read from the measurements, summed over ``error.type``:
    ``eventbus.offered`` is ``otel.sdk.processor.log.processed`` and
    ``otel.sdk.processor.log.queue.size``; of what was processed without an error,
    ``otel.sdk.exporter.log.exported`` has its end, ``otel.sdk.exporter.log.inflight``
    has not, and the rest is ``eventbus.sampled_out`` and ``eventbus.spooled``.
    """
    measured = [m for one in OF_BUS for m in _measure(one, stats, {})]
    for name, attachment in stats.attachments.items():
        for one in OF_ATTACHMENT:
            kind = PROCESSOR_TYPE if one.of_processor else attachment.sink_type
            component = {COMPONENT_NAME: name, COMPONENT_TYPE: kind}
            measured += _measure(one, attachment, component)
    return tuple(measured)


def _measure(
    instrument: Instrument,
    stats: BusStats | AttachmentStats,
    component: Mapping[str, str],
) -> Iterator[Measurement]:
    value: Any = getattr(stats, instrument.field)  # Any: of the kind it has
    points: Mapping[str, Any] = {"": value}
    if isinstance(value, Mapping):
        points = cast("Mapping[str, Any]", value)
    for key, point in points.items():
        yield Measurement(
            instrument.name,
            instrument.kind,
            instrument.unit,
            instrument.description,
            {**component, instrument.key: key} if key else component,
            point,
        )
