"""What the bus can say about itself: frozen values, each count with its meaning."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import msgspec

State = Literal["ready", "degraded", "failed"]


class AttachmentStats(msgspec.Struct, frozen=True, kw_only=True):
    """One attachment at one moment; every count is of events since it was attached.

    Args:
        offered: Selected for this attachment, whatever came of it.
        delivered: Taken by the far side.
        rejected: Refused by the far side for good.
        dropped: Lost against our wish, by reason.
        sampled_out: Not taken, by choice.
        dead_lettered: Set aside for a person.
        spooled: Kept on disk.
        pending: Not decided yet, counted where they are: handed over, queued, in
            flight, waiting for a retry.
        pending_peak: The most that ever were pending.
        pending_bytes: Size of what is pending, where a byte bound asks for it.
        possible_duplicates: Tried again after an attempt of unknown outcome.
        errors: Failed attempts, by type of error; types beyond the first 64 are
            ``"other"``.
        state: ``"ready"``, ``"degraded"`` (trying) or ``"failed"`` (given up).
        cause: Why it is not ready, or ``None``.
    """

    offered: int = 0
    delivered: int = 0
    rejected: int = 0
    dropped: Mapping[str, int] = msgspec.field(default_factory=dict[str, int])
    sampled_out: int = 0
    dead_lettered: int = 0
    spooled: int = 0
    pending: int = 0
    pending_peak: int = 0
    pending_bytes: int = 0
    possible_duplicates: int = 0
    errors: Mapping[str, int] = msgspec.field(default_factory=dict[str, int])
    state: State = "ready"
    cause: str | None = None

    @property
    def balanced(self) -> bool:
        """Whether every event offered is in exactly one place."""
        return self.offered == (
            self.delivered
            + self.rejected
            + sum(self.dropped.values())
            + self.sampled_out
            + self.dead_lettered
            + self.spooled
            + self.pending
        )

    @property
    def lost(self) -> int:
        """Events that did not arrive though they should have."""
        return self.rejected + self.dead_lettered + sum(self.dropped.values())


class BusStats(msgspec.Struct, frozen=True, kw_only=True):
    """A whole bus at one moment.

    Args:
        emitted: Events that at least one attachment selected.
        refused: Never offered to any attachment, by reason.
        warned: Went on though something was wrong, by reason.
        attachments: Each attachment by name; handlers and subscriptions included.
    """

    emitted: int
    refused: Mapping[str, int]
    warned: Mapping[str, int]
    attachments: Mapping[str, AttachmentStats]


class AttachmentReport(AttachmentStats, frozen=True, kw_only=True):
    """One attachment after a flush or close: its stats, and whether all is well.

    Args:
        complete: Nothing from before is pending, and nothing was lost since the
            report before.
    """

    complete: bool


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """What a flush or close did.

    Args:
        complete: Whether every attachment's report is complete.
        attachments: Each attachment's report by name.
    """

    complete: bool
    attachments: Mapping[str, AttachmentReport]
