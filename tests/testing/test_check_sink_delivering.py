"""Rules 8 to 14, each with a sink that breaks it, and what is said."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, ClassVar

import msgspec
import pytest

from eventbus import Outcome, Refused, Unavailable
from eventbus.testing import (
    check_sink,
)
from tests.testing._shelf import (
    GoodSink,
    PlainShelf,
    Shelf,
    sinks,
    violation,
)


@pytest.mark.proves("fault-32")
async def test_rule_8_a_record_left_out_in_silence_is_found_by_its_id() -> None:
    class Bad(GoodSink):
        async def write(self, batch: Sequence[Any]) -> Outcome | None:
            return await super().write([r for r in batch if r.event.number != 3])

    error = await violation(Bad, PlainShelf())
    assert error.rule == 8
    assert "1 of 3 record(s) were reported as delivered" in str(error)


async def test_rule_8_what_is_kept_for_later_has_not_arrived() -> None:
    class Bad(GoodSink):
        async def write(self, batch: Sequence[Any]) -> Outcome | None:
            asyncio.get_running_loop().call_later(
                0.05, self.shelf.ids.extend, [r.id for r in batch]
            )
            return None

    error = await violation(Bad, PlainShelf())
    assert error.rule == 8


async def test_rule_9_write_must_return_an_answer() -> None:
    class Bad(GoodSink):
        async def write(self, batch: Sequence[Any]) -> Any:
            return len(batch)

    error = await violation(Bad)
    assert error.rule == 9
    assert str(error).endswith("write returned 1")


async def test_rule_9_indexes_must_be_in_the_batch() -> None:
    class Bad(GoodSink):
        async def write(self, batch: Sequence[Any]) -> Outcome:
            return Outcome(rejected=[(len(batch), "one too far")])

    error = await violation(Bad)
    assert error.rule == 9
    assert "of 1 record(s) write named [(1, 'one too far')] as rejected" in str(error)


async def test_rule_9_nothing_is_named_that_nobody_refused() -> None:
    class Bad(GoodSink):
        async def write(self, batch: Sequence[Any]) -> Outcome:
            return Outcome(rejected=[(0, "on a whim")])

    error = await violation(Bad)
    assert error.rule == 9
    assert "nothing refused plain record 0 of 1" in str(error)


async def test_rule_10_a_far_side_that_is_down_must_be_unavailable() -> None:
    class Bad(GoodSink):
        async def write(self, batch: Sequence[Any]) -> Outcome | None:
            await self.shelf.put([r.id for r in batch])
            return None

    shelf = Shelf()
    shelf.failures = frozenset({"unavailable"})
    error = await violation(Bad, shelf)
    assert error.rule == 10
    assert str(error).endswith("the far side said 'unavailable', and write raised Down")


async def test_rule_10_a_far_side_that_refuses_must_be_quoted() -> None:
    class Bad(GoodSink):
        async def write(self, batch: Sequence[Any]) -> Outcome | None:
            try:
                return await super().write(batch)
            except Refused:
                raise Unavailable("maybe later") from None

    error = await violation(Bad, Shelf())
    assert error.rule == 10
    assert "the far side said 'refused', and write raised Unavailable" in str(error)


async def test_rule_10_partial_success_must_be_reported() -> None:
    class Bad(GoodSink):
        async def write(self, batch: Sequence[Any]) -> None:
            await super().write(batch)

    error = await violation(Bad, Shelf())
    assert error.rule == 10
    assert str(error).endswith("the far side said 'partial', and write returned None")


async def test_rule_10_nothing_is_raised_while_the_far_side_is_well() -> None:
    class Bad(GoodSink):
        async def write(self, batch: Sequence[Any]) -> Outcome | None:
            raise KeyError("topic")

    error = await violation(Bad)
    assert error.rule == 10
    assert "write of 1 plain record(s) raised KeyError: 'topic'" in str(error)


@pytest.mark.proves("fault-32")
async def test_rule_11_a_sink_that_tries_again_by_itself_is_found_by_the_ids() -> None:
    class Bad(GoodSink):
        async def write(self, batch: Sequence[Any]) -> Outcome | None:
            await super().write(batch)
            return await super().write(batch)

    error = await violation(Bad, PlainShelf())
    assert error.rule == 11
    assert "1 record(s) arrived twice and were written once" in str(error)


async def test_rule_12_a_bad_record_must_not_take_its_batch_with_it() -> None:
    class Bad(GoodSink):
        async def write(self, batch: Sequence[Any]) -> Outcome | None:
            msgspec.json.encode([record.event for record in batch])
            return await super().write(batch)

    error = await violation(Bad)
    assert error.rule == 12
    assert "with a object in a field of the second of three records" in str(error)


async def test_rule_12_a_neighbour_must_not_be_named_instead() -> None:
    class Bad(GoodSink):
        async def write(self, batch: Sequence[Any]) -> Outcome | None:
            for record in batch:
                if record.name == "eventbus.probe.awkward":
                    return Outcome(unencodable=[(0, "something is wrong")])
            return await super().write(batch)

    error = await violation(Bad)
    assert error.rule == 12
    assert "record 0 was named because of a object in record 1" in str(error)


async def test_rule_13_events_must_stay_as_they_are() -> None:
    class Bad(GoodSink):
        async def write(self, batch: Sequence[Any]) -> Outcome | None:
            if batch[0].name == "eventbus.probe":
                batch[0].event.items.append("mine")
            return await super().write(batch)

    error = await violation(Bad)
    assert error.rule == 13
    assert "items=[" in str(error)


async def test_rule_13_the_batch_must_stay_as_it_is() -> None:
    class Bad(GoodSink):
        async def write(self, batch: Any) -> Outcome | None:
            outcome = await super().write(batch)
            batch.clear()
            return outcome

    error = await violation(Bad)
    assert error.rule == 13
    assert str(error).endswith("write changed the batch")


class OneAtATime(GoodSink):
    busy = False

    async def write(self, batch: Sequence[Any]) -> Outcome | None:
        if self.busy:
            raise RuntimeError("one at a time, please")
        self.busy = True
        try:
            return await super().write(batch)
        finally:
            self.busy = False


async def test_rule_14_write_must_work_several_times_at_once() -> None:
    error = await violation(OneAtATime)
    assert error.rule == 14
    assert "raised RuntimeError: one at a time, please" in str(error)


async def test_rule_14_does_not_hold_for_an_ordered_sink() -> None:
    class Ordered(OneAtATime):
        ordered: ClassVar[bool] = True

    report = await check_sink(sinks(Ordered, PlainShelf()))
    assert report.scenarios["always_ok"].delivered == 60
