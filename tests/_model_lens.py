"""Where each event of one attachment is, by its number, in the core's own parts."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable
from itertools import chain, combinations
from typing import Final

from eventbus import Attachment, AttachmentStats, Buffer, Overflow
from eventbus._chunk import Chunk, RecordBatch
from eventbus._clock import Clock
from eventbus._publish import Waiter
from eventbus._record import AnyRecord
from eventbus._sampler import Sampler, for_attachment
from eventbus._trouble import Trouble
from eventbus._window import event_of
from tests._model_far import FarSide
from tests._rig import numbers, settle_jitter

FOR_WANT_OF_ROOM: Final = {"queue_full", "bytes_full"}
WITHOUT_A_TRY: Final = {
    *FOR_WANT_OF_ROOM,
    "permanent",
    "sink_detached",
    "shutdown_deadline",
}


class Spied:
    """A sampler that remembers what it left out."""

    def __init__(self, sampler: Sampler) -> None:
        self._sampler = sampler
        self.left_out: list[int] = []

    def sample(self, record: AnyRecord) -> float:
        weight = self._sampler.sample(record)
        if not weight:
            self.left_out.append(record.event.n)
        return weight

    def for_attachment(self, clock: Clock) -> Spied:
        self._sampler = for_attachment(self._sampler, clock)
        return self


class Line(deque[Waiter]):
    """The line of waiting publishers, which remembers everybody who stood there."""

    def __init__(self) -> None:
        super().__init__()
        self.ever: dict[Waiter, int] = {}

    def append(self, waiter: Waiter) -> None:
        assert waiter.portion.kept is not None
        (self.ever[waiter],) = numbers(waiter.portion.kept.records())
        super().append(waiter)


def numbers_in(chunks: Iterable[Chunk]) -> list[int]:
    return [n for chunk in chunks for n in numbers(chunk.records())]


class Lens:
    """Looks at one attachment from its start on, and keeps what it saw there.

    Everything that was offered is found in one of these places, or :attr:`missing`:
    that was dropped for want of room, or because the attachment was given up.
    """

    def __init__(
        self, attachment: Attachment, far: FarSide, *, keeps_order: bool = True
    ) -> None:
        self._keeps_order = keeps_order
        self.attachment = attachment
        self.far = far
        self.name = attachment.name
        self.lost: dict[str, list[int]] = {}
        self.aside: list[int] = []
        self.line = Line()
        self.gone: set[int] = set()  # what was missing when it was checked last
        self._lost_before = 0
        self._ceiling = self._ceiling_bytes = self._peak = 0
        self._held: set[int] = set()
        self.is_paused = False  # an end overrides it
        self._attempts_before = 0
        self._was_resized = False
        attachment.waiters = self.line
        self._set_aside = attachment.fate.set_aside
        attachment.fate.set_aside = self._note_lost  # type: ignore[method-assign]
        settle_jitter(attachment)

    def _note_lost(self, batch: RecordBatch, reason: str, trouble: Trouble) -> bool:
        kept = self._set_aside(batch, reason, trouble)
        lost = numbers_in(batch.chunks)
        self.far.given_up.update(lost)
        if kept:
            self.aside += lost
        else:
            self.lost.setdefault(reason, []).extend(lost)
        return kept

    @property
    def handed_over(self) -> list[int]:
        """What this attachment let in and no seal has taken yet."""
        door, ingress = self.attachment.door, self.attachment.host.ingress
        return [
            event_of(entry[0]).n  # type: ignore[attr-defined]
            for index, entry in enumerate(ingress.entries)
            if door in ingress.doors_of(entry[0])
            and index >= door.starts_at
            and not door.refuses(index)
        ]

    @property
    def queued(self) -> list[int]:
        return numbers_in(self.attachment.buffer.chunks)

    @property
    def in_hand(self) -> list[int]:
        batches = self.attachment.workers.in_hand()
        return [n for batch in batches for n in numbers_in(batch.chunks)]

    @property
    def pending(self) -> list[int]:
        return self.in_hand + self.queued + self.handed_over

    @property
    def is_full(self) -> bool:
        """Whether an ``emit`` now is refused here."""
        door, max_events = self.attachment.door, self.attachment.buffer.max_events
        taken = len(self.pending) + len(self.line)
        return door.is_closed or (taken >= max_events and not door.drops_oldest)

    @property
    def doomed(self) -> int:
        """How many of the oldest go when what was handed over is sealed."""
        buffer, surplus = self.attachment.buffer, len(self.pending)
        surplus -= buffer.max_events
        if not self.handed_over or not self.attachment.door.drops_oldest:
            return 0
        return min(max(surplus, 0), len(self.queued) + len(self.handed_over))

    @property
    def sees_what_is_left_out(self) -> bool:
        sampler = self.attachment.plan.sampler
        return sampler is None or isinstance(sampler, Spied)

    @property
    def left_out(self) -> list[int]:
        sampler = self.attachment.plan.sampler
        return sampler.left_out if isinstance(sampler, Spied) else []

    @property
    def timed_out(self) -> list[int]:
        return [n for waiter, n in self.line.ever.items() if waiter.timed_out]

    @property
    def waiting(self) -> list[int]:
        return [self.line.ever[waiter] for waiter in self.line]

    def waiter_of(self, number: int) -> Waiter | None:
        found = [w for w, n in self.line.ever.items() if n == number]
        assert len(found) <= 1, f"{number} stood in line twice"
        return found[0] if found else None

    @property
    def places(self) -> dict[str, list[int]]:
        """Every place where an event can be, with what is there."""
        return {
            "handed over": self.handed_over,
            "queued": self.queued,
            "in hand": self.in_hand,
            "delivered": self.far.told,
            "sampled out": self.left_out,
            "dead-lettered": self.aside,
            "timed out": self.timed_out,
            **{f"lost: {reason}": lost for reason, lost in self.lost.items()},
        }

    def check(self, offered: set[int], stats: AttachmentStats) -> None:
        """Hold the law of accounting against the sets of ids."""
        places = self.places
        present = self._each_in_one(places)
        assert present <= offered, f"never offered: {present - offered}"
        missing = offered - present
        assert self.gone <= missing, f"came back: {self.gone - missing}"
        self._check_gone(missing - self.gone, places)
        self.gone = missing
        self._check_counts(places, offered, missing, stats)
        self._check_caps(places, stats)
        if self._keeps_order:
            self._check_order(places)
        self._check_attempts(stats)
        self._check_line()

    def _check_gone(self, gone: set[int], places: dict[str, list[int]]) -> None:
        """Hold against it which ones went for want of room since the last look."""
        assert not gone & self._held, f"dropped in flight: {gone & self._held}"
        self._held = set(places["in hand"])
        queue = (places["queued"] + places["handed over"])[self.doomed :]
        was_resized, self._was_resized = self._was_resized, False
        if was_resized:
            return  # what was handed over went by the policy of before
        if not self.attachment.door.drops_oldest or self.attachment.intake.closed_for:
            return
        if self.sees_what_is_left_out and queue and gone:
            assert max(gone) < queue[0], "it was not the oldest that went"

    def _each_in_one(self, places: dict[str, list[int]]) -> set[int]:
        for name, found in places.items():
            assert len(found) == len(set(found)), f"twice {name}: {found}"
        for (one, here), (other, there) in combinations(places.items(), 2):
            both = set(here) & set(there)
            assert not both, f"both {one} and {other}: {both}"
        return set(chain.from_iterable(places.values()))

    def _check_counts(
        self,
        places: dict[str, list[int]],
        offered: set[int],
        missing: set[int],
        stats: AttachmentStats,
    ) -> None:
        pending = sum(len(places[p]) for p in ("handed over", "queued", "in hand"))
        doomed = self.doomed
        lost = {reason: len(found) for reason, found in self.lost.items()}
        rejected = lost.pop("rejected", 0)
        unspied = stats.sampled_out - len(places["sampled out"])
        assert not (unspied and self.sees_what_is_left_out)
        assert stats.balanced
        assert stats.offered == len(offered), f"{self.name}: {places} {missing} {stats}"
        assert stats.delivered == len(places["delivered"])
        assert stats.rejected == rejected
        assert stats.dead_lettered == len(places["dead-lettered"])
        assert stats.pending == pending - doomed
        dropped = dict(stats.dropped)
        assert dropped.pop("block_timeout", 0) == len(places["timed out"])
        here = WITHOUT_A_TRY if self.attachment.intake.closed_for else FOR_WANT_OF_ROOM
        unseen = 0
        for reason, count in dropped.items():
            seen = lost.pop(reason, 0)
            assert count == seen or (count > seen and reason in here), reason
            unseen += count - seen
        assert not any(lost.values()), f"not counted: {lost}"
        assert unseen + unspied == len(missing) + doomed
        self._check_rejected()

    def _check_rejected(self) -> None:
        said = set(self.far.refused)
        assert set(self.lost.get("rejected", ())) <= said
        assert said <= set(self.lost.get("rejected", ())) | set(self.aside)

    def _check_caps(self, places: dict[str, list[int]], stats: AttachmentStats) -> None:
        """What is held beyond the bounds was there when they were lowered."""
        buffer = self.attachment.buffer
        held = places["queued"] + places["in hand"]
        assert buffer.queued == len(places["queued"])
        assert buffer.in_flight == len(places["in hand"])
        assert stats.pending <= max(self._ceiling, buffer.max_events)
        self._ceiling = min(self._ceiling, stats.pending)
        self._peak = max(self._peak, buffer.max_events)
        assert min(stats.pending, self._peak) <= stats.pending_peak <= self._peak
        if buffer.max_bytes is not None:
            size = sum(map(size_of, held))
            assert stats.pending_bytes == size
            assert size <= max(self._ceiling_bytes, buffer.max_bytes)
            self._ceiling_bytes = min(self._ceiling_bytes, size)

    def _check_order(self, places: dict[str, list[int]]) -> None:
        queue = places["queued"] + places["handed over"]
        assert queue == sorted(queue)
        if self.attachment.plan.batch.max_in_flight == 1:
            firsts = list(dict.fromkeys(self.far.arrived))
            assert firsts == sorted(firsts), f"out of order: {firsts}"
            assert not firsts or not queue or firsts[-1] < queue[0]

    def _check_attempts(self, stats: AttachmentStats) -> None:
        far, batch = self.far, self.attachment.plan.batch
        if self.is_paused:
            assert len(far.attempts) == self._attempts_before, "not paused"
        assert len(far.calls) <= batch.max_in_flight
        assert all(0 < len(sent) <= batch.max_events for sent in far.attempts)
        repeats = {n for n, times in Counter(far.arrived).items() if times > 1}
        assert repeats <= far.unsure, f"sent twice: {repeats - far.unsure}"
        assert set(far.told) <= set(far.arrived)
        assert set(far.arrived) <= set(far.told) | far.unsure | far.given_up
        assert len(far.tried_again) <= stats.possible_duplicates <= len(far.unsure)

    def _check_line(self) -> None:
        assert self.attachment.door.waiting == len(self.line)
        too_large = {*self.lost.get("too_large", ()), *self.aside}  # takes no room
        somebody_waits = False
        for waiter, n in self.line.ever.items():
            early = somebody_waits and waiter.admitted and n not in too_large
            assert not early, "let in before its turn"
            somebody_waits |= waiter.waits

    def toggle(self) -> None:
        """Pause it, or resume it."""
        if self.is_paused:
            self.attachment.resume()
        else:
            self.attachment.pause()
            self._attempts_before = len(self.far.attempts)
        self.is_paused = not self.is_paused

    def resize(self, bounds: Buffer) -> None:
        """Give it other *bounds*; only what its policy says is lost for them."""
        in_hand, line = self.in_hand, self.waiting
        seals_by_dropping = self.handed_over and self.attachment.door.drops_oldest
        queue = [] if seals_by_dropping else self.queued
        self.attachment.resize(bounds)
        self._was_resized = True
        expired = set(self.lost.get("expired", ()))
        left = [n for n in self.pending if n not in expired]
        assert {n for n in in_hand if n not in expired} <= set(left)
        if bounds.overflow is not Overflow.DROP_OLDEST:
            assert set(queue) <= set(left) | expired | self.decided
        assert bounds.overflow is Overflow.WAIT or not self.line
        assert self.waiting == [n for n in line if n in self.waiting]
        held = self.queued + self.in_hand
        self._ceiling = max(self._ceiling, len(self.pending))
        self._ceiling_bytes = max(self._ceiling_bytes, sum(map(size_of, held)))

    @property
    def decided(self) -> set[int]:
        """What has its final state, and is not missing."""
        undecided = ("handed over", "queued", "in hand")
        return {
            n
            for name, found in self.places.items()
            for n in found
            if name not in undecided
        }

    def note_report(self, awaited: set[int]) -> bool:
        """Return whether a report of now is to say that all is well."""
        stats = self.attachment.stats()
        before, self._lost_before = self._lost_before, stats.lost - self.doomed
        return self._lost_before == before and awaited.isdisjoint(self.pending)

    def check_quiet(self) -> None:
        """Hold against it what must be so when nothing moves."""
        if self.line:
            assert not self.attachment.has_room(self.line[0].portion), "waits in vain"

    def check_ended(self) -> None:
        """Nothing is left over anywhere."""
        places = self.places
        assert not any(places[p] for p in ("handed over", "queued", "in hand"))
        assert not self.line


def size_of(number: int) -> int:
    """Return the size of the event of that number: its last three digits."""
    return number % 1000


def measured(records: Iterable[AnyRecord], _bound: object = None) -> list[int]:
    """Return the sizes of *records*, in the place of what the bus would measure."""
    return [size_of(n) for n in numbers(records)]
