"""What one attachment does, said again in plain lists: for tests to compare with."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from itertools import pairwise

from eventbus import Overflow
from eventbus._delivery import split_points

Item = tuple[int, int]  # an event's number and its size


@dataclass
class Part:
    """A batch in hand, with its faults so far."""

    items: list[Item]
    faults: int = 0
    unknown: bool = False


@dataclass
class Model:
    """One attachment with one batch in flight, whose sink waits for its cue."""

    overflow: Overflow
    max_events: int
    max_bytes: int | None
    batch_events: int
    queue: list[Item] = field(default_factory=list)
    hand: list[Part] = field(default_factory=list)  # the last one is in flight
    line: list[Item] = field(default_factory=list)
    arrived: list[int] = field(default_factory=list)  # at the far side, in its order
    counts: Counter[str] = field(default_factory=Counter)
    dropped: Counter[str] = field(default_factory=Counter)
    errors: Counter[str] = field(default_factory=Counter)

    @property
    def held(self) -> list[Item]:
        return [item for part in self.hand for item in part.items] + self.queue

    @property
    def pending(self) -> int:
        return len(self.held)

    @property
    def pending_bytes(self) -> int:
        return 0 if self.max_bytes is None else sum(size for _, size in self.held)

    def _fits(self, size: int) -> bool:
        return self.pending < self.max_events and (
            self.max_bytes is None or self.pending_bytes + size <= self.max_bytes
        )

    def _drop(self, reason: str, count: int = 1) -> None:
        self.dropped[reason] += count

    def emit(self, items: list[Item]) -> list[bool]:
        """Hand over *items* in one breath; return what each emit answers."""
        self.counts["offered"] += len(items)
        drops_oldest = self.overflow is Overflow.DROP_OLDEST
        room = max(self.max_events - self.pending - len(self.line), 0)
        taken = items if drops_oldest else items[:room]
        self._drop("queue_full", len(items) - len(taken))
        for item in taken:
            if self.max_bytes is not None and item[1] > self.max_bytes:
                self._drop("too_large")
            elif drops_oldest or (not self.line and self._fits(item[1])):
                self.queue.append(item)
            elif self.max_bytes is not None:
                self._drop("bytes_full")
        while self.queue and self.pending > self.max_events:
            self.queue.pop(0)
            self._drop("queue_full")
        while self.queue and self.max_bytes and self.pending_bytes > self.max_bytes:
            self.queue.pop(0)
            self._drop("bytes_full")
        self._go_on()
        return [True] * len(taken) + [False] * (len(items) - len(taken))

    def publish(self, item: Item, *, may_wait: bool) -> str:
        """Return ``"returned"``, ``"timed out"`` or ``"waits"``."""
        if self.overflow is not Overflow.WAIT:
            self.emit([item])
            return "returned"
        if self.max_bytes is not None and item[1] > self.max_bytes:
            self.emit_too_large()
            return "returned"
        if not self.line and self._fits(item[1]):
            self.counts["offered"] += 1
            self.queue.append(item)
            self._go_on()
            return "returned"
        if not may_wait:
            self.time_out(1)
            return "timed out"
        self.line.append(item)
        return "waits"

    def emit_too_large(self) -> None:
        self.counts["offered"] += 1
        self._drop("too_large")

    def time_out(self, count: int) -> None:
        self.counts["offered"] += count
        self._drop("block_timeout", count)

    def leave_line(self, index: int) -> None:
        del self.line[index]
        self._go_on()

    def _go_on(self) -> None:
        """Let in who waits, and let the next batch leave."""
        while self.line and self._fits(self.line[0][1]):
            self.counts["offered"] += 1
            self.queue.append(self.line.pop(0))
        if not self.hand and self.queue:
            self.hand.append(Part(self.queue[: self.batch_events]))
            del self.queue[: self.batch_events]

    def deliver(self, rejected: set[int]) -> None:
        """The far side takes the batch but for the indexes of *rejected*."""
        part = self.hand.pop()
        for index, (number, _) in enumerate(part.items):
            if index in rejected:
                self.counts["rejected"] += 1
            else:
                self.counts["delivered"] += 1
                self.arrived.append(number)
        self._go_on()

    def refuse(self) -> None:
        self.counts["rejected"] += len(self.hand.pop().items)
        self._go_on()

    def split(self) -> None:
        part = self.hand.pop()
        if len(part.items) == 1:
            self._drop("too_large")
            self._go_on()
            return
        ends = [0, *split_points(len(part.items))]
        for start, end in reversed(list(pairwise(ends))):
            self.hand.append(Part(part.items[start:end], part.faults, part.unknown))

    def fail(self, kind: str, *, arrived: int) -> None:
        """It is tried again, but for the first *arrived*."""
        self.errors[kind] += 1
        part = self.hand[-1]
        for number, _ in part.items[:arrived]:
            self.counts["delivered"] += 1
            self.arrived.append(number)
        del part.items[:arrived]
        if not part.items:
            self.hand.pop()
        self._go_on()

    def fault(self, kind: str) -> None:
        self.errors[kind] += 1
        part = self.hand[-1]
        part.faults += 1
        if part.faults == 3:
            self._drop("retry_exhausted", len(part.items))
            self.hand.pop()
        elif not part.unknown:
            part.unknown = True
            self.counts["possible_duplicates"] += len(part.items)
        self._go_on()

    def close(self) -> None:
        self.line.clear()
        self._drop("shutdown_deadline", self.pending)
        self.hand.clear()
        self.queue.clear()
