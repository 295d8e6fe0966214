"""The suite as a whole: how it is run, and who passes it."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from eventbus import Event, Outcome
from eventbus.testing import (
    RecordingSink,
    ScriptedSink,
    SinkViolation,
    Tally,
    check_sink,
)
from tests.testing._shelf import (
    GoodSink,
    PlainShelf,
    Shelf,
    sinks,
    violation,
)

SCENARIOS = [
    "always_ok",
    "random_transient",
    "random_permanent",
    "random_mix",
    "hang",
    "partial",
    "raise_on_close",
]


@pytest.mark.proves("I5", "fault-32")
async def test_good_sink_passes_every_scenario_with_ids_compared_at_its_far_side() -> (
    None
):
    shelf = Shelf()
    report = await check_sink(sinks(GoodSink, shelf), far_side=shelf)
    assert list(report.scenarios) == SCENARIOS
    for tally in report.scenarios.values():
        assert tally.offered == tally.delivered + tally.set_aside == 60


@pytest.mark.parametrize("seed", [1, 2])
async def test_whatever_the_chances_a_good_sink_passes(seed: int) -> None:
    shelf = Shelf()
    report = await check_sink(sinks(GoodSink, shelf), far_side=shelf, seed=seed)
    assert report.scenarios["random_mix"].set_aside > 0


async def test_a_good_sink_is_not_said_to_hold_the_event_loop(
    caplog: pytest.LogCaptureFixture,
) -> None:
    await check_sink(RecordingSink)
    assert "held the event loop" not in caplog.text
    assert "ignored" not in caplog.text


@pytest.mark.parametrize("kind", [RecordingSink, ScriptedSink])
async def test_sinks_of_the_kit_pass(kind: Callable[[], Any]) -> None:
    report = await check_sink(kind)
    assert report.advice == ()


async def test_scenarios_do_what_their_names_say() -> None:
    report = await check_sink(RecordingSink)
    found = report.scenarios
    assert found["always_ok"] == Tally(
        offered=60, delivered=60, set_aside=0, attempts=11, repeated=0
    )
    assert found["random_transient"].attempts > 11
    assert found["random_transient"].repeated > 0
    assert found["random_permanent"].set_aside > 0
    assert found["random_permanent"].repeated == 0
    assert found["random_mix"].set_aside > 0
    assert found["hang"].attempts > 11
    assert found["hang"].set_aside == 0
    assert found["partial"].set_aside > 0
    assert found["raise_on_close"].delivered == 60


def test_in_a_plain_test_it_is_called_and_has_its_report() -> None:
    assert check_sink(RecordingSink).report.scenarios["always_ok"].delivered == 60


def test_in_a_plain_test_a_violation_is_raised_by_the_call() -> None:
    with pytest.raises(SinkViolation, match="rule 1, "):
        check_sink(object)  # type: ignore[arg-type]


def test_a_program_may_run_it_as_a_coroutine() -> None:
    report = asyncio.run(check_sink(RecordingSink))
    assert report.scenarios["always_ok"].delivered == 60


async def test_in_an_event_loop_it_has_no_report_before_it_is_awaited() -> None:
    check = check_sink(RecordingSink)
    with pytest.raises(RuntimeError, match="called in an event loop: await it"):
        _ = check.report
    await check
    assert check.report.scenarios


async def test_events_of_the_authors_own_can_be_used() -> None:
    class Own(Event, tag="own"):
        number: int

    seen: set[str] = set()

    class Picky(RecordingSink):
        async def write(self, batch: Sequence[Any]) -> None:
            seen.update(record.name for record in batch)

    await check_sink(Picky, make_event=lambda number: Own(number=number))
    assert seen == {"own", "eventbus.probe.awkward"}


async def test_nothing_of_the_check_stays_behind() -> None:
    loop, before = asyncio.get_running_loop(), asyncio.all_tasks()
    factory = loop.get_task_factory()
    await check_sink(RecordingSink)
    assert loop.get_task_factory() is factory
    assert "connect" not in vars(socket.socket)
    assert asyncio.all_tasks() == before


async def test_a_rule_that_is_broken_only_on_the_bus_is_named() -> None:
    class Bad(GoodSink):
        async def write(self, batch: Sequence[Any]) -> Any:
            return None if type(batch) is list else "thanks"

    error = await violation(Bad)
    assert error.rule == 9
    assert str(error).endswith("write returned 'thanks'")


async def test_what_is_broken_only_on_the_bus_is_found_in_the_scenarios() -> None:
    class Bad(GoodSink):
        """Cannot do what a bus does: several batches, with pauses between them."""

        writes = 0

        async def write(self, batch: Sequence[Any]) -> Outcome | None:
            type(self).writes += 1
            if type(batch) is not list:
                return await super().write(list(batch)[1:])
            return await super().write(batch)

    error = await violation(Bad, PlainShelf())
    assert error.rule == 8
    assert "of 60 record(s) were reported as delivered" in str(error)
