"""What a measurement says: figures with their spread, and rows with their bounds."""

from __future__ import annotations

import statistics
from typing import Literal

import msgspec

Verdict = Literal["", "aim", "must", "missed"]


class Figure(msgspec.Struct, frozen=True):
    """What the rounds of one contender said, in one unit, in their order."""

    samples: tuple[float, ...]

    @property
    def median(self) -> float:
        """The middle one."""
        return statistics.median(self.samples)

    @property
    def lowest(self) -> float:
        """The least one."""
        return min(self.samples)

    @property
    def highest(self) -> float:
        """The greatest one."""
        return max(self.samples)

    def against(self, other: Figure) -> Figure:
        """Return the ratios to *other*, round by round.

        A round takes seconds, so both were slowed by the same neighbours.
        """
        pairs = zip(self.samples, other.samples, strict=True)
        return Figure(tuple(own / theirs for own, theirs in pairs))

    def minus(self, other: Figure) -> Figure:
        """Return the differences to *other*, round by round."""
        pairs = zip(self.samples, other.samples, strict=True)
        return Figure(tuple(own - theirs for own, theirs in pairs))

    def scaled(self, factor: float) -> Figure:
        """Return the same in another unit."""
        return Figure(tuple(sample * factor for sample in self.samples))


class Bound(msgspec.Struct, frozen=True):
    """What a ratio has to be, and what it is meant to become.

    Args:
        relation: Which side of the numbers is good.
        must: What has to hold.
        aim: What is hoped for.
    """

    relation: Literal["<=", ">="]
    must: float
    aim: float

    def verdict(self, ratio: float) -> Verdict:
        """Return which of the two *ratio* reaches."""
        if self._holds(ratio, self.aim):
            return "aim"
        return "must" if self._holds(ratio, self.must) else "missed"

    def _holds(self, ratio: float, limit: float) -> bool:
        return ratio <= limit if self.relation == "<=" else ratio >= limit


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One line of a table.

    Args:
        what: What was measured.
        ratio: One number a round; the row says their median.
        unit: ``"C"``, ``"times"``, ``"ms"``, ``"bytes"``.
        figure: What the ratio was made of, in nanoseconds, or as ``figure_unit`` says.
        figure_unit: The unit of ``figure``.
        bound: What the ratio has to be; ``None`` is not said.
        better: Which change is for the better; empty when it says nothing about
            eventbus.
        skipped: Why it was not measured; then the ratio has no samples.
    """

    what: str
    ratio: Figure
    unit: str
    figure: Figure
    figure_unit: str = "ns"
    bound: Bound | None = None
    better: Literal["", "less", "more"] = ""
    skipped: str = ""

    @property
    def verdict(self) -> Verdict:
        """Which bound holds; empty when there is none."""
        if self.bound is None or self.skipped:
            return ""
        return self.bound.verdict(self.ratio.median)


def at_most(must: float, aim: float) -> Bound:
    """Return the bound of what should be small."""
    return Bound("<=", must, aim)


def at_least(must: float, aim: float) -> Bound:
    """Return the bound of what should be large."""
    return Bound(">=", must, aim)


FLAT = at_most(1.1, 1.05)
"""The bound of a cost that should not grow: within a tenth, better a twentieth."""
