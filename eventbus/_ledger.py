"""How the fate of every event is counted: closed lists of reasons, one place."""

from __future__ import annotations

from collections import Counter
from typing import Final

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


class Ledger:
    """The counts of one attachment; final states only, pending is counted in place."""

    __slots__ = (
        "dead_lettered",
        "delivered",
        "dropped",
        "errors",
        "offered",
        "possible_duplicates",
        "rejected",
        "sampled_out",
        "spooled",
    )

    def __init__(self) -> None:
        """Start at zero."""
        self.offered = self.delivered = self.rejected = self.sampled_out = 0
        self.dead_lettered = self.spooled = self.possible_duplicates = 0
        self.dropped: Counter[str] = Counter()
        self.errors: Counter[str] = Counter()

    def drop(self, reason: str, count: int = 1) -> None:
        """Count *count* events as lost for *reason*."""
        assert reason in DROP_REASONS, reason
        if count:
            self.dropped[reason] += count

    def fail(self, kind: str) -> None:
        """Count one failed attempt by an error of *kind*, of which there are few."""
        known = kind in self.errors or len(self.errors) < MAX_ERROR_KINDS
        self.errors[kind if known else OTHER_ERRORS] += 1

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
