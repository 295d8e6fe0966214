"""What an OTLP sink has from its start to its close, all of it on one event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Final

from eventbus import Naming, Outcome, SinkContext
from eventbus._log import QuietLog
from eventbus._record import AnyRecord, Attributes
from eventbus_otlp._client import Client
from eventbus_otlp._resolved import SignalTarget
from eventbus_otlp._sender import Encoder, Sender
from eventbus_otlp._senders import Senders
from eventbus_otlp._settings import OtlpSettings
from eventbus_otlp._signal import Signal, form_of

_RECORD_SIGNALS: Final[Sequence[Signal]] = ("logs", "traces")


class Running:
    """A client and what sends through it, of the loop that runs when it is made.

    Args:
        settings: Of the sink.
        targets: Where each signal goes.
        context: Of the sink.
        resource: The whole of it.
        names: What events and attributes are called.
        log: Takes what the far side says of requests that it took.
    """

    def __init__(
        self,
        settings: OtlpSettings,
        targets: Mapping[Signal, SignalTarget],
        context: SinkContext,
        *,
        resource: Attributes,
        names: Naming,
        log: QuietLog,
    ) -> None:
        """Open nothing yet."""
        self.resource: Final = resource
        self.names: Final = names
        self.client: Final = Client(targets, settings, context.clock)
        self._context: Final = context
        self._loop: Final = asyncio.get_running_loop()
        makers = _makers(settings, targets, context, resource=resource, names=names)
        senders = [
            Sender(signal, make, self.client, name=context.name, log=log)
            for signal, make in makers.items()
        ]
        sends_all = set(settings.signals) != {"traces"}
        self._senders: Final = Senders(senders, sends_all=sends_all)

    def serves(self, context: SinkContext) -> bool:
        """Return whether it was made for *context*, on the loop that runs now."""
        is_here = self._loop is asyncio.get_running_loop()
        return is_here and self._context is context

    async def send(self, batch: Sequence[AnyRecord]) -> Outcome | None:
        """Make one attempt to send *batch*. Raises as :meth:`Senders.send` does."""
        return await self._senders.send(batch)

    async def leave(self) -> None:
        """Close what can be closed now that perhaps another loop runs."""
        if self._loop is asyncio.get_running_loop():
            await self.client.aclose()
        else:
            await self.client.leave(self._loop)


def _makers(
    settings: OtlpSettings,
    targets: Mapping[Signal, SignalTarget],
    context: SinkContext,
    *,
    resource: Attributes,
    names: Naming,
) -> Mapping[Signal, Callable[[], Encoder]]:
    """Return what makes an encoder of each signal that records go out as."""
    return {
        signal: partial(
            _encoder_of(signal, settings, context),
            form_of(targets[signal].protocol),
            resource=resource,
            bus_resource=context.resource,
            limits=targets[signal].limits,
            names=names,
        )
        for signal in _RECORD_SIGNALS
        if signal in targets
    }


def _encoder_of(
    signal: Signal, settings: OtlpSettings, context: SinkContext
) -> Callable[..., Encoder]:
    """Return what makes requests of *signal*; loaded when it is used."""
    if signal == "logs":
        from eventbus_otlp._encode import LogsEncoder

        return LogsEncoder
    from eventbus_otlp._encode_spans import SpansEncoder

    return partial(
        SpansEncoder,
        tracestate=context.tracestate,
        span_attributes=settings.span_attributes,
        content=settings.traces.content == "full",
        content_attributes=context.content_attributes,
    )
