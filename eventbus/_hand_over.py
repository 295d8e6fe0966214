"""How many records are published in one go, as long as nobody has to wait."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import islice
from typing import TYPE_CHECKING

from eventbus._record import AnyRecord, Record, is_frozen

if TYPE_CHECKING:
    from eventbus._bus import Bus
    from eventbus._window import Published

HandOver = Callable[[Sequence[AnyRecord], int], int]


def hand_over_of(bus: Bus) -> HandOver:
    """Return what hands records over to *bus*, in their order, as ``publish`` does.

    It takes records and the place of the first, and returns the place of the one that
    ``publish`` itself must be awaited for: it would wait for room, it needs a closer
    look, or the bus is closed. That one was not handed over; the others before it were.
    The number of records means that all of them were.
    """
    ingress, time_ns = bus._engine.ingress, bus._engine.clock.time_ns
    entries, table, enter = ingress.entries, ingress.publish_table, ingress.enter
    severities, deviates = ingress.severities, ingress.deviates

    def hand_over(records: Sequence[AnyRecord], start: int) -> int:
        ingress.relays = True
        bound, time = ingress.capture(), time_ns()  # one moment: nothing waits between
        for index, record in enumerate(islice(records, start, None), start):
            if type(record) is not Record or not is_frozen(record):
                return index  # to be copied, or refused
            if severities and deviates(record):
                return index
            try:
                route = table[type(record.event)]
            except KeyError:
                return index
            if route is None:
                continue
            lease = route.lease
            entry: Published = (record, time, bound, True)
            entries.append(entry)
            if len(entries) > lease.publish_limit and not enter(entry, lease):
                return index
        return len(records)

    return hand_over
