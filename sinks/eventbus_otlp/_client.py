"""Which transport carries a signal, and with which headers a request goes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Protocol

from eventbus import Clock, PluginError, Refused, TooLarge
from eventbus_otlp._bisection import InvalidRequest
from eventbus_otlp._fresh_headers import FreshHeaders
from eventbus_otlp._headers import HeaderPairs
from eventbus_otlp._resolved import SignalTarget
from eventbus_otlp._settings import OtlpSettings
from eventbus_otlp._signal import Signal, form_of
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
        ConfigError: The environment names a proxy that cannot be used.
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
        self._headers: Final = {
            signal: _Headers(target, clock) for signal, target in targets.items()
        }

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
        """Close all connections."""
        for headers in self._headers.values():
            await headers.aclose()
        for wire in {*self._wires.values()}:
            await wire.aclose()

    def abandon(self) -> None:
        """Let go of what is the parent's, in the child of a fork."""
        for wire in {*self._wires.values()}:
            wire.abandon()
        for headers in self._headers.values():
            headers.abandon()


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


class _Headers:
    """The headers of one signal: fixed ones, and those that a function returns."""

    def __init__(self, target: SignalTarget, clock: Clock) -> None:
        self._fixed: Final = _plain(target.headers)
        source = target.header_source
        self._fresh: Final = (
            None if source is None else FreshHeaders(source, target.protocol, clock)
        )

    @property
    def are_fixed(self) -> bool:
        return self._fresh is None

    async def current(self) -> HeaderPairs:
        if self._fresh is None:
            return self._fixed
        return self._with(await self._fresh.current())

    async def instead_of(self, refused: HeaderPairs) -> HeaderPairs:
        if self._fresh is None:
            return self._fixed
        last = await self._fresh.current()
        if self._with(last) == refused:
            last = await self._fresh.instead_of(last)
        return self._with(last)

    def _with(self, fresh: HeaderPairs) -> HeaderPairs:
        return tuple((dict(self._fixed) | dict(_plain(fresh))).items())

    async def aclose(self) -> None:
        if self._fresh is not None:
            await self._fresh.aclose()

    def abandon(self) -> None:
        if self._fresh is not None:
            self._fresh.abandon()


def _plain(headers: HeaderPairs) -> HeaderPairs:
    """Return *headers* as text that every client takes, and that shows in a repr."""
    return tuple((name, str(value)) for name, value in headers)
