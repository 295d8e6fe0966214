"""What is on its way to the buffers, counted for those who look meanwhile."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eventbus._door import Door
from eventbus._withheld import on_the_way_back

if TYPE_CHECKING:
    from eventbus._ingress import Ingress


def selected(ingress: Ingress) -> int:
    """Return how many handed over some attachment selects; the lock is held.

    Those count too that a seal under way has taken, and those do not whose
    publishers are about to take them back.
    """
    counted = ingress.entries[: ingress.counted]
    handed_over = ingress.selected_of(counted) + ingress.selected_of(ingress.in_seal)
    return handed_over - len(on_the_way_back(ingress))


def counts_in_seal(ingress: Ingress) -> dict[Door, tuple[int, int]]:
    """Return what a seal under way has taken, door by door; the lock is held.

    It is how many wait there, and how many came when the door was closed. What
    publishers are about to take back is counted at the doors, and less here.
    """
    counts: dict[Door, tuple[int, int]] = {}
    for index, entry in enumerate(ingress.in_seal):
        for door in ingress.doors_of(entry[0]):
            if index >= door.sealed_start:
                waiting, refused = counts.get(door, (0, 0))
                fits = door.sealed_from is None or index < door.sealed_from
                counts[door] = (waiting + fits, refused + (not fits))
    for index in on_the_way_back(ingress):
        for door in ingress.doors_of(ingress.entries[index][0]):
            waiting, refused = counts.get(door, (0, 0))
            late = door.refuses(index)
            counts[door] = (waiting - (not late), refused - late)
    return counts
