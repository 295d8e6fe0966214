"""What an event costs end to end, against ``asyncio.Queue`` with as many consumers.

Q is ``put_nowait`` and ``await get`` with one consumer, and once more for each further
consumer, since a queue has no fan-out. Ours is ``emit`` with all defaults, or tuned: an
emitter of the type, and batches as large as the bursts; until every async batch sink
has counted the event. In bursts of 1,024, the first of which is not timed; the loop
runs between the bursts.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from eventbus.bench._contest import Contender, Measured, Part
from eventbus.bench._figures import Bound, Row, at_least, at_most
from eventbus.bench._rig import (
    Shape,
    delivery,
    open_bus,
    open_queues,
    open_tuned_bus,
)

_SHAPES: Final = {
    "": Shape(),
    ", fresh events": Shape(bursts=40, repeats=3, fresh=True),
}
_WAYS: Final = {"defaults": open_bus, "tuned": open_tuned_bus}

CONTENDERS: Final[dict[str, Contender]] = {
    f"{name}, {consumers}{suffix}": delivery(open_rig, consumers, shape=shape)
    for suffix, shape in _SHAPES.items()
    for consumers in (1, 3)
    for name, open_rig in {"queue": open_queues, **_WAYS}.items()
}

_FASTER: Final[dict[int, Bound]] = {1: at_least(2, 3), 3: at_least(6, 9)}


def rows(found: Mapping[str, Measured]) -> list[Row]:
    """Return how many times faster than queues the bus is, and three sinks by one."""
    return [
        row
        for suffix in _SHAPES
        for way in _WAYS
        for row in (
            _faster(found, way, 1, suffix),
            _faster(found, way, 3, suffix),
            _three_against_one(found, way, suffix),
        )
    ]


def _faster(
    found: Mapping[str, Measured], way: str, consumers: int, suffix: str
) -> Row:
    queue, bus = (
        found[f"{name}, {consumers}{suffix}"].value for name in ("queue", way)
    )
    plural = "s" if consumers > 1 else ""
    return Row(
        what=f"{consumers} batch sink{plural}, {way}, faster than Q{suffix}",
        ratio=queue.against(bus),
        unit="times",
        figure=bus,
        bound=_FASTER[consumers],
        better="more",
    )


def _three_against_one(found: Mapping[str, Measured], way: str, suffix: str) -> Row:
    three, one = (found[f"{way}, {count}{suffix}"].value for count in (3, 1))
    return Row(
        what=f"delivery to 3 batch sinks against 1, {way}{suffix}",
        ratio=three.against(one),
        unit="times",
        figure=three,
        bound=at_most(1.1, 1.05),
        better="less",
    )


PART: Final = Part(
    title="Delivering one event (Q: asyncio.Queue with as many consumers)",
    module=__name__,
    contenders=tuple(CONTENDERS),
    rows=rows,
)
