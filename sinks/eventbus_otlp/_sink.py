"""When the OTLP sink opens, sends and closes, and what it keeps between attempts."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, ClassVar, Final

from eventbus import Batch, Buffer, Catalog, Naming, Outcome, Retry, SinkContext
from eventbus._clock import SystemClock
from eventbus._log import LOGGER_NAME, QuietLog
from eventbus._record import AnyRecord, Attributes
from eventbus._side_thread import SideThread
from eventbus_otlp._client import Client
from eventbus_otlp._due_collection import let_due_collection_happen
from eventbus_otlp._names import OWN_NAMES
from eventbus_otlp._naming import naming_of
from eventbus_otlp._resolved import completed, resolve
from eventbus_otlp._resource import resource_of
from eventbus_otlp._running import Running
from eventbus_otlp._settings import OtlpSettings
from eventbus_otlp._transport import Reply

if TYPE_CHECKING:
    from eventbus_otlp._metering import Metering

MAX_BUFFER_BYTES: Final = 64 * 1024 * 1024
MAX_BATCH_BYTES: Final = 2 * 1024 * 1024  # gRPC servers take 4 MiB if nobody says more
MAX_DELAY_SECONDS: Final = 1.0  # OpenTelemetry's scheduled delay for logs
MAX_IN_FLIGHT: Final = 4


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
        self._metering: Metering | None = None
        self._running: Running | None = None
        self._parents: Final[list[Running]] = []
        self._keep(SinkContext("otlp", {}, Catalog(), SystemClock()), OWN_NAMES)
        Client(self._targets, self._settings, self._context.clock)  # refuses early

    @classmethod
    def from_config(cls, settings: OtlpSettings) -> OtlpSink:
        """Return the sink of a configuration, which has looked at the environment."""
        return cls(settings, environ={})

    def configure(self, context: SinkContext) -> None:
        """Take the bus's resource, catalog and clock.

        Raises:
            PluginError: No catalog offers the naming that is chosen.
        """
        self._keep(context, self._naming(context.catalog))

    def _keep(self, context: SinkContext, names: Naming) -> None:
        self._context = context
        self._log = QuietLog(context.clock)
        if "metrics" in self._targets:
            self._metering = self._new_metering(names)
            self.observe = self._metering.observe

    def after_fork(self) -> None:
        """Let go of the parent's connections; what it was sending is its own.

        What holds them is kept, so that nobody closes them again.
        """
        if self._running is not None:
            self._running.client.abandon()
            self._parents.append(self._running)
            self._running = None
        self._log.start_over()
        if self._metering is not None:
            self._metering.start_over()

    async def start(self) -> None:
        """Read certificates, ask for headers and complete the resource.

        Whether the far side is there is found out by the first request.

        Raises:
            Unavailable: A certificate or the headers cannot be had now.
            Refused: The function for headers wanted the program to end: permanently.
        """
        running = self._running
        if running is not None and not running.serves(self._context):
            self._running = None
            await running.leave()
        if self._running is None:
            self._running = self._new_running(await self._whole_resource())
        running = self._running
        await running.client.start()
        if self._metering is not None:
            self._metering.start(running.resource, running.names)
        await asyncio.sleep(0)  # the imports held the loop long enough
        let_due_collection_happen()

    async def write(self, batch: Sequence[AnyRecord]) -> Outcome | None:
        """See :class:`eventbus.Sink`.

        Raises:
            Unavailable: Not now: 429, 502, 503, 504, or no answer.
            Refused: Never; permanently so where credentials are wrong.
            TooLarge: Only in parts.
        """
        assert self._running is not None
        outcome = await self._running.send(batch)
        return outcome if self._metering is None else self._metering.told(outcome)

    async def check(self) -> None:
        """Send an empty request for each signal.

        Raises:
            Unavailable: There is no answer, or not now.
            Refused: Nothing would be taken there.
        """
        assert self._running is not None
        await self._running.client.check()

    async def aclose(self) -> None:
        """Send the metrics that are left, and close all connections."""
        try:
            if self._metering is not None:
                await self._metering.aclose()
        finally:
            if self._running is not None:
                await self._running.leave()
                self._running = None

    @property
    def trouble(self) -> str | None:
        """What of the metrics did not arrive, and why; see :class:`eventbus.Sink`."""
        return None if self._metering is None else self._metering.trouble

    def _new_metering(self, names: Naming) -> Metering:
        from eventbus_otlp._metering import Metering  # costs who has metrics

        target = self._targets["metrics"]
        return Metering(
            self._settings, target, self._context, self._send_metrics, self._log, names
        )

    async def _send_metrics(self, body: bytes) -> Reply:
        assert self._running is not None
        return await self._running.client.send("metrics", body)

    def _new_running(self, resource: Attributes) -> Running:
        return Running(
            self._settings,
            self._targets,
            self._context,
            resource=resource,
            names=self._naming(self._context.catalog),
            log=self._log,
        )

    def _naming(self, catalog: Catalog) -> Naming:
        return naming_of(self._settings.naming, self._environ, catalog)

    async def _whole_resource(self) -> Attributes:
        """Return the resource; detectors may block, so a thread asks them."""
        detectors = self._settings.resource_detectors or ()
        complete = partial(
            resource_of,
            self._context.resource,
            detectors=detectors,
            environ=self._environ,
            warn=logging.getLogger(LOGGER_NAME).warning,
        )
        if not detectors:
            return complete()
        thread = SideThread(complete, "eventbus resource")
        try:
            found: Attributes = await thread.call()
            return found
        finally:
            thread.end()


def _retry(timeouts_seconds: Sequence[float | None]) -> Retry:
    """Return what the bus gives an attempt: as much as the slowest signal may take."""
    limits = [seconds for seconds in timeouts_seconds if seconds]  # 0 is no limit
    is_limited = len(limits) == len(timeouts_seconds)
    return Retry(timeout_seconds=max(limits) if is_limited else None)
