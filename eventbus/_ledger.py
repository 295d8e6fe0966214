"""How the fate of every event is counted: closed lists of reasons, one place."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from types import MappingProxyType
from typing import Any, Final

from eventbus._chunk import Chunk
from eventbus._durations import DurationCounts, Durations
from eventbus._gaps import Gap, Gaps
from eventbus._own_share import OwnShare

MAX_ERROR_KINDS: Final = 64
OTHER_ERRORS: Final = "other"

DROP_REASONS: Final = frozenset(
    {
        "queue_full",
        "bytes_full",
        "block_timeout",
        "too_large",
        "encode_error",
        "expired",
        "retry_exhausted",
        "permanent",
        "circuit_open",
        "shutdown_deadline",
        "sink_detached",
        "spool_full",
        "spool_corrupt",
        "spool_io_error",
    }
)
REFUSE_REASONS: Final = frozenset(
    {"unregistered", "invalid_type", "not_started", "closed", "no_loop", "recursion"}
)
WARN_REASONS: Final = frozenset(
    {
        "sanitized",
        "truncated",
        "invalid_value",
        "contract_violation",
        "sampler_error",
        "redactor_error",
        "unexpected_content_type",
        "cardinality_overflow",
        "loop_blocked",
    }
)


REJECTED: Final = "rejected"


class Ledger:
    """The counts of one attachment; final states only, pending is counted in place.

    A batch that arrives at the first attempt is one call and one operation of the same
    length: it is counted once, in ``at_once``, and beside ``calls`` and ``operations``.
    """

    __slots__ = (
        "at_once",
        "calls",
        "delivered",
        "dropped",
        "errors",
        "failed",
        "gaps",
        "offered",
        "operations",
        "own",
        "possible_duplicates",
        "rejected",
        "sampled_out",
        "set_aside",
        "spooled",
    )

    def __init__(self) -> None:
        """Start at zero."""
        self.offered = self.delivered = self.rejected = self.sampled_out = 0
        self.spooled = self.possible_duplicates = 0
        self.dropped: Counter[str] = Counter()
        self.set_aside: Counter[str] = Counter()
        self.failed: Counter[str] = Counter()
        self.errors: Counter[str] = Counter()
        self.own = OwnShare()
        self.gaps = Gaps()
        self.at_once = DurationCounts()
        self.calls = DurationCounts()
        self.operations: dict[str, DurationCounts] = {}

    def drop(self, reason: str, count: int, first: int, last: int) -> None:
        """Count *count* events, with sequences from *first* to *last*, as lost."""
        assert reason in DROP_REASONS, reason
        if count:
            self.dropped[reason] += count
            self.gaps.add(Gap(reason, count, first, last))

    def drop_those(self, reason: str, chunks: Sequence[Chunk]) -> None:
        """Count what is in *chunks* as lost for *reason*."""
        for chunk in chunks:
            if count := len(chunk):
                self.drop(reason, count, chunk.first_sequence, chunk.last_sequence)
        self.own.end(chunks, reason)

    def keep_aside(self, reason: str, count: int) -> None:
        """Count *count* events as dead letters, which were not taken for *reason*."""
        assert reason == REJECTED or reason in DROP_REASONS, reason
        if count:
            self.set_aside[reason] += count

    def fail(self, kind: str) -> None:
        """Count one failed attempt by an error of *kind*, of which there are few."""
        known = kind in self.errors or len(self.errors) < MAX_ERROR_KINDS
        self.errors[kind if known else OTHER_ERRORS] += 1

    def end_operation(self, seconds: float, reason: str = "") -> None:
        """Count how long a batch took to its end, and the *reason* it failed for."""
        if reason not in self.operations:
            self.operations[reason] = DurationCounts()
        self.operations[reason].add(seconds)

    def durations(self) -> dict[str, Any]:
        """Return ``calls`` and ``operations`` as :class:`AttachmentStats` has them."""
        # Any: fields of several types.
        at_once = self.at_once.value()
        operations = {r: counts.value() for r, counts in list(self.operations.items())}
        if at_once.count:
            operations[""] = at_once + operations.get("", Durations())
        return {
            "calls": at_once + self.calls.value(),
            "operations": MappingProxyType(operations),
        }

    @property
    def dead_lettered(self) -> int:
        """Events that are set aside for a person."""
        return self.set_aside.total()

    @property
    def lost(self) -> int:
        """Events that did not arrive though they should have."""
        return self.rejected + self.dead_lettered + self.dropped.total()


class BusLedger:
    """The counts of a bus that belong to no attachment."""

    __slots__ = ("emitted", "refused", "warned")

    def __init__(self) -> None:
        """Start at zero."""
        self.emitted = 0
        self.refused: Counter[str] = Counter()
        self.warned: Counter[str] = Counter()

    def refuse(self, reason: str, count: int = 1) -> None:
        """Count *count* events as never offered, for *reason*."""
        assert reason in REFUSE_REASONS, reason
        if count:
            self.refused[reason] += count

    def warn(self, reason: str, count: int = 1) -> None:
        """Count *count* events that went on though something was wrong."""
        assert reason in WARN_REASONS, reason
        if count:
            self.warned[reason] += count
