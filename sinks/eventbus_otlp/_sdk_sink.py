"""When records go to an exporter of OpenTelemetry's SDK, and who waits for it."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Generator, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, ClassVar, Final

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
from eventbus_otlp._encoded import Encoded
from eventbus_otlp._limits import AttributeLimits
from eventbus_otlp._names import OWN_NAMES, AttributeNames
from eventbus_otlp._resource import resource_of

if TYPE_CHECKING:
    from opentelemetry.sdk._logs.export import LogRecordExporter

MAX_BUFFER_BYTES: Final = 64 * 1024 * 1024
TIMEOUT_SECONDS: Final = 90.0  # the SDK's exporters try again by themselves for 64 s


class SdkSink:
    """Hands records to a log record exporter of OpenTelemetry's SDK.

    For far sides that have an exporter in that form alone; :class:`OtlpSink` costs a
    tenth. One batch at a time is exported, in a daemon thread. An exporter that says it
    failed does not say why, so its batch is tried again until ``Retry`` gives it up.
    One that raises has a fault: it gets three tries. One that hangs keeps its thread;
    what comes after waits for it, and no other thread begins.

    The sink takes *exporter* over: it is shut down when the sink closes.

    Args:
        exporter: A ``LogRecordExporter``.
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
        exporter: LogRecordExporter,
        *,
        limits: AttributeLimits | None = None,
        names: AttributeNames = OWN_NAMES,
    ) -> None:
        """Start nothing yet."""
        _check_kind(exporter)
        self._exporter: Final = exporter
        self._limits: Final = limits
        self._names: Final = names
        self._encoder: LogsEncoder | None = None
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
        self._encoder = LogsEncoder(
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
        from eventbus_otlp._sdk_records import log_records

        assert self._encoder is not None
        encoded = self._encoder.encode(batch)
        if encoded.sent:
            with _uninstrumented():
                result = self._exporter.export(log_records(encoded.body))
            if result.name != "SUCCESS":
                name = type(self._exporter).__name__
                raise Unavailable(f"{name} says {result.name}, and not why")
        return encoded

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
        shut_down: Any = self._exporter.shutdown  # Any: the SDK gives it no type
        with suppress(Exception):  # it is the exporter's, and nothing depends on it
            shut_down()


def _resource(context: SinkContext) -> Attributes:
    warn = logging.getLogger(LOGGER_NAME).warning
    return resource_of(context.resource, detectors=(), environ=os.environ, warn=warn)


def _check_kind(exporter: object) -> None:
    try:
        from opentelemetry.sdk._logs.export import LogRecordExporter
    except ModuleNotFoundError as error:
        raise PluginError(
            "SdkSink needs opentelemetry-sdk, which is not installed. "
            "Try: pip install 'eventbus[otlp]'"
        ) from error
    if not isinstance(exporter, LogRecordExporter):
        raise TypeError(
            f"exporter must be a LogRecordExporter, got {type(exporter).__name__}"
        )


@contextmanager
def _uninstrumented() -> Generator[None]:
    """Let instrumented libraries leave what the exporter sends alone."""
    from opentelemetry import context

    key = context._SUPPRESS_INSTRUMENTATION_KEY
    token = context.attach(context.set_value(key, True))
    try:
        yield
    finally:
        context.detach(token)
