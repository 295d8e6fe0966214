"""Which events a sink is checked with: plain ones, and some that are hard to write."""

from __future__ import annotations

import math
from typing import Annotated, Any, Final

import msgspec

from eventbus._event import Event, Label, Unit
from eventbus._severity import SEVERITIES, Severity


class Probe(Event, tag="eventbus.probe"):
    """A plain event.

    Args:
        number: Counts them.
        kind: One of few.
        duration_ms: Some time.
        text: Some text.
        items: A value that could be changed.
        severity: One of all.
    """

    number: int
    kind: Annotated[str, Label] = "odd"
    duration_ms: Annotated[float, Unit("ms")] = 0.5
    text: str = "Grüße, κόσμε"
    items: list[int] = msgspec.field(default_factory=list[int])
    severity: Severity = "info"


class AwkwardProbe(Event, tag="eventbus.probe.awkward"):
    """An event that not every format can hold.

    Args:
        value: Any: what applications put into events.
    """

    value: Any


def probe(number: int) -> Probe:
    """Return a plain event."""
    return Probe(
        number=number,
        kind=("even", "odd")[number % 2],
        items=[number],
        severity=SEVERITIES[number % len(SEVERITIES)],
    )


def _nested(depth: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(depth):
        value = [value]
    return value


class _Hostile:
    """Raises whatever it is asked."""

    def __repr__(self) -> str:
        raise ValueError("this object has no text")

    __str__ = __repr__


AWKWARD_VALUES: Final[tuple[Any, ...]] = (
    object(),
    _Hostile(),
    "\ud800 alone",
    "a line\n{forged}\r\x1b[31m\x00",
    math.nan,
    -math.inf,
    10**5000,
    b"\xff\xfe",
    _nested(5000),
    {1: "one", (2,): None},
    "long " * 20_000,
)
