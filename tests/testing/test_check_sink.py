import asyncio
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import msgspec
import pytest

from eventbus import AttachmentReport, Event, Outcome, Refused, Unavailable
from eventbus.testing import (
    RecordingSink,
    ScriptedSink,
    SinkViolation,
    Tally,
    check_sink,
)
from eventbus.testing.conformance._scenarios import check_counts
from tests.testing._shelf import Down, PlainShelf, Shelf, ShelfSettings, ShelfSink

SCENARIOS = [
    "always_ok",
    "random_transient",
    "random_permanent",
    "random_mix",
    "hang",
    "partial",
    "raise_on_close",
]


class GoodSink(ShelfSink):
    """Made without a shelf of its own: each kind of test gives it one."""

    shelf_of_all: ClassVar[Shelf]

    def __init__(self, settings: ShelfSettings | None = None) -> None:
        super().__init__(settings or ShelfSettings(), self.shelf_of_all)


def sinks(base: type[GoodSink], shelf: Shelf) -> type[GoodSink]:
    return type(base.__name__, (base,), {"shelf_of_all": shelf})


async def violation(
    base: type[Any], far_side: Shelf | None = None, **options: Any
) -> SinkViolation:
    factory = base
    if issubclass(base, GoodSink):
        factory = sinks(base, far_side or PlainShelf())
    with pytest.raises(SinkViolation) as caught:
        await check_sink(factory, far_side=far_side, **options)
    return caught.value


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


@pytest.mark.parametrize("kind", [RecordingSink, ScriptedSink])
async def test_sinks_of_the_kit_pass(kind: Callable[[], Any]) -> None:
    report = await check_sink(kind)
    assert report.advice == ()


async def test_scenarios_do_what_their_names_say() -> None:
    report = await check_sink(RecordingSink)
    found = report.scenarios
    assert found["always_ok"] == Tally(
        offered=60, delivered=60, set_aside=0, attempts=10, repeated=0
    )
    assert found["random_transient"].attempts > 10
    assert found["random_transient"].repeated > 0
    assert found["random_permanent"].set_aside > 0
    assert found["random_permanent"].repeated == 0
    assert found["random_mix"].set_aside > 0
    assert found["hang"].attempts > 10
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
    await check_sink(RecordingSink)
    assert loop.get_task_factory() is None
    assert "connect" not in vars(socket.socket)
    assert asyncio.all_tasks() == before


# Rule by rule: a sink that breaks it, and what is said.


async def test_rule_1_write_must_be_async() -> None:
    class Bad(GoodSink):
        def write(self, batch: Any) -> Any: ...

    error = await violation(Bad)
    assert error.rule == 1
    assert str(error).endswith("write is not async")


async def test_rule_1_aclose_must_be_there() -> None:
    class Bad:
        async def start(self) -> None: ...
        async def write(self, batch: Any) -> None: ...

    error = await violation(Bad)
    assert error.rule == 1
    assert str(error).endswith("there is no aclose")


async def test_rule_1_observe_must_not_be_async() -> None:
    class Bad(GoodSink):
        async def observe(self, batch: Any) -> None: ...

    error = await violation(Bad)
    assert error.rule == 1
    assert str(error).endswith("observe is async")


async def test_rule_2_settings_must_be_frozen() -> None:
    class Loose(msgspec.Struct, kw_only=True, forbid_unknown_fields=True): ...

    class Bad(GoodSink):
        Settings = Loose

    error = await violation(Bad)
    assert error.rule == 2
    assert str(error).endswith("Loose is not frozen")


async def test_rule_2_settings_must_refuse_unknown_fields() -> None:
    class Loose(msgspec.Struct, kw_only=True, frozen=True): ...

    class Bad(GoodSink):
        Settings = Loose

    error = await violation(Bad)
    assert error.rule == 2
    assert str(error).endswith("Loose does not refuse unknown fields")


async def test_rule_2_a_sink_must_be_made_of_its_settings_alone() -> None:
    shelf = PlainShelf()
    with pytest.raises(SinkViolation) as caught:
        await check_sink(lambda: ShelfSink(ShelfSettings(), shelf))
    assert caught.value.rule == 2
    assert "ShelfSink(settings) does not work: missing" in str(caught.value)


async def test_rule_3_settings_must_not_use_the_names_of_the_attachment() -> None:
    class Greedy(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
        batch: int = 100

    class Bad(GoodSink):
        Settings = Greedy

    error = await violation(Bad)
    assert error.rule == 3
    assert str(error).endswith("Greedy.batch is the attachment's")


async def test_rule_4_no_repr_shows_a_secret() -> None:
    class Open(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
        password: str | None = None

    class Bad(GoodSink):
        Settings = Open

        def __init__(self, settings: Any = None) -> None:
            super().__init__(settings)
            self.settings = settings or Open()

    error = await violation(Bad)
    assert error.rule == 4
    assert str(error).endswith("the repr of Open shows the value of 'password'")


async def test_rule_5_making_a_sink_must_start_no_task() -> None:
    class Bad(GoodSink):
        def __init__(self, settings: Any = None) -> None:
            super().__init__(settings)
            self.task = asyncio.get_running_loop().create_task(asyncio.sleep(0))

    error = await violation(Bad)
    assert error.rule == 5
    assert "making it started <Task" in str(error)


async def test_rule_5_making_a_sink_must_need_no_loop() -> None:
    class Bad(GoodSink):
        def __init__(self, settings: Any = None) -> None:
            super().__init__(settings)
            self.loop = asyncio.get_running_loop()

    error = await violation(Bad)
    assert error.rule == 5
    assert "without an event loop it raised RuntimeError: no running" in str(error)


async def test_rule_5_making_a_sink_must_start_no_thread() -> None:
    gone = threading.Event()

    class Bad(GoodSink):
        def __init__(self, settings: Any = None) -> None:
            super().__init__(settings)
            threading.Thread(target=gone.wait, name="hidden").start()

    try:
        error = await violation(Bad)
    finally:
        gone.set()
    assert error.rule == 5
    assert str(error).endswith("making it started thread hidden")


async def test_rule_6_defaults_must_be_of_their_types() -> None:
    class Bad(GoodSink):
        buffer: ClassVar[Any] = {"max_events": 10}

    error = await violation(Bad)
    assert error.rule == 6
    assert str(error).endswith("buffer must be a Buffer, got {'max_events': 10}")


async def test_rule_7_a_sink_that_opens_sockets_must_say_so() -> None:
    class Bad(GoodSink):
        async def start(self) -> None:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as opened:
                opened.connect(("127.0.0.1", 9))  # sends nothing

    error = await violation(Bad)
    assert error.rule == 7
    assert str(error).endswith("called connect ('127.0.0.1', 9)")


async def test_rule_7_is_kept_by_saying_so() -> None:
    class Honest(GoodSink):
        network: ClassVar[bool] = True

        async def start(self) -> None:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as opened:
                opened.connect(("127.0.0.1", 9))

    report = await check_sink(sinks(Honest, PlainShelf()))
    assert report.advice == (
        "a network sink should bound its buffer in bytes: Buffer(max_bytes=…)",
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
                0.01, self.shelf.ids.extend, [r.id for r in batch]
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

    error = await violation(Bad, patience_seconds=0.02)
    assert error.rule == 16
    assert str(error).endswith("write did not end within 0.02 s")


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
            try:
                async with asyncio.timeout(0.001):
                    return await super().write(batch)
            except TimeoutError:
                return None

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
