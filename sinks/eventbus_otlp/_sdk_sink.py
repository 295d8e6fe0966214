"""When records go to an exporter of OpenTelemetry's SDK, and who waits for it."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, ClassVar, Final, NamedTuple

import anyio.to_thread

from eventbus import (
    Batch,
    Buffer,
    Catalog,
    Outcome,
    PluginError,
    Retry,
    SinkContext,
    Unavailable,
)
from eventbus._clock import SystemClock
from eventbus._log import LOGGER_NAME
from eventbus._record import AnyRecord, Attributes
from eventbus._side_thread import SideThread
from eventbus_otlp._encode import LogsEncoder
from eventbus_otlp._encode_spans import SpansEncoder
from eventbus_otlp._encoded import Encoded
from eventbus_otlp._limits import AttributeLimits
from eventbus_otlp._names import OWN_NAMES, AttributeNames
from eventbus_otlp._record_encoder import RecordEncoder
from eventbus_otlp._resource import resource_of
from eventbus_otlp._senders import NO_SPAN
from eventbus_otlp._uninstrumented import uninstrumented

if TYPE_CHECKING:
    from opentelemetry.sdk._logs.export import LogRecordExporter
    from opentelemetry.sdk.trace.export import SpanExporter

MAX_BUFFER_BYTES: Final = 64 * 1024 * 1024
TIMEOUT_SECONDS: Final = 90.0  # the SDK's exporters try again by themselves for 64 s


class SdkSink:
    """Hands records to an exporter of OpenTelemetry's SDK, as log records or as spans.

    For far sides that have an exporter in that form alone; :class:`OtlpSink` costs a
    tenth. One batch at a time is exported, in a daemon thread. An exporter that says it
    failed does not say why, so its batch is tried again until ``Retry`` gives it up.
    One that raises has a fault: it gets three tries. One that hangs keeps its thread;
    what comes after waits for it, and no other thread begins.

    The sink takes *exporter* over: it is shut down when the sink closes.

    Args:
        exporter: A ``LogRecordExporter``, or a ``SpanExporter``: to that one, records
            whose event type declares no span have no form.
        limits: How many attributes a record has, and how long they are.
        names: What events and attributes are called.

    Raises:
        PluginError: ``opentelemetry-sdk`` is not installed.
        TypeError: *exporter* exports something else.
    """

    network: ClassVar = True
    ordered: ClassVar = True
    sink_api: ClassVar = 1
    buffer: ClassVar = Buffer(max_bytes=MAX_BUFFER_BYTES)
    batch: ClassVar = Batch(max_delay_seconds=1.0)
    retry: ClassVar = Retry(timeout_seconds=TIMEOUT_SECONDS)

    def __init__(
        self,
        exporter: LogRecordExporter | SpanExporter,
        *,
        limits: AttributeLimits | None = None,
        names: AttributeNames = OWN_NAMES,
    ) -> None:
        """Start nothing yet."""
        self._form: Final = _form_of(exporter)
        self._exporter: Final[Any] = exporter  # Any: either takes what is its own
        self._limits: Final = limits
        self._names: Final = names
        self._encoder: RecordEncoder | None = None
        self._is_shut_down = False
        self.configure(SinkContext("sdk", {}, Catalog(), SystemClock()))
        self.after_fork()

    def configure(self, context: SinkContext) -> None:
        """Take the bus's resource."""
        self._context = context

    def after_fork(self) -> None:
        """Begin with a thread of the child's own."""
        self._thread = SideThread(self._export, "eventbus export")
        self._turn = asyncio.Lock()
        self._call: asyncio.Task[Any] | None = None

    async def start(self) -> None:
        """Complete the resource, by the environment too."""
        if self._turn.locked() or self._call is not None:
            self.after_fork()  # they were of a loop that is gone
        resource = await anyio.to_thread.run_sync(_resource, self._context)
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
        async with self._turn:
            if self._call is not None:
                await asyncio.wait([self._call])  # one that was cancelled goes on
            self._call = asyncio.create_task(self._thread.call(batch), name="export")
            encoded: Encoded = await asyncio.shield(self._call)
            self._call = None
        if not (encoded.unencodable or encoded.warned):
            return None
        return Outcome(unencodable=encoded.unencodable, warned=encoded.warned)

    def _export(self, batch: Sequence[AnyRecord]) -> Encoded:
        """Encode and export *batch*, in the thread."""
        assert self._encoder is not None
        encoded = self._encoder.encode(batch)
        if encoded.sent:
            with uninstrumented():
                result = self._exporter.export(self._form.read(encoded.body))
            if result.name != "SUCCESS":
                name = type(self._exporter).__name__
                raise Unavailable(f"{name} says {result.name}, and not why")
        left_out = set(range(len(batch))).difference(encoded.sent)
        reasons = dict.fromkeys(left_out, NO_SPAN) | dict(encoded.unencodable)
        return encoded._replace(unencodable=sorted(reasons.items()))

    async def aclose(self) -> None:
        """Shut the exporter down; a batch that it has in hand is left to it."""
        call, self._call = self._call, None
        if call is not None:
            call.cancel()
            await asyncio.wait([call])
        self._thread.end()
        if not self._is_shut_down:
            self._is_shut_down = True
            ending = SideThread(self._shut_down, "eventbus shutdown")
            await ending.call()
            ending.end()

    def _shut_down(self) -> None:
        with suppress(Exception):  # it is the exporter's, and nothing depends on it
            self._exporter.shutdown()


def _resource(context: SinkContext) -> Attributes:
    warn = logging.getLogger(LOGGER_NAME).warning
    return resource_of(context.resource, detectors=(), environ=os.environ, warn=warn)


class _Form(NamedTuple):
    """How records become what an exporter takes."""

    encoder: Callable[..., RecordEncoder]
    read: Callable[[bytes], Sequence[object]]


def _form_of(exporter: object) -> _Form:
    try:
        from opentelemetry.sdk._logs.export import LogRecordExporter
        from opentelemetry.sdk.trace.export import SpanExporter

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
    raise TypeError(
        "exporter must be a LogRecordExporter or a SpanExporter, "
        f"got {type(exporter).__name__}"
    )
