"""What a sink counts of the events it sees, and how that goes out."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Final

from msgspec.structs import replace

from eventbus import Naming, Outcome, SinkContext
from eventbus._ledger import WARN_REASONS
from eventbus._log import QuietLog
from eventbus._record import AttributeValue
from eventbus.metrics import Aggregation, Aggregator, Metrics
from eventbus.metrics._gauge_watch import GaugeWatch
from eventbus_otlp._metrics_encode import MetricsEncoder
from eventbus_otlp._metrics_export import MetricsExport, Reader, Send
from eventbus_otlp._signal import Form

_GAUGES_SECONDS: Final = 10.0  # OpenTelemetry's default for one answer


class Meter:
    """Counts what a sink observes, and sends it every so often.

    Args:
        context: Of the sink.
        send: Makes one attempt.
        log: Takes what people should know.
        aggregation: What is counted by, and its bounds.
        reader_of: Returns who collects.
        form: Of what is sent.
        interval_seconds: Between two collections.
        timeout_seconds: Longest wait for one answer; ``None``: no limit. Gauges have as
            long as well, or ten seconds.
        declared: See :class:`eventbus.metrics.Aggregator`.
    """

    def __init__(
        self,
        context: SinkContext,
        send: Send,
        log: QuietLog,
        *,
        aggregation: Aggregation,
        reader_of: Callable[[Aggregator], Reader],
        form: Form,
        interval_seconds: float,
        timeout_seconds: float | None,
        declared: Mapping[str, Metrics] | None = None,
    ) -> None:
        """Count from now on; send nothing yet."""
        self._context: Final = context
        self._send: Final = send
        self._log: Final = log
        self._form: Final[Form] = form
        self._interval_seconds: Final = interval_seconds
        self._timeout_seconds: Final = timeout_seconds
        self._aggregator: Final = Aggregator(
            aggregation,
            catalog=context.catalog,
            resource=context.resource,
            clock=context.clock,
            declared=declared,
        )
        self._reader_of: Final = reader_of
        self._reader = reader_of(self._aggregator)
        self.observe: Final = self._aggregator.observe
        self._export: MetricsExport | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    def start(self, resource: Mapping[str, AttributeValue], names: Naming) -> None:
        """Send from now on, on the running loop, as what *resource* says."""
        loop = asyncio.get_running_loop()
        if self._export is None or self._loop is not loop:
            self._export, self._loop = self._new_export(resource, names), loop
        self._export.start()

    def _new_export(
        self, resource: Mapping[str, AttributeValue], names: Naming
    ) -> MetricsExport:
        return MetricsExport(
            self._reader,
            self._new_watch(),
            MetricsEncoder(self._form, resource=resource, names=names),
            self._send,
            clock=self._context.clock,
            interval_seconds=self._interval_seconds,
            timeout_seconds=self._timeout_seconds,
            log=self._log,
            name=self._context.name,
        )

    def _new_watch(self) -> GaugeWatch:
        return GaugeWatch(
            self._aggregator,
            clock=self._context.clock,
            timeout_seconds=self._timeout_seconds or _GAUGES_SECONDS,
            log=self._log,
            name=self._context.name,
        )

    def start_over(self) -> None:
        """Count from zero, in the child of a fork; the parent tells what it counted."""
        self._aggregator.reset()
        self._reader = self._reader_of(self._aggregator)
        self._export = None

    @property
    def trouble(self) -> str | None:
        """What the far side lacks, and why; ``None``: nothing that is known of."""
        return None if self._export is None else self._export.trouble

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
