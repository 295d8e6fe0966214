"""What finally becomes of records that were taken: counted once, room freed once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Protocol

from eventbus._buffer import RecordBuffer
from eventbus._chunk import RecordBatch
from eventbus._ingress import Ingress
from eventbus._ledger import REJECTED, Ledger
from eventbus._log import QuietLog
from eventbus._own_share import DELIVERED, SAMPLED_OUT, SET_ASIDE
from eventbus._trouble import Trouble
from eventbus._verdict import Delivered

KEPT_AS_DEAD_LETTERS: Final = frozenset(
    {REJECTED, "too_large", "encode_error", "permanent", "retry_exhausted"}
)


class KeepDeadLetters(Protocol):
    """Sets a batch aside for a person."""

    def __call__(self, batch: RecordBatch, reason: str, trouble: Trouble) -> None:
        """Keep *batch* with what went wrong; never raises."""
        ...


class Fate:
    """Decides batches of one attachment that are in flight.

    Args:
        name: The attachment's name, for the log.
        ingress: Whose lock guards the counts.
        buffer: Where the room is freed.
        ledger: Where it is counted.
        log: Where a loss is said.
        now: The monotonic clock.
        freed: Called after room was freed.
    """

    def __init__(
        self,
        name: str,
        *,
        ingress: Ingress,
        buffer: RecordBuffer,
        ledger: Ledger,
        log: QuietLog,
        now: Callable[[], float],
        freed: Callable[[], None],
    ) -> None:
        """Keep the parts; there are no dead letters until somebody keeps them."""
        self._name = name
        self._ingress = ingress
        self._mutex = ingress.mutex
        self._buffer = buffer
        self._ledger = ledger
        self._log = log
        self._now = now
        self._freed = freed
        self.keep_dead_letters: KeepDeadLetters | None = None

    def tell_gaps(self, batch: RecordBatch) -> None:
        """Let *batch*, which is about to be tried, carry what was lost so far."""
        with self._ingress.mutex:
            batch.gaps = self._ledger.gaps.claim()

    def keep_gaps(self, batch: RecordBatch) -> None:
        """Keep what *batch*, which did not arrive, was to tell for the next one."""
        if batch.gaps:
            with self._ingress.mutex:
                self._ledger.gaps.put_back(batch.gaps)
            batch.gaps = ()

    def delivered(self, batch: RecordBatch) -> None:
        """Count *batch* as delivered."""
        ledger = self._ledger
        with self._mutex:
            ledger.delivered += batch.length
            if ledger.own.pending:
                ledger.own.end(batch.chunks, DELIVERED)
            self._buffer.decided(batch)
        self._freed()

    def delivered_in_part(self, batch: RecordBatch, verdict: Delivered) -> None:
        """Count *batch* as delivered, but for what *verdict* names."""
        spoiled = {
            **{i: ("encode_error", why) for i, why in verdict.unencodable.items()},
            **{i: (REJECTED, why) for i, why in verdict.rejected.items()},
        }
        cuts = [cut for index in sorted(spoiled) for cut in (index, index + 1)]
        start = 0
        for part in batch.cut([*cuts, len(batch)]):
            if start in spoiled and len(part):
                reason, detail = spoiled[start]
                self._lose(part, reason, Trouble.once(detail))
            else:
                with self._ingress.left, self._ingress.mutex, self._ingress.inside:
                    self._ledger.delivered += len(part)
                    self._ledger.own.end(part.chunks, DELIVERED)
                    self._buffer.decided(part)
            start += len(part)
        self._freed()

    def coalesced(self, batch: RecordBatch, merged: RecordBatch) -> None:
        """Count what of *batch* is in the summaries of *merged* now as sampled out."""
        left = {s for c in merged.chunks for s in c.window.sequences}
        gone = [r.sequence for r in batch if r.sequence not in left]
        with self._ingress.left, self._ingress.mutex, self._ingress.inside:
            self._ledger.sampled_out += len(batch) - len(merged)
            self._ledger.own.end_those(gone, SAMPLED_OUT)
            self._buffer.shrink(batch, merged)
        self._freed()

    def lost(
        self, batch: RecordBatch, reason: str, trouble: Trouble, *, sent: bool = True
    ) -> None:
        """Count *batch* as rejected or dropped for *reason*, or keep it aside.

        Args:
            batch: In flight.
            reason: Of the closed list.
            trouble: The attempts that were made.
            sent: Whether it was on its way to the sink, and not only queued.
        """
        if len(batch):
            if trouble.since is not None:
                self._ledger.end_operation(self._now() - trouble.since, reason)
            self._lose(batch, reason, trouble, sent=sent)
            self._freed()

    def _lose(
        self, batch: RecordBatch, reason: str, trouble: Trouble, *, sent: bool = True
    ) -> None:
        kept = self.set_aside(batch, reason, trouble)
        with self._ingress.left, self._ingress.mutex, self._ingress.inside:
            if kept:
                self._ledger.keep_aside(reason, len(batch))
                self._ledger.own.end(batch.chunks, SET_ASIDE)
            elif reason == REJECTED:
                self._ledger.rejected += len(batch)
                self._ledger.own.end(batch.chunks, REJECTED)
            else:
                self._ledger.drop_those(reason, batch.chunks)
            if sent:
                self._ledger.failed[reason] += len(batch)
            else:
                self._buffer.unsent -= len(batch)
            self._buffer.decided(batch)

    def set_aside(self, batch: RecordBatch, reason: str, trouble: Trouble) -> bool:
        """Say that *batch* is lost; return whether it is kept as dead letters.

        The caller counts it.
        """
        kept = self.keep_dead_letters is not None and reason in KEPT_AS_DEAD_LETTERS
        if kept and self.keep_dead_letters is not None:
            self.keep_dead_letters(batch, reason, trouble)
        self._log.warning(
            f"{self._name}: {reason}",
            "sink %r %s %d event(s), %s: %s",
            self._name,
            "set aside" if kept else "lost",
            len(batch),
            reason,
            trouble.last_error or "no attempt was made",
        )
        return kept
