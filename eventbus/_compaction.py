"""What of the hand-over is forgotten, so that a stalled loop costs no memory."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from eventbus._door import Door
from eventbus._reserve import first_to_go, is_severe
from eventbus._window import Entry, event_of, item_of
from eventbus._withheld import has_to_wait

if TYPE_CHECKING:
    from eventbus._ingress import Ingress


def compact(ingress: Ingress) -> list[Entry]:
    """Forget entries that nobody will take; the lock is held, all of them are counted.

    Entries before a door closed are wanted by it, entries after are not; of a door
    that drops its oldest, only the newest are. What comes meanwhile stays.

    Returns:
        What is to be let go of outside the lock.
    """
    ingress.revoke()
    counted = ingress.entries[: ingress.counted]
    surplus = {door: door.overflow for door in ingress.doors}
    unwanted = _unwanted(ingress, counted, surplus)
    kept: list[Entry] = []
    gone: list[Entry] = []
    for index, entry in enumerate(counted):
        doors = ingress.doors_of(entry[0])
        wanted = [
            index not in unwanted[door]
            if door in unwanted
            else door.wants(index, surplus)
            for door in doors
        ]
        if any(wanted) or has_to_wait(ingress, index):
            kept.append(entry)
            continue
        gone.append(entry)
        for door in doors:
            door.lose(index)
    _renumber(ingress, counted, kept)
    return gone


def _unwanted(
    ingress: Ingress, counted: Sequence[Entry], surplus: dict[Door, int]
) -> dict[Door, frozenset[int]]:
    """Return which entries go at doors with a reserve, where some have to."""
    unwanted: dict[Door, frozenset[int]] = {}
    event_types = ingress.event_types
    for door, count in surplus.items():
        reserve = door.reserve
        if count and reserve is not None and not door.is_closed:
            places = (
                (index, is_severe(item, event_types[kind], reserve))
                for index, item in enumerate(map(item_of, counted))
                if door in ingress.doors_of(item)
                and (kind := type(event_of(item))) in event_types
            )
            unwanted[door] = first_to_go(places, count, oldest=door.drops_oldest)
    return unwanted


def _renumber(ingress: Ingress, counted: Sequence[Entry], kept: list[Entry]) -> None:
    """Put *kept* in the place of *counted*, and the doors' places in it right."""
    places = {id(entry): index for index, entry in enumerate(kept)}
    for door in ingress.doors:
        if door.closed_from is not None:
            tail = counted[door.closed_from :]
            stay = (places[id(e)] for e in tail if id(e) in places)
            door.closed_from = next(stay, len(kept))
    ingress.ledger.emitted += len(counted) - len(kept)
    ingress.entries[: len(counted)] = kept
    ingress.counted = len(kept)
