"""Where events of one type go, and how many may go there without another look."""

from __future__ import annotations

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

_REVOKED = -1  # shorter than any list, so the next emit takes the slow path


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
    """The attachments that selected one event type, decided once."""

    __slots__ = ("attachments", "doors", "event_type", "floors", "lease", "weighs")

    def __init__(
        self,
        event_type: EventType,
        attachments: tuple[Attachment, ...],
        *,
        varies: bool,
    ) -> None:
        """Start without a lease: the first emit asks for one.

        Args:
            event_type: As the catalog has it.
            attachments: Who selected it.
            varies: Whether its events differ in severity.
        """
        self.event_type = event_type
        self.attachments = attachments
        self.doors: tuple[Door, ...] = tuple(a.door for a in attachments)
        floors = {
            a.door: a.plan.select.severity_floor(varies=varies) for a in attachments
        }
        self.floors = {door: floor for door, floor in floors.items() if floor}
        self.weighs = any(a.makes_publishers_wait_for_bytes for a in attachments)
        self.lease = Lease(_REVOKED, True, 0)

    @property
    def is_open(self) -> bool:
        """Whether no door on the way is closed."""
        return not any(door.is_closed for door in self.doors)

    def doors_of(self, item: Item) -> tuple[Door, ...]:
        """Return the doors that *item*, of this type, leads to."""
        if not self.floors:
            return self.doors
        number = SEVERITY_NUMBER[severity_of(item, self.event_type)]
        return tuple(d for d in self.doors if number >= self.floors.get(d, 0))

    def renew(self, counted: int, closings: int) -> Lease:
        """Give a lease for a hand-over of which *counted* events are accounted for."""
        rooms = [
            door.room
            for door in self.doors
            if not door.drops_oldest and not door.is_closed
        ]
        room = min(rooms, default=LEASE_EVENTS)
        if len(rooms) < len(self.doors):
            room = min(room, LEASE_EVENTS)
        self.lease = Lease(counted + max(room, 0), self.is_open, closings)
        return self.lease
