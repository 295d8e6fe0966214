"""What the demonstration's own sinks do: count, weigh, and be too slow."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from typing import Final

from eventbus._record import AnyRecord
from eventbus._settings import Retry


class CountingSink:
    """Counts events before any sampling or buffering, as metrics do."""

    def __init__(self) -> None:
        """Begin at nothing."""
        self.counts: Final[Counter[str]] = Counter()
        self.durations_ms: Final[dict[str, list[float]]] = {}

    def observe(self, batch: Sequence[AnyRecord]) -> None:
        """Count every record by its labels."""
        for record in batch:
            tool: str = getattr(record.event, "tool_name", "")
            key = f"{record.name} {tool}".rstrip()
            self.counts[key] += 1
            duration: float | None = getattr(record.event, "duration_ms", None)
            if duration is not None:
                self.durations_ms.setdefault(key, []).append(duration)

    async def start(self) -> None:
        """See :class:`eventbus.Sink`."""

    async def write(self, batch: Sequence[AnyRecord]) -> None:
        """See :class:`eventbus.Sink`; everything was counted before."""

    async def aclose(self) -> None:
        """See :class:`eventbus.Sink`."""


class WeighingSink:
    """Adds up the weights of a sample, which restore the count of everything."""

    def __init__(self) -> None:
        """Begin at nothing."""
        self.weight = 0.0

    async def start(self) -> None:
        """See :class:`eventbus.Sink`."""

    async def write(self, batch: Sequence[AnyRecord]) -> None:
        """See :class:`eventbus.Sink`."""
        self.weight += sum(record.weight for record in batch)

    async def aclose(self) -> None:
        """See :class:`eventbus.Sink`."""


class SlowSink:
    """Takes a batch only when :meth:`allow` lets it, as a far side under load does."""

    retry = Retry(timeout_seconds=None)

    def __init__(self) -> None:
        """Begin without leave to write."""
        self._leave: Final = asyncio.Semaphore(0)
        self._is_free = False

    def allow(self) -> None:
        """Let one more batch through."""
        self._leave.release()

    def release(self) -> None:
        """Let everything through from now on."""
        self._is_free = True
        self._leave.release()

    async def start(self) -> None:
        """See :class:`eventbus.Sink`."""

    async def write(self, batch: Sequence[AnyRecord]) -> None:
        """See :class:`eventbus.Sink`."""
        if not self._is_free:
            await self._leave.acquire()

    async def aclose(self) -> None:
        """See :class:`eventbus.Sink`."""
