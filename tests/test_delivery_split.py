from __future__ import annotations

import math
from collections.abc import Sequence

import pytest

from eventbus import Batch, TooLarge, Unavailable
from eventbus._delivery import split_points
from eventbus._record import AnyRecord
from eventbus.testing import ScriptedSink, steps
from tests._rig import AT_ONCE, CuedSink, Rig, numbers


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


async def test_a_failure_after_the_whole_batch_arrived_spoils_no_other_batch() -> None:
    async with Rig() as rig:
        sink = ScriptedSink(steps.fail(TooLarge()), steps.fail(Unavailable(), after=2))
        await rig.attach(sink, batch=AT_ONCE)
        await rig.emit(1, 2, 3, 4)
        assert numbers(sink.delivered) == [1, 2, 3, 4]
        assert rig.stats().delivered == 4
