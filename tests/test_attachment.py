from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from typing import Any, TypeVar

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
    Event,
    Outcome,
    Overflow,
    PublishTimeoutError,
    Refused,
    Retry,
    TooLarge,
    Unavailable,
)
from eventbus._record import AnyRecord
from eventbus.testing import settled
from tests._model import Item, Model
from tests._rig import CuedSink, Rig, numbers

T = TypeVar("T")

MAX_BYTES = 100
NEVER = Retry(timeout_seconds=None, max_elapsed_seconds=0)

sizes = st.sampled_from([1, 30, 60, 70, MAX_BYTES, MAX_BYTES + 1])


class Sized(Event, tag="sized"):
    n: int
    size: int


def measure(records: Sequence[AnyRecord]) -> list[int]:
    return [record.event.size for record in records]


class AttachmentMachine(RuleBasedStateMachine):
    """Does the same to a real attachment and to its model."""

    def __init__(self, overflow: Overflow, *, counts_bytes: bool) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.sink = CuedSink()
        self.next = 0
        self.failures = 0
        self.publishers: list[asyncio.Task[None]] = []
        max_bytes = MAX_BYTES if counts_bytes else None
        self.model = Model(overflow, 5, max_bytes, batch_events=3)
        self.run(self._begin(overflow, max_bytes))

    async def _begin(self, overflow: Overflow, max_bytes: int | None) -> None:
        self.rig = Rig()
        force_setattr(self.rig.bus._host, "measure", measure)
        await self.rig.bus.start()
        await self.rig.attach(
            self.sink,
            retry=NEVER,
            batch=Batch(max_events=3, max_delay_seconds=0.0),
            buffer=Buffer(
                max_events=5,
                max_bytes=max_bytes,
                overflow=overflow,
                wait_timeout_seconds=None,
            ),
        )

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        return self.loop.run_until_complete(coroutine)

    def item(self, size: int) -> Item:
        self.next += 1
        return self.next, size

    @rule(sizes=st.lists(sizes, min_size=1, max_size=8))
    def emit(self, sizes: list[int]) -> None:
        items = [self.item(size) for size in sizes]
        answers = [self.rig.bus.emit(Sized(n=n, size=size)) for n, size in items]
        self.run(settled())
        assert answers == self.model.emit(items)

    @rule(size=sizes, may_wait=st.booleans())
    def publish(self, size: int, may_wait: bool) -> None:
        item = self.item(size)
        expected = self.model.publish(item, may_wait=may_wait)
        event = Sized(n=item[0], size=size)
        timeout = None if may_wait else 0
        task = self.loop.create_task(
            self.rig.bus.publish(event, timeout_seconds=timeout)  # type: ignore[arg-type]
        )
        self.run(settled())
        if expected == "waits":
            assert not task.done()
            self.publishers.append(task)
        else:
            assert isinstance(task.exception(), PublishTimeoutError) == (
                expected == "timed out"
            )

    @precondition(lambda self: self.publishers)
    @rule(data=st.data())
    def cancel_a_publisher(self, data: st.DataObject) -> None:
        waiting = [task for task in self.publishers if not task.done()]
        if waiting:
            index = data.draw(st.integers(0, len(waiting) - 1))
            waiting[index].cancel()
            self.run(settled())
            self.model.leave_line(index)

    @precondition(lambda self: self.model.hand)
    @rule(data=st.data())
    def deliver(self, data: st.DataObject) -> None:
        size = len(self.model.hand[-1].items)
        rejected = data.draw(st.sets(st.integers(0, size - 1), max_size=2))
        answer = Outcome(rejected=[(i, "bad") for i in rejected]) if rejected else None
        self.run(self.sink.cue(answer))
        self.model.deliver(rejected)
        self.failures = 0

    @precondition(lambda self: self.model.hand)
    @rule()
    def refuse(self) -> None:
        self.run(self.sink.cue(Refused("no")))
        self.model.refuse()
        self.failures = 0

    @precondition(lambda self: self.model.hand)
    @rule()
    def split(self) -> None:
        self.run(self.sink.cue(TooLarge()))
        self.model.split()
        self.failures = 0

    @precondition(lambda self: self.model.hand and self.failures < 4)
    @rule(data=st.data())
    def fail(self, data: st.DataObject) -> None:
        arrived = data.draw(st.integers(0, len(self.model.hand[-1].items)))
        error = Unavailable("down")
        vars(error)["delivered"] = arrived
        self.run(self.sink.cue(error))
        self.model.fail("Unavailable", arrived=arrived)
        self.run(self.rig.after(30.0))
        self.failures += 1

    @precondition(lambda self: self.model.hand and self.failures < 4)
    @rule()
    def fault(self) -> None:
        self.run(self.sink.cue(ValueError("bug")))
        self.model.fault("ValueError")
        self.run(self.rig.after(30.0))
        self.failures += 1

    @rule()
    def flush(self) -> None:
        report = self.run(self.rig.bus.flush(0)).attachments["sink"]
        assert (report.pending == 0) or not report.complete

    @invariant()
    def both_agree(self) -> None:
        stats, model = self.rig.stats(), self.model
        assert stats.balanced
        assert stats.pending_bytes <= MAX_BYTES
        assert stats.pending <= 5
        assert (stats.pending, stats.pending_bytes) == (
            model.pending,
            model.pending_bytes,
        )
        for name in ("offered", "delivered", "rejected", "possible_duplicates"):
            assert getattr(stats, name) == model.counts[name], name
        assert dict(stats.dropped) == {k: n for k, n in model.dropped.items() if n}
        assert stats.errors == model.errors
        in_flight = [n for n, _ in model.hand[-1].items] if model.hand else []
        assert [numbers(b) for b, _ in self.sink._waiting] == [in_flight] * bool(
            in_flight
        )

    def teardown(self) -> None:
        report = self.run(self.rig.bus.aclose(0))
        self.model.close()
        self.both_agree()
        left = [task for task in self.publishers if not task.done()]
        self.run(settled())
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
            suppress_health_check=list(HealthCheck),
        ),
    )


@pytest.mark.proves("fault-33", "fault-34", "D3", "D4", "D6")
@pytest.mark.parametrize("counts_bytes", [False, True])
@pytest.mark.parametrize("overflow", list(Overflow))
def test_it_does_what_its_model_does(overflow: Overflow, counts_bytes: bool) -> None:
    chosen = settings(max_examples=40, stateful_step_count=40, derandomize=True)
    prove(overflow, counts_bytes=counts_bytes, chosen=chosen)


@pytest.mark.slow
@pytest.mark.proves("fault-33", "fault-34")
@pytest.mark.parametrize("counts_bytes", [False, True])
@pytest.mark.parametrize("overflow", list(Overflow))
def test_it_does_what_its_model_does_for_long(
    overflow: Overflow, counts_bytes: bool
) -> None:
    chosen = settings(max_examples=1700, stateful_step_count=100)
    prove(overflow, counts_bytes=counts_bytes, chosen=chosen)
