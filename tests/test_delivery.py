from __future__ import annotations

import math
from collections.abc import Sequence

import pytest

from eventbus import (
    Batch,
    Buffer,
    Outcome,
    Overflow,
    Refused,
    Retry,
    TooLarge,
    Unavailable,
)
from eventbus._delivery import split_points
from eventbus._record import AnyRecord
from eventbus.testing import RecordingSink, ScriptedSink, settled, steps
from tests._rig import CuedSink, Numbered, Rig, numbers

AT_ONCE = Batch(max_delay_seconds=0.0)
ONE_BY_ONE = Batch(max_events=1, max_delay_seconds=0.0)


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
            retry=Retry(timeout_seconds=None),
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


async def test_what_is_not_available_now_is_tried_again_after_the_backoff() -> None:
    async with Rig() as rig:
        sink = ScriptedSink(*[steps.fail(Unavailable())] * 3)
        await rig.attach(sink)
        await rig.emit(1)
        for wait in (1.0, 2.0, 4.0):
            tried = len(sink.attempts)
            await rig.after(wait - 0.01)
            assert len(sink.attempts) == tried
            assert rig.stats().pending == 1
            await rig.after(0.01)
            assert len(sink.attempts) == tried + 1
        assert numbers(sink.delivered) == [1]
        assert rig.stats().possible_duplicates == 0


async def test_it_gives_up_when_the_next_wait_would_end_after_max_elapsed() -> None:
    async with Rig() as rig:
        retry = Retry(max_elapsed_seconds=6.0)
        sink = ScriptedSink(then=steps.fail(Unavailable("down")))
        await rig.attach(sink, retry=retry)
        await rig.emit(1)
        await rig.after(1.0)
        await rig.after(2.0)
        assert len(sink.attempts) == 3
        assert rig.stats().dropped == {"retry_exhausted": 1}


async def test_the_far_side_is_given_the_time_it_asks_for_up_to_a_limit() -> None:
    async with Rig() as rig:
        waits = [steps.fail(Unavailable(retry_after_seconds=s)) for s in (7.0, 1e9)]
        await rig.attach(sink := ScriptedSink(*waits))
        await rig.emit(1)
        await rig.after(6.9)
        assert len(sink.attempts) == 1
        await rig.after(0.1)
        assert len(sink.attempts) == 2
        await rig.after(299.9)
        assert len(sink.attempts) == 2
        await rig.after(0.1)
        assert numbers(sink.delivered) == [1]


@pytest.mark.parametrize("wish", [0.0, -5.0, math.nan])
@pytest.mark.proves("fault-55")
async def test_a_wish_of_no_time_or_nonsense_is_a_plain_backoff(wish: float) -> None:
    async with Rig() as rig:
        sink = ScriptedSink(steps.fail(Unavailable(retry_after_seconds=wish)))
        await rig.attach(sink)
        await rig.emit(1)
        await rig.after(0.99)
        assert len(sink.attempts) == 1
        await rig.after(0.01)
        assert numbers(sink.delivered) == [1]


@pytest.mark.proves("fault-57")
async def test_steps_of_the_wall_clock_change_no_wait() -> None:
    async with Rig() as rig:
        sink = ScriptedSink(steps.fail(Unavailable()))
        await rig.attach(sink, batch=Batch(max_delay_seconds=1.0))
        await rig.emit(1)
        year = 365 * 86_400 * 10**9
        for step in (-3600 * 10**9, 10 * year, -20 * year):
            rig.clock.set_wall_clock(max(rig.clock.time_ns() + step, 0))
            await rig.after(0.3)
            assert len(sink.attempts) == 1
        await rig.emit(2)
        await rig.after(0.1)
        assert numbers(sink.delivered) == [1, 2]
        assert all(record.time_unix_nano >= 0 for record in sink.delivered)


@pytest.mark.proves("fault-54")
async def test_sinks_that_failed_together_do_not_come_back_together() -> None:
    async with Rig() as rig:
        sinks = [ScriptedSink(steps.fail(Unavailable())) for _ in range(200)]
        for index, sink in enumerate(sinks):
            rig.bus.attach(sink, name=str(index))
        await settled()
        await rig.emit(1)
        assert [len(sink.attempts) for sink in sinks] == [1] * 200
        came_back = []
        for _ in range(10):
            await rig.after(0.1)
            came_back.append(sum(len(sink.attempts) == 2 for sink in sinks))
        slots = [b - a for a, b in zip([0, *came_back], came_back, strict=False)]
        assert came_back[-1] == 200
        assert max(slots) < 60


@pytest.mark.proves("fault-59")
async def test_over_the_retry_budget_every_wait_is_the_longest() -> None:
    async with Rig() as rig:
        sink = ScriptedSink(*[steps.fail(Unavailable()), steps.ok] * 20)
        await rig.attach(sink, batch=Batch(max_events=10, max_delay_seconds=0.0))
        for start in range(0, 100, 10):  # ten retries are free
            await rig.emit(*range(start, start + 10))
            await rig.after(1.0)
        await rig.emit(*range(100, 110))
        assert len(sink.attempts) == 21
        await rig.after(29.9)
        assert len(sink.attempts) == 21
        await rig.after(0.1)
        assert len(sink.attempts) == 22
        assert rig.stats().delivered == 110


@pytest.mark.proves("fault-59")
async def test_retries_stay_below_the_budget_while_half_of_all_calls_fail() -> None:
    async with Rig() as rig:
        sink = ScriptedSink(*[steps.ok, steps.fail(Unavailable())] * 5000)
        await rig.attach(
            sink,
            batch=Batch(max_events=10, max_delay_seconds=0.0, max_in_flight=4),
            buffer=Buffer(max_events=100_000),
        )
        for start in range(0, 12_000, 20):
            await rig.emit(*range(start, start + 20))
            await rig.after(0.1)
        fresh = len({n for batch in sink.attempts for n in numbers(batch)})
        again = sum(map(len, sink.attempts)) - fresh
        assert again <= 0.2 * fresh + 10 * 10


@pytest.mark.proves("fault-28")
async def test_while_its_circuit_is_open_a_sink_is_not_called() -> None:
    async with Rig() as rig:
        sink = ScriptedSink(*[steps.fail(Unavailable())] * 5)
        await rig.attach(sink)
        await rig.emit(1)
        for wait in (1.0, 2.0, 4.0, 8.0):
            await rig.after(wait)
        assert len(sink.attempts) == 5
        await rig.emit(2)
        await rig.after(15.9)
        assert len(sink.attempts) == 5
        await rig.after(0.1)
        assert numbers(sink.delivered) == [1, 2]


@pytest.mark.proves("fault-28")
async def test_an_open_circuit_lets_one_probe_through_and_its_success_all() -> None:
    async with Rig() as rig:
        await rig.attach(
            sink := CuedSink(),
            batch=Batch(max_events=1, max_delay_seconds=0.0, max_in_flight=3),
            retry=Retry(timeout_seconds=None),
        )
        await rig.emit(*range(6))
        for _ in range(2):
            for _ in range(3):
                await sink.cue(Unavailable())
            await rig.after(2.0)
        assert (len(sink.attempts), sink.in_flight) == (7, 1)
        await rig.after(300.0)
        assert sink.in_flight == 1
        await sink.cue()
        assert sink.in_flight == 3


@pytest.mark.proves("fault-28")
async def test_the_policy_of_a_full_buffer_holds_while_the_circuit_is_open() -> None:
    async with Rig() as rig:
        sink = ScriptedSink(*[steps.fail(Unavailable())] * 5)
        buffer = Buffer(max_events=3, overflow=Overflow.DROP_OLDEST)
        await rig.attach(sink, buffer=buffer)
        await rig.emit(0)
        for wait in (1.0, 2.0, 4.0, 8.0):
            await rig.after(wait)
        await rig.emit(1, 2, 3, 4)
        assert rig.stats().dropped == {"queue_full": 2}
        await rig.after(16.0)
        assert numbers(sink.delivered) == [0, 3, 4]


async def test_a_probe_that_is_cut_off_lets_the_next_call_be_the_probe() -> None:
    async with Rig() as rig:
        attachment = await rig.attach(
            sink := CuedSink(),
            batch=Batch(max_events=1, max_delay_seconds=0.0, max_in_flight=2),
            retry=Retry(timeout_seconds=None),
        )
        await rig.emit(1, 2)
        for _ in range(3):
            while sink.in_flight:
                await sink.cue(Unavailable())
            await rig.after(60.0)
        assert sink.in_flight == 1
        for task, hand in attachment.workers._hands.items():
            if hand[-1][0][0] is sink.attempts[-1][0]:
                task.cancel()
        await settled()
        assert sink.in_flight == 1
        assert numbers(sink.attempts[-2] + sink.attempts[-1]) in ([1, 2], [2, 1])


async def test_faults_are_counted_apart_from_times_the_far_side_was_down() -> None:
    async with Rig() as rig:
        down, fault = steps.fail(Unavailable()), steps.fail(ValueError())
        await rig.attach(sink := ScriptedSink(down, down, down, fault, fault))
        await rig.emit(1)
        for _ in range(8):
            await rig.after(30.0)
        assert numbers(sink.delivered) == [1]


@pytest.mark.parametrize("size", [2, 3, 5, 8, 11, 100, 512])
@pytest.mark.proves("fault-64")
async def test_one_culprit_is_found_in_few_writes_and_the_rest_arrives(
    size: int,
) -> None:
    for culprit in sorted({0, 1, size // 2, size - 1}):
        async with Rig() as rig:

            class Picky(ScriptedSink):
                async def write(self, batch: Sequence[AnyRecord]) -> None:
                    if culprit in numbers(batch):  # noqa: B023
                        self.attempts.append(list(batch))
                        raise TooLarge
                    await super().write(batch)

            sink = Picky()
            await rig.attach(sink, batch=Batch(max_events=size, max_delay_seconds=0.0))
            await rig.emit(*range(size))
            assert len(sink.attempts) <= 2 * math.log2(size) + 2
            expected = [n for n in range(size) if n != culprit]
            assert numbers(sink.delivered) == expected
            assert rig.stats().dropped == {"too_large": 1}


def writes_until_found(size: int, found: dict[int, int]) -> int:
    """Return the writes that the culprit in the worst place costs: pure arithmetic."""
    if size not in found:
        ends = split_points(size)
        parts = [end - start for start, end in zip([0, *ends], ends, strict=False)]
        assert sum(parts) == size
        assert all(0 < part < size for part in parts)
        worst = max(writes_until_found(part, found) for part in parts)
        found[size] = 1 + worst + len(parts) - 1
    return found[size]


@pytest.mark.proves("fault-64")
def test_no_culprit_in_a_batch_of_any_size_costs_more_writes_than_promised() -> None:
    found = {1: 1}
    over = [
        size
        for size in range(1, 4097)
        if writes_until_found(size, found) > 2 * math.log2(size) + 2
    ]
    assert over == []


async def test_what_waits_for_its_half_of_a_split_is_pending() -> None:
    async with Rig() as rig:
        await rig.attach(sink := CuedSink(), batch=AT_ONCE)
        await rig.emit(1, 2, 3, 4)
        await sink.cue(TooLarge())
        assert [numbers(batch) for batch in sink.attempts] == [[1, 2, 3, 4], [1, 2]]
        assert rig.stats().pending == 4
        await sink.cue()
        assert rig.stats().pending == 2
        await sink.cue()
        assert numbers(sink.delivered) == [1, 2, 3, 4]


async def test_splits_pay_into_the_retry_budget_once() -> None:
    async with Rig() as rig:
        sink = ScriptedSink(steps.too_large(over=1), then=steps.too_large(over=1))
        attachment = await rig.attach(sink, batch=AT_ONCE)
        await rig.emit(*range(64))
        fresh = attachment.workers.delivery._budget._fresh
        assert fresh.total(rig.clock.monotonic()) == 64


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


async def test_what_arrived_before_a_failure_is_not_sent_again() -> None:
    async with Rig() as rig:
        sink = ScriptedSink(steps.fail(Unavailable(), after=2))
        await rig.attach(sink, batch=AT_ONCE)
        await rig.emit(1, 2, 3)
        assert (rig.stats().delivered, rig.stats().pending) == (2, 1)
        await rig.after(1.0)
        assert numbers(sink.delivered) == [1, 2, 3]
        assert [numbers(batch) for batch in sink.attempts] == [[1, 2, 3], [3]]


async def test_a_failure_after_the_whole_batch_arrived_spoils_no_other_batch() -> None:
    async with Rig() as rig:
        sink = ScriptedSink(steps.fail(TooLarge()), steps.fail(Unavailable(), after=2))
        await rig.attach(sink, batch=AT_ONCE)
        await rig.emit(1, 2, 3, 4)
        assert numbers(sink.delivered) == [1, 2, 3, 4]
        assert rig.stats().delivered == 4


async def test_an_attempt_that_takes_too_long_is_cancelled_and_tried_again() -> None:
    async with Rig() as rig:
        sink = ScriptedSink(steps.hang())
        await rig.attach(sink, retry=Retry(timeout_seconds=3.0))
        await rig.emit(1)
        await rig.after(2.9)
        assert sink.hanging == 1
        await rig.after(0.1)
        assert sink.hanging == 0
        assert rig.stats().errors == {"TimeoutError": 1}
        assert rig.stats().cause == "no answer within 3.0 s"
        await rig.after(1.0)
        assert numbers(sink.delivered) == [1]
        assert rig.stats().possible_duplicates == 1


async def test_a_fault_of_the_sink_is_tried_three_times() -> None:
    async with Rig() as rig:
        sink = ScriptedSink(*[steps.fail(ValueError("bug"))] * 3)
        await rig.attach(sink, batch=ONE_BY_ONE)
        await rig.emit(1, 2)
        for _ in range(10):
            await rig.after(4.0)
        assert [numbers(batch) for batch in sink.attempts] == [[1], [1], [1], [2]]
        assert rig.stats().dropped == {"retry_exhausted": 1}


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
