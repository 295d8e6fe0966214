"""Which publishers' entries go back to them: a door that makes them wait refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eventbus._window import Entry, has_published, is_published

if TYPE_CHECKING:
    from eventbus._ingress import Ingress


def has_to_wait(ingress: Ingress, index: int) -> bool:
    """Return whether the publisher of what stands at *index* will take it back."""
    entry = ingress.entries[index]
    doors = ingress.doors_of(entry[0]) if is_published(entry) else ()
    return any(door.waits and door.refuses(index) for door in doors)


def on_the_way_back(ingress: Ingress) -> list[int]:
    """Return the places of those whose publishers will find that they must wait."""
    if not ingress.has_publishers or ingress.closings == ingress.seen_closings:
        return []
    places = range(_first_refused(ingress), ingress.counted)
    return [index for index in places if has_to_wait(ingress, index)]


def withhold(ingress: Ingress) -> list[Entry]:
    """Take out of the list what publishers are about to take back themselves."""
    withheld: list[Entry] = []
    first = _first_refused(ingress)
    if not has_published(ingress.entries[first : ingress.counted]):
        return withheld
    for index in reversed(range(first, ingress.counted)):
        if has_to_wait(ingress, index):
            withheld.append(ingress.entries[index])
            ingress.uncount(index)
            del ingress.entries[index]
    return withheld[::-1]


def _first_refused(ingress: Ingress) -> int:
    """Return from where on some door refused what it makes publishers wait for."""
    closed = (d.closed_from for d in ingress.doors if d.waits)
    return min((c for c in closed if c is not None), default=ingress.counted)
