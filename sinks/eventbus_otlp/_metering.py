"""What an OTLP sink counts of the events it sees, as its settings have it."""

from __future__ import annotations

from msgspec.structs import replace

from eventbus import Naming, SinkContext
from eventbus._log import QuietLog
from eventbus.metrics import Aggregator, MetricReader
from eventbus_otlp._meter import Meter
from eventbus_otlp._metrics_export import Send
from eventbus_otlp._names import OWN_NAMES
from eventbus_otlp._resolved import SignalTarget
from eventbus_otlp._settings import (
    DEFAULT_METRIC_INTERVAL_SECONDS,
    DEFAULT_TEMPORALITY,
    OtlpSettings,
)
from eventbus_otlp._signal import form_of


class Metering(Meter):
    """Counts what a sink observes, and sends it every so often.

    Args:
        settings: How often, from when on, and what is counted.
        target: Where metrics go.
        context: Of the sink.
        send: Makes one attempt.
        log: Takes what people should know.
        names: Whose metrics are counted in place of those of the event types.
    """

    def __init__(
        self,
        settings: OtlpSettings,
        target: SignalTarget,
        context: SinkContext,
        send: Send,
        log: QuietLog,
        names: Naming = OWN_NAMES,
    ) -> None:
        """Count from now on; send nothing yet."""
        aggregation = settings.aggregation
        if settings.exemplar_filter is not None:
            aggregation = replace(aggregation, exemplars=settings.exemplar_filter)
        temporality = settings.temporality or DEFAULT_TEMPORALITY

        def reader_of(aggregator: Aggregator) -> MetricReader:
            return aggregator.reader(temporality)

        super().__init__(
            context,
            send,
            log,
            aggregation=aggregation,
            reader_of=reader_of,
            form=form_of(target.protocol),
            interval_seconds=settings.metric_interval_seconds
            or DEFAULT_METRIC_INTERVAL_SECONDS,
            timeout_seconds=target.timeout_seconds or None,
            declared=names.metrics,
        )
