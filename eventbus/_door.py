"""Whether one attachment has room for what is being handed over.

A door counts events from ``emit`` to the seal. It knows nothing of threads: the
ingress calls it under its lock.

What always holds at a door that is open, unless it drops its oldest: all that is
promised has room, ``buffer.pending + arrived + sealing + waiting + leased <=
max_events``, where *leased* is how far outstanding leases let the hand-over grow
beyond what is counted. So a promise of room is given only from :attr:`Door.room`, and
whatever takes room otherwise (a publisher, a place in line) revokes the leases and
counts what arrived first.
"""

from __future__ import annotations

from eventbus._buffer import RecordBuffer
from eventbus._settings import Buffer, Overflow


class Door:
    """Counts the events handed over to one attachment and not sealed yet."""

    __slots__ = (
        "_will_wait",
        "arrived",
        "buffer",
        "closed_from",
        "drops_oldest",
        "lost",
        "refused",
        "reserve",
        "sealed_from",
        "sealed_start",
        "sealing",
        "starts_at",
        "stays_open",
        "waiting",
        "waits",
    )

    def __init__(self, buffer: RecordBuffer, bounds: Buffer) -> None:
        """Guard *buffer*."""
        self.buffer = buffer
        self.closed_from: int | None = None
        self.waits = False
        self.follow(bounds)
        self.arrived = 0
        self.refused = 0
        self.lost = 0
        self.sealed_from: int | None = None
        self.sealed_start = 0
        self.sealing = 0
        self.starts_at = 0
        self.waiting = 0

    def follow(self, bounds: Buffer) -> None:
        """Work by *bounds* from now on.

        Where the oldest go, or severe ones have a reserve, the seal chooses and the
        door stays open. A publisher whom the door refused did not wait where none had
        to; so a door that is closed makes publishers wait from the next seal on.
        """
        self.drops_oldest = bounds.overflow is Overflow.DROP_OLDEST
        self.reserve = bounds.reserve
        self.stays_open = self.drops_oldest or self.reserve is not None
        self._will_wait = bounds.overflow is Overflow.WAIT
        self.waits = self._will_wait and (not self.is_closed or self.waits)

    @property
    def free(self) -> int:
        """How many more events fit beside what is here and on its way."""
        return self.room + self.waiting

    @property
    def room(self) -> int:
        """How many more events may be handed over: publishers in line come first."""
        buffer = self.buffer
        pending = buffer.queued + buffer.in_flight
        taken = self.arrived + self.sealing + self.waiting
        return buffer.max_events - pending - taken

    @property
    def is_closed(self) -> bool:
        """Whether further events are refused."""
        return self.closed_from is not None

    @property
    def overflow(self) -> int:
        """How many handed over go, were all that is queued and may go to go first."""
        return max(0, self.overflow_of(self.arrived) - self._replaceable)

    @property
    def _replaceable(self) -> int:
        return self.buffer.queued if self.drops_oldest else 0

    def overflow_of(self, count: int) -> int:
        """Return how many must go for *count* on their way here."""
        if not self.stays_open:
            return 0
        surplus = max(0, count - self.buffer.room)
        return min(surplus, self._replaceable + count)  # what is in flight stays

    def surely_fits(self, count: int) -> bool:
        """Return whether *count* more events cannot close this door."""
        if self.closed_from is not None:
            return False
        return self.stays_open or count <= self.room

    def admit(self, count: int) -> int:
        """Count *count* events that arrive; return how many of them fit."""
        if self.closed_from is not None:
            self.refused += count
            return 0
        fits = count if self.stays_open else max(0, min(count, self.room))
        self.arrived += fits
        self.refused += count - fits
        return fits

    def forget(self, index: int, *, selected: bool) -> None:
        """Undo the count of the entry at *index*, which is taken back."""
        if self.closed_from is not None and index < self.closed_from:
            self.closed_from -= 1
            self.arrived -= selected
        elif self.closed_from is not None:
            self.refused -= selected
        else:
            self.arrived -= selected

    def refuses(self, index: int) -> bool:
        """Return whether the entry at *index* came when the door was closed."""
        return self.closed_from is not None and index >= self.closed_from

    def wants(self, index: int, surplus: dict[Door, int]) -> bool:
        """Return whether the entry at *index*, which selects it, is still wanted.

        *surplus* counts down the oldest entries that a door has no room for.
        """
        if self.closed_from is not None:
            return index < self.closed_from
        if surplus[self] > 0:
            surplus[self] -= 1
            return False
        return True

    def lose(self, index: int) -> None:
        """Count the entry at *index* as lost: nobody wanted it any more."""
        if self.refuses(index):
            self.refused -= 1
        else:
            self.arrived -= 1
        self.lost += 1

    def leave(self) -> None:
        """Forget what was handed over and is not sealed: it is for others only."""
        self.arrived = 0

    def begin_seal(self, uncounted: int) -> None:
        """Book room for the seal: *uncounted* more events may be for this door."""
        self.sealing = self.arrived + uncounted
        self.waits = self._will_wait
        self.sealed_from = self.closed_from
        self.sealed_start = self.starts_at
        self.starts_at = 0
        self.arrived = self.refused = 0
        self.closed_from = None

    def cancel_seal(self) -> None:
        """Forget all counts: what was taken is handed over anew."""
        self.starts_at = self.sealed_start or self.starts_at
        self.end_seal()
        self.arrived = self.refused = 0
        self.closed_from = None

    def end_seal(self) -> None:
        """Give back what was booked: the buffer counts its events itself now."""
        self.sealing = self.sealed_start = 0
        self.sealed_from = None
