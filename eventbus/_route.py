"""Where events of one type go, and how many may go there without another look."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from eventbus._catalog import EventType
from eventbus._door import Door
from eventbus._records import severity_of
from eventbus._severity import SEVERITY_NUMBER
from eventbus._window import Item

if TYPE_CHECKING:
    from eventbus._attachment import Attachment

LEASE_EVENTS = 1024
"""How far the hand-over may grow unseen where no buffer's room bounds it."""

_MOST_PILOTS = 4

_REVOKED = 0  # after an append the list is longer: the next emit takes the slow path


class Lease:
    """Leave to append: up to *limit* events handed over, each answered with *ok*.

    A lease is never renewed, only revoked: who read one before appending knows by it
    whether a door closed meanwhile.

    Args:
        limit: How long the list of what is handed over may grow unseen.
        ok: The answer to each emit.
        closings: How many doors closed before.
    """

    __slots__ = ("closings", "limit", "ok", "publish_limit")

    def __init__(self, limit: int, ok: bool, closings: int) -> None:
        """Give leave."""
        self.limit = limit
        self.publish_limit = limit if ok else _REVOKED  # who may wait looks closer
        self.ok = ok
        self.closings = closings

    def revoke(self) -> None:
        """Send the next emit to the slow path."""
        self.limit = self.publish_limit = _REVOKED


class Route:
    """The attachments that selected an event type.

    Types that lead to the same attachments share one route and, with it, its lease: so
    thousands of types that are emitted in turn need no more leases than one.

    Args:
        attachments: Who selected them.
    """

    __slots__ = ("attachments", "doors", "lease", "weighs")

    has_floors = False

    def __init__(self, attachments: tuple[Attachment, ...]) -> None:
        """Start without a lease: the first emit asks for one."""
        self.attachments = attachments
        self.doors: tuple[Door, ...] = tuple(a.door for a in attachments)
        self.weighs = any(a.makes_publishers_wait_past_the_list for a in attachments)
        self.lease = Lease(_REVOKED, True, 0)

    def doors_of(self, item: Item) -> tuple[Door, ...]:
        """Return the doors that *item* leads to."""
        return self.doors

    def pilot(self) -> bool:
        """Wake some workers that likely have a batch; return whether any was.

        The seal wakes the others: an emit should not take the longer the more there
        are.
        """
        woken = 0
        for one in self.attachments:
            woken += one.workers.departures.pilot()
            if woken == _MOST_PILOTS:
                break
        return woken > 0

    def renew(self, counted: int, closings: int) -> Lease:
        """Give a lease for a hand-over of which *counted* events are accounted for."""
        is_bounded = is_open = True
        rooms: list[int] = []
        for door in self.doors:
            if door.closed_from is not None:
                is_open = False
            elif door.stays_open:
                is_bounded = False
            else:
                rooms.append(door.room)
        room = min(rooms, default=LEASE_EVENTS)
        if not (is_bounded and is_open):
            room = min(room, LEASE_EVENTS)
        self.lease = Lease(counted + max(room, 0), is_open, closings)
        return self.lease


class FlooredRoute(Route):
    """The route of one event type whose events differ in where they may go.

    Args:
        event_type: As the catalog has it.
        attachments: Who selected it.
        floors: The least severity number that an attachment takes of it.
    """

    __slots__ = ("_event_type", "_floors")

    has_floors = True

    def __init__(
        self,
        event_type: EventType,
        attachments: tuple[Attachment, ...],
        floors: Mapping[Attachment, int],
    ) -> None:
        """Start without a lease."""
        super().__init__(attachments)
        self._event_type = event_type
        self._floors = {one.door: floor for one, floor in floors.items()}

    def doors_of(self, item: Item) -> tuple[Door, ...]:
        """Return the doors that *item* leads to, by its own severity."""
        number = SEVERITY_NUMBER[severity_of(item, self._event_type)]
        return tuple(d for d in self.doors if number >= self._floors.get(d, 0))
