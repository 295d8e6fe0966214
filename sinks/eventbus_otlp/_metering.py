"""What an OTLP sink counts of the events it sees, and how that goes out."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Final

from msgspec.structs import replace

from eventbus import Naming, Outcome, SinkContext
from eventbus._ledger import WARN_REASONS
from eventbus._log import QuietLog
from eventbus._record import AnyRecord, AttributeValue
from eventbus.metrics import Aggregator
from eventbus_otlp._metrics_encode import MetricsEncoder
from eventbus_otlp._metrics_export import MetricsExport, Send
from eventbus_otlp._resolved import SignalTarget
from eventbus_otlp._settings import (
    DEFAULT_METRIC_INTERVAL_SECONDS,
    DEFAULT_TEMPORALITY,
    OtlpSettings,
)
from eventbus_otlp._signal import form_of


class Metering:
    """Counts what a sink observes, and sends it every so often.

    Args:
        settings: How often, from when on, and what is counted.
        target: Where metrics go.
        context: Of the sink.
        send: Makes one attempt.
        log: Takes what people should know.
    """

    def __init__(
        self,
        settings: OtlpSettings,
        target: SignalTarget,
        context: SinkContext,
        send: Send,
        log: QuietLog,
    ) -> None:
        """Count from now on; send nothing yet."""
        aggregation = settings.aggregation
        if settings.exemplar_filter is not None:
            aggregation = replace(aggregation, exemplars=settings.exemplar_filter)
        self._settings: Final = settings
        self._target: Final = target
        self._context: Final = context
        self._send: Final = send
        self._log: Final = log
        self._aggregator: Final = Aggregator(
            aggregation,
            catalog=context.catalog,
            resource=context.resource,
            clock=context.clock,
        )
        self._reader: Final = self._aggregator.reader(
            settings.temporality or DEFAULT_TEMPORALITY
        )
        self._export: MetricsExport | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    def observe(self, batch: Sequence[AnyRecord]) -> None:
        """Count the events of *batch*, before sampling; raises nothing."""
        self._aggregator.observe(batch)

    def start(self, resource: Mapping[str, AttributeValue], names: Naming) -> None:
        """Send from now on, on the running loop, as what *resource* says."""
        loop = asyncio.get_running_loop()
        if self._export is None or self._loop is not loop:
            self._export, self._loop = self._new_export(resource, names), loop
        self._export.start()

    def _new_export(
        self, resource: Mapping[str, AttributeValue], names: Naming
    ) -> MetricsExport:
        settings, target = self._settings, self._target
        encoder = MetricsEncoder(
            form_of(target.protocol), resource=resource, names=names
        )
        return MetricsExport(
            self._reader,
            encoder,
            self._send,
            clock=self._context.clock,
            interval_seconds=settings.metric_interval_seconds
            or DEFAULT_METRIC_INTERVAL_SECONDS,
            timeout_seconds=target.timeout_seconds or None,
            log=self._log,
            name=self._context.name,
        )

    def start_over(self) -> None:
        """Count from zero, in the child of a fork; the parent's task is its own."""
        self._aggregator.reset()
        self._export = None

    def told(self, outcome: Outcome | None) -> Outcome | None:
        """Return *outcome* with what was wrong since the last one as well."""
        found = self._aggregator.take_warned()
        for reason in found.keys() - WARN_REASONS:
            self._log.warning(
                f"{self._context.name}: {reason}",
                "sink %r: metrics: %s (%d)",
                self._context.name,
                reason,
                found[reason],
            )
        warned = {r: count for r, count in found.items() if r in WARN_REASONS}
        if not warned:
            return outcome
        outcome = outcome or Outcome()
        for reason, count in outcome.warned.items():
            warned[reason] = warned.get(reason, 0) + count
        return replace(outcome, warned=warned)

    async def aclose(self) -> None:
        """Send what there is, once, and end."""
        if self._export is not None:
            await self._export.aclose()
