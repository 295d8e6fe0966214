"""How long a server of a test lives, and how what went wrong at it is told."""

from __future__ import annotations

import asyncio
import ssl
from abc import ABC, abstractmethod
from collections.abc import Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self, TypedDict

from eventbus._clock import Clock, SystemClock
from eventbus._waiting import wait_until_done
from eventbus.testing._gate import Gate
from eventbus.testing._needs import need_aiohttp

if TYPE_CHECKING:
    from aiohttp import web

    from eventbus.testing._loopback import Loopback

_MAX_PROBLEMS: Final = 20


class Listening(TypedDict, total=False):
    """Where a server listens, and by which clock: see :class:`LoopbackServer`."""

    clock: Clock | None
    tls: ssl.SSLContext | None
    host: str
    port: int


class LoopbackServer(ABC):
    """Serves within an ``async with`` block, and raises at its end what went wrong.

    If the block raises by itself, that becomes a note of its error.

    Args:
        clock: Measures delays and tells the time; the system's without it.
        tls: Serves over TLS.
        host: Where to listen.
        port: Where to listen; 0 is a free one.

    Raises:
        PluginError: aiohttp is not installed.
    """

    def __init__(
        self,
        *,
        clock: Clock | None = None,
        tls: ssl.SSLContext | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
    ) -> None:
        """Listen to nothing yet."""
        need_aiohttp(type(self).__name__)
        self._clock: Final = clock or SystemClock()
        self._place: Final = tls, host, port
        self._problems: list[str] = []
        self._loopback: Loopback | None = None

    @property
    def url(self) -> str:
        """Where it is, as in ``http://127.0.0.1:40123``.

        Raises:
            RuntimeError: Its block was not entered, or is left.
        """
        if self._loopback is None:
            raise RuntimeError(
                f"{type(self).__name__} has a url only in its `async with` block"
            )
        return self._loopback.url

    async def __aenter__(self) -> Self:
        from eventbus.testing._loopback import Loopback

        if self._loopback is not None:
            raise RuntimeError(f"{type(self).__name__} is in its `async with` already")
        tls, host, port = self._place
        loopback = Loopback(self._serve, tls=tls, host=host, port=port)
        await loopback.start()
        self._loopback = loopback
        return self

    async def __aexit__(
        self,
        _: type[BaseException] | None,
        error: BaseException | None,
        __: TracebackType | None,
    ) -> None:
        __tracebackhide__ = True
        assert self._loopback is not None
        loopback, self._loopback = self._loopback, None
        await loopback.aclose()
        self._problems += [f"the server raised {one!r}" for one in loopback.failures]
        if error is None:
            self.verify()
        elif problems := self._found():
            error.add_note(self._told(problems))

    def verify(self) -> None:
        """Check what the end of the block checks, now.

        Raises:
            AssertionError: Something is wrong; the text says all of it.
        """
        __tracebackhide__ = True
        if problems := self._found():
            raise AssertionError(self._told(problems))

    def _found(self) -> list[str]:
        """Return what is wrong so far."""
        return self._problems

    def _told(self, problems: Sequence[str]) -> str:
        over = len(problems) - _MAX_PROBLEMS
        more = [f"and {over} more"] if over > 0 else []
        head = f"{type(self).__name__}: {len(problems)} problem(s)"
        lines = [head, *problems[:_MAX_PROBLEMS], *more, *self._beside()]
        return "\n  ".join(lines)

    def _beside(self) -> Sequence[str]:
        """Return what else helps to understand what is wrong."""
        return ()

    async def _hold_back(self, delay_seconds: float, gate: Gate | None) -> None:
        if delay_seconds > 0:
            never: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            await wait_until_done(never, self._clock, delay_seconds)
        if gate is not None:
            await gate.wait()

    @abstractmethod
    async def _serve(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one request."""
