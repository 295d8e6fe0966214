"""Whether single writes do what they say, with the far side well."""

from __future__ import annotations

import asyncio
import copy
from typing import Final

from eventbus._errors import TooLarge
from eventbus._record import AnyRecord
from eventbus._sink import Sink
from eventbus.testing.conformance._probes import AWKWARD_VALUES, AwkwardProbe
from eventbus.testing.conformance._rules import Rule, SinkViolation
from eventbus.testing.conformance._subject import Subject, judged

_LARGE_BATCH: Final = 512
_AT_ONCE: Final = 4


async def check_writes(subject: Subject) -> None:
    """Check rules 8, 9 and 12 to 14.

    Raises:
        SinkViolation: One is broken.
    """
    sink = await subject.started()
    for size in (1, 3, _LARGE_BATCH):
        await subject.write(sink, subject.records(size), Rule.ERRORS)
    await _check_unchanged(subject, sink)
    await _check_neighbours(subject, sink)
    if not getattr(sink, "ordered", False):
        await _check_at_once(subject, sink)
    await subject.close(sink)


async def _check_unchanged(subject: Subject, sink: Sink) -> None:
    batch = subject.records(3)
    given, before = list(batch), [copy.deepcopy(record.event) for record in batch]
    await subject.write(sink, batch, Rule.ERRORS)
    if len(batch) != len(given) or any(
        one is not other for one, other in zip(batch, given, strict=True)
    ):
        raise SinkViolation(Rule.UNCHANGED, "write changed the batch")
    for record, event in zip(given, before, strict=True):
        if record.event != event:
            raise SinkViolation(
                Rule.UNCHANGED, f"write changed {event!r} into {record.event!r}"
            )


async def _check_neighbours(subject: Subject, sink: Sink) -> None:
    for value in AWKWARD_VALUES:
        first, last = subject.records(2)
        awkward = subject.record(AwkwardProbe(value=value))
        await _write_awkward(subject, sink, [first, awkward, last])


async def _write_awkward(subject: Subject, sink: Sink, batch: list[AnyRecord]) -> None:
    kind = type(batch[1].event.value).__name__
    ended = await subject.calls.make(sink.write, batch)
    if isinstance(ended.error, TooLarge):
        return
    if ended.error is not None:
        raise SinkViolation(
            Rule.NEIGHBOURS,
            f"with a {kind} in a field of the second of three records, "
            f"write {ended.how}",
        ) from ended.error
    verdict = judged(ended.answer, len(batch))
    named = {**verdict.rejected, **verdict.unencodable}
    for index in named.keys() - {1}:
        raise SinkViolation(
            Rule.NEIGHBOURS,
            f"record {index} was named because of a {kind} in record 1: {named[index]}",
        )
    arrived = await subject.arrived()
    if arrived is not None:
        missing = [r.id for r in (batch[0], batch[2]) if r.id not in arrived]
        if missing:
            raise SinkViolation(
                Rule.NEIGHBOURS, f"{missing[0]} did not arrive beside a {kind}"
            )


async def _check_at_once(subject: Subject, sink: Sink) -> None:
    batches = [subject.records(3) for _ in range(_AT_ONCE)]
    calls = [subject.calls.make(sink.write, batch) for batch in batches]
    ends = await asyncio.gather(*calls)
    for ended, batch in zip(ends, batches, strict=True):
        subject.judge(ended, batch, Rule.AT_ONCE)
    await subject.check_arrived({record.id for b in batches for record in b})
