"""What an event costs end to end, against ``asyncio.Queue`` with as many consumers.

Q is ``put_nowait`` and ``await get`` with one consumer, and once more for each further
consumer, since a queue has no fan-out. Ours is ``emit`` until every async batch sink
has counted the event. In bursts of 1,024; the loop runs between the bursts.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from eventbus.bench._contest import Contender, Measured, Part
from eventbus.bench._figures import Bound, Row, at_least, at_most
from eventbus.bench._rig import Shape, delivery, open_bus, open_queues

_FRESH: Final = Shape(repeats=3, fresh=True)
_REUSED: Final = Shape()

CONTENDERS: Final[dict[str, Contender]] = {
    f"{name}, {consumers}{suffix}": delivery(open_rig, consumers, shape=shape)
    for suffix, shape in (("", _REUSED), (", fresh events", _FRESH))
    for consumers in (1, 3)
    for name, open_rig in (("queue", open_queues), ("bus", open_bus))
}

_FASTER: Final[dict[int, Bound]] = {1: at_least(2, 3), 3: at_least(6, 9)}


def rows(found: Mapping[str, Measured]) -> list[Row]:
    """Return how many times faster than queues the bus is, and three sinks by one."""
    made: list[Row] = []
    for suffix in ("", ", fresh events"):
        made += [_faster(found, consumers, suffix) for consumers in (1, 3)]
        three, one = (found[f"bus, {n}{suffix}"].value for n in (3, 1))
        made.append(
            Row(
                what=f"delivery to 3 batch sinks against 1{suffix}",
                ratio=three.against(one),
                unit="times",
                figure=three,
                bound=at_most(1.1, 1.05),
                better="less",
            )
        )
    return made


def _faster(found: Mapping[str, Measured], consumers: int, suffix: str) -> Row:
    queue, bus = (found[f"{n}, {consumers}{suffix}"].value for n in ("queue", "bus"))
    plural = "s" if consumers > 1 else ""
    return Row(
        what=f"{consumers} batch sink{plural}, faster than Q{suffix}",
        ratio=queue.against(bus),
        unit="times",
        figure=bus,
        bound=_FASTER[consumers],
        better="more",
    )


PART: Final = Part(
    title="Delivering one event (Q: asyncio.Queue with as many consumers)",
    module=__name__,
    contenders=tuple(CONTENDERS),
    rows=rows,
)
