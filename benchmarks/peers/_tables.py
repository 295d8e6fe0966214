"""Peers beside us on the same work: handed over, and delivered to 1 or 3 consumers.

What is handed over is in C, as the publisher pays it; where the consumer runs in the
publisher's own call, that includes the consumer. Delivered is from the first event of
a run until every consumer has counted the last one, as a multiple of our time; a rig
that lost an event fails.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from benchmarks.peers import (
    _brokers,
    _buses,
    _loggers,
    _opentelemetry,
    _queues,
    _signals,
)
from benchmarks.peers._peer import Peer
from eventbus.bench import Contender, Figure, Measured, Part, Row
from eventbus.bench._rig import Shape, delivery, hand_over, open_bus

OURS: Final = "eventbus"

US: Final = Peer(
    name=OURS,
    library="eventbus",
    setting="the defaults; async batch sinks",
    differs="",
    open_rig=open_bus,
    shape=Shape(bursts=20, repeats=3),
)

PEERS: Final[tuple[Peer, ...]] = (
    *_queues.PEERS,
    *_signals.PEERS,
    *_buses.PEERS,
    *_brokers.PEERS,
    *_loggers.PEERS,
    *_opentelemetry.PEERS,
)

LIBRARIES: Final = tuple(peer.library for peer in PEERS if peer.library)

_EVERYBODY: Final = (US, *PEERS)

HAND_OVER: Final = "handed over"
ONE: Final = "1 consumer"
THREE: Final = "3 consumers"


def contender(peer: Peer, kind: str) -> Contender:
    """Return what measures *peer* in one of the three ways."""
    if kind == HAND_OVER:
        open_rig = peer.open_handing or peer.open_rig
        fresh = peer.shape.fresh
        return hand_over(open_rig, turns=peer.turns, make=peer.make, fresh=fresh)
    consumers = 1 if kind == ONE else 3
    return delivery(peer.open_rig, consumers, shape=peer.shape, make=peer.make)


CONTENDERS: Final[dict[str, Contender]] = {
    f"{peer.name}, {kind}": contender(peer, kind)
    for kind in (HAND_OVER, ONE, THREE)
    for peer in _EVERYBODY
}


def rows_of(kind: str) -> Callable[[Mapping[str, Measured]], list[Row]]:
    """Return what makes the rows of one table, the fastest first."""

    def rows(found: Mapping[str, Measured]) -> list[Row]:
        ours = found[f"{OURS}, {kind}"]
        made = [
            _row(peer.name, found[f"{peer.name}, {kind}"], ours, kind)
            for peer in _EVERYBODY
        ]
        return sorted(made, key=_order)

    return rows


def _order(row: Row) -> tuple[bool, float]:
    return (bool(row.skipped), 0.0 if row.skipped else row.ratio.median)


def _row(name: str, measured: Measured, ours: Measured, kind: str) -> Row:
    unit = "C" if kind == HAND_OVER else "times"
    if measured.skipped:
        nothing = Figure(())
        skipped = measured.skipped
        return Row(what=name, ratio=nothing, unit=unit, figure=nothing, skipped=skipped)
    value = measured.value
    ratio = measured.in_c if kind == HAND_OVER else value.against(ours.value)
    return Row(what=name, ratio=ratio, unit=unit, figure=value)


def _part(title: str, kind: str) -> Part:
    return Part(
        title=title,
        module=__name__,
        contenders=tuple(f"{peer.name}, {kind}" for peer in _EVERYBODY),
        rows=rows_of(kind),
        may_fail=True,
    )


PARTS: Final = (
    _part("Peers: handing over one event (C)", HAND_OVER),
    _part("Peers: one event to one consumer (times our time)", ONE),
    _part("Peers: one event to three consumers (times our time)", THREE),
)
