"""Which unit a metric has whose field is in another, and which buckets suit it."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Final, NamedTuple

from eventbus._durations import BOUNDS_SECONDS as BOUNDS_SECONDS

_KNOWN: Final[Mapping[str, tuple[str, Fraction, str]]] = {
    "ns": ("s", Fraction(1, 10**9), "ns nanoseconds"),
    "us": ("s", Fraction(1, 10**6), "us microseconds"),
    "ms": ("s", Fraction(1, 1000), "ms milliseconds"),
    "s": ("s", Fraction(1), "s seconds"),
    "min": ("s", Fraction(60), "min minutes"),
    "h": ("s", Fraction(3600), "h hours"),
    "d": ("s", Fraction(86_400), "d days"),
    "By": ("By", Fraction(1), "bytes"),
    "kBy": ("By", Fraction(1000), "kb kilobytes"),
    "MBy": ("By", Fraction(10**6), "mb megabytes"),
    "GBy": ("By", Fraction(10**9), "gb gigabytes"),
    "KiBy": ("By", Fraction(1024), "kib kibibytes"),
    "MiBy": ("By", Fraction(1024**2), "mib mebibytes"),
    "GiBy": ("By", Fraction(1024**3), "gib gibibytes"),
    "%": ("1", Fraction(1, 100), "percent"),
    "1": ("1", Fraction(1), "ratio"),
}

BOUNDS_MILLISECONDS: Final = (
    *(0.0, 5.0, 10.0, 25.0, 50.0, 75.0, 100.0, 250.0, 500.0, 750.0),
    *(1000.0, 2500.0, 5000.0, 7500.0, 10000.0),
)  # the OpenTelemetry SDKs' default for whatever unit; durations in ms are their model

BOUNDS_BYTES: Final = tuple(float(4**power) for power in range(3, 16))  # 64 B to 1 GiB

BOUNDS_TOKENS: Final = tuple(float(4**power) for power in range(14))
"""OpenTelemetry's advice for ``gen_ai.client.token.usage``: 1 to 67,108,864."""

BOUNDS_RATIO: Final = (0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 1.0)

_BOUNDS: Final = {
    "s": BOUNDS_SECONDS,
    "By": BOUNDS_BYTES,
    "{token}": BOUNDS_TOKENS,
    "1": BOUNDS_RATIO,
}


class Base(NamedTuple):
    """What a unit is in base units.

    Args:
        unit: The base unit; the same one for a unit that has no other.
        factor: How many base units it is.
        words: Endings of a field's name that say nothing but the unit.
    """

    unit: str
    factor: Fraction
    words: tuple[str, ...]


def base_of(unit: str) -> Base:
    """Return what *unit*, in UCUM's spelling, is in base units."""
    base, factor, words = _KNOWN.get(unit, (unit, Fraction(1), ""))
    return Base(base, factor, tuple(words.split()))


def factor_between(unit: str, wanted: str) -> Fraction | None:
    """Return how many *wanted* one *unit* is; ``None``: they measure other things."""
    here, there = base_of(unit), base_of(wanted)
    return here.factor / there.factor if here.unit == there.unit else None


def default_buckets(unit: str) -> tuple[float, ...]:
    """Return the bounds for a histogram in *unit*, ascending."""
    return _BOUNDS.get(unit, BOUNDS_MILLISECONDS)
