"""When a program's function is asked for headers, and that it holds nobody up."""

from __future__ import annotations

import asyncio
import inspect
import math
from collections.abc import Collection, Mapping
from functools import partial
from typing import Any, Final, NamedTuple, cast

from eventbus import Clock, Refused, Unavailable
from eventbus._bounds import WrongSetting
from eventbus._side_thread import SideThread
from eventbus._verdict import was_pressed
from eventbus_otlp._headers import HeaderPairs, HeaderSource, checked_headers
from eventbus_otlp._signal import Protocol

LIFETIME_SECONDS: Final = 60.0
"""How long headers are used before their function is asked again."""


class FreshHeaders:
    """Headers that a function returns, kept for ``LIFETIME_SECONDS``.

    One that is ``async def`` is awaited on the loop; another one runs in a daemon
    thread. It is asked once at a time, whoever wants to know. One that raises
    ``SystemExit`` or ``KeyboardInterrupt`` ends what asks, never the program.

    Args:
        source: The function.
        protocols: What its headers must be fit for.
        clock: What time it is.
    """

    def __init__(
        self, source: HeaderSource, protocols: Collection[Protocol], clock: Clock
    ) -> None:
        """Ask nothing yet."""
        self._source: Final = source
        self._protocols: Final = protocols
        self._monotonic: Final = clock.monotonic
        self._asked_at = -math.inf
        self._headers: HeaderPairs = ()
        self._turn: Final = asyncio.Lock()
        self._thread: Final = SideThread(
            partial(_answer_of, source), "eventbus headers"
        )
        self._call: asyncio.Task[Any] | None = None

    async def current(self) -> HeaderPairs:
        """Return the headers, asked for now where the last ones are old.

        Raises:
            Unavailable: The function raised, or returned what cannot be sent.
            Refused: It wanted the program to end: permanently.
        """
        async with self._turn:
            if self._monotonic() - self._asked_at >= LIFETIME_SECONDS:
                await self._renew()
            return self._headers

    async def instead_of(self, refused: HeaderPairs) -> HeaderPairs:
        """Return the headers, asked for now unless others than *refused* are there.

        Raises:
            Unavailable: As :meth:`current` does.
            Refused: Likewise.
        """
        async with self._turn:
            if self._headers == refused:
                await self._renew()
            return self._headers

    async def _renew(self) -> None:
        try:
            headers = self._checked(await self._answer())
        except WrongSetting as error:
            raise Unavailable(f"the function for headers: {error}") from error
        except BaseException as error:
            if _came_from_outside(error):
                raise
            raise _failed(error) from error
        self._headers, self._asked_at = headers, self._monotonic()

    def _checked(self, found: object) -> HeaderPairs:
        if not isinstance(found, Mapping):
            raise WrongSetting(
                f"it returned {type(found).__name__}, no mapping", "headers"
            )
        given = cast("Mapping[str, str]", found)
        for protocol in self._protocols:
            checked_headers(given, protocol=protocol)
        return checked_headers(given)

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
        if isinstance(found, _Raised):
            raise found.error
        return await found if inspect.isawaitable(found) else found

    async def aclose(self) -> None:
        """Wait for no answer any longer."""
        call, self._call = self._call, None
        if call is not None:
            call.cancel()
            await asyncio.wait([call])
        self._thread.end()

    def leave(self) -> None:
        """Let the thread end after its present call, where the loop is another one."""
        self._thread.end()


class _Raised(NamedTuple):
    """What a function raised; a task that raised it might end the loop."""

    error: BaseException


def _answer_of(source: HeaderSource) -> object:
    try:
        return source()
    except BaseException as error:  # noqa: BLE001 - it is raised where it is awaited
        return _Raised(error)


def _came_from_outside(error: BaseException) -> bool:
    """Return whether *error* came from outside, and is no failure of the function."""
    if isinstance(error, asyncio.CancelledError):
        task = asyncio.current_task()
        return task is None or task.cancelling() > 0
    return isinstance(error, GeneratorExit) or was_pressed(error)


def _failed(error: BaseException) -> Unavailable | Refused:
    """Return what *error* means; its text may hold what it failed with: a secret."""
    reason = f"the function for headers raised {type(error).__name__}"
    if isinstance(error, SystemExit | KeyboardInterrupt):
        return Refused(reason, permanent=True)
    return Unavailable(reason)
