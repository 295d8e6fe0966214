"""What the bus can say about itself: frozen values, each count with its meaning."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Literal, get_args

import msgspec

from eventbus._durations import Durations
from eventbus._ledger import REJECTED

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
        since_unix_nano: When it entered this state, in nanoseconds since 1970.
        trouble: What the sink itself says is missing at its far side, beside records:
            metrics that wait, say; ``None``: nothing. A ready attachment is shown as
            degraded meanwhile, since the moment it was ready.
        oldest_pending_seconds: How long the oldest of what is pending has waited, on
            the monotonic clock, to the accuracy of a hand-over; 0 when nothing is.
        sink_type: The sink's class, with its module.
        max_events: The bound of its buffer: the most that may be pending.
        in_flight: Of what is pending, how many the sink was given: retries included.
        failed: Given to the sink and decided against, by reason: ``rejected``, or the
            reason of the drop; those set aside included.
        set_aside: What is dead-lettered, by the same reasons.
        calls: How long each call of the sink's ``write`` took.
        operations: How long batches took from their first attempt to their end, waits
            between attempts included, by the reason they failed for; ``""`` is
            success. Of a batch that is split, each part counts.
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
    since_unix_nano: int = 0
    trouble: str | None = None
    oldest_pending_seconds: float = 0.0
    sink_type: str = ""
    max_events: int = 0
    in_flight: int = 0
    failed: Mapping[str, int] = msgspec.field(default_factory=dict[str, int])
    set_aside: Mapping[str, int] = msgspec.field(default_factory=dict[str, int])
    calls: Durations = Durations()
    operations: Mapping[str, Durations] = msgspec.field(
        default_factory=dict[str, Durations]
    )

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

    @property
    def queued(self) -> int:
        """Of what is pending, how many wait to be given to the sink."""
        return self.pending - self.in_flight

    @property
    def exported(self) -> Mapping[str, int]:
        """What the sink was given and has its end, by reason; ``""`` is delivered."""
        return {"": self.delivered, **self.failed}

    @property
    def processed(self) -> Mapping[str, int]:
        """What is not queued any more, by the reason it never reached the sink for.

        ``""`` is what was done as intended: given to the sink, sampled out, spooled.
        """
        intended = sum(self.exported.values()) + self.in_flight
        ends = Counter({**self.dropped, REJECTED: self.rejected})
        ends.update(self.set_aside)
        ends.subtract(self.failed)
        unsent = {reason: count for reason, count in ends.items() if count}
        return {"": intended + self.sampled_out + self.spooled, **unsent}

    @property
    def states(self) -> Mapping[str, int]:
        """1 for the state it is in, 0 for the others."""
        return {state: int(state == self.state) for state in get_args(State)}


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
        complete: Nothing from before is pending, nothing was lost since the report
            before, and the sink has no trouble.
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
