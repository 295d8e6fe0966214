"""Any program there may be with one bus, step by step."""

from __future__ import annotations

import asyncio
import sys
import threading
from contextlib import suppress
from typing import Any, Final

from hypothesis import strategies as st
from hypothesis.stateful import initialize, precondition, rule

from eventbus import Buffer, BusClosedError, PublishTimeoutError, Record
from tests._model_draws import (
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
from tests._model_laws import BusLaws
from tests._model_lens import Lens
from tests._model_state import Joined, Publication

MAX_ATTACHED: Final = 3


class BusMachine(BusLaws):
    """Does anything with a bus, pass by pass, and looks after each step."""

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
        assert not (answer and any(not one.may_leave_out for one in full))
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
