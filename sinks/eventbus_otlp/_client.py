"""Which transport carries a signal, and with which headers a request goes."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Final, Protocol

from eventbus import Clock, PluginError, Refused, TooLarge
from eventbus_otlp._bisection import InvalidRequest
from eventbus_otlp._headers import HeaderPairs
from eventbus_otlp._resolved import SignalTarget
from eventbus_otlp._settings import OtlpSettings
from eventbus_otlp._signal import Signal, form_of
from eventbus_otlp._signal_headers import signal_headers
from eventbus_otlp._transport import Reply
from eventbus_otlp._uninstrumented import uninstrumented

_NOTHING: Final = {"protobuf": b"", "json": b"{}"}


class Wire(Protocol):
    """Carries requests by one protocol; see :class:`Transport`."""

    async def start(self) -> None:
        """Prepare; connections are made when they are needed."""
        ...

    async def send(self, signal: Signal, body: bytes, headers: HeaderPairs) -> Reply:
        """Make one attempt to send *body* with *headers*."""
        ...

    async def aclose(self) -> None:
        """Close all connections."""
        ...

    async def leave(self, loop: asyncio.AbstractEventLoop) -> None:
        """Close all connections, which are of *loop*, while another one runs."""
        ...

    def abandon(self) -> None:
        """Let go of the connections of the parent, in the child of a fork."""
        ...


class Client:
    """Sends requests of every signal, each over the protocol that it has.

    See :class:`Transport`. A request that is refused for its credentials goes out a
    second time if a function has fresh ones.

    Args:
        targets: Where each signal goes.
        settings: The bounds.
        clock: What time it is.

    Raises:
        PluginError: A package is not installed that a protocol needs.
        WrongSetting: The environment names a proxy that cannot be used.
    """

    def __init__(
        self,
        targets: Mapping[Signal, SignalTarget],
        settings: OtlpSettings,
        clock: Clock,
    ) -> None:
        """Open nothing yet."""
        self._targets: Final = targets
        self._max_bytes: Final = settings.max_request_bytes
        self._wires: Final = _wires(targets, settings, clock)
        self._headers: Final = signal_headers(targets, clock)

    async def start(self) -> None:
        """Read certificates and ask for headers.

        Raises:
            Unavailable: There are none.
        """
        for wire in {*self._wires.values()}:
            await wire.start()
        for headers in self._headers.values():
            await headers.current()

    async def send(self, signal: Signal, body: bytes) -> Reply:
        """See :meth:`Transport.send`.

        Raises:
            InvalidRequest: Never, and one of its records may be the reason.
        """
        if len(body) > self._max_bytes:
            raise TooLarge(
                f"a request of {len(body)} bytes is over max_request_bytes "
                f"({self._max_bytes})"
            )
        with uninstrumented():
            return await self._send(signal, body)

    async def _send(self, signal: Signal, body: bytes) -> Reply:
        wire, headers = self._wires[signal], self._headers[signal]
        used = await headers.current()
        try:
            return await wire.send(signal, body, used)
        except Refused as error:
            if not error.permanent or headers.are_fixed:
                raise
        return await wire.send(signal, body, await headers.instead_of(used))

    async def check(self) -> None:
        """Send an empty request of every signal.

        Raises:
            Unavailable: There is no answer, or not now.
            Refused: Nothing would be taken there.
        """
        for signal, target in self._targets.items():
            try:
                await self.send(signal, _NOTHING[form_of(target.protocol)])
            except (InvalidRequest, TooLarge):
                continue  # somebody is there who only wants more

    async def aclose(self) -> None:
        """Close all connections; may be called again if it was cancelled."""
        for headers in self._headers.values():
            await headers.aclose()
        for wire in {*self._wires.values()}:
            await wire.aclose()

    async def leave(self, loop: asyncio.AbstractEventLoop) -> None:
        """Close all connections, which are of *loop*, while another one runs."""
        for headers in self._headers.values():
            headers.leave()
        for wire in {*self._wires.values()}:
            await wire.leave(loop)

    def abandon(self) -> None:
        """Let go of what is the parent's, in the child of a fork."""
        for wire in {*self._wires.values()}:
            wire.abandon()


def _wires(
    targets: Mapping[Signal, SignalTarget], settings: OtlpSettings, clock: Clock
) -> Mapping[Signal, Wire]:
    wires: dict[Signal, Wire] = {}
    for protocols, make in (
        (("grpc",), _grpc),
        (("http/protobuf", "http/json"), _http),
    ):
        own: dict[Signal, SignalTarget] = {
            s: target for s, target in targets.items() if target.protocol in protocols
        }
        if own:
            wire = make(own, settings, clock)
            wires |= dict.fromkeys(own, wire)
    return wires


def _http(
    targets: Mapping[Signal, SignalTarget], settings: OtlpSettings, clock: Clock
) -> Wire:
    try:
        from eventbus_otlp._http import HttpTransport
    except ModuleNotFoundError as error:
        raise _missing(error, "aiohttp") from error
    return HttpTransport(targets, settings, clock)


def _grpc(
    targets: Mapping[Signal, SignalTarget], settings: OtlpSettings, clock: Clock
) -> Wire:
    try:
        from eventbus_otlp._grpc import GrpcTransport
    except ModuleNotFoundError as error:
        raise _missing(error, "grpc") from error
    return GrpcTransport(targets, settings, clock)


def _missing(
    error: ModuleNotFoundError, name: str
) -> ModuleNotFoundError | PluginError:
    if error.name != name:
        return error
    package = {"grpc": "grpcio"}.get(name, name)
    return PluginError(
        f"Sink 'otlp' needs {package}, which is not installed. "
        "Try: pip install 'eventbus[otlp]'"
    )
