"""When records go to an exporter of OpenTelemetry's SDK, and who waits for it."""

from __future__ import annotations

import asyncio
import logging
import os
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, Final, NamedTuple

from eventbus import (
    Batch,
    Buffer,
    Catalog,
    Naming,
    Outcome,
    PluginError,
    Retry,
    SinkContext,
    Unavailable,
)
from eventbus._bounds import above
from eventbus._clock import SystemClock
from eventbus._log import LOGGER_NAME, QuietLog
from eventbus._record import AnyRecord, Attributes
from eventbus._side_thread import SideThread
from eventbus_otlp._encode import LogsEncoder
from eventbus_otlp._encode_spans import SpansEncoder
from eventbus_otlp._encoded import Encoded
from eventbus_otlp._exporter_thread import ExporterThread
from eventbus_otlp._limits import AttributeLimits
from eventbus_otlp._names import OWN_NAMES
from eventbus_otlp._record_encoder import RecordEncoder
from eventbus_otlp._resource import resource_of
from eventbus_otlp._senders import NO_SPAN
from eventbus_otlp._settings import DEFAULT_METRIC_INTERVAL_SECONDS
from eventbus_otlp._transport import Reply
from eventbus_otlp._uninstrumented import uninstrumented

if TYPE_CHECKING:
    from opentelemetry.sdk._logs.export import LogRecordExporter
    from opentelemetry.sdk.metrics.export import MetricExporter
    from opentelemetry.sdk.trace.export import SpanExporter

    from eventbus.metrics import Aggregation
    from eventbus_otlp._meter import Meter

MAX_BUFFER_BYTES: Final = 64 * 1024 * 1024
TIMEOUT_SECONDS: Final = 90.0  # the SDK's exporters try again by themselves for 64 s


class SdkSink:
    """Hands records to an exporter of OpenTelemetry's SDK: logs, spans or metrics.

    For far sides that have an exporter in that form alone; :class:`OtlpSink` costs a
    tenth. One call at a time is made, in a daemon thread. An exporter that hangs keeps
    its thread; what comes after waits for it, and no other thread begins.

    An exporter of logs or spans that says it failed does not say why, so its batch is
    tried again until ``Retry`` gives it up. One that raises has a fault: it gets three
    tries.

    An exporter of metrics gets what was counted every so often and once at the close,
    cumulative or as deltas, whichever it prefers for counters and for histograms. What
    it prefers to drop it does not get; what else it prefers of aggregation and does
    not get is in the log: metrics are counted as they are declared. A record is
    delivered when it is counted. What the exporter did not take goes with the next:
    after 1, 2, 4 seconds and so on where it says that it failed, at its time where it
    raises. It is never given up in the middle of a call, so that no delta is told
    twice; one that takes longer than ``TIMEOUT_SECONDS`` is in the log.

    The sink takes *exporter* over: it is shut down when the sink closes.

    Args:
        exporter: A ``LogRecordExporter``; a ``SpanExporter``: to that one, records
            whose event type declares no span have no form; or a ``MetricExporter``.
        limits: How many attributes a log record or a span has, and how long they are.
        names: What events and attributes are called.
        metric_interval_seconds: How often metrics are exported.
        aggregation: What metrics are counted by, and their bounds.

    Raises:
        PluginError: ``opentelemetry-sdk`` is not installed.
        TypeError: *exporter* exports something else.
        WrongSetting: *metric_interval_seconds* is not above 0; or *exporter* prefers a
            temporality that is none.
    """

    network: ClassVar = True
    ordered: ClassVar = True
    sink_api: ClassVar = 1
    buffer: ClassVar = Buffer(max_bytes=MAX_BUFFER_BYTES)
    batch: ClassVar = Batch(max_delay_seconds=1.0)
    retry: ClassVar = Retry(timeout_seconds=TIMEOUT_SECONDS)

    def __init__(
        self,
        exporter: LogRecordExporter | SpanExporter | MetricExporter,
        *,
        limits: AttributeLimits | None = None,
        names: Naming = OWN_NAMES,
        metric_interval_seconds: float = DEFAULT_METRIC_INTERVAL_SECONDS,
        aggregation: Aggregation | None = None,
    ) -> None:
        """Start nothing yet."""
        above("metric_interval_seconds", metric_interval_seconds, 0)
        self._form: Final = _form_of(exporter)
        self._exporter: Final[Any] = exporter  # Any: each takes what is its own
        self._limits: Final = limits
        self._names: Final = names
        self._interval_seconds: Final = metric_interval_seconds
        self._aggregation: Final = aggregation
        self._encoder: RecordEncoder | None = None
        self._meter: Meter | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._is_shut_down = False
        export = self._export if self._form.encoder else self._export_metrics
        self._thread: Final = ExporterThread(export)
        self.configure(SinkContext("sdk", {}, Catalog(), SystemClock()))

    def configure(self, context: SinkContext) -> None:
        """Take the bus's resource, and its catalog and clock for metrics."""
        self._context = context
        self._log = QuietLog(context.clock)
        if self._form.encoder is None:
            self._meter = self._new_meter()
            self.observe = self._meter.observe

    def after_fork(self) -> None:
        """Begin with a thread of the child's own, and with nothing counted."""
        self._thread.start_over()
        self._log.start_over()
        if self._meter is not None:
            self._meter.start_over()

    async def start(self) -> None:
        """Complete the resource, by the environment too."""
        loop = asyncio.get_running_loop()
        if self._loop not in (None, loop):
            self._thread.start_over()  # its calls were of a loop that is gone
        self._loop = loop
        resource = _resource(self._context)
        if self._meter is not None:
            self._say_what_is_not_obeyed()
            self._meter.start(resource, self._names)
        if self._form.encoder is not None:
            self._encoder = self._form.encoder(
                "json",
                resource=resource,
                bus_resource=self._context.resource,
                limits=self._limits,
                names=self._names,
            )

    async def write(self, batch: Sequence[AnyRecord]) -> Outcome | None:
        """See :class:`eventbus.Sink`.

        Raises:
            Unavailable: The exporter says that it failed.
        """
        if self._meter is not None:
            return self._meter.told(None)
        encoded: Encoded = await self._thread.call(batch)
        if not (encoded.unencodable or encoded.warned):
            return None
        return Outcome(unencodable=encoded.unencodable, warned=encoded.warned)

    def _export(self, batch: Sequence[AnyRecord]) -> Encoded:
        """Encode and export *batch*, in the thread."""
        assert self._encoder is not None
        encoded = self._encoder.encode(batch)
        if encoded.sent:
            self._hand_over(self._form.read(encoded.body))
        left_out = set(range(len(batch))).difference(encoded.sent)
        reasons = dict.fromkeys(left_out, NO_SPAN) | dict(encoded.unencodable)
        return encoded._replace(unencodable=sorted(reasons.items()))

    def _export_metrics(self, body: bytes) -> None:
        """Export what is wanted of *body*, a request in JSON, in the thread."""
        asked = {gauge.name for gauge in self._context.catalog.gauges}
        found = self._form.read(body, asked=asked)
        if found.resource_metrics:
            self._hand_over(found)

    def _hand_over(self, content: object) -> None:
        with uninstrumented():
            result = self._exporter.export(content)
        if result.name != "SUCCESS":
            raise Unavailable(f"{self._exporter_name} says {result.name}, and not why")

    @property
    def trouble(self) -> str | None:
        """What of the metrics did not arrive, and why; see :class:`eventbus.Sink`."""
        return None if self._meter is None else self._meter.trouble

    def _new_meter(self) -> Meter:
        from eventbus.metrics import Aggregation  # costs who has metrics
        from eventbus_otlp._meter import Meter
        from eventbus_otlp._sdk_temporality import preferred_reader

        return Meter(
            self._context,
            self._send,
            self._log,
            aggregation=self._aggregation or Aggregation(),
            reader_of=partial(preferred_reader, self._exporter),
            form="json",
            interval_seconds=self._interval_seconds,
            timeout_seconds=None,
        )

    async def _send(self, body: bytes) -> Reply:
        clock = self._context.clock
        timer = clock.call_later(TIMEOUT_SECONDS, self._say_that_it_hangs)
        try:
            await self._thread.call(body)
        finally:
            timer.cancel()
        return Reply()

    def _say_what_is_not_obeyed(self) -> None:
        name = self._context.name
        for sentence in self._form.not_obeyed:
            self._log.warning(f"{name}: {sentence}", "sink %r: %s", name, sentence)

    def _say_that_it_hangs(self) -> None:
        name = self._context.name
        self._log.warning(
            f"{name}: metrics wait",
            "sink %r: metrics wait: %s has not answered for %g s",
            name,
            self._exporter_name,
            TIMEOUT_SECONDS,
        )

    @property
    def _exporter_name(self) -> str:
        return type(self._exporter).__name__

    async def aclose(self) -> None:
        """Export the metrics that are left, and shut the exporter down.

        A batch that it has in hand is left to it. The last metrics wait for those that
        it has in hand; if cancelled, they are lost, and nobody waits for its shutdown.
        """
        try:
            if self._meter is not None:
                await self._meter.aclose()
        except asyncio.CancelledError:
            await self._thread.end()
            threading.Thread(
                target=self._shut_down, name="eventbus shutdown", daemon=True
            ).start()
            raise
        await self._thread.end()
        ending = SideThread(self._shut_down, "eventbus shutdown")
        await ending.call()
        ending.end()

    def _shut_down(self) -> None:
        """Shut the exporter down, once, in a thread."""
        if self._is_shut_down:
            return
        self._is_shut_down = True
        with suppress(Exception):  # it is the exporter's, and nothing depends on it
            self._exporter.shutdown()


def _resource(context: SinkContext) -> Attributes:
    warn = logging.getLogger(LOGGER_NAME).warning
    return resource_of(context.resource, detectors=(), environ=os.environ, warn=warn)


class _Form(NamedTuple):
    """How records become what an exporter takes; without an encoder, as metrics.

    Args:
        encoder: Makes requests in JSON of them.
        read: Returns what is in such a request.
        not_obeyed: What the exporter prefers and does not get.
    """

    encoder: Callable[..., RecordEncoder] | None
    read: Callable[..., Any]  # Any: each exporter takes what is its own
    not_obeyed: Sequence[str] = ()


def _form_of(exporter: object) -> _Form:
    try:
        from opentelemetry.sdk._logs.export import LogRecordExporter
        from opentelemetry.sdk.metrics.export import MetricExporter
        from opentelemetry.sdk.trace.export import SpanExporter

        from eventbus_otlp._sdk_aggregation import not_obeyed, preferences_of
        from eventbus_otlp._sdk_metrics import metrics_data
        from eventbus_otlp._sdk_records import log_records
        from eventbus_otlp._sdk_spans import spans
    except ModuleNotFoundError as error:
        raise PluginError(
            "SdkSink needs opentelemetry-sdk, which is not installed. "
            "Try: pip install 'eventbus[otlp]'"
        ) from error
    if isinstance(exporter, LogRecordExporter):
        return _Form(LogsEncoder, log_records)
    if isinstance(exporter, SpanExporter):
        return _Form(SpansEncoder, spans)
    if isinstance(exporter, MetricExporter):
        read = partial(metrics_data, preferences=preferences_of(exporter))
        return _Form(None, read, tuple(not_obeyed(exporter)))
    raise TypeError(
        "exporter must be a LogRecordExporter, a SpanExporter or a MetricExporter, "
        f"got {type(exporter).__name__}"
    )
