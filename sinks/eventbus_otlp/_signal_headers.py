"""Which headers the requests of each signal have."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from eventbus import Clock
from eventbus_otlp._fresh_headers import FreshHeaders
from eventbus_otlp._headers import HeaderPairs, HeaderSource
from eventbus_otlp._resolved import SignalTarget
from eventbus_otlp._signal import Protocol, Signal


class SignalHeaders:
    """The headers of one signal: fixed ones, and those that a function returns.

    Args:
        fixed: Those of every request.
        fresh: Knows the others, which win over fixed ones of the same names.
    """

    def __init__(self, fixed: HeaderPairs, fresh: FreshHeaders | None) -> None:
        """Ask nothing yet."""
        self._fixed: Final = _plain(fixed)
        self._fresh: Final = fresh

    @property
    def are_fixed(self) -> bool:
        """Whether no function has others."""
        return self._fresh is None

    async def current(self) -> HeaderPairs:
        """Return them; raises as :meth:`FreshHeaders.current` does."""
        if self._fresh is None:
            return self._fixed
        return self._with(await self._fresh.current())

    async def instead_of(self, refused: HeaderPairs) -> HeaderPairs:
        """Return others than *refused* if there are; raises likewise."""
        if self._fresh is None:
            return self._fixed
        last = await self._fresh.current()
        if self._with(last) == refused:
            last = await self._fresh.instead_of(last)
        return self._with(last)

    def _with(self, fresh: HeaderPairs) -> HeaderPairs:
        return tuple((dict(self._fixed) | dict(_plain(fresh))).items())

    async def aclose(self) -> None:
        """Wait for no function any longer."""
        if self._fresh is not None:
            await self._fresh.aclose()

    def leave(self) -> None:
        """Leave a function that runs to itself, on a loop that is another one."""
        if self._fresh is not None:
            self._fresh.leave()


def signal_headers(
    targets: Mapping[Signal, SignalTarget], clock: Clock
) -> Mapping[Signal, SignalHeaders]:
    """Return the headers of each signal; a function that several have is asked once.

    What it returns must be fit for the protocols of all of them.
    """
    known: list[tuple[HeaderSource, FreshHeaders]] = []
    found: dict[Signal, SignalHeaders] = {}
    for signal, target in targets.items():
        source = target.header_source
        fresh = next((fresh for one, fresh in known if one == source), None)
        if source is not None and fresh is None:
            fresh = FreshHeaders(source, _protocols(targets, source), clock)
            known.append((source, fresh))
        found[signal] = SignalHeaders(target.headers, fresh)
    return found


def _protocols(
    targets: Mapping[Signal, SignalTarget], source: HeaderSource
) -> set[Protocol]:
    return {t.protocol for t in targets.values() if t.header_source == source}


def _plain(headers: HeaderPairs) -> HeaderPairs:
    """Return *headers* as text that every client takes, and that shows in a repr."""
    return tuple((name, str(value)) for name, value in headers)
