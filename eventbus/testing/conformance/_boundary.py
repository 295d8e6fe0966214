"""The boundary between bus and sink, where failures are put in and ids are noted."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from typing import Final, NoReturn

from eventbus._errors import Refused, TooLarge, Unavailable
from eventbus._record import AnyRecord
from eventbus._sink import Outcome, Sink, optional_method
from eventbus.testing._clock import ManualClock
from eventbus.testing.conformance._answers import check_answer
from eventbus.testing.conformance._calls import Ended
from eventbus.testing.conformance._faults import FAILURE_OF, Fault, Faults
from eventbus.testing.conformance._rules import Rule, SinkViolation
from eventbus.testing.conformance._subject import Subject, judged

HANG_SECONDS: Final = 600.0
_MAX_UNAVAILABLE: Final = 20


class Boundary:
    """A sink around the sink that is checked.

    Args:
        subject: Whose sink it is.
        sink: The sink itself.
        faults: What goes wrong.
        clock: The bus's.
        patient: Whether the sink may say ``Unavailable`` by itself, after a failure.
        raises_on_close: Whether :meth:`aclose` raises after closing.
    """

    def __init__(
        self,
        subject: Subject,
        sink: Sink,
        faults: Faults,
        clock: ManualClock,
        *,
        patient: bool,
        raises_on_close: bool,
    ) -> None:
        """Begin with nothing offered."""
        self.ordered: Final = getattr(sink, "ordered", False)
        self.offered: list[str] = []
        """The ids of all records that the bus selected for the sink."""
        self.arrived: Counter[str] = Counter()
        """How often the sink said that each id was delivered."""
        self.attempts = 0
        self.violation: SinkViolation | None = None
        """The first one; after it nothing more is asked of the sink."""
        self._subject = subject
        self._sink = sink
        self._faults = faults
        self._clock = clock
        self._left = _MAX_UNAVAILABLE if patient else 0
        self._raises_on_close = raises_on_close
        self._observe = optional_method(sink, "observe")

    def observe(self, batch: Sequence[AnyRecord]) -> None:
        """Note what is offered."""
        self.offered.extend(record.id for record in batch)
        if self._observe is not None:
            try:
                self._subject.calls.observe(self._observe, batch)
            except SinkViolation as violation:
                self._note(violation)

    async def start(self) -> None:
        """Start the sink."""
        try:
            await self._subject.start(self._sink)
        except SinkViolation as violation:
            self._note(violation)

    async def write(self, batch: Sequence[AnyRecord]) -> Outcome | None:
        """Let the next fault happen, and the sink write around it."""
        if self.violation is not None:
            return None
        self.attempts += 1
        fault = self._faults.draw([record.id for record in batch])
        try:
            return await self._suffer(fault, batch)
        except SinkViolation as violation:
            self._note(violation)
            return None

    async def aclose(self) -> None:
        """Close the sink."""
        try:
            await self._subject.close(self._sink)
        except SinkViolation as violation:
            self._note(violation)
        if self._raises_on_close:
            raise RuntimeError("this aclose raises on purpose")

    def _note(self, violation: SinkViolation) -> None:
        self.violation = self.violation or violation

    async def _suffer(self, fault: Fault, batch: Sequence[AnyRecord]) -> Outcome | None:
        far_side = self._subject.far_side
        failure = FAILURE_OF.get(fault)
        if far_side is not None and failure in far_side.failures:
            assert failure is not None
            ended = await check_answer(self._subject, self._sink, list(batch), failure)
            if ended.was_cancelled:
                await self._hang()
            return self._passed_on(ended, batch)
        if fault is Fault.NONE:
            return await self._deliver(batch)
        if fault is Fault.PARTIAL:
            return await self._deliver_some(batch)
        raise await self._failure(fault, batch)

    async def _failure(self, fault: Fault, batch: Sequence[AnyRecord]) -> Exception:
        """Return what is raised instead of an answer, or never."""
        raised: Exception | None = None
        match fault:
            case Fault.UNAVAILABLE:
                raised = Unavailable("not available, on purpose")
            case Fault.REFUSED:
                raised = Refused("refused on purpose")
            case Fault.TOO_LARGE:
                raised = TooLarge("too large on purpose")
            case Fault.ANSWER_LOST:
                await self._deliver(batch)
                raised = ConnectionResetError("the answer was lost, on purpose")
            case Fault.HANG_AFTER:
                await self._deliver(batch)
            case Fault.HANG_INSIDE:
                await self._subject.calls.make(self._sink.write, batch, cancel_at=0)
            case _:
                pass
        return raised or await self._hang()

    async def _hang(self) -> NoReturn:
        asyncio.get_running_loop().call_soon(self._clock.advance, HANG_SECONDS)
        while True:
            await asyncio.Event().wait()

    async def _deliver(self, batch: Sequence[AnyRecord]) -> Outcome | None:
        ended = await self._subject.calls.make(self._sink.write, batch)
        if isinstance(ended.error, Unavailable) and self._left:
            self._left -= 1
        elif not isinstance(ended.error, TooLarge) or len(batch) == 1:
            self._subject.judge(ended, list(batch), Rule.ERRORS)
        return self._passed_on(ended, batch)

    async def _deliver_some(self, batch: Sequence[AnyRecord]) -> Outcome:
        refused = self._faults.some_of(len(batch))
        await self._deliver([r for i, r in enumerate(batch) if i not in refused])
        return Outcome(rejected=[(index, "refused on purpose") for index in refused])

    def _passed_on(self, ended: Ended, batch: Sequence[AnyRecord]) -> Outcome | None:
        if ended.error is not None:
            raise ended.error
        answer: Outcome | None = ended.answer
        verdict = judged(answer, len(batch))
        named = verdict.rejected.keys() | verdict.unencodable.keys()
        self.arrived.update(r.id for i, r in enumerate(batch) if i not in named)
        return answer
