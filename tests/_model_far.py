"""The far side of one attachment: answers on cue, and knows what came of every id."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from eventbus import Outcome, Refused, TooLarge, Unavailable
from eventbus._record import AnyRecord

Answer: TypeAlias = Callable[["FarSide", list[int]], Outcome | None]


@dataclass(eq=False)
class Call:
    """A call of ``write`` that waits for its cue."""

    numbers: list[int]
    cue: asyncio.Future[Answer]

    @property
    def waits(self) -> bool:
        return not self.cue.done()


class FarSide:
    """A sink that answers at once while it is open, and else when told to.

    Args:
        start: What the first call of ``start`` raises.
        keeps_what_was_cut_off: Whether a batch arrives whose call is cancelled.
        ignored_cancellations: How many cancellations of a call do not end it.
        hangs_at_close: Whether ``aclose`` ends by cancellation only.
    """

    def __init__(
        self,
        *,
        start: BaseException | None = None,
        keeps_what_was_cut_off: bool = False,
        ignored_cancellations: int = 0,
        hangs_at_close: bool = False,
    ) -> None:
        self._start = start
        self._keeps_what_was_cut_off = keeps_what_was_cut_off
        self._ignored_cancellations = ignored_cancellations
        self._hangs_at_close = hangs_at_close
        self.is_open = True
        self.calls: list[Call] = []
        self.attempts: list[list[int]] = []
        self.arrived: list[int] = []
        self.told: list[int] = []  # said to have arrived
        self.refused: list[int] = []  # said to be refused for good
        self.unsure: set[int] = set()  # an attempt of theirs had no clear answer
        self.tried_again: set[int] = set()  # after such an attempt
        self.given_up: set[int] = set()  # nobody listens to what becomes of them

    @property
    def in_flight(self) -> list[int]:
        return [n for call in self.calls for n in call.numbers]

    async def start(self) -> None:
        error, self._start = self._start, None
        if error is not None:
            raise error

    async def write(self, batch: Sequence[AnyRecord]) -> Any:
        numbers = [record.event.n for record in batch]
        self.attempts.append(numbers)
        self.tried_again |= self.unsure.intersection(numbers)
        if self.is_open:
            return deliver(self, numbers)
        return await self._on_cue(numbers)

    async def _on_cue(self, numbers: list[int]) -> Any:
        call = Call(numbers, asyncio.get_running_loop().create_future())
        self.calls.append(call)
        try:
            answer = await self._cue(call)
        except asyncio.CancelledError:
            self.unsure.update(numbers)
            if self._keeps_what_was_cut_off:
                self.arrived += numbers
            raise
        finally:
            self.calls.remove(call)
        if answer is die:
            await self._die(numbers)
        return answer(self, numbers)

    async def _cue(self, call: Call) -> Answer:
        left = self._ignored_cancellations
        if not left:
            return await call.cue
        while not call.cue.done():
            try:
                await asyncio.wait([call.cue])
            except asyncio.CancelledError:
                if not left:
                    raise
                left -= 1
        return call.cue.result()

    async def _die(self, numbers: list[int]) -> None:
        task = asyncio.current_task()
        assert task is not None
        self.unsure.update(numbers)
        task.cancel()
        await asyncio.sleep(0)

    async def aclose(self) -> None:
        if self._hangs_at_close:
            await asyncio.get_running_loop().create_future()

    def open(self) -> None:
        """Take whatever is there, and whatever comes."""
        self.is_open = True
        for call in self.calls:
            if call.waits:
                call.cue.set_result(deliver)

    def shut(self) -> None:
        """Let further calls wait for their cue."""
        self.is_open = False

    def answer(self, which: int, answer: Answer) -> None:
        """Give one of the calls that wait its answer."""
        waiting = [call for call in self.calls if call.waits]
        if waiting:
            waiting[which % len(waiting)].cue.set_result(answer)

    def take(self, numbers: list[int]) -> None:
        """Have *numbers* arrive, and say so."""
        self.arrived += numbers
        self.told += [n for n in numbers if n not in self.given_up]

    def turn_down(self, numbers: list[int]) -> None:
        """Say that *numbers* will never be taken."""
        self.refused += [n for n in numbers if n not in self.given_up]


def deliver(far: FarSide, numbers: list[int]) -> None:
    far.take(numbers)


def reject_some(*indexes: int) -> Answer:
    def answer(far: FarSide, numbers: list[int]) -> Outcome:
        rejected = {index % len(numbers) for index in indexes}
        far.take([n for i, n in enumerate(numbers) if i not in rejected])
        far.turn_down([n for i, n in enumerate(numbers) if i in rejected])
        return Outcome(rejected=[(index, "bad") for index in rejected])

    return answer


def refuse(far: FarSide, numbers: list[int]) -> None:
    far.turn_down(numbers)
    raise Refused("no")


def too_large(far: FarSide, numbers: list[int]) -> None:
    raise TooLarge


def stop_for_good(far: FarSide, numbers: list[int]) -> None:
    raise Refused("wrong key", permanent=True)


def be_down(arrived: int, retry_after_seconds: float | None) -> Answer:
    def answer(far: FarSide, numbers: list[int]) -> None:
        error = Unavailable("down", retry_after_seconds=retry_after_seconds)
        done = min(arrived, len(numbers))
        far.take(numbers[:done])
        vars(error)["delivered"] = done
        raise error

    return answer


def break_down(error: type[BaseException], *, arrives: bool) -> Answer:
    """Raise *error*, so that nobody knows whether the batch arrived."""

    def answer(far: FarSide, numbers: list[int]) -> None:
        far.unsure.update(numbers)
        if arrives:
            far.arrived += numbers
        raise error

    return answer


def talk_nonsense(far: FarSide, numbers: list[int]) -> Any:
    far.unsure.update(numbers)
    far.arrived += numbers
    return 7


def die(far: FarSide, numbers: list[int]) -> None:
    """Cancel the task that asks, in the middle of the call."""
