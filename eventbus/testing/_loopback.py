"""An HTTP server on loopback, at a free port, that ends at once when told to."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from typing import Final

from aiohttp import web

_SHUTDOWN_SECONDS: Final = 1.0  # nothing is left to wait for by then

Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]


class Loopback:
    """Serves with *handler*, bodies as they came: compressed ones stay compressed.

    Args:
        handler: Answers one request.
        tls: Serves https.
        host: Where to listen.
        port: Where to listen; 0 is a free one.
    """

    def __init__(
        self, handler: Handler, *, tls: ssl.SSLContext | None, host: str, port: int
    ) -> None:
        """Listen to nothing yet."""
        self._handler = handler
        self._tls = tls
        self._place = host, port
        self._runner: web.ServerRunner | None = None
        self._running: set[asyncio.Future[web.StreamResponse]] = set()
        self.failures: Final[list[Exception]] = []
        self._is_closing = False

    @property
    def url(self) -> str:
        """``http://127.0.0.1:<port>``, while it listens."""
        assert self._runner is not None
        scheme = "http" if self._tls is None else "https"
        host, port = self._runner.addresses[0][:2]
        return f"{scheme}://{host}:{port}"

    async def start(self) -> None:
        """Listen."""
        server = web.Server(self._answer, auto_decompress=False, access_log=None)
        self._runner = web.ServerRunner(server, shutdown_timeout=_SHUTDOWN_SECONDS)
        await self._runner.setup()
        site = web.TCPSite(self._runner, *self._place, ssl_context=self._tls)
        try:
            await site.start()
        except BaseException:
            await self._runner.cleanup()
            raise

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        task = asyncio.ensure_future(self._handler(request))
        self._running.add(task)
        try:
            return await task
        except asyncio.CancelledError:
            if not self._is_closing:
                task.cancel()
                raise
            return _cut_off(request)
        except ConnectionError:
            return _cut_off(request)  # whoever asked is gone
        except Exception as error:  # noqa: BLE001 - told by whoever owns the server
            self.failures.append(error)
            return _cut_off(request)  # an answer may be half sent
        finally:
            self._running.discard(task)

    async def aclose(self) -> None:
        """Cut off what is being answered, and listen no more."""
        self._is_closing = True
        for task in self._running:
            task.cancel()
        if self._running:
            await asyncio.wait(list(self._running))
        if self._runner is not None:
            await self._runner.cleanup()


def _cut_off(request: web.BaseRequest) -> web.StreamResponse:
    if request.transport is not None:
        request.transport.abort()
    return web.Response(status=503)
