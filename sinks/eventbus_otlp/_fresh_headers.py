"""When a program's function is asked for headers, and that it holds nobody up."""

from __future__ import annotations

import asyncio
import inspect
import math
from collections.abc import Mapping
from typing import Any, Final, cast

from eventbus import Clock, Unavailable
from eventbus._bounds import WrongSetting
from eventbus._side_thread import SideThread
from eventbus_otlp._headers import HeaderPairs, HeaderSource, checked_headers
from eventbus_otlp._signal import Protocol

LIFETIME_SECONDS: Final = 60.0
"""How long headers are used before their function is asked again."""


class FreshHeaders:
    """Headers that a function returns, kept for ``LIFETIME_SECONDS``.

    One that is ``async def`` is awaited on the loop; another one runs in a daemon
    thread. It is asked once at a time, whoever wants to know.

    Args:
        source: The function.
        protocol: What its headers must be fit for.
        clock: What time it is.
    """

    def __init__(self, source: HeaderSource, protocol: Protocol, clock: Clock) -> None:
        """Ask nothing yet."""
        self._source: Final = source
        self._protocol: Final[Protocol] = protocol
        self._monotonic: Final = clock.monotonic
        self._asked_at = -math.inf
        self._headers: HeaderPairs = ()
        self.abandon()

    def abandon(self) -> None:
        """Begin anew, in the child of a fork."""
        self._turn = asyncio.Lock()
        self._thread = SideThread(self._source, "eventbus headers")
        self._call: asyncio.Task[Any] | None = None

    async def current(self) -> HeaderPairs:
        """Return the headers, asked for now where the last ones are old.

        Raises:
            Unavailable: The function raised, or returned what cannot be sent.
        """
        async with self._turn:
            if self._monotonic() - self._asked_at >= LIFETIME_SECONDS:
                await self._renew()
            return self._headers

    async def instead_of(self, refused: HeaderPairs) -> HeaderPairs:
        """Return the headers, asked for now unless others than *refused* are there.

        Raises:
            Unavailable: As :meth:`current` does.
        """
        async with self._turn:
            if self._headers == refused:
                await self._renew()
            return self._headers

    async def _renew(self) -> None:
        try:
            found: Any = await self._answer()
            if not isinstance(found, Mapping):
                raise WrongSetting(
                    f"it returned {type(found).__name__}, no mapping", "headers"
                )
            headers = checked_headers(
                cast("Mapping[str, str]", found), protocol=self._protocol
            )
        except WrongSetting as error:
            raise Unavailable(f"the function for headers: {error}") from error
        except Exception as error:  # its text may hold what it failed with: a secret
            kind = type(error).__name__
            raise Unavailable(f"the function for headers raised {kind}") from error
        self._headers, self._asked_at = headers, self._monotonic()

    async def _answer(self) -> Any:
        """Any: what the program's function returns."""
        if inspect.iscoroutinefunction(self._source):
            return await self._source()
        if self._call is None:
            self._call = asyncio.create_task(self._thread.call(), name="headers")
        call = self._call  # it cannot be stopped: who is cancelled leaves it to others
        try:
            found: Any = await asyncio.shield(call)
        finally:
            if call.done():
                self._call = None
        return await found if inspect.isawaitable(found) else found

    async def aclose(self) -> None:
        """Wait for no answer any longer."""
        call, self._call = self._call, None
        if call is not None:
            call.cancel()
            await asyncio.wait([call])
        self._thread.end()
