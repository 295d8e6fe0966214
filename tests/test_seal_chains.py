"""Events that cause events end with the depth of a chain."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from eventbus import Batch, Bus, Record, sampling
from eventbus._context import Bound, scope
from eventbus._record import AnyRecord
from eventbus.testing import ManualClock, RecordingSink, settled
from tests._sealed import Line, Observer, Step, numbers


@pytest.mark.proves("fault-15")
async def test_a_handler_may_emit_and_the_fourth_in_a_chain_is_refused() -> None:
    sink = RecordingSink()
    async with Bus() as bus:
        bus.attach(sink, name="other")

        @bus.on(Step)
        async def again(record: Record[Step]) -> None:
            bus.emit(Step(number=record.event.number + 1))

        bus.emit(Step(number=0))
        for _ in range(5):
            await bus.flush()
        assert bus.stats().refused == {"recursion": 1}
        assert bus.stats().emitted == 4
    assert numbers(sink) == [0, 1, 2, 3]


@pytest.mark.proves("fault-15")
@pytest.mark.parametrize("where", ["observe", "sampler", "write"])
async def test_a_sink_that_emits_for_each_event_does_not_feed_itself_for_ever(
    where: str,
) -> None:
    bus = Bus()

    def emit_again(records: Sequence[AnyRecord]) -> bool:
        for record in records:
            bus.emit(Step(number=record.event.number + 1))
        return True

    class Sink(RecordingSink):
        async def write(self, batch: Sequence[AnyRecord]) -> None:
            await super().write(batch)
            if where == "write":
                emit_again(batch)

    sink = Observer(emit_again) if where == "observe" else Sink()
    keep = sampling.KeepIf(lambda record: emit_again([record]))
    async with bus:
        bus.attach(sink, sampler=keep if where == "sampler" else None)
        bus.emit(Step(number=0))
        for _ in range(5):
            await bus.flush()
        assert bus.stats().refused == {"recursion": 1}


@pytest.mark.proves("fault-15")
async def test_only_what_was_caused_counts_as_caused() -> None:
    """A handler meets the end of a chain and a fresh event in one batch."""
    sink = RecordingSink()
    async with Bus(clock=ManualClock()) as bus:
        bus.attach(sink, select=Line)

        @bus.on(Step)
        async def handle(record: Record[Step]) -> None:
            bus.emit(Line(number=record.event.number))

        bus.emit(Step(number=1))
        await settled()
        with scope(Bound(depth=3)):
            bus.emit(Step(number=2))
        bus.emit(Step(number=3))
        await bus.flush()
        await bus.flush()
        assert bus.stats().refused == {"recursion": 1}
    assert numbers(sink) == [1, 3]


@pytest.mark.proves("fault-15")
async def test_batches_of_one_seal_are_causes_of_their_own() -> None:
    class Sink(RecordingSink):
        async def write(self, batch: Sequence[AnyRecord]) -> None:
            for record in batch:
                bus.emit(Line(number=record.event.number))

    lines = RecordingSink()
    async with Bus() as bus:
        bus.attach(Sink(), select=Step, batch=Batch(max_events=1))
        bus.attach(lines, select=Line)
        with scope(Bound(depth=3)):
            bus.emit(Step(number=1))
        bus.emit(Step(number=2))
        await bus.flush()
        await bus.flush()
        assert bus.stats().refused == {"recursion": 1}
    assert numbers(lines) == [2]
