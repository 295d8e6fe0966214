"""When the OTLP sink opens, sends and closes, and what it keeps between attempts."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, ClassVar, Final

import anyio.to_thread

from eventbus import Batch, Buffer, Catalog, Naming, Outcome, Retry, SinkContext
from eventbus._clock import SystemClock
from eventbus._log import LOGGER_NAME, QuietLog
from eventbus._record import AnyRecord, Attributes, AttributeValue
from eventbus._tracestate import Tracestate
from eventbus_otlp._client import Client
from eventbus_otlp._naming import naming_of
from eventbus_otlp._resolved import completed, resolve
from eventbus_otlp._resource import resource_of
from eventbus_otlp._sender import Encoder, Sender
from eventbus_otlp._senders import Senders
from eventbus_otlp._settings import OtlpSettings
from eventbus_otlp._signal import Signal, form_of

if TYPE_CHECKING:
    from eventbus_otlp._metering import Metering

MAX_BUFFER_BYTES: Final = 64 * 1024 * 1024
MAX_BATCH_BYTES: Final = 2 * 1024 * 1024  # gRPC servers take 4 MiB if nobody says more
MAX_DELAY_SECONDS: Final = 1.0  # OpenTelemetry's scheduled delay for logs
MAX_IN_FLIGHT: Final = 4

_RECORD_SIGNALS: Final[Sequence[Signal]] = ("logs", "traces")


class OtlpSink:
    """Sends records to an OpenTelemetry Collector, or whatever speaks its protocol.

    https://opentelemetry.io/docs/specs/otlp/. A record is delivered when the far side
    has taken it as every signal that it has. Of records that arrived as one signal, and
    as another did not, only the other is tried again.

    Where the far side refuses some records of a request, it says how many and not
    which: the last ones of the request count as rejected. A request that it calls
    invalid is split until the bad record is alone; see
    :class:`eventbus_otlp._bisection.Bisection`.

    What certificates, headers and requests cost in time is spent in worker threads
    where it would hold the event loop.

    Args:
        settings: See :class:`OtlpSettings`; what they leave unset is taken from the
            variables of OpenTelemetry.
        environ: Where those are; without it, ``os.environ``.

    Raises:
        WrongSetting: The environment and the settings do not go together.
        PluginError: A package is not installed that the protocol needs.
    """

    Settings: ClassVar = OtlpSettings
    network: ClassVar = True
    sink_api: ClassVar = 1
    buffer: ClassVar = Buffer(max_bytes=MAX_BUFFER_BYTES)
    batch: ClassVar = Batch(
        max_bytes=MAX_BATCH_BYTES,
        max_delay_seconds=MAX_DELAY_SECONDS,
        max_in_flight=MAX_IN_FLIGHT,
    )
    retry: Retry = Retry()

    def __init__(
        self,
        settings: OtlpSettings | None = None,
        *,
        environ: Mapping[str, str] | None = None,
    ) -> None:
        """Settle the settings; open nothing yet."""
        warn = logging.getLogger(LOGGER_NAME).warning
        given = settings or OtlpSettings()
        self._environ: Final = os.environ if environ is None else environ
        self._settings: Final = completed(given, self._environ, warn)
        self._targets: Final = resolve(self._settings, {}, warn)
        self.retry = _retry([t.timeout_seconds for t in self._targets.values()])
        self._senders: Senders | None = None
        self._metering: Metering | None = None
        self._names: Naming | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._take(SinkContext("otlp", {}, Catalog(), SystemClock()))

    @classmethod
    def from_config(cls, settings: OtlpSettings) -> OtlpSink:
        """Return the sink of a configuration, which has looked at the environment."""
        return cls(settings, environ={})

    def configure(self, context: SinkContext) -> None:
        """Take the bus's resource, catalog and clock.

        Raises:
            PluginError: No catalog offers the naming that is chosen.
        """
        self._take(context)
        self._names = self._naming()

    def _take(self, context: SinkContext) -> None:
        self._context = context
        self._client = Client(self._targets, self._settings, context.clock)
        self._log = QuietLog(context.clock)
        if "metrics" in self._targets:
            self._metering = self._new_metering()
            self.observe = self._metering.observe

    def after_fork(self) -> None:
        """Let go of the parent's connections; what it was sending is its own."""
        self._client.abandon()
        self._log.start_over()
        self._senders = None
        if self._metering is not None:
            self._metering.start_over()

    async def start(self) -> None:
        """Read certificates, ask for headers and complete the resource.

        Whether the far side is there is found out by the first request.

        Raises:
            Unavailable: A certificate or the headers cannot be had now.
        """
        loop = asyncio.get_running_loop()
        if self._loop not in (None, loop):
            self._client.abandon()  # its connections were of a loop that is gone
        self._loop = loop
        if self._names is None:
            self._names = self._naming()
        resource = await anyio.to_thread.run_sync(self._whole_resource)
        if self._senders is None:
            self._senders = self._new_senders(resource, self._names)
        await self._client.start()
        if self._metering is not None:
            self._metering.start(resource, self._names)

    async def write(self, batch: Sequence[AnyRecord]) -> Outcome | None:
        """See :class:`eventbus.Sink`.

        Raises:
            Unavailable: Not now: 429, 502, 503, 504, or no answer.
            Refused: Never; permanently so where credentials are wrong.
            TooLarge: Only in parts.
        """
        assert self._senders is not None
        outcome = await self._senders.send(batch)
        return outcome if self._metering is None else self._metering.told(outcome)

    async def check(self) -> None:
        """Send an empty request for each signal.

        Raises:
            Unavailable: There is no answer, or not now.
            Refused: Nothing would be taken there.
        """
        await self._client.check()

    async def aclose(self) -> None:
        """Send the metrics that are left, and close all connections."""
        try:
            if self._metering is not None:
                await self._metering.aclose()
        finally:
            await self._client.aclose()

    def _new_metering(self) -> Metering:
        from eventbus_otlp._metering import Metering  # costs who has metrics

        return Metering(
            self._settings,
            self._targets["metrics"],
            self._context,
            partial(self._client.send, "metrics"),
            self._log,
        )

    def _naming(self) -> Naming:
        return naming_of(self._settings.naming, self._environ, self._context.catalog)

    def _new_senders(self, resource: Attributes, names: Naming) -> Senders:
        settings, context = self._settings, self._context
        makers: dict[Signal, Callable[[], Encoder]] = {}
        for signal in _RECORD_SIGNALS:
            target = self._targets.get(signal)
            if target is None:
                continue
            makers[signal] = partial(
                _encoder_of(signal, context.tracestate, settings.span_attributes),
                form_of(target.protocol),
                resource=resource,
                bus_resource=context.resource,
                limits=target.limits,
                names=names,
            )
        senders = [
            Sender(signal, make, self._client, name=context.name, log=self._log)
            for signal, make in makers.items()
        ]
        return Senders(senders, sends_all=set(settings.signals) != {"traces"})

    def _whole_resource(self) -> Attributes:
        return resource_of(
            self._context.resource,
            detectors=self._settings.resource_detectors or (),
            environ=self._environ,
            warn=logging.getLogger(LOGGER_NAME).warning,
        )


def _encoder_of(
    signal: Signal,
    tracestate: Tracestate,
    span_attributes: Mapping[str, AttributeValue],
) -> Callable[..., Encoder]:
    """Return what makes requests of *signal*; loaded when it is used."""
    if signal == "logs":
        from eventbus_otlp._encode import LogsEncoder

        return LogsEncoder
    from eventbus_otlp._encode_spans import SpansEncoder

    return partial(SpansEncoder, tracestate=tracestate, span_attributes=span_attributes)


def _retry(timeouts_seconds: Sequence[float | None]) -> Retry:
    """Return what the bus gives an attempt: as much as the slowest signal may take."""
    limits = [seconds for seconds in timeouts_seconds if seconds]  # 0 is no limit
    is_limited = len(limits) == len(timeouts_seconds)
    return Retry(timeout_seconds=max(limits) if is_limited else None)
