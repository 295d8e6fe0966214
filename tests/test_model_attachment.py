"""One attachment does what a model of plain lists does, event by event."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Final, TypeVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from msgspec.structs import force_setattr

from eventbus import (
    Batch,
    Buffer,
    BusClosedError,
    Outcome,
    Overflow,
    PublishTimeoutError,
    Refused,
    Retry,
    TooLarge,
    Unavailable,
)
from eventbus.testing import settled
from tests._model import Item, Model
from tests._model_far import FarSide
from tests._model_lens import Lens, measured
from tests._rig import CuedSink, Numbered, Rig, numbers

T = TypeVar("T")

MAX_BYTES: Final = 100
ATTEMPT_SECONDS: Final = 10.0
BACKOFF_SECONDS: Final = 30.0

sizes = st.sampled_from([1, 30, 60, 70, MAX_BYTES, MAX_BYTES + 1])


class AttachmentMachine(RuleBasedStateMachine):
    """Does the same to a real attachment and to its model."""

    def __init__(self, overflow: Overflow, *, counts_bytes: bool) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.sink = CuedSink()
        self.next = 0
        self.failures = 0
        self.publishers: dict[int, asyncio.Task[None]] = {}
        self.max_bytes = MAX_BYTES if counts_bytes else None
        self.model = Model(overflow, 5, self.max_bytes, batch_events=3)
        self.run(self._begin(overflow))

    async def _begin(self, overflow: Overflow) -> None:
        self.rig = Rig()
        force_setattr(self.rig.bus._host, "measure", measured)
        await self.rig.bus.start()
        attachment = await self.rig.attach(
            self.sink,
            retry=Retry(timeout_seconds=ATTEMPT_SECONDS, max_elapsed_seconds=0),
            batch=Batch(max_events=3, max_delay_seconds=0.0),
            buffer=self.bounds(overflow, 5),
        )
        self.lens = Lens(attachment, FarSide())

    def bounds(self, overflow: Overflow, max_events: int) -> Buffer:
        return Buffer(
            max_events=max_events,
            max_bytes=self.max_bytes,
            overflow=overflow,
            wait_timeout_seconds=None,
        )

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        return self.loop.run_until_complete(coroutine)

    async def plainly(self, action: Callable[[], object]) -> None:
        action()
        await settled()

    def item(self, size: int) -> Item:
        self.next += 1
        return self.next * 1000 + size, size

    @rule(sizes=st.lists(sizes, min_size=1, max_size=8))
    def emit(self, sizes: list[int]) -> None:
        items = [self.item(size) for size in sizes]
        answers = [self.rig.bus.emit(Numbered(n=n)) for n, _ in items]
        self.run(settled())
        assert answers == self.model.emit(items)

    @rule(size=sizes, may_wait=st.booleans())
    def publish_one(self, size: int, may_wait: bool) -> None:
        self.publish(size, may_wait)

    def publish(self, size: int, may_wait: bool) -> None:
        item = self.item(size)
        expected = self.model.publish(item, may_wait=may_wait)
        event = Numbered(n=item[0])
        timeout = None if may_wait else 0
        task = self.loop.create_task(
            self.rig.bus.publish(event, timeout_seconds=timeout)  # type: ignore[arg-type]
        )
        self.run(settled())
        if expected == "waits":
            self.publishers[item[0]] = task
        else:
            assert isinstance(task.exception(), PublishTimeoutError) == (
                expected == "timed out"
            )

    @precondition(lambda self: self.model.overflow is Overflow.WAIT)
    @rule(sizes=st.lists(sizes, min_size=2, max_size=4))
    def line_up(self, sizes: list[int]) -> None:
        for size in sizes:
            self.publish(size, True)

    @precondition(lambda self: self.model.line)
    @rule(which=st.integers(0, 9))
    def cancel_a_publisher(self, which: int) -> None:
        index = which % len(self.model.line)
        self.publishers.pop(self.model.line[index][0]).cancel()
        self.run(settled())
        self.model.leave_line(index)

    @precondition(lambda self: self.model.is_calling)
    @rule(data=st.data())
    def deliver(self, data: st.DataObject) -> None:
        size = len(self.model.hand[-1].items)
        rejected = data.draw(st.sets(st.integers(0, size - 1), max_size=2))
        answer = Outcome(rejected=[(i, "bad") for i in rejected]) if rejected else None
        self.run(self.sink.cue(answer))
        self.model.deliver(rejected)
        self.failures = 0

    @precondition(lambda self: self.model.is_calling)
    @rule()
    def refuse(self) -> None:
        self.run(self.sink.cue(Refused("no")))
        self.model.refuse()
        self.failures = 0

    @precondition(lambda self: self.model.is_calling)
    @rule()
    def split(self) -> None:
        self.run(self.sink.cue(TooLarge()))
        self.model.split()
        self.failures = 0

    @precondition(lambda self: self.model.is_calling and self.failures < 4)
    @rule(data=st.data())
    def fail(self, data: st.DataObject) -> None:
        arrived = data.draw(st.integers(0, len(self.model.hand[-1].items)))
        error = Unavailable("down")
        vars(error)["delivered"] = arrived
        self.run(self.sink.cue(error))
        self.back_off(self.model.fail("Unavailable", arrived=arrived))

    @precondition(lambda self: self.model.is_calling and self.failures < 4)
    @rule()
    def fault(self) -> None:
        self.run(self.sink.cue(ValueError("bug")))
        self.back_off(self.model.fault("ValueError"))

    @precondition(lambda self: self.model.is_calling and self.failures < 4)
    @rule()
    def kill_the_worker(self) -> None:
        (worker,) = self.lens.attachment.workers._hands
        self.run(self.plainly(worker.cancel))
        self.model.fault(None)
        self.back_off(True)  # so long until another one takes over

    @precondition(lambda self: self.model.is_calling and self.failures < 4)
    @rule()
    def hang(self) -> None:
        self.run(self.rig.after(ATTEMPT_SECONDS))
        self.model.hang()
        self.back_off(True)

    def back_off(self, is_tried_again: bool) -> None:
        self.failures += 1
        if is_tried_again:
            self.run(self.rig.after(BACKOFF_SECONDS))

    @rule()
    def pause(self) -> None:
        self.run(self.plainly(self.lens.attachment.pause))
        self.model.pause()

    @rule()
    def resume(self) -> None:
        self.run(self.plainly(self.lens.attachment.resume))
        self.model.resume()

    @rule(overflow=st.sampled_from(Overflow), max_events=st.integers(1, 8))
    def resize(self, overflow: Overflow, max_events: int) -> None:
        bounds = self.bounds(overflow, max_events)
        self.run(self.plainly(lambda: self.lens.attachment.resize(bounds)))
        self.model.resize(overflow, max_events)

    @rule()
    def flush(self) -> None:
        report = self.run(self.rig.bus.flush(0)).attachments["sink"]
        assert report.pending == self.model.pending
        assert (report.pending == 0) or not report.complete

    @invariant()
    def both_agree(self) -> None:
        self.check_counts()
        self.check_places()
        waiting = [number for number, _ in self.model.line]
        for number, task in self.publishers.items():
            assert task.done() == (number not in waiting)
            assert not task.done() or task.exception() is None
        hand = self.model.hand if self.model.is_calling else []
        in_flight = [[number for number, _ in part.items] for part in hand[-1:]]
        assert [numbers(batch) for batch, _ in self.sink._waiting] == in_flight

    def check_counts(self) -> None:
        stats, model = self.rig.stats(), self.model
        assert stats.balanced
        assert (stats.pending, stats.pending_bytes) == (
            model.pending,
            model.pending_bytes,
        )
        assert stats.pending_bytes <= MAX_BYTES
        assert stats.offered == len(model.offered)
        assert stats.delivered == len(model.arrived)
        assert stats.rejected == len(model.rejected)
        assert stats.possible_duplicates == model.possible_duplicates
        lost = {reason: len(found) for reason, found in model.dropped.items() if found}
        assert dict(stats.dropped) == lost
        assert stats.errors == model.errors

    def check_places(self) -> None:
        """Each event is where the model has it; what is nowhere was dropped at once."""
        lens, model = self.lens, self.model
        hand = [number for part in model.hand for number, _ in part.items]
        assert lens.queued == [number for number, _ in model.queue]
        assert lens.in_hand == hand
        assert lens.waiting == [number for number, _ in model.line]
        assert lens.timed_out == model.dropped["block_timeout"]
        assert lens.lost.get("rejected", []) == model.rejected
        for reason in ("too_large", "retry_exhausted", "shutdown_deadline"):
            assert set(lens.lost.get(reason, ())) == set(model.dropped[reason]), reason
        found = [*model.arrived, *model.rejected, *hand, *lens.queued]
        found += [number for lost in model.dropped.values() for number in lost]
        assert sorted(found) == sorted(model.offered)

    def teardown(self) -> None:
        report = self.run(self.rig.bus.aclose(0))
        left = [self.publishers.pop(number) for number, _ in self.model.line]
        self.model.close()
        self.run(settled())
        self.both_agree()
        assert all(isinstance(task.exception(), BusClosedError) for task in left)
        assert report.attachments["sink"].pending == 0
        self.loop.close()


def prove(overflow: Overflow, *, counts_bytes: bool, chosen: settings) -> None:
    run_state_machine_as_test(
        lambda: AttachmentMachine(overflow, counts_bytes=counts_bytes),
        settings=settings(
            chosen,
            deadline=None,
            database=None,
            print_blob=True,
            suppress_health_check=list(HealthCheck),
        ),
    )


@pytest.mark.proves("fault-33", "fault-34", "fault-44", "D3", "D4", "D6")
@pytest.mark.parametrize("counts_bytes", [False, True])
@pytest.mark.parametrize("overflow", list(Overflow))
def test_it_does_what_its_model_does(overflow: Overflow, counts_bytes: bool) -> None:
    chosen = settings(max_examples=40, stateful_step_count=40, derandomize=True)
    prove(overflow, counts_bytes=counts_bytes, chosen=chosen)


@pytest.mark.slow
@pytest.mark.proves("fault-33", "fault-34", "fault-44")
@pytest.mark.parametrize("counts_bytes", [False, True])
@pytest.mark.parametrize("overflow", list(Overflow))
def test_it_does_what_its_model_does_for_long(
    overflow: Overflow, counts_bytes: bool
) -> None:
    chosen = settings(max_examples=1700, stateful_step_count=40)
    prove(overflow, counts_bytes=counts_bytes, chosen=chosen)


@pytest.mark.proves("fault-38")
def test_who_stands_behind_one_that_leaves_goes_in_if_it_fits() -> None:
    machine = AttachmentMachine(Overflow.WAIT, counts_bytes=True)
    machine.emit([60])
    machine.publish(70, True)
    machine.publish(30, True)
    machine.cancel_a_publisher(0)
    assert not machine.model.line
    machine.both_agree()
    machine.teardown()


@pytest.mark.proves("fault-44")
def test_who_waits_has_room_or_is_counted_when_nobody_waits_any_more() -> None:
    machine = AttachmentMachine(Overflow.WAIT, counts_bytes=False)
    machine.emit([1] * 5)
    machine.publish(1, True)
    machine.publish(1, True)
    machine.resize(Overflow.DROP_NEWEST, 6)
    assert [len(lost) for lost in machine.model.dropped.values() if lost] == [1]
    machine.both_agree()
    machine.teardown()
