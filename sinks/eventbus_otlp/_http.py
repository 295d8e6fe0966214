"""How requests go over HTTP: connections, and one attempt for each request."""

from __future__ import annotations

import asyncio
import io
import os
import socket
import ssl
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit
from weakref import WeakSet

import aiohttp

from eventbus import Clock
from eventbus._secret import plain_text
from eventbus_otlp._gzip import gzipped
from eventbus_otlp._headers import HeaderPairs
from eventbus_otlp._http_answer import no_answer, read_answer
from eventbus_otlp._proxy import proxy_for
from eventbus_otlp._resolved import SignalTarget
from eventbus_otlp._resolver import Resolver
from eventbus_otlp._settings import OtlpSettings
from eventbus_otlp._signal import Form, Signal, form_of
from eventbus_otlp._tls_renewal import tls_renewal
from eventbus_otlp._transport import Reply
from eventbus_otlp._version import user_agent

CONTENT_TYPES: Final[Mapping[Form, str]] = {
    "protobuf": "application/x-protobuf",
    "json": "application/json",
}
MAX_CONNECTIONS: Final = 100
KEEP_ALIVE_SECONDS: Final = 30.0

_WHOLE_BYTES: Final = 65_536  # what is longer is written in parts, with pauses
_NO_TIMEOUT: Final = aiohttp.ClientTimeout(  # the bus's deadline is the only one
    total=None, connect=None, sock_connect=None, sock_read=None
)


class HttpTransport:
    """Sends requests over HTTP/1.1, several at a time, over connections that are kept.

    Redirects are not followed, cookies not kept, and no credentials come from files of
    the user's. A kept connection that has been closed is not used again, though the
    event loop should not have read of it yet. One whose end comes while it is used may
    have carried the request: that is raised as an unknown outcome, so that the bus
    tries again and counts it, and never sent again unseen. ``KEEP_ALIVE_SECONDS`` is
    below what far sides commonly allow.

    Args:
        targets: Where each signal goes.
        settings: The bounds.
        clock: What time it is.
    """

    def __init__(
        self,
        targets: Mapping[Signal, SignalTarget],
        settings: OtlpSettings,
        clock: Clock,
    ) -> None:
        """Open nothing yet."""
        self._settings: Final = settings
        self._routes: Final = {
            signal: _Route(target, settings, clock)
            for signal, target in targets.items()
        }
        self._session: aiohttp.ClientSession | None = None
        self._resolver: Resolver | None = None
        self._closing: asyncio.Task[None] | None = None
        self._sockets: Final[WeakSet[socket.socket]] = WeakSet()

    async def start(self) -> None:
        """Read the certificates; connections are made when they are needed.

        Raises:
            Unavailable: A file of certificates cannot be used.
        """
        for route in self._routes.values():
            await route.trust()
        if self._session is not None:
            return
        self._resolver = Resolver()
        connector = aiohttp.TCPConnector(
            limit=MAX_CONNECTIONS,
            keepalive_timeout=KEEP_ALIVE_SECONDS,
            resolver=self._resolver,
            use_dns_cache=False,
            socket_factory=self._new_socket,
        )
        self._session = aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            timeout=_NO_TIMEOUT,
        )

    def _new_socket(self, address: tuple[Any, ...]) -> socket.socket:
        """Any: an address is what getaddrinfo says."""
        made = socket.socket(*address[:3])
        self._sockets.add(made)
        return made

    async def send(self, signal: Signal, body: bytes, headers: HeaderPairs) -> Reply:
        """Send *body*, as :meth:`Transport.send` does, with *headers*."""
        route = self._routes[signal]
        data = await gzipped(body) if route.target.compression == "gzip" else body
        response = await self._exchange(route, data, route.headers | dict(headers))
        try:
            return await read_answer(
                response,
                signal,
                max_bytes=self._settings.max_response_bytes,
                retry_statuses=self._settings.retry_statuses,
                strict_content_type=self._settings.strict_content_type,
            )
        finally:
            response.release()  # which closes what has not ended

    async def _exchange(
        self, route: _Route, data: bytes, headers: Mapping[str, str]
    ) -> aiohttp.ClientResponse:
        """Return the answer as soon as its headers are there."""
        assert self._session is not None
        tls = await route.trust()
        await _hear_of_closed_connections()
        try:
            return await self._session.post(
                plain_text(route.target.endpoint),
                data=data if len(data) <= _WHOLE_BYTES else io.BytesIO(data),
                headers=headers,
                allow_redirects=False,
                proxy=route.proxy,
                ssl=tls,
            )
        except (aiohttp.ClientError, OSError) as error:
            raise no_answer(error, route.place) from error

    async def aclose(self) -> None:
        """Close all connections."""
        if self._resolver is not None:
            await self._resolver.close()
        if self._session is not None:
            await self._session.close()

    async def leave(self, loop: asyncio.AbstractEventLoop) -> None:
        """Drop all connections; an open *loop*, whose they are, closes them."""
        if not loop.is_closed():
            loop.call_soon_threadsafe(self._begin_to_close)
        elif self._session is not None:
            await self._session.close()

    def _begin_to_close(self) -> None:
        loop = asyncio.get_running_loop()
        self._closing = loop.create_task(self.aclose(), name="otlp close")

    def abandon(self) -> None:
        """Let go of the connections, which are the parent's of this forked process.

        Their sockets are closed here without a word to the far side; what holds them
        must be kept, so that nobody closes them again.
        """
        for parents in list(self._sockets):
            if (descriptor := parents.detach()) >= 0:
                os.close(descriptor)


async def _hear_of_closed_connections() -> None:
    """Let the loop read what has come: one pass finds it, and the next one reads it."""
    for _ in range(2):
        await asyncio.sleep(0)


class _Route:
    """What the requests of one signal have in common."""

    def __init__(
        self, target: SignalTarget, settings: OtlpSettings, clock: Clock
    ) -> None:
        url = plain_text(target.endpoint)
        self.target: Final = target
        self.place: Final = urlsplit(url).netloc
        self.proxy: Final = proxy_for(url) if settings.trust_environment else None
        self.tls: Final = tls_renewal(
            target, interval_seconds=settings.reload_interval_seconds, clock=clock
        )
        self.headers: Final = {
            "user-agent": user_agent(),
            "accept-encoding": "identity",
            "content-type": CONTENT_TYPES[form_of(target.protocol)],
        }
        if target.compression == "gzip":
            self.headers["content-encoding"] = "gzip"

    async def trust(self) -> ssl.SSLContext | bool:
        """Return what aiohttp is to make connections with."""
        return True if self.tls is None else (await self.tls.current()).context
