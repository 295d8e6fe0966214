"""Rules 15 to 23, each with a sink that breaks it, and what is said."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Sequence
from typing import Any, ClassVar

import pytest

from eventbus import AttachmentReport, Outcome
from eventbus.testing import (
    SinkViolation,
)
from eventbus.testing.conformance._scenarios import check_counts
from tests.testing._shelf import (
    Down,
    GoodSink,
    PlainShelf,
    Shelf,
    violation,
)


async def test_rule_15_no_call_may_block_the_loop() -> None:
    class Bad(GoodSink):
        async def check(self) -> None:
            time.sleep(0.06)  # noqa: ASYNC251 - the fault itself

    error = await violation(Bad)
    assert error.rule == 15
    assert "check kept it for " in str(error)


async def test_rule_16_a_write_must_end() -> None:
    class Bad(GoodSink):
        async def write(self, batch: Sequence[Any]) -> None:
            await asyncio.Event().wait()

    error = await violation(Bad, patience_seconds=0.2)
    assert error.rule == 16
    assert str(error).endswith("write did not end within 0.2 s")


async def test_rule_16_a_cancellation_must_not_be_swallowed() -> None:
    class Bad(GoodSink):
        async def write(self, batch: Sequence[Any]) -> Outcome | None:
            try:
                return await super().write(batch)
            except asyncio.CancelledError:
                return None

    error = await violation(Bad)
    assert error.rule == 16
    assert "write was cancelled and returned None instead of letting" in str(error)


async def test_rule_16_a_cancellation_must_not_become_another_error() -> None:
    class Bad(GoodSink):
        async def start(self) -> None:
            try:
                await asyncio.sleep(0)
            except asyncio.CancelledError:
                raise ConnectionError("gone") from None

    error = await violation(Bad)
    assert error.rule == 16
    assert "start was cancelled and raised ConnectionError: gone" in str(error)


async def test_rule_16_no_answer_must_not_be_taken_for_one() -> None:
    class Bad(GoodSink):
        async def write(self, batch: Sequence[Any]) -> Outcome | None:
            if self.shelf.next == "hang":
                self.shelf.next = None
                return None
            return await super().write(batch)

    error = await violation(Bad, Shelf())
    assert error.rule == 16
    assert "the far side gave no answer, and write returned None" in str(error)


async def test_rule_17_a_sink_must_be_usable_after_a_cancellation() -> None:
    class Bad(GoodSink):
        ordered: ClassVar[bool] = True
        broken = False

        async def write(self, batch: Sequence[Any]) -> Outcome | None:
            if self.broken:
                raise RuntimeError("half a frame was sent")
            self.broken = True
            outcome = await super().write(batch)
            self.broken = False
            return outcome

    error = await violation(Bad)
    assert error.rule == 17
    assert "raised RuntimeError: half a frame was sent" in str(error)


async def test_rule_18_start_must_succeed_where_it_can() -> None:
    class Bad(GoodSink):
        async def start(self) -> None:
            raise OSError("no such socket")

    error = await violation(Bad)
    assert error.rule == 18
    assert "start raised OSError: no such socket though the far side" in str(error)


async def test_rule_18_start_must_work_again_after_a_cancellation() -> None:
    class Bad(GoodSink):
        begun = False

        async def start(self) -> None:
            if self.begun:
                raise RuntimeError("started already")
            self.begun = True
            await asyncio.sleep(0)

    error = await violation(Bad)
    assert error.rule == 18
    assert "start raised RuntimeError: started already" in str(error)


async def test_rule_18_start_must_work_again_after_the_far_side_was_down() -> None:
    class Bad(GoodSink):
        begun = False

        async def start(self) -> None:
            if self.begun:
                raise RuntimeError("half started")
            try:
                await self.shelf.ping()
            except Down:
                self.begun = True
                raise

    shelf = Shelf()
    shelf.failures = frozenset({"unavailable"})
    error = await violation(Bad, shelf)
    assert error.rule == 18
    assert "start raised RuntimeError: half started" in str(error)


async def test_rule_19_aclose_must_work_twice() -> None:
    class Bad(GoodSink):
        connection: Any = None

        async def start(self) -> None:
            self.connection = [1]

        async def aclose(self) -> None:
            self.connection.pop()

    error = await violation(Bad)
    assert error.rule == 19
    assert str(error).endswith("aclose raised IndexError: pop from empty list")


async def test_rule_19_aclose_must_work_after_a_start_that_did_not_end() -> None:
    class Bad(GoodSink):
        async def start(self) -> None:
            await asyncio.sleep(0)
            self.connection = "open"

        async def aclose(self) -> None:
            assert self.connection

    error = await violation(Bad)
    assert error.rule == 19
    assert "aclose raised AttributeError" in str(error)


async def test_rule_20_aclose_must_leave_no_task() -> None:
    class Bad(GoodSink):
        async def start(self) -> None:
            self.task = asyncio.get_running_loop().create_task(
                asyncio.Event().wait(), name="heartbeat"
            )

    error = await violation(Bad)
    assert error.rule == 20
    assert "still there: <Task" in str(error)
    assert "name='heartbeat'" in str(error)


async def test_rule_21_observe_must_not_raise() -> None:
    class Bad(GoodSink):
        def observe(self, batch: Sequence[Any]) -> None:
            raise ZeroDivisionError("no events a second")

    error = await violation(Bad)
    assert error.rule == 21
    assert "observe raised ZeroDivisionError: no events a second" in str(error)


async def test_rule_21_observe_must_return_nothing() -> None:
    class Bad(GoodSink):
        def observe(self, batch: Sequence[Any]) -> int:
            return len(batch)

    error = await violation(Bad)
    assert error.rule == 21
    assert str(error).endswith("observe returned 1")


async def test_rule_22_check_must_return_when_the_far_side_is_well() -> None:
    class Bad(GoodSink):
        async def check(self) -> None:
            raise OSError("down")

    error = await violation(Bad)
    assert error.rule == 22
    assert "check raised OSError: down though the far side was well" in str(error)


async def test_rule_22_check_must_raise_when_the_far_side_is_down() -> None:
    class Bad(GoodSink):
        async def check(self) -> None:
            return None

    error = await violation(Bad, Shelf())
    assert error.rule == 22
    assert "check returned None though the far side was down" in str(error)


@pytest.mark.proves("fault-32")
async def test_rule_23_what_arrived_must_not_be_reported_as_refused() -> None:
    class Bad(GoodSink):
        """Sends its records in two requests, and answers for both at once."""

        async def write(self, batch: Sequence[Any]) -> Outcome | None:
            failure, self.shelf.next = self.shelf.next, None
            await super().write(batch[:1])
            self.shelf.next = failure
            await super().write(batch[1:])
            return None

    shelf = Shelf()
    shelf.failures = frozenset({"refused"})
    error = await violation(Bad, shelf)
    assert error.rule == 23
    assert "record(s) arrived and were set aside too" in str(error)


async def test_rule_23_what_was_not_written_must_not_arrive() -> None:
    class Bad(GoodSink):
        async def write(self, batch: Sequence[Any]) -> Outcome | None:
            self.shelf.ids.append("heartbeat")
            return await super().write(batch)

    error = await violation(Bad, PlainShelf())
    assert error.rule == 23
    assert "1 record(s) arrived that were not reported as delivered: heartbeat" in str(
        error
    )


def test_rule_23_the_counts_of_the_bus_must_be_those_of_the_ids() -> None:
    report = AttachmentReport(offered=3, delivered=3, complete=True)
    with pytest.raises(SinkViolation) as caught:
        check_counts(report, {"a", "b", "c"}, Counter("ab"), {"c"})
    assert caught.value.rule == 23
    assert str(caught.value).endswith(
        "the bus counted (3, 3, 0, 0), the ids say (3, 2, 1, 0)"
    )
