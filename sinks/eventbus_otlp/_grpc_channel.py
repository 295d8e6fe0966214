"""How long a gRPC channel is used: until its certificates change or the sink closes."""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final
from weakref import WeakSet

from eventbus import Refused
from eventbus_otlp._grpc_import import grpc
from eventbus_otlp._tls import Tls
from eventbus_otlp._tls_renewal import TlsRenewal

# Any in this module: grpc has no types.


def refuse_in_a_child() -> None:
    """Raise where this process was forked from one that had a channel open.

    The parts of grpc that this process got a copy of, without their threads, do not
    answer in it; sometimes they end it.

    Raises:
        Refused: Permanently.
    """
    if any(one.process != os.getpid() for one in list(_open_channels)):
        raise Refused(
            "gRPC was in use when this process was forked, and does not work in it: "
            "fork before, or use 'http/protobuf'",
            permanent=True,
        )


class Channel:
    """A channel, and how many calls go over it now."""

    def __init__(
        self, target: str, tls: Tls | None, options: Mapping[str, Any]
    ) -> None:
        """Connect when it is first used; without TLS if *tls* is ``None``."""
        arguments = list(options.items())
        self.tls: Final = tls
        self.calls = 0
        self.is_open = True
        self.process: Final = os.getpid()
        self._channel: Final = (
            grpc.aio.insecure_channel(target, options=arguments)
            if tls is None
            else grpc.aio.secure_channel(target, _credentials(tls), options=arguments)
        )
        self._methods: Final[dict[str, Any]] = {}
        _open_channels.add(self)

    def method(self, path: str) -> Any:
        """Return what calls *path*, with bytes and for bytes."""
        found = self._methods.get(path)
        if found is None:
            found = self._methods[path] = self._channel.unary_unary(path)
        return found

    async def close(self) -> None:
        """Close it; calls that go over it are cancelled."""
        self.is_open = False
        await self._channel.close()
        _open_channels.discard(self)


# Forking is the whole process's doing, and so is grpc: all sinks have to know.
_open_channels: Final[WeakSet[Channel]] = WeakSet()


class Line:
    """Leads to one place, over a new channel whenever the certificates are new.

    The old one is closed when the last call over it has ended.

    Args:
        target: In grpc's naming.
        tls: Its certificates; ``None`` is without TLS.
        options: Of the channel.
    """

    def __init__(
        self, target: str, tls: TlsRenewal | None, options: Mapping[str, Any]
    ) -> None:
        """Open nothing yet."""
        self._target: Final = target
        self._options: Final = options
        self._tls: Final = tls
        self._channel: Channel | None = None
        self._retired: list[Channel] = []

    async def start(self) -> None:
        """Read the certificates.

        Raises:
            Unavailable: A file cannot be used.
        """
        await self._certificates()

    @asynccontextmanager
    async def channel(self) -> AsyncGenerator[Channel]:
        """Yield the channel to be used now, and keep it open meanwhile."""
        channel = await self._current()
        channel.calls += 1
        try:
            yield channel
        finally:
            channel.calls -= 1
            await self._close_retired()

    async def _current(self) -> Channel:
        tls = await self._certificates()
        if self._channel is not None:
            if self._channel.tls is tls:
                return self._channel
            self._retired.append(self._channel)
        self._channel = Channel(self._target, tls, self._options)
        return self._channel

    async def _certificates(self) -> Tls | None:
        return None if self._tls is None else await self._tls.current()

    async def _close_retired(self) -> None:
        unused = [channel for channel in self._retired if not channel.calls]
        self._retired = [channel for channel in self._retired if channel.calls]
        for channel in unused:
            await channel.close()

    async def aclose(self) -> None:
        """Close all channels."""
        channel, self._channel = self._channel, None
        channels, self._retired = [*self._retired, channel], []
        for each in channels:
            if each is not None:
                await each.close()


def _credentials(tls: Tls) -> Any:
    return grpc.ssl_channel_credentials(
        tls.root_certificates, tls.private_key, tls.certificate_chain
    )
