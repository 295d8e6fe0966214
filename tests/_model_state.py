"""What any program did with one bus so far: who is attached, who publishes."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

from hypothesis.stateful import RuleBasedStateMachine
from msgspec.structs import force_setattr

from eventbus import Bus, Overflow
from eventbus.testing import ManualClock
from tests._model_draws import SELECTIONS, Far, Near
from tests._model_lens import Lens, measured
from tests._model_loop import DrivenLoop


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
    def may_leave_out(self) -> bool:
        """Whether luck alone may decide against an event as it is emitted."""
        return self.lens.attachment.thinning is not None

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


class BusState(RuleBasedStateMachine):
    """A bus on a loop that is driven pass by pass, and what was done with it."""

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

    def due_at(self, one: Joined, timeout: float | None) -> float:
        patience = one.lens.attachment.plan.buffer.wait_timeout_seconds
        given = [limit for limit in (timeout, patience) if limit is not None]
        return self.clock.monotonic() + min(given, default=math.inf)

    def running_calls(self) -> list[Publication]:
        return [call for call in self.publications if call.is_running]

    def lens_at(self, which: int) -> Lens:
        everybody = [*self.everybody()]
        return everybody[which % len(everybody)]

    def everybody(self) -> Iterator[Lens]:
        for one in [*self.joined, *self.leaving]:
            yield from one.lenses

    def present_at(self, which: int) -> Joined:
        return self.joined[which % len(self.joined)]

    def is_ending(self, lens: Lens) -> bool:
        return self.is_closed or all(lens is not one.lens for one in self.joined)

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
