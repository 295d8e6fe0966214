"""How an attachment has other bounds at run time, with every event in its place."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eventbus._chunk import RecordBatch
from eventbus._settings import Buffer

if TYPE_CHECKING:
    from eventbus._attachment import Attachment


def resize(attachment: Attachment, bounds: Buffer) -> None:
    """Let *attachment* have *bounds* from now on; see :meth:`Attachment.resize`.

    What was handed over before is sealed by the old bounds first; what another thread
    hands over meanwhile keeps the place that the door has given it.

    Raises:
        RuntimeError: A seal is under way, which has given places by the old bounds.
    """
    ingress = attachment.host.ingress
    if attachment.door.sealing or ingress.inside.is_mine:
        raise RuntimeError(
            f"resize of {attachment.name!r} was called in the middle of a seal, by an "
            "observe or a sampler say: loop.call_soon gets it out of there"
        )
    attachment.host.seal()
    in_hand = list(attachment.workers.in_hand())
    with ingress.left, ingress.mutex, ingress.inside:
        ingress.revoke()
        ingress.settle()
        if attachment.buffer.max_age_seconds is None:
            attachment.buffer.date(c for batch in in_hand for c in batch.chunks)
        attachment.follow(bounds)
    attachment.expiry.rest()
    if bounds.max_age_seconds is not None:
        attachment.expiry.look()
    _appraise(attachment, in_hand)
    with ingress.left, ingress.mutex, ingress.inside:
        gone = attachment.intake.make_room()
    del gone
    attachment.room_freed()
    attachment.workers.departures.notify()


def _appraise(attachment: Attachment, in_hand: list[RecordBatch]) -> None:
    """Size and judge what is held, and what waits in line, where that counts now."""
    flying = (chunk for batch in in_hand for chunk in batch.chunks)
    for chunk in [*attachment.buffer.chunks, *flying]:
        attachment.portions.appraise(chunk)
    for waiter in list(attachment.waiters):
        if waiter.is_withdrawn:
            continue
        waiter.portion = attachment.portions.appraised(waiter.portion)
        if not waiter.portion.kept:  # it could never fit, and takes no room
            attachment.waiters.remove(waiter)
            waiter.admit()
    with attachment.host.ingress.mutex:
        attachment.buffer.recount(in_hand)
