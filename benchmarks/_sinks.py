"""Sinks that cost nothing themselves."""

from __future__ import annotations

from collections.abc import Sequence

from eventbus import Bus, Record


class CountingSink:
    """Counts what it is given."""

    def __init__(self) -> None:
        self.count = 0

    async def start(self) -> None:
        """Open nothing."""

    async def write(self, batch: Sequence[Record[object]]) -> None:  # type: ignore[type-var]
        """Count."""
        self.count += len(batch)

    async def aclose(self) -> None:
        """Close nothing."""


async def bus_with(sinks: int) -> tuple[Bus, list[CountingSink]]:
    """Return a running bus with so many counting sinks."""
    bus = Bus()
    counting = [CountingSink() for _ in range(sinks)]
    for number, sink in enumerate(counting):
        bus.attach(sink, name=f"sink-{number}", select=["bench.*"])
    await bus.start()
    return bus, counting
