"""How events are handed over: one list, leases, and a slow path once per batch.

``emit`` appends first and compares the list's length with its lease after, so no
wake-up is lost. The slow path runs under a lock that no user code ever runs under: it
counts what has arrived and gives a new lease. As long as the list is no longer than a
lease's limit, no door on its way can close; whatever could make that untrue (a seal,
an entry that is taken back, room that is given away) revokes all leases *before*.
A lease is read before the append, so an answer of ``True`` is never false.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping
from functools import partial
from threading import RLock
from typing import Any, Final

from eventbus._catalog import EventType
from eventbus._compaction import compact
from eventbus._context import Bound
from eventbus._current_span import Capture, capture
from eventbus._door import Door
from eventbus._event import Event
from eventbus._latch import Latch, Left
from eventbus._ledger import BusLedger
from eventbus._record import AnyRecord, Record
from eventbus._route import LEASE_EVENTS, Lease, Route
from eventbus._severity import Severity
from eventbus._thinning import Thinning
from eventbus._window import Entry, Item, Published, event_of, item_of
from eventbus._withheld import has_to_wait, withhold

DEFERRED_EVENTS: Final = 128
"""How many arrivals may wait for a seal's end before they are counted without it."""

_MAX_LEASES: Final = 1024


class NoLoopError(Exception):
    """The loop that was to take the events is closed."""


class Ingress:
    """The one list that all attachments share, from ``emit`` to the seal.

    Args:
        wake: Makes the loop take what was handed over, by the worker of somebody the
            route leads to if it can; raises :class:`NoLoopError`.
        is_owner: Whether the calling thread is the loop's.
        now: The monotonic clock.
        ledger: Where refusals are counted.
        admit: Takes what was left by code that ran in the middle of the lock.
    """

    def __init__(
        self,
        *,
        wake: Callable[[Route | None], None],
        is_owner: Callable[[], bool],
        now: Callable[[], float],
        ledger: BusLedger,
        admit: Callable[[Any, Bound | None], object],
    ) -> None:
        """Start empty and idle."""
        self.entries: list[Entry] = []
        self.routes: dict[type[Event], Route] = {}
        self.table: dict[type[Event], Route | Thinning | None] = {}
        self.publish_table: dict[type[Event], Route | None] = {}
        self.severities: dict[type[Event], Severity] = {}
        self.event_types: Mapping[type[Event], EventType] = {}
        self.doors: tuple[Door, ...] = ()
        self.common: tuple[Door, ...] | None = None
        """The doors that every event leads to, where that needs no look at it."""
        self.ledger = ledger
        self.closed = False
        self.has_floors = False
        self.has_publishers = False
        """Whether any entry may be a publisher's."""
        self.relays = False
        """Whether any record ever came from elsewhere."""
        self._wake = wake
        self._is_owner = is_owner
        self.now = now
        self.capture: Capture = capture()
        """What says what is bound where an event is handed over."""
        self.capturing: list[Callable[[Capture], None]] = []
        """Gives it to those who keep it at hand."""
        self.mutex = RLock()
        self.inside = Latch(self.mutex, self.entries, self._rouse)
        self.left = Left(self.inside, admit)
        self._leases: list[Lease] = []
        self._begin()

    def _begin(self) -> None:
        self.since = math.inf
        """When the oldest of what is here was handed over; infinity while none is."""
        self.sealed_since = math.inf
        """The same of what a seal under way has taken."""
        self.in_seal: list[Entry] = []
        """What a seal under way has taken."""
        self.counted = 0
        """How many, from the oldest on, are counted at their doors."""
        self._awake = False
        self.closings = self.seen_closings = 0
        """How many doors closed, and how many of them before the last seal."""
        self._compact_at = 4 * LEASE_EVENTS

    def follow_spans(self) -> None:
        """Capture OpenTelemetry's current span too, once the program can have any."""
        present = capture()
        if present is not self.capture:
            self.capture = present
            for give in self.capturing:
                give(present)

    def deviates(self, record: AnyRecord) -> bool:
        """Return whether *record* may go elsewhere than its type, by its severity."""
        own, kind = record.severity, type(event_of(record))
        return own is not None and self.severities.get(kind, own) != own

    def look(self, entry: Entry, lease: Lease) -> bool:
        """Account for an append that went past its lease; return emit's answer."""
        gone: list[Entry] = []
        with self.left, self.mutex, self.inside as outermost:
            if not outermost:
                return False
            if self.closed:
                return self._turn_back(entry, "closed")
            present = self._route_of(entry[0])
            if not (self._awake or self._rouse(present)):
                return self._turn_back(entry, "no_loop")
            if present is None:
                self._remove(entry)
                return True
            return self._account(present, lease, gone)

    def enter(self, entry: Published, lease: Lease) -> bool:
        """Account for a publisher's append, unless an attachment makes it wait.

        Returns:
            Whether it went in; otherwise it is taken back, and nothing was counted.
        """
        gone: list[Entry] = []
        with self.left, self.mutex, self.inside as outermost:
            present = self._route_of(entry[0])
            if not outermost or self.closed or self._makes_wait(entry, present):
                return not self._remove(entry)
            if not self._rouse(present):
                return not self._remove(entry)
            if present is None:
                self._remove(entry)
            else:
                self._account(present, lease, gone)
            return True

    def _makes_wait(self, entry: Published, route: Route | None) -> bool:
        if route is None:
            return False
        uncounted = len(self.entries) - self.counted
        if all(door.surely_fits(uncounted) for door in route.doors if door.waits):
            return False
        index = self._place_of(entry)
        if index is not None and index < self.counted:  # somebody looked meanwhile
            return has_to_wait(self, index)
        arrivals = self._arrivals(self.counted, len(self.entries))
        return any(
            d.waits and not d.surely_fits(arrivals.get(d, 0)) for d in route.doors
        )

    def _route_of(self, item: Item) -> Route | None:
        kind: type[Any] = type(item)  # Any: an event's, or a record's
        return self.routes.get(kind if kind is not Record else type(event_of(item)))

    def _account(self, route: Route, lease: Lease, gone: list[Entry]) -> bool:
        """Give a lease that covers what arrived, which is counted if it must be.

        Args:
            route: Where the newest entry leads.
            lease: What its emitter had read.
            gone: Gets what is to be let go of outside the lock.
        """
        if len(self.entries) > self._compact_at and self.settle():
            gone += compact(self)
            self._compact_at = max(4 * LEASE_EVENTS, 2 * self.counted)
        if not self._covers(route):
            if not self.settle():
                return False
            self._covers(route)
        answer = route.lease.ok
        if not self._is_owner():
            answer = answer and lease.ok and lease.closings == self.closings
        return answer

    def _covers(self, route: Route) -> bool:
        """Return whether the lease of *route*, a new one if it must be, reaches here.

        What is not counted may all have gone to its doors; it counts by its number. An
        empty list needs no lease: the next emit has to wake the loop.
        """
        length = len(self.entries)
        if route.lease.limit < length:
            if len(self._leases) >= _MAX_LEASES:
                self.revoke()
            self._leases.append(route.renew(self.counted, self.closings))
        return route.lease.limit >= length

    def _rouse(self, route: Route | None = None) -> bool:
        """Make the loop take what is here; return whether there is a loop to."""
        if self.entries and not self._awake and not self.closed:
            try:
                self._wake(route)
            except NoLoopError:
                return False
            self._awake = True
            self.since = min(self.since, self.now())
        return True

    def _turn_back(self, entry: Entry, reason: str) -> bool:
        if self._remove(entry):
            self.ledger.refuse(reason)
        return False

    def _remove(self, entry: Entry) -> bool:
        """Take *entry* back; ``False`` when it is not in the list any more."""
        self.revoke()
        index = self._place_of(entry)
        if index is None:
            return False
        if index < self.counted:
            self.uncount(index)
        del self.entries[index]
        return True

    def _place_of(self, entry: Entry) -> int | None:
        for index in range(len(self.entries) - 1, -1, -1):
            if self.entries[index] is entry:
                return index
        return None

    def uncount(self, index: int) -> None:
        """Undo the count of the entry at *index*, which is taken out next."""
        self.counted -= 1
        doors = self.doors_of(self.entries[index][0])
        for door in self.doors:
            door.forget(index, selected=door in doors)

    def revoke(self) -> None:
        """Send every next emit to the slow path; the lock is held."""
        for lease in self._leases:
            lease.revoke()
        self._leases.clear()

    def settle(self) -> bool:
        """Count what arrived since the last count, door by door; the lock is held.

        While a seal is under way its doors are booked for as many events as they
        might take. A few arrivals that may not fit beside that are left for the seal's
        end: then the answer is ``False``.
        """
        length = len(self.entries)
        arrivals = self._arrivals(self.counted, length)
        if length - self.counted <= DEFERRED_EVENTS and any(
            d.sealing and not d.surely_fits(n) for d, n in arrivals.items()
        ):
            return False
        for door, count in arrivals.items():
            fits = door.admit(count)
            if fits < count and not door.is_closed:
                door.closed_from = self._position(door, self.counted, fits)
                self.closings += 1
        self.counted = length
        return True

    def _arrivals(self, start: int, stop: int) -> dict[Door, int]:
        if self.common is not None:
            return dict.fromkeys(self.common, stop - start)
        arrivals: Counter[Door] = Counter()
        items = list(map(item_of, self.entries[start:stop]))
        routes = list(map(self.routes.get, kinds_of(items)))
        for route, count in Counter(routes).items():
            if route is None:
                continue
            if route.has_floors:
                for item, its_route in zip(items, routes, strict=True):
                    if its_route is route:
                        arrivals.update(route.doors_of(item))
                continue
            for door in route.doors:
                arrivals[door] += count
        return arrivals

    def doors_of(self, item: Item) -> tuple[Door, ...]:
        """Return the doors that *item* leads to; the lock is held."""
        if self.common is not None:
            return self.common
        route = self._route_of(item)
        return route.doors_of(item) if route else ()

    def _position(self, door: Door, start: int, skip: int) -> int:
        """Return where the first event for *door* stands after *skip* of them."""
        if self.common is not None:
            return start + skip
        for index in range(start, len(self.entries)):
            if door in self.doors_of(self.entries[index][0]):
                if skip == 0:
                    return index
                skip -= 1
        raise AssertionError("a door closed with nothing in front of it")

    def take(self) -> list[Entry]:
        """Take everything handed over, for a seal; :meth:`release` ends it."""
        with self.left, self.mutex, self.inside:
            self.revoke()
            uncounted = len(self.entries) - self.counted
            for door in self.doors:
                if not door.surely_fits(uncounted):
                    self.settle()
                    uncounted = 0
                    break
            waiting: list[Entry] = []
            if self.has_publishers and self.closings != self.seen_closings:
                waiting = withhold(self)
            self.seen_closings = self.closings
            stop = self.counted + uncounted
            # Nothing is called between these two: no signal handler comes there.
            self.in_seal = taken = self.entries[:stop]
            self.entries[:stop] = waiting
            for door in self.doors:
                door.begin_seal(uncounted)
            self.counted = 0
            self._awake = False
            self.since, self.sealed_since = math.inf, self.since
            return taken

    def selected_of(self, entries: list[Entry]) -> int:
        """Return how many of *entries* some attachment selects; the lock is held."""
        if not self.has_floors:
            return len(entries)
        routes = map(self.routes.get, kinds_of(list(map(item_of, entries))))
        return sum(
            route is None or not route.has_floors or bool(route.doors_of(entry[0]))
            for route, entry in zip(routes, entries, strict=True)
        )

    def put_back(self) -> None:
        """Undo the :meth:`take` of a seal that was broken off."""
        with self.left, self.mutex, self.inside:
            self.entries[:0] = self.in_seal
            self.in_seal = []
            self.since, self.sealed_since = self.sealed_since, math.inf
            self.counted = 0
            for door in self.doors:
                door.cancel_seal()
            self._awake = True
        self._awake = False  # whoever comes next wakes the loop, and not before

    def is_in_seal(self, taken: list[Entry]) -> bool:
        """Return whether *taken* is what a seal under way took, in this process."""
        return self.in_seal is taken

    def release(self) -> None:
        """End a seal: what it took is in the buffers; the lock is held."""
        self.ledger.emitted += self.selected_of(self.in_seal)
        self.in_seal = []
        self.sealed_since = math.inf
        for door in self.doors:
            door.end_seal()

    def start_over(self, go_on: Callable[[], None]) -> None:
        """Forget everything handed over, in the child of a fork; then *go_on*.

        The lock may be that of a thread which is not there any more. If this very
        thread forked in the middle of it, all of that waits for it to be free.
        """
        if not self.mutex._is_owned():  # type: ignore[attr-defined]
            self.mutex._at_fork_reinit()  # type: ignore[attr-defined]
        self.left.replace(partial(self._start_over, go_on))

    def _start_over(self, go_on: Callable[[], None]) -> None:
        self.revoke()
        self.entries.clear()
        self._begin()
        go_on()


def kinds_of(items: list[Item]) -> list[type[Event]]:
    """Return the type of the event of each of *items*."""
    kinds = list[Any](map(type, items))  # Any: events, and records among them
    return [type(event_of(i)) for i in items] if Record in kinds else kinds
