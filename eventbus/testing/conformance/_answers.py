"""Whether a sink says what its far side said, where that can be made to fail."""

from __future__ import annotations

from typing import Final

from eventbus._errors import Refused, Unavailable
from eventbus._record import AnyRecord
from eventbus._sink import Sink
from eventbus.testing.conformance._calls import Ended
from eventbus.testing.conformance._far_side import Failure, FarSide
from eventbus.testing.conformance._rules import Rule, SinkViolation
from eventbus.testing.conformance._subject import Subject, judged

_HANG_SECONDS: Final = 0.05


async def check_answers(subject: Subject) -> None:
    """Check rules 10, 16, 17 and 18 with each failure that the far side knows.

    Raises:
        SinkViolation: One is broken.
    """
    far_side = subject.far_side
    if far_side is None:
        return
    if "unavailable" in far_side.failures:
        await _check_start(subject, far_side)
    for failure in sorted(far_side.failures):
        sink = await subject.started()
        batch = subject.records(4)
        subject.doubt(record.id for record in batch)
        await check_answer(subject, sink, batch, failure)
        await subject.check_usable(sink)
        await subject.close(sink)


async def _check_start(subject: Subject, far_side: FarSide) -> None:
    sink = subject.make()
    await far_side.fail_next("unavailable")
    ended = await subject.calls.make(sink.start)
    if ended.error is not None:
        await subject.start(sink)
    batch = subject.records(4)
    subject.doubt(record.id for record in batch)
    ended = await subject.calls.make(sink.write, batch)
    if not isinstance(ended.error, Unavailable | None):
        raise _untold("unavailable", ended)
    await subject.check_usable(sink)
    await subject.close(sink)


async def check_answer(
    subject: Subject, sink: Sink, batch: list[AnyRecord], failure: Failure
) -> Ended:
    """Write *batch* to a far side that fails, and check what the sink says of it.

    Raises:
        SinkViolation: It says something else.
    """
    assert subject.far_side is not None
    await subject.far_side.fail_next(failure)
    if failure == "hang":
        seconds = _HANG_SECONDS
        ended = await subject.calls.make(
            sink.write, batch, cancel_after_seconds=seconds
        )
        if not ended.was_cancelled:
            raise SinkViolation(
                Rule.CANCELLED, f"the far side gave no answer, and write {ended.how}"
            )
        return ended
    ended = await subject.calls.make(sink.write, batch)
    if not _is_told(failure, ended, len(batch)):
        raise _untold(failure, ended)
    return ended


def _untold(failure: Failure, ended: Ended) -> SinkViolation:
    return SinkViolation(
        Rule.ERRORS, f"the far side said {failure!r}, and write {ended.how}"
    )


def _is_told(failure: Failure, ended: Ended, size: int) -> bool:
    if failure == "unavailable":
        return isinstance(ended.error, Unavailable)
    if failure == "refused" and isinstance(ended.error, Refused):
        return True
    if ended.error is not None:
        return False
    rejected = len(judged(ended.answer, size).rejected)
    return rejected == size if failure == "refused" else 0 < rejected < size
