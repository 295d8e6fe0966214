"""What counting one event costs, in C: one turn of an empty function's loop.

Batches of 1,024 events of one type, 24 or 4 series, as an attachment's ``observe`` gets
them: no record is made of them. End to end they are emitted on a bus whose only sink
counts them, and all that it costs is counted: handing over, sealing, delivering.
Collecting is per series of a histogram, 10,000 of them.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, Final

from eventbus._bus import Bus
from eventbus._chunk import Chunk, RecordBatch
from eventbus._context import Bound, TraceContext
from eventbus._event import Event, Label, Unit
from eventbus._record import AnyRecord
from eventbus._window import Window
from eventbus.bench._contest import Contender, Effort, Measured, Part, Sample
from eventbus.bench._figures import Row
from eventbus.bench._workload import BURST, CountingSink
from eventbus.bench._yardstick import Turns
from eventbus.metrics import Aggregation, Aggregator, Histogram, Metrics, NumberPoint

TURNS: Final = 200
SERIES: Final = 10_000

_TRACE: Final = Bound(trace=TraceContext("a" * 32, "b" * 16, 1))
_HISTOGRAM_ALONE: Final = Metrics(
    defaults=False, histograms=(Histogram(field="duration_ms"),)
)

# Any, below: events of either type.

Events = Sequence[Any]


class Called(Event, tag="bench.called"):
    """An event with three labels, for a counter."""

    tool_name: Annotated[str, Label]
    model: Annotated[str, Label]
    success: Annotated[bool, Label]


class Timed(Event, tag="bench.timed", metrics=_HISTOGRAM_ALONE):
    """An event with one label, for a histogram."""

    tool_name: Annotated[str, Label]
    duration_ms: Annotated[float, Unit("ms")]


def called() -> Events:
    """Return a burst for a counter with 24 series."""
    return [
        Called(tool_name=f"tool-{n % 4}", model=f"model-{n % 3}", success=n % 5 > 0)
        for n in range(BURST)
    ]


def timed() -> Events:
    """Return a burst for a histogram with 4 series; times up to 10 s."""
    return [
        Timed(tool_name=f"tool-{n % 4}", duration_ms=float(n * n % 10_007))
        for n in range(BURST)
    ]


def _batch(events: Events, context: Bound | None) -> RecordBatch:
    columns = (events, [1] * len(events), [context] * len(events))
    window = Window(_unmade, range(len(events)), columns=columns, depth=0)
    return RecordBatch([Chunk(window, 0, len(events))])


def _unmade(_: Window) -> list[AnyRecord]:
    raise AssertionError("counting made records")


def aggregated(make: Callable[[], Events], context: Bound | None = None) -> Contender:
    """Return the contender that counts a burst as it is observed."""

    def contend(effort: Effort) -> Sample:
        found, events, aggregator = Turns(), make(), Aggregator()
        for _ in range(effort.of(TURNS)):
            batch = _batch(events, context)
            found.empty(events)
            began = time.perf_counter_ns()
            aggregator.observe(batch)
            found.own((time.perf_counter_ns() - began) / len(events))
        _check(aggregator, effort.of(TURNS) * len(events))
        return found.sample()

    return contend


class MetricsSink(CountingSink):
    """Counts events as their types declare it."""

    def __init__(self) -> None:
        super().__init__()
        self.aggregator: Final = Aggregator()

    def observe(self, batch: Sequence[AnyRecord]) -> None:
        """Count them."""
        self.aggregator.observe(batch)


def end_to_end(make: Callable[[], Events]) -> Contender:
    """Return the contender that emits a burst and has it counted."""

    async def contend(effort: Effort) -> Sample:
        found, events, sink = Turns(), make(), MetricsSink()
        async with Bus() as bus:
            bus.attach(sink)
            for _ in range(effort.of(TURNS)):
                found.empty(events)
                began = time.perf_counter_ns()
                for event in events:
                    bus.emit(event)
                await bus.flush()
                found.own((time.perf_counter_ns() - began) / len(events))
        _check(sink.aggregator, effort.of(TURNS) * len(events))
        return found.sample()

    return lambda effort: asyncio.run(contend(effort))


def collected(effort: Effort) -> Sample:
    """Time a collection of 10,000 histogram series."""
    found, aggregator = Turns(), Aggregator(Aggregation(max_series=SERIES + 1))
    events = [Timed(tool_name=str(n), duration_ms=float(n)) for n in range(SERIES)]
    aggregator.observe(_batch(events, None))
    for _ in range(effort.of(TURNS // 10)):
        found.empty(events)
        began = time.perf_counter_ns()
        aggregator.snapshot()
        found.own((time.perf_counter_ns() - began) / SERIES)
    return found.sample()


def _check(aggregator: Aggregator, expected: int) -> None:
    (metric,) = aggregator.snapshot()
    counts = [
        point.value if isinstance(point, NumberPoint) else point.count
        for point in metric.points
    ]
    if sum(counts) != expected:
        raise AssertionError(f"{sum(counts)} events were counted, not {expected}")


CONTENDERS: Final[dict[str, Contender]] = {
    "counter, three labels": aggregated(called),
    "counter, three labels, each in a sampled trace": aggregated(called, _TRACE),
    "histogram, one label": aggregated(timed),
    "histogram, one label, each in a sampled trace": aggregated(timed, _TRACE),
    "counter, three labels, end to end": end_to_end(called),
    "histogram, one label, end to end": end_to_end(timed),
    "collecting a histogram's series": collected,
}


def rows(found: Mapping[str, Measured]) -> list[Row]:
    """Return a row for each contender."""
    return [
        Row(what=name, ratio=measured.in_c, unit="C", figure=measured.value)
        for name, measured in found.items()
    ]


PART: Final = Part(
    title="Counting one event (C: one turn of an empty function's loop)",
    module=__name__,
    contenders=tuple(CONTENDERS),
    rows=rows,
)
