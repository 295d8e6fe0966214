"""How requests go over HTTP: connections, and one attempt for each request."""

from __future__ import annotations

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
_CUT_OFF: Final = (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError)


class HttpTransport:
    """Sends requests over HTTP/1.1, several at a time, over connections that are kept.

    Redirects are not followed, cookies not kept, and no credentials come from files of
    the user's. A connection that had been kept and turns out to be closed is replaced,
    and the request sent again over the new one, once.

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
        self._sockets: WeakSet[socket.socket] = WeakSet()
        self._parents: object = None

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
            trace_configs=[_watch_over_reuse()],
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
            response.close() if not response.content.at_eof() else response.release()

    async def _exchange(
        self, route: _Route, data: bytes, headers: Mapping[str, str]
    ) -> aiohttp.ClientResponse:
        """Return the answer as soon as its headers are there."""
        reuse = _Reuse()
        try:
            return await self._post(route, data, headers, reuse)
        except _CUT_OFF as error:
            if not reuse.happened:
                raise no_answer(error, route.place) from error
        except (aiohttp.ClientError, OSError) as error:
            raise no_answer(error, route.place) from error
        try:
            return await self._post(route, data, headers, reuse)
        except (aiohttp.ClientError, OSError) as error:
            raise no_answer(error, route.place) from error

    async def _post(
        self, route: _Route, data: bytes, headers: Mapping[str, str], reuse: _Reuse
    ) -> aiohttp.ClientResponse:
        assert self._session is not None
        return await self._session.post(
            route.target.endpoint,
            data=data if len(data) <= _WHOLE_BYTES else io.BytesIO(data),
            headers=headers,
            allow_redirects=False,
            proxy=route.proxy,
            ssl=await route.trust(),
            trace_request_ctx=reuse,
        )

    async def aclose(self) -> None:
        """Close all connections."""
        session, self._session = self._session, None
        resolver, self._resolver = self._resolver, None
        if resolver is not None:
            await resolver.close()
        if session is not None:
            await session.close()

    def abandon(self) -> None:
        """Let go of the connections, which are the parent's of this forked process.

        Their sockets are closed here without a word to the far side; what holds them
        is kept, so that nobody closes them again.
        """
        for parents in list(self._sockets):
            if (descriptor := parents.detach()) >= 0:
                os.close(descriptor)
        self._parents = (self._session, self._resolver, self._parents)
        self._session = self._resolver = None
        self._sockets = WeakSet()


class _Route:
    """What the requests of one signal have in common."""

    def __init__(
        self, target: SignalTarget, settings: OtlpSettings, clock: Clock
    ) -> None:
        url = target.endpoint
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


class _Reuse:
    """Whether a request went over a connection that had been used before."""

    happened = False


def _watch_over_reuse() -> aiohttp.TraceConfig:
    async def note(_: object, context: Any, __: object) -> None:
        context.trace_request_ctx.happened = True  # Any: it is what the request gave

    config = aiohttp.TraceConfig()
    config.on_connection_reuseconn.append(note)
    return config
