"""Any program there may be with one bus, and what must hold after each of its steps."""

from __future__ import annotations

import asyncio
import math
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)
from msgspec.structs import force_setattr

from eventbus import (
    Buffer,
    Bus,
    BusClosedError,
    Overflow,
    PublishTimeoutError,
    Record,
    Report,
)
from eventbus.testing import ManualClock
from tests._model_draws import (
    SELECTIONS,
    Far,
    Near,
    answers,
    buffers,
    far_sides,
    kinds,
    limits,
    places,
    samplers,
    seconds,
    sizes,
    wishes,
)
from tests._model_far import FarSide
from tests._model_lens import Lens, measured
from tests._model_loop import DrivenLoop

MAX_ATTACHED: Final = 3


@dataclass(eq=False)
class Joined:
    """An attachment, with what it was offered by ``emit``, and its dead letters."""

    lens: Lens
    select: str
    min_severity: str | None
    letters: Lens | None
    offered: set[int] = field(default_factory=set)
    accepted: set[int] = field(default_factory=set)
    promised_from: int = 0
    """The first number that was published under the bounds of now."""

    def selects(self, event: Any) -> bool:
        if not isinstance(event, SELECTIONS[self.select]):
            return False
        severe = isinstance(event, Far) or getattr(event, "severity", "") == "fatal"
        return self.min_severity is None or severe

    @property
    def lenses(self) -> Iterator[Lens]:
        yield self.lens
        if self.letters is not None:
            yield self.letters

    @property
    def loses_for_room_only(self) -> bool:
        """Whether it keeps what an emit was promised room for."""
        plan = self.lens.attachment.plan
        return (
            plan.buffer.overflow is not Overflow.DROP_OLDEST
            and plan.buffer.max_bytes is None
            and plan.buffer.max_age_seconds is None
            and plan.sampler is None
        )


@dataclass(eq=False)
class Publication:
    """One call of ``publish``, and what came of it."""

    number: int = 0
    selecting: list[Joined] = field(default_factory=list)
    task: asyncio.Task[None] | None = None
    state: Literal["running", "returned", "late", "cancelled", "closed"] = "running"
    late_at: tuple[str, ...] = ()
    due_at: dict[Joined, float] = field(default_factory=dict)

    @property
    def is_running(self) -> bool:
        return self.state == "running" and not (self.task and self.task.done())

    def is_offered_to(self, one: Joined) -> bool:
        waiter = one.lens.waiter_of(self.number)
        if waiter is not None:
            return waiter.admitted or waiter.timed_out
        others = (other.lens.waiter_of(self.number) for other in self.selecting)
        return self.state != "closed" or any(others)


class BusMachine(RuleBasedStateMachine):
    """Does anything with a bus, pass by pass, and looks after each step."""

    def __init__(self) -> None:
        super().__init__()
        self.clock = ManualClock()
        self.loop = DrivenLoop(self.clock)
        self.bus = self.loop.call(lambda: Bus(clock=self.clock))
        force_setattr(self.bus._host, "measure", measured)
        self.emit_near = self.bus.emitter(Near)
        self.count = self.attached = 0
        self.hurried = 0  # so many steps to come do not wait for the ones before
        self.joined: list[Joined] = []
        self.leaving: list[Joined] = []
        self.publications: list[Publication] = []
        self.withdrawn: list[tuple[Lens, int]] = []
        self.tasks: list[asyncio.Task[Any]] = []

    # What the rules share.

    @property
    def is_started(self) -> bool:
        return self.bus._engine.binding.is_bound

    @property
    def is_closed(self) -> bool:
        return self.bus._life.is_closed

    def do(self, action: Callable[[], Any]) -> Any:
        result = self.loop.call(action)
        self.hurried -= 1
        if self.hurried <= 0:
            self.loop.settle()
        return result

    def begin(self, coroutine: Any) -> asyncio.Task[Any]:
        task = self.loop.create_task(coroutine)
        self.tasks.append(task)
        return task

    def number(self, size: int) -> int:
        self.count += 1
        return self.count * 1000 + size

    def selecting(self, event: Any) -> list[Joined]:
        return [one for one in self.joined if one.selects(event)]

    # Rules.

    @initialize(first=wishes, second=wishes, shut=st.booleans(), start=st.booleans())
    def set_up(self, first: Any, second: Any, shut: bool, start: bool) -> None:
        if start:
            self.start()
        for wish in (first, second):
            far = FarSide()
            far.is_open = not shut
            self.attach(wish, far, None, None)

    @precondition(lambda self: not self.is_started and not self.is_closed)
    @rule()
    def start(self) -> None:
        self.do(lambda: self.begin(self._start()))

    async def _start(self) -> None:
        with suppress(BusClosedError):  # a close may be faster
            await self.bus.start()

    @rule()
    def hurry(self) -> None:
        self.hurried = 6

    @rule()
    def turn(self) -> None:
        self.loop.one_pass()

    @rule(make=kinds, sizes=st.lists(sizes, min_size=1, max_size=5), how=places)
    def emit(self, make: Any, sizes: list[int], how: int) -> None:
        self.do(lambda: [self.hand_over(make(self.number(s)), how) for s in sizes])

    def hand_over(self, event: Any, how: int) -> None:
        takers = self.selecting(event)
        full = [one for one in takers if one.lens.is_full]
        if how == 0 and isinstance(event, Near):
            answer = self.emit_near(event)
        elif how == 1:
            answer = self.bus.relay(Record(event, id=str(event.n)))
        else:
            answer = self.bus.emit(event)
        self.note_answer(event.n, answer, takers, full)

    def note_answer(
        self, number: int, answer: bool, takers: list[Joined], full: list[Joined]
    ) -> None:
        if self.is_closed:
            assert not answer
            return
        assert not (answer and full)
        assert answer or full or not self.is_started  # before, no thread is its own
        for one in takers:
            one.offered.add(number)
            if one not in full and one.loses_for_room_only:
                one.accepted.add(number)

    @rule(make=kinds, sizes=st.lists(sizes, min_size=1, max_size=5))
    def emit_from_a_thread(self, make: Any, sizes: list[int]) -> None:
        def emit() -> None:
            events = [make(self.number(size)) for size in sizes]
            for event, answer in zip(events, self.answers_to(events), strict=True):
                assert not (answer and self.is_closed)
                for one in [] if self.is_closed else self.selecting(event):
                    one.offered.add(event.n)
                    if answer and one.loses_for_room_only:
                        one.accepted.add(event.n)

        self.do(emit)

    def answers_to(self, events: list[Any]) -> list[bool]:
        """Return what a thread is answered that emits *events*."""
        answers: list[bool] = []
        thread = threading.Thread(
            target=lambda: answers.extend(map(self.bus.emit, events))
        )
        thread.start()
        thread.join()
        return answers

    @rule(make=kinds, size=sizes, timeout=limits, relayed=st.booleans())
    def publish(
        self, make: Any, size: int, timeout: float | None, relayed: bool
    ) -> None:
        call = Publication()

        async def run() -> None:
            call.number = self.number(size)
            event = make(call.number)
            call.selecting = self.selecting(event)
            call.due_at = {one: self.due_at(one, timeout) for one in call.selecting}
            try:
                item = Record(event) if relayed else event
                await self.bus.publish(item, timeout_seconds=timeout)
                call.state = "returned"
            except PublishTimeoutError as error:
                call.state, call.late_at = "late", error.timed_out
            except BusClosedError:
                call.state = "closed"
            except asyncio.CancelledError:
                call.state = "cancelled"

        def go() -> None:
            self.publications.append(call)
            call.task = asyncio.create_task(run())

        self.do(go)

    def due_at(self, one: Joined, timeout: float | None) -> float:
        patience = one.lens.attachment.plan.buffer.wait_timeout_seconds
        given = [limit for limit in (timeout, patience) if limit is not None]
        return self.clock.monotonic() + min(given, default=math.inf)

    @precondition(lambda self: self.running_calls())
    @rule(which=places)
    def cancel(self, which: int) -> None:
        running = self.running_calls()
        call = running[which % len(running)]

        def cancel() -> None:
            if call.task is not None and call.is_running:
                call.task.cancel()
                for one in call.selecting:
                    waiter = one.lens.waiter_of(call.number)
                    if waiter is not None and waiter.waits:
                        self.withdrawn.append((one.lens, call.number))

        self.do(cancel)

    def running_calls(self) -> list[Publication]:
        return [call for call in self.publications if call.is_running]

    @precondition(lambda self: len(self.joined) < MAX_ATTACHED and not self.is_closed)
    @rule(
        wish=wishes,
        far=far_sides,
        sampler=samplers,
        letters=st.sampled_from([None, False, True]),
    )
    def attach(self, wish: Any, far: FarSide, sampler: Any, letters: Any) -> None:
        self.do(lambda: self._attach(wish, far, sampler and sampler(), letters))

    def _attach(self, wish: Any, far: FarSide, sampler: Any, letters: Any) -> None:
        if self.is_closed:
            return
        keeper = None if letters is None else FarSide()
        self.attached += 1
        attachment = self.bus.attach(
            far,
            name=f"far-{self.attached}",
            sampler=sampler,
            dead_letters=keeper,
            **wish,
        )
        kept = None
        if keeper is not None and attachment.dead_letters is not None:
            keeper.is_open = letters
            kept = Lens(attachment.dead_letters, keeper, keeps_order=False)
        lens = Lens(attachment, far)
        one = Joined(lens, wish["select"], wish["min_severity"], kept)
        self.joined.append(one)

    @precondition(lambda self: self.joined)
    @rule(which=places, timeout=limits)
    def detach(self, which: int, timeout: float | None) -> None:
        one = self.present_at(which)
        self.do(lambda: self.begin(self._detach(one, timeout)))

    async def _detach(self, one: Joined, timeout: float | None) -> None:
        leaves = one in self.joined and not self.is_closed
        if leaves:
            self.joined.remove(one)
            self.leaving.append(one)
            one.lens.is_paused = False
        report = await one.lens.attachment.detach(timeout)
        assert report.pending == 0
        assert report.balanced
        assert not leaves or report.complete == one.lens.note_report(set())

    @rule(timeout=st.sampled_from([0.0, 1.0]))
    def flush(self, timeout: float) -> None:
        self.do(lambda: self.begin(self._flush(timeout)))

    async def _flush(self, timeout: float) -> None:
        awaited = {lens: self.begun(one) for one in self.joined for lens in one.lenses}
        report = await self.bus.flush(timeout)
        if not self.is_closed:
            self.check_report(report, awaited)

    def check_report(self, report: Report, awaited: dict[Lens, set[int]]) -> None:
        present = {lens.name: lens for one in self.joined for lens in one.lenses}
        assert set(report.attachments) == set(present)
        for name, lens in present.items():
            expected = lens.note_report(awaited.get(lens, set()))
            assert report.attachments[name].complete == expected, name
        assert report.complete == all(r.complete for r in report.attachments.values())

    @precondition(lambda self: self.joined or self.leaving)
    @rule(which=places, call=places, answer=answers)
    def answer(self, which: int, call: int, answer: Any) -> None:
        lens = self.lens_at(which)
        self.do(lambda: lens.far.answer(call, answer))

    @precondition(lambda self: self.joined or self.leaving)
    @rule(which=places)
    def open_or_shut(self, which: int) -> None:
        far = self.lens_at(which).far
        self.do(far.shut if far.is_open else far.open)

    def lens_at(self, which: int) -> Lens:
        everybody = [*self.everybody()]
        return everybody[which % len(everybody)]

    def everybody(self) -> Iterator[Lens]:
        for one in [*self.joined, *self.leaving]:
            yield from one.lenses

    @precondition(lambda self: self.joined and not self.is_closed)
    @rule(which=places)
    def pause_or_resume(self, which: int) -> None:
        lens = self.present_at(which).lens
        self.do(lambda: None if self.is_ending(lens) else lens.toggle())

    @precondition(lambda self: self.joined and not self.is_closed)
    @rule(which=places, bounds=buffers)
    def resize(self, which: int, bounds: Buffer) -> None:
        one = self.present_at(which)

        def resize() -> None:
            if not self.is_ending(one.lens):
                one.lens.resize(bounds)
                one.promised_from = self.count + 1
                if not one.loses_for_room_only:
                    one.accepted.clear()

        self.do(resize)

    def present_at(self, which: int) -> Joined:
        return self.joined[which % len(self.joined)]

    def is_ending(self, lens: Lens) -> bool:
        return self.is_closed or all(lens is not one.lens for one in self.joined)

    @rule(seconds=seconds)
    def let_pass(self, seconds: float) -> None:
        self.do(lambda: self.clock.advance(seconds))

    @rule(hours=st.integers(-48, 48))
    def set_the_wall_clock(self, hours: int) -> None:
        now = self.clock.time_ns()
        self.clock.set_wall_clock(now + hours * 3_600_000_000_000)

    @precondition(lambda self: self.count > 8)
    @rule(timeout=st.sampled_from([0.0, 1.0]))
    def close(self, timeout: float) -> None:
        self.do(lambda: self.begin(self.bus.aclose(timeout)))

    # What holds after each step.

    @invariant()
    def each_event_is_in_one_place(self) -> None:
        stats = self.bus.stats()
        for lens in self.everybody() if self.is_closed else ():
            lens.is_paused = False
        for one in [*self.joined, *self.leaving]:
            offered = self.offered(one)
            for lens in one.lenses:
                counts = stats.attachments.get(lens.name) or lens.attachment.stats()
                known = offered if lens is one.lens else set(one.lens.aside)
                lens.check(known, counts)
            self.check_promises(one)
        for lens, number in self.withdrawn:
            assert all(number not in there for there in lens.places.values())
        if self.loop.is_quiet:
            self.check_quiet()
        assert not self.loop.errors

    def begun(self, one: Joined) -> set[int]:
        """Return what was offered to *one*, or will be when there is room."""
        calls = (call for call in self.publications if one in call.selecting)
        return one.offered | {call.number for call in calls}

    def offered(self, one: Joined) -> set[int]:
        published = {
            call.number
            for call in self.publications
            if one in call.selecting and call.is_offered_to(one)
        }
        return one.offered | published

    def check_promises(self, one: Joined) -> None:
        """Who was told that there is room finds it there."""
        if one.lens.attachment.intake.closed_for or not one.lens.sees_what_is_left_out:
            return
        gone = one.lens.gone
        assert not (one.accepted & gone), "accepted, and then dropped for want of room"
        if one.lens.attachment.plan.buffer.overflow is Overflow.WAIT:
            for call in self.publications:
                if call.state == "returned" and one in call.selecting:
                    assert call.is_offered_to(one)
                    promised = call.number >= one.promised_from * 1000
                    assert not (promised and call.number in gone)

    def check_quiet(self) -> None:
        for lens in self.everybody():
            lens.check_quiet()
        for call in self.publications:
            waiters = [one.lens.waiter_of(call.number) for one in call.selecting]
            waits = [w for w in waiters if w is not None and w.waits]
            assert bool(waits) == call.is_running
            now = self.clock.monotonic()
            assert not any(
                w.waits and call.due_at[one] < now
                for one, w in zip(call.selecting, waiters, strict=True)
                if w is not None
            ), "waits beyond its time"
            late = {
                one.lens.name
                for one, w in zip(call.selecting, waiters, strict=True)
                if w is not None and w.timed_out
            }
            assert call.state != "late" or late == set(call.late_at)

    def teardown(self) -> None:
        was_broken_off = sys.exception() is not None
        try:
            self.end()
        except Exception:
            if not was_broken_off:  # else the step that failed says more
                raise
        finally:
            self.loop.close()

    def drain(self) -> None:
        """Nothing is left behind when the far side is there and time passes."""
        for one in self.joined:
            if one.lens.is_paused:
                self.do(one.lens.toggle)
        for _ in range(4):
            self.let_pass(31.0)
        for one in self.joined if self.is_started else ():
            assert not one.lens.pending
            assert not one.lens.line

    def end(self) -> None:
        self.hurried = 0
        for call in self.running_calls():
            if call.task is not None:
                call.task.cancel()
        for lens in self.everybody():
            self.do(lens.far.open)
        if not self.is_closed:
            self.drain()
        self.close(1.0)
        for _ in range(3):
            self.let_pass(1.0)
        assert all(task.done() for task in self.tasks)
        assert [task.exception() for task in self.tasks] == [None] * len(self.tasks)
        self.each_event_is_in_one_place()
        for lens in self.everybody():
            lens.check_ended()
        assert not asyncio.all_tasks(self.loop)
