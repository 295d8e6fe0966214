"""What is known of a peer: how it is set up, and what it does otherwise than we."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from eventbus.bench._rig import Make, Open, Shape
from eventbus.bench._workload import fresh_burst


class Peer(msgspec.Struct, frozen=True, kw_only=True):
    """One library, as it is measured.

    Args:
        name: As the table shows it.
        library: Its distribution; empty for the standard library.
        setting: What was configured, in a few words.
        differs: What it does otherwise; the reason where it leads.
        open_rig: Sets it up.
        open_handing: Sets it up to time its publisher, where that differs.
        make: Makes a burst in the form it takes.
        shape: How many events it gets; slow ones get fewer.
        turns: How many bursts its publisher is timed for.
    """

    name: str
    library: str
    setting: str
    differs: str
    open_rig: Open
    open_handing: Open | None = None
    make: Make = fresh_burst
    shape: Shape = Shape(bursts=20, repeats=3)
    turns: int = 40


SLOW = Shape(bursts=2, repeats=1)
"""For what takes some microseconds an event."""


class Counter:
    """A consumer: a function that counts its calls."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self, event: Any, /) -> None:  # Any: in the peer's form
        """Count."""
        self.count += 1


def counts_of(counters: list[Counter]) -> Callable[[], list[int]]:
    """Return what reads all *counters*."""
    return lambda: [counter.count for counter in counters]


async def at_once() -> None:
    """Wait for nothing: what was published has been consumed already."""
