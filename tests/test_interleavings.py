"""A wait for room that ends in the very step in which room appears, in every order."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from functools import partial
from random import Random

import pytest

from eventbus import Buffer, Bus, PublishTimeoutError, Retry
from eventbus._window import event_of
from eventbus.testing import ManualClock, settled
from tests._rig import ONE_BY_ONE, CuedSink, Numbered, numbers

SECOND = 1.0
ENDS = ("limit", "scope", "cancel")  # of a publisher's wait; there may be several


class Race:
    """One attachment with little room, and those who wait for it.

    Args:
        random: Which interleaving is forced.
        room: How many events the buffer holds.
    """

    def __init__(self, random: Random, room: int) -> None:
        self._random = random
        self._room = room
        self._clock = ManualClock()
        self.bus = Bus(clock=self._clock)
        self._sink = CuedSink()
        self._number = 0
        self._withdrawn: set[int] = set()
        self.outcomes: Counter[str] = Counter()

    async def __aenter__(self) -> Race:
        buffer = Buffer(max_events=self._room, wait_timeout_seconds=None)
        patient = Retry(timeout_seconds=None)
        self._attachment = self.bus.attach(
            self._sink, name="sink", buffer=buffer, batch=ONE_BY_ONE, retry=patient
        )
        await self.bus.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.bus.aclose(0)

    async def run(self) -> None:
        """Force one interleaving, and check that nothing and no room was lost."""
        self._sink.delivered.clear()
        before, first = self._timed_out(), self._number
        for _ in range(self._room):
            assert self.bus.emit(Numbered(n=self._next()))
        await settled()
        tasks, ends = self._line()
        await settled()
        assert not any(task.done() for task in tasks.values())
        moves = [*ends, *[self._free] * self._random.randint(1, self._room)]
        self._random.shuffle(moves)
        for move in moves:
            move()
            for _ in range(self._random.randrange(4)):
                await asyncio.sleep(0)
        await self._come_to_rest()
        outcomes = {number: task.result() for number, task in tasks.items()}
        self.outcomes.update(outcomes.values())
        self._check(range(first + 1, min(tasks)), outcomes, self._timed_out() - before)

    def _timed_out(self) -> int:
        return self.bus.stats().attachments["sink"].dropped.get("block_timeout", 0)

    def _next(self) -> int:
        self._number += 1
        return self._number

    def _free(self) -> None:
        """Let the oldest write end, without a pass of the loop."""
        if self._sink._waiting:
            batch, answer = self._sink._waiting.popleft()
            self._sink.delivered += batch
            answer.set_result(None)

    def _line(self) -> tuple[dict[int, asyncio.Task[str]], list[Callable[[], object]]]:
        """Return who waits, and what ends some of the waits."""
        tasks: dict[int, asyncio.Task[str]] = {}
        ends: list[Callable[[], object]] = []
        for _ in range(self._random.randint(1, 4)):
            number = self._next()
            chosen = {end for end in ENDS if self._random.random() < 0.4}
            waiting = self._waiter(number, chosen, ends)
            tasks[number] = task = asyncio.create_task(waiting)
            if "cancel" in chosen:
                ends.append(partial(self._cancel, number, task))
        if self._random.random() < 0.8:
            ends.append(lambda: self._clock.advance(SECOND))
        return tasks, ends

    def _cancel(self, number: int, task: asyncio.Task[str]) -> None:
        """Cancel a publisher; if it stood in line until now, it is out of it."""
        line = [waiter.portion.kept for waiter in self._attachment.waiters]
        in_line = {event_of(kept.window.items[0]).n for kept in line if kept}  # type: ignore[attr-defined]
        if task.cancel() and number in in_line:
            self._withdrawn.add(number)

    async def _waiter(
        self, number: int, chosen: set[str], ends: list[Callable[[], object]]
    ) -> str:
        event = Numbered(n=number)
        limit = SECOND if "limit" in chosen else None
        try:
            async with asyncio.timeout(None) as scope:
                if "scope" in chosen:
                    ends.append(lambda: _expire(scope))
                await self.bus.publish(event, timeout_seconds=limit)
        except PublishTimeoutError:
            return "timed out"
        except (TimeoutError, asyncio.CancelledError):
            return "broken off"
        return "returned"

    async def _come_to_rest(self) -> None:
        await settled()
        self._clock.advance(SECOND)
        await settled()
        while self._sink.in_flight:
            await self._sink.cue()

    def _check(self, emitted: range, outcomes: dict[int, str], timed_out: int) -> None:
        """Each event arrived, or was counted, or was withdrawn: never two of these."""
        arrived = numbers(self._sink.delivered)
        assert arrived == sorted(set(arrived))
        said = {n for n, outcome in outcomes.items() if outcome == "returned"}
        assert said | {*emitted} <= {*arrived}
        assert self._withdrawn.isdisjoint(arrived)
        late = {n for n, outcome in outcomes.items() if outcome == "timed out"}
        assert late.isdisjoint(arrived)
        assert late.isdisjoint(self._withdrawn)
        open_ends = {*outcomes} - {*arrived} - self._withdrawn - late
        assert len(late) <= timed_out <= len(late) + len(open_ends)
        stats = self.bus.stats().attachments["sink"]
        assert stats.balanced
        assert stats.pending == 0


def _expire(scope: asyncio.Timeout) -> None:
    """Let *scope* expire now, unless whoever waited in it has left."""
    if scope._state.value == "active":
        scope.reschedule(0)


async def forced(count: int, seed: int, room: int) -> Race:
    random = Random(seed)
    async with Race(random, room) as race:
        for _ in range(count):
            await race.run()
        return race


@pytest.mark.proves("fault-39")
@pytest.mark.parametrize("room", [1, 2, 3])
@pytest.mark.parametrize("count", [200, pytest.param(34_000, marks=pytest.mark.slow)])
async def test_however_waits_and_room_cross_neither_room_nor_event_is_lost(
    count: int, room: int
) -> None:
    """Over all rooms, a hundred thousand interleavings in the long run."""
    race = await forced(count, seed=room, room=room)
    assert race.outcomes.keys() == {"returned", "timed out", "broken off"}
    assert sum(race.outcomes.values()) >= 2 * count
