"""Which of an attachment's events are the bus's own, and what became of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Final

from eventbus._chunk import Chunk

OFFERED: Final = "offered"
DELIVERED: Final = "delivered"
SAMPLED_OUT: Final = "sampled_out"
SET_ASIDE: Final = "set_aside"


class OwnShare:
    """Counts the bus's own events at one attachment; costs a look when there are none.

    ``counts`` has ``offered`` and each fate: ``delivered``, ``sampled_out``,
    ``set_aside``, ``rejected``, or the reason of a drop.
    """

    __slots__ = ("counts", "pending")

    def __init__(self) -> None:
        """Start with none."""
        self.counts: Counter[str] = Counter()
        self.pending: set[int] = set()

    def offer(self, sequences: Iterable[int]) -> None:
        """Know those with *sequences*, which are about to be offered."""
        new = set(sequences)
        self.pending |= new
        self.counts[OFFERED] += len(new)

    def end(self, chunks: Iterable[Chunk], fate: str) -> None:
        """Count those among *chunks*, whose *fate* is decided."""
        if self.pending:
            self.end_those([s for chunk in chunks for s in _sequences(chunk)], fate)

    def end_those(self, sequences: Iterable[int], fate: str) -> None:
        """Count those among *sequences*, whose *fate* is decided."""
        own = self.pending.intersection(sequences)
        if own:
            self.pending -= own
            self.counts[fate] += len(own)

    def are_all(self, chunks: Iterable[Chunk]) -> bool:
        """Return whether *chunks* hold the bus's own events and nothing else."""
        return bool(self.pending) and all(
            self.pending.issuperset(_sequences(chunk)) for chunk in chunks
        )


def _sequences(chunk: Chunk) -> Sequence[int]:
    return chunk.window.sequences[chunk.start : chunk.stop]
