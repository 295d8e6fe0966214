"""Who has the part of a buffer's room that is reserved, and who goes before them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from eventbus._catalog import EventType
from eventbus._records import severity_of
from eventbus._settings import Reserve
from eventbus._severity import SEVERITY_NUMBER

if TYPE_CHECKING:
    from eventbus._record import AnyRecord
    from eventbus._window import Item


def severe_ones(records: Sequence[AnyRecord], reserve: Reserve) -> list[bool]:
    """Return of each of *records* whether *reserve* is for it."""
    floor = SEVERITY_NUMBER[reserve.severity]
    return [SEVERITY_NUMBER[record.severity or "info"] >= floor for record in records]


def is_severe(item: Item, event_type: EventType, reserve: Reserve) -> bool:
    """Return the same of an *item* that is no record yet."""
    number = SEVERITY_NUMBER[severity_of(item, event_type)]
    return number >= SEVERITY_NUMBER[reserve.severity]


def first_to_go(
    places: Iterable[tuple[int, bool]], count: int, *, oldest: bool
) -> frozenset[int]:
    """Return the *count* of *places* that go first.

    Args:
        places: In their order, and whether the reserve is for what stands there.
        count: How many have no room.
        oldest: Whether the oldest go first of those who are alike, or the newest.
    """
    ordinary: list[int] = []
    severe: list[int] = []
    for place, is_reserved_for in places:
        (severe if is_reserved_for else ordinary).append(place)
    if not oldest:
        ordinary.reverse()
        severe.reverse()
    return frozenset([*ordinary, *severe][:count])
