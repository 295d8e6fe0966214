"""What one attachment does, said again in plain lists: for tests to compare with."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
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
    """One attachment with one batch in flight, whose sink waits for its cue.

    The lists hold numbers, each of them in one list only.
    """

    overflow: Overflow
    max_events: int
    max_bytes: int | None
    batch_events: int
    queue: list[Item] = field(default_factory=list)
    hand: list[Part] = field(default_factory=list)  # the last one is in flight
    line: list[Item] = field(default_factory=list)
    arrived: list[int] = field(default_factory=list)  # at the far side, in its order
    offered: list[int] = field(default_factory=list)
    rejected: list[int] = field(default_factory=list)
    dropped: defaultdict[str, list[int]] = field(
        default_factory=lambda: defaultdict(list)
    )
    possible_duplicates: int = 0
    is_paused: bool = False
    is_calling: bool = False  # the last part of the hand is with the sink
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

    def _drop(self, reason: str, items: Iterable[Item]) -> None:
        self.dropped[reason] += [number for number, _ in items]

    def emit(self, items: list[Item]) -> list[bool]:
        """Hand over *items* in one breath; return what each emit answers."""
        self.offered += [number for number, _ in items]
        drops_oldest = self.overflow is Overflow.DROP_OLDEST
        room = max(self.max_events - self.pending - len(self.line), 0)
        taken = items if drops_oldest else items[:room]
        self._drop("queue_full", items[len(taken) :])
        for item in taken:
            if self.max_bytes is not None and item[1] > self.max_bytes:
                self._drop("too_large", [item])
            elif drops_oldest or (not self.line and self._fits(item[1])):
                self.queue.append(item)
            elif self.max_bytes is not None:
                self._drop("bytes_full", [item])
        self._make_room()
        self._go_on()
        return [True] * len(taken) + [False] * (len(items) - len(taken))

    def _make_room(self) -> None:
        if self.overflow is not Overflow.DROP_OLDEST:
            return
        while self.queue and self.pending > self.max_events:
            self._drop("queue_full", [self.queue.pop(0)])
        while self.queue and self.max_bytes and self.pending_bytes > self.max_bytes:
            self._drop("bytes_full", [self.queue.pop(0)])

    def resize(self, overflow: Overflow, max_events: int) -> int:
        """Have other bounds; return how many of the line need not wait any more."""
        self.overflow, self.max_events = overflow, max_events
        self._make_room()
        before = len(self.line)
        if overflow is not Overflow.WAIT:
            line, self.line = self.line, []
            for item in line:
                self._take_by_policy(item)
        self._go_on()
        return before - len(self.line)

    def _take_by_policy(self, item: Item) -> None:
        self.offered.append(item[0])
        if self.overflow is Overflow.DROP_OLDEST or self._fits(item[1]):
            self.queue.append(item)
            self._make_room()
        else:
            full = self.pending >= self.max_events
            self._drop("queue_full" if full else "bytes_full", [item])

    def pause(self) -> None:
        self.is_paused = True

    def resume(self) -> None:
        self.is_paused = False
        self._go_on()

    def publish(self, item: Item, *, may_wait: bool) -> str:
        """Return ``"returned"``, ``"timed out"`` or ``"waits"``."""
        if self.overflow is not Overflow.WAIT:
            self.emit([item])
            return "returned"
        if self.max_bytes is not None and item[1] > self.max_bytes:
            self.offered.append(item[0])
            self._drop("too_large", [item])
            return "returned"
        if not self.line and self._fits(item[1]):
            self.offered.append(item[0])
            self.queue.append(item)
            self._go_on()
            return "returned"
        if not may_wait:
            self.offered.append(item[0])
            self._drop("block_timeout", [item])
            return "timed out"
        self.line.append(item)
        return "waits"

    def leave_line(self, index: int) -> None:
        del self.line[index]
        self._go_on()

    def _go_on(self) -> None:
        """Let in who waits, and let the next batch leave."""
        while self.line and self._fits(self.line[0][1]):
            self.offered.append(self.line[0][0])
            self.queue.append(self.line.pop(0))
        if not self.hand and self.queue and not self.is_paused:
            self.hand.append(Part(self.queue[: self.batch_events]))
            del self.queue[: self.batch_events]
        self.is_calling |= bool(self.hand) and not self.is_paused

    def _answered(self) -> Part:
        self.is_calling = False
        return self.hand.pop()

    def deliver(self, rejected: set[int]) -> None:
        """The far side takes the batch but for the indexes of *rejected*."""
        part = self._answered()
        for index, (number, _) in enumerate(part.items):
            if index in rejected:
                self.rejected.append(number)
            else:
                self.arrived.append(number)
        self._go_on()

    def refuse(self) -> None:
        self.rejected += [number for number, _ in self._answered().items]
        self._go_on()

    def split(self) -> None:
        part = self._answered()
        if len(part.items) == 1:
            self._drop("too_large", part.items)
            self._go_on()
            return
        ends = [0, *split_points(len(part.items))]
        for start, end in reversed(list(pairwise(ends))):
            self.hand.append(Part(part.items[start:end], part.faults, part.unknown))
        self._go_on()

    def fail(self, kind: str, *, arrived: int) -> bool:
        """The first *arrived* did; return whether the rest is tried again."""
        self.errors[kind] += 1
        part = self._answered()
        self.arrived += [number for number, _ in part.items[:arrived]]
        del part.items[:arrived]
        self.hand += [part] if part.items else []
        self._go_on()
        return bool(part.items)

    def hang(self) -> None:
        """It takes so long that it is cut off, and tried again."""
        self.errors["TimeoutError"] += 1
        self._again_though_unknown(self._answered())

    def fault(self, kind: str | None) -> bool:
        """It is tried again but for the third time; return whether it is.

        The error is of *kind*; without one, who tried it died.
        """
        if kind is not None:
            self.errors[kind] += 1
        part = self._answered()
        part.faults += 1
        if part.faults == 3:
            self._drop("retry_exhausted", part.items)
            self._go_on()
        else:
            self._again_though_unknown(part)
        return part.faults < 3

    def _again_though_unknown(self, part: Part) -> None:
        if not part.unknown:
            part.unknown = True
            self.possible_duplicates += len(part.items)
        self.hand.append(part)
        self._go_on()

    def close(self) -> None:
        self.line.clear()
        self._drop("shutdown_deadline", self.held)
        self.hand.clear()
        self.is_calling = False
        self.queue.clear()
