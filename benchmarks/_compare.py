"""Whether a run is worse than one before, by its ratios only.

Times differ between machines, ratios much less; they still move on a noisy one, so a
row may become worse by a third, or by as much as its rounds differed when the baseline
was stored. What is counted rather than timed may become worse by a tenth.
"""

from __future__ import annotations

from typing import Final, Literal

import msgspec

from eventbus.bench import Results, Row

LEAST_WIDTH: Final = 0.35
COUNTED_WIDTH: Final = 0.1


class Kept(msgspec.Struct, frozen=True):
    """One row of a baseline.

    Args:
        ratio: What it said, the median of its rounds.
        better: Which change is for the better.
        width: By which share it may become worse.
    """

    ratio: float
    better: Literal["less", "more"]
    width: float

    @property
    def limit(self) -> float:
        """The worst ratio that is still as good."""
        if self.better == "less":
            return self.ratio * (1 + self.width)
        return self.ratio / (1 + self.width)

    def allows(self, ratio: float) -> bool:
        """Return whether *ratio* is as good."""
        return ratio <= self.limit if self.better == "less" else ratio >= self.limit


class Baseline(msgspec.Struct, frozen=True):
    """What a run is compared with.

    Args:
        rows: By what they measure.
    """

    rows: dict[str, Kept]

    @classmethod
    def of(cls, results: Results) -> Baseline:
        """Return the baseline that *results* make: the rows that are about us."""
        return cls({row.what: _kept(row) for row in results.rows if row.better})

    def as_json(self) -> bytes:
        """Return it as indented JSON."""
        return msgspec.json.format(msgspec.json.encode(self), indent=2) + b"\n"


def _kept(row: Row) -> Kept:
    assert row.better
    ratio = row.ratio
    if row.unit == "bytes":
        width = COUNTED_WIDTH
    else:
        spread = (ratio.highest - ratio.lowest) / ratio.median
        width = max(LEAST_WIDTH, spread)
    return Kept(round(ratio.median, 4), row.better, round(width, 2))


def compare(results: Results, baseline: Baseline, *, is_whole: bool) -> list[str]:
    """Return a sentence for each row that became worse.

    Args:
        results: The run.
        baseline: The run before.
        is_whole: Whether a row that is missing is one that was given up.
    """
    measured = {row.what: row for row in results.rows}
    worse = [
        _sentence(row, baseline.rows[what])
        for what, row in measured.items()
        if what in baseline.rows and not baseline.rows[what].allows(row.ratio.median)
    ]
    gone = [what for what in baseline.rows if is_whole and what not in measured]
    return [*worse, *(f"{what}: not measured any more" for what in gone)]


def _sentence(row: Row, kept: Kept) -> str:
    relation = "at most" if kept.better == "less" else "at least"
    return (
        f"{row.what}: {row.ratio.median:.2f} {row.unit}, was {kept.ratio:.2f}; "
        f"allowed is {relation} {kept.limit:.2f}, {kept.width:.0%} worse"
    )
