from __future__ import annotations

from collections.abc import Sequence

import pytest

from eventbus import Batch, Buffer, Outcome, Overflow, Refused, TooLarge, Unavailable
from eventbus._record import AnyRecord
from eventbus.testing import RecordingSink, ScriptedSink, steps
from tests._rig import AT_ONCE, ONE_BY_ONE, PATIENT, CuedSink, Numbered, Rig, numbers


@pytest.mark.proves("fault-21", "D5")
async def test_a_sink_that_hangs_for_ever_costs_its_neighbours_nothing() -> None:
    async with Rig() as rig:
        healthy = [RecordingSink() for _ in range(4)]
        for index, sink in enumerate(healthy):
            await rig.attach(sink, name=f"healthy{index}", batch=AT_ONCE)
        await rig.attach(
            ScriptedSink(then=steps.hang()),
            name="hung",
            buffer=Buffer(max_bytes=2000, overflow=Overflow.DROP_OLDEST),
            retry=PATIENT,
        )
        for n in range(500):
            await rig.emit(n)
            hung = rig.stats("hung")
            assert hung.pending_bytes <= 2000
        assert [numbers(sink.records) for sink in healthy] == [list(range(500))] * 4
        assert hung.delivered == 0
        assert hung.offered == 500 == hung.pending + hung.dropped["bytes_full"]


@pytest.mark.proves("fault-22")
async def test_a_sink_that_always_raises_is_counted_by_the_type_of_its_errors() -> None:
    async with Rig() as rig:
        await rig.attach(healthy := RecordingSink(), name="healthy")
        step = steps.fail(KeyError("a")), steps.fail(OSError("b"))
        sink = ScriptedSink(*step * 3, then=steps.fail(ValueError("c")))
        await rig.attach(sink, batch=ONE_BY_ONE)
        await rig.emit(1, 2, 3)
        for _ in range(20):
            await rig.after(30.0)
        assert rig.stats().errors == {"KeyError": 3, "OSError": 3, "ValueError": 3}
        assert rig.stats().dropped == {"retry_exhausted": 3}
        assert numbers(healthy.records) == [1, 2, 3]
        assert rig.stats("healthy").errors == {}


async def test_errors_of_ever_new_types_are_counted_in_bounded_memory() -> None:
    class Inventive(ScriptedSink):
        async def write(self, batch: Sequence[AnyRecord]) -> None:
            number = batch[0].event.n
            raise type(f"Error{number}", (Exception,), {})

    async with Rig() as rig:
        await rig.attach(Inventive(), batch=ONE_BY_ONE)
        for n in range(100):
            await rig.emit(n)
            while rig.stats().pending:
                await rig.after(30.0)
        errors = rig.stats().errors
        assert len(errors) == 65
        assert sum(errors.values()) == 300
        assert errors["other"] == 36 * 3


async def test_the_far_side_may_refuse_some_of_a_batch() -> None:
    async with Rig() as rig:
        await rig.attach(sink := CuedSink(), batch=AT_ONCE)
        await rig.emit(*range(5))
        await sink.cue(
            Outcome(
                rejected=[(0, "bad"), (3, "bad")],
                unencodable=[(4, "no form")],
                warned={"truncated": 2},
            )
        )
        stats = rig.stats()
        assert (stats.delivered, stats.rejected, dict(stats.dropped)) == (
            2,
            2,
            {"encode_error": 1},
        )
        assert rig.bus.stats().warned == {"truncated": 2}


async def test_a_refused_batch_is_rejected_and_never_tried_again() -> None:
    async with Rig() as rig:
        sink = ScriptedSink(steps.fail(Refused("no such topic")))
        await rig.attach(sink, batch=AT_ONCE)
        await rig.emit(1, 2)
        await rig.emit(3)
        await rig.after(300.0)
        assert [numbers(batch) for batch in sink.attempts] == [[1, 2], [3]]
        assert (rig.stats().rejected, rig.stats().delivered) == (2, 1)
        assert rig.stats().state == "ready"


async def test_a_sink_refused_for_good_is_failed_and_what_comes_is_permanent() -> None:
    async with Rig() as rig:
        sink = ScriptedSink(steps.fail(Refused("bad password", permanent=True)))
        await rig.attach(sink, batch=ONE_BY_ONE)
        await rig.emit(1, 2, 3)
        await rig.emit(4)
        stats = rig.stats()
        assert (stats.state, stats.cause) == ("failed", "bad password")
        assert stats.dropped == {"permanent": 4}
        assert len(sink.attempts) == 1


async def test_a_failed_sink_ends_the_waits_of_all_its_batches() -> None:
    async with Rig() as rig:
        await rig.attach(
            sink := CuedSink(),
            batch=Batch(max_events=1, max_delay_seconds=0.0, max_in_flight=2),
        )
        await rig.emit(1, 2)
        await sink.cue(Unavailable(retry_after_seconds=300.0))
        await sink.cue(Refused("revoked", permanent=True))
        assert rig.stats().dropped == {"permanent": 2}


async def test_an_attempt_of_unknown_outcome_counts_once_as_possible_duplicates() -> (
    None
):
    async with Rig() as rig:
        sink = ScriptedSink(
            steps.lose_answer(ConnectionError("cut")),
            steps.lose_answer(ConnectionError("cut")),
        )
        await rig.attach(sink, batch=AT_ONCE)
        await rig.emit(1, 2)
        await rig.after(1.0)
        await rig.after(2.0)
        assert numbers(sink.delivered) == [1, 2] * 3
        assert (rig.stats().possible_duplicates, rig.stats().delivered) == (2, 2)


async def test_counts_hold_while_a_sink_looks_at_them() -> None:
    async with Rig() as rig:
        seen: list[tuple[bool, int]] = []

        class Looking(ScriptedSink):
            async def write(self, batch: Sequence[AnyRecord]) -> object:
                stats = rig.stats()
                seen.append((stats.balanced, stats.pending))
                return await super().write(batch)

            def observe(self, batch: Sequence[AnyRecord]) -> None:
                seen.append((rig.stats().balanced, -1))

        sink = Looking(
            steps.reject(0),
            steps.fail(TooLarge()),
            steps.fail(Unavailable(), after=1),
            steps.fail(ValueError()),
        )
        await rig.attach(sink, batch=AT_ONCE)
        rig.bus.emit(Numbered(n=1))
        await rig.emit(2, 3, 4)
        await rig.emit(5, 6, 7)
        for _ in range(6):
            await rig.after(10.0)
        assert all(balanced for balanced, _ in seen)
        assert [pending for _, pending in seen if pending >= 0] == [4, 3, 3, 2, 2, 1]
