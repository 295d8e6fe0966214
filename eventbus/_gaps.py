"""What was lost since the last batch that arrived: the next one carries it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

import msgspec

MAX_GAPS: Final = 16  # over the number of reasons, so that one of each always fits


class Gap(msgspec.Struct, frozen=True):
    """Events of one attachment that were dropped, and where in its order.

    Args:
        reason: Why, as in :attr:`eventbus.AttachmentStats.dropped`.
        count: How many, exactly.
        first_sequence: The lowest sequence among them.
        last_sequence: The highest. Others between the two may have been delivered.
            Events that were lost before they had a sequence lie between their
            neighbours, whose sequences are given instead; 0 is not known.
    """

    reason: str
    count: int
    first_sequence: int
    last_sequence: int

    def merged(self, other: Gap) -> Gap:
        """Return this and *other*, of the same reason, as one."""
        return Gap(
            self.reason,
            self.count + other.count,
            min(self.first_sequence, other.first_sequence),
            max(self.last_sequence, other.last_sequence),
        )


def gaps_of(batch: Sequence[object]) -> tuple[Gap, ...]:
    """Return what was dropped before *batch*, since the last one that arrived.

    For sinks: what ``write`` is given has it in ``batch.gaps``, a plain list has none.
    """
    gaps: tuple[Gap, ...] = getattr(batch, "gaps", ())
    return gaps


class Gaps:
    """The gaps of one attachment that no batch has carried yet, a few at most.

    Neighbours of one reason are one gap; beyond :data:`MAX_GAPS` all of one reason are.
    """

    __slots__ = ("untold",)

    def __init__(self) -> None:
        """Start with none."""
        self.untold: list[Gap] = []

    def add(self, gap: Gap) -> None:
        """Remember *gap*, the latest."""
        if self.untold and self.untold[-1].reason == gap.reason:
            self.untold[-1] = self.untold[-1].merged(gap)
            return
        self.untold.append(gap)
        if len(self.untold) > MAX_GAPS:
            self.untold = _by_reason(self.untold)

    def claim(self) -> tuple[Gap, ...]:
        """Take all of them, for a batch that is about to be tried."""
        claimed, self.untold = tuple(self.untold), []
        return claimed

    def put_back(self, claimed: Iterable[Gap]) -> None:
        """Remember what a batch had *claimed* that did not arrive."""
        later, self.untold = self.untold, []
        for gap in (*claimed, *later):
            self.add(gap)


def _by_reason(gaps: Iterable[Gap]) -> list[Gap]:
    merged: dict[str, Gap] = {}
    for gap in gaps:
        before = merged.get(gap.reason)
        merged[gap.reason] = gap if before is None else before.merged(gap)
    return list(merged.values())
