"""What the counts of one attachment are at one moment, so that they add up."""

from __future__ import annotations

import math
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from eventbus._catalog import qualified
from eventbus._health import trouble_of

if TYPE_CHECKING:
    from eventbus._attachment import Attachment

# Any in this module: the fields of AttachmentStats, of several types.


def counts_of(
    attachment: Attachment, in_seal: int = 0, refused: int = 0
) -> dict[str, Any]:
    """Return the fields of the stats of *attachment*; the lock is held.

    Args:
        attachment: Whose arrivals are counted.
        in_seal: How many are on their way there in a seal.
        refused: How many more are in it that came when the door was closed.
    """
    if attachment.thinning is not None:
        attachment.thinning.settle()
    return _fields_of(attachment, in_seal, refused)


def _fields_of(
    attachment: Attachment, in_seal: int = 0, refused: int = 0
) -> dict[str, Any]:
    ledger, door, buffer = attachment.ledger, attachment.door, attachment.buffer
    on_its_way = in_seal + door.arrived
    at_door = refused + door.refused + door.lost
    overflow = door.overflow_of(on_its_way)
    dropped = ledger.dropped.copy()
    if at_door + overflow:
        dropped["queue_full"] += at_door + overflow
    pending = buffer.pending + on_its_way - overflow
    return {
        "offered": ledger.offered + on_its_way + at_door,
        "delivered": ledger.delivered,
        "rejected": ledger.rejected,
        "dropped": MappingProxyType(dict(dropped)),
        "sampled_out": ledger.sampled_out,
        "dead_lettered": ledger.dead_lettered,
        "spooled": ledger.spooled,
        "pending": pending,
        "pending_peak": max(buffer.peak, pending),
        "pending_bytes": buffer.pending_bytes,
        "oldest_pending_seconds": _age(attachment, on_its_way) if pending else 0.0,
        "in_flight": buffer.in_flight - buffer.unsent,
        **_particulars(attachment),
    }


def counts_amid(attachment: Attachment) -> dict[str, Any]:
    """Return the same in the middle of counting: of final states alone."""
    ledger, counts = attachment.ledger, _fields_of(attachment)
    decided = ledger.delivered + ledger.sampled_out + ledger.spooled + ledger.lost
    counts["offered"] = ledger.offered
    counts["dropped"] = MappingProxyType(dict(ledger.dropped))
    counts["pending"] = ledger.offered - decided
    return counts


def _particulars(attachment: Attachment) -> dict[str, Any]:
    """Return what the law of accounting does not ask for."""
    ledger, health = attachment.ledger, attachment.health
    trouble = trouble_of(attachment.sink)
    is_troubled = trouble is not None and health.state == "ready"
    return {
        "possible_duplicates": ledger.possible_duplicates,
        "errors": MappingProxyType(dict(ledger.errors)),
        "state": "degraded" if is_troubled else health.state,
        "cause": trouble if is_troubled else health.cause,
        "trouble": trouble,
        "since_unix_nano": health.since,
        "sink_type": qualified(type(attachment.sink)),
        "max_events": attachment.buffer.max_events,
        "failed": MappingProxyType(dict(ledger.failed)),
        "set_aside": MappingProxyType(dict(ledger.set_aside)),
        **ledger.durations(),
    }


def _age(attachment: Attachment, on_its_way: int) -> float:
    """Return how long the oldest of what is pending has waited, in seconds."""
    ingress, queue = attachment.host.ingress, attachment.buffer.chunks
    in_hand = attachment.workers.in_hand()
    since = min([batch.since for batch in in_hand], default=math.inf)
    if queue:
        since = min(since, queue[0].window.since)
    if on_its_way:
        since = min(since, ingress.since, ingress.sealed_since)
    return max(attachment.host.clock.monotonic() - since, 0.0)
