"""The sink that is checked: made, started, written to and closed, rule by rule."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Final

from eventbus._catalog import Catalog
from eventbus._clock import Clock, SystemClock
from eventbus._errors import Unavailable
from eventbus._event import Event
from eventbus._record import AnyRecord, Attributes, Record
from eventbus._sink import Outcome, Sink, SinkContext, optional_method
from eventbus._verdict import Again, Delivered, judge_answer
from eventbus.testing.conformance._calls import Calls, Ended
from eventbus.testing.conformance._far_side import Arrivals, FarSide
from eventbus.testing.conformance._rules import Rule, SinkViolation

_RESOURCE: Final = Attributes({"service.name": "check_sink"})
_TRIES: Final = 5
_START_UNIX_NANO: Final = 1_700_000_000_000_000_000


class Subject:
    """What makes the sinks of one check, and calls them.

    Args:
        factory: Makes a sink.
        make_event: Makes a plain event that the sink has a form for.
        far_side: Where the records arrive, or ``None``.
        calls: Makes the calls.
    """

    def __init__(
        self,
        factory: Callable[[], Sink],
        make_event: Callable[[int], Event],
        far_side: FarSide | None,
        calls: Calls,
    ) -> None:
        """Begin with nothing made."""
        self._factory: Final = factory
        self.make_event: Final = make_event
        self.far_side: Final = far_side
        self._arrivals: Final = None if far_side is None else Arrivals(far_side)
        self._doubtful: set[str] = set()
        self.calls: Final = calls
        self._numbers = itertools.count(1)

    def make(self, clock: Clock | None = None) -> Sink:
        """Return a new sink, configured.

        Raises:
            SinkViolation: Making it started something.
        """
        watch = self.calls.watch
        opened, tasks = len(watch.sockets), watch.tasks
        with watch.inside():
            sink = self._factory()
        if len(watch.sockets) > opened or watch.tasks > tasks:
            started = [*watch.sockets[opened:], *map(repr, watch.tasks - tasks)]
            raise SinkViolation(Rule.INERT, f"making it started {started[0]}")
        configure = optional_method(sink, "configure")
        if configure is not None:
            clock = clock or SystemClock()
            configure(SinkContext("check_sink", _RESOURCE, Catalog(), clock))
        return sink

    async def start(self, sink: Sink) -> None:
        """Start *sink*, whose far side is well."""
        ended = await self.calls.make(sink.start)
        if ended.error is not None:
            raise SinkViolation(
                Rule.START, f"start {ended.how} though the far side was well"
            ) from ended.error

    async def started(self) -> Sink:
        """Return a sink that was started."""
        sink = self.make()
        await self.start(sink)
        return sink

    async def close(self, sink: Sink) -> None:
        """Close *sink* and look what it left behind."""
        ended = await self.calls.make(sink.aclose)
        if ended.error is not None:
            raise SinkViolation(Rule.CLOSE, f"aclose {ended.how}") from ended.error
        await self.check_tasks()

    async def check_tasks(self) -> None:
        """Check that no task of a sink is left."""
        left = await self.calls.left_over()
        if left:
            raise SinkViolation(Rule.TASKS, f"still there: {left[0]}")

    def records(self, count: int) -> list[AnyRecord]:
        """Return plain records with ids of their own."""
        numbers = itertools.islice(self._numbers, count)
        return [self.record(self.make_event(number), number) for number in numbers]

    def record(self, event: Event, number: int | None = None) -> AnyRecord:
        """Return *event* as a bus would hand it over."""
        number = next(self._numbers) if number is None else number
        time = _START_UNIX_NANO + number
        return Record(
            event=event,
            id=f"check-{id(self):x}-{number}",
            sequence=number,
            time_unix_nano=time,
            observed_time_unix_nano=time,
            severity=getattr(event, "severity", "info"),
            resource=_RESOURCE,
            schema_version=1,
        )

    async def write(self, sink: Sink, batch: list[AnyRecord], rule: Rule) -> None:
        """Write *batch* of plain records and check that it is delivered whole.

        Args:
            sink: Is started.
            batch: Is given to it.
            rule: What is broken when ``write`` raises.
        """
        ended = await self.calls.make(sink.write, batch)
        self.judge(ended, batch, rule)
        await self.check_arrived({record.id for record in batch})

    def judge(self, ended: Ended, batch: list[AnyRecord], rule: Rule) -> None:
        """Check that *ended* says that all of *batch* was delivered."""
        if ended.error is not None:
            raise SinkViolation(
                rule,
                f"write of {len(batch)} plain record(s) {ended.how} "
                "though the far side was well",
            ) from ended.error
        verdict = judged(ended.answer, len(batch))
        named = {**verdict.rejected, **verdict.unencodable}
        if named:
            index, reason = next(iter(named.items()))
            raise SinkViolation(
                Rule.ANSWER,
                f"nothing refused plain record {index} of {len(batch)}, and write "
                f"named it: {reason}",
            )

    async def check_usable(self, sink: Sink) -> None:
        """Check that a write succeeds, after a few more where the sink asks for it."""
        await self.arrived()
        batch = self.records(3)
        ended = await self.calls.make(sink.write, batch)
        for _ in range(_TRIES):
            if not isinstance(ended.error, Unavailable):
                break
            ended = await self.calls.make(sink.write, batch)
        self.judge(ended, batch, Rule.USABLE)
        await self.check_arrived({record.id for record in batch})

    def doubt(self, ids: Iterable[str]) -> None:
        """Let *ids* arrive, now or later, or not at all."""
        self._doubtful.update(ids)

    async def arrived(self) -> Counter[str] | None:
        """Return how often which ids arrived since the last look, without doubt.

        ``None`` where nobody can tell.
        """
        if self._arrivals is None:
            return None
        new = await self._arrivals.new()
        return Counter({i: n for i, n in new.items() if i not in self._doubtful})

    async def check_arrived(self, ids: set[str]) -> None:
        """Check that exactly *ids* arrived since the last look, once each."""
        arrived = await self.arrived()
        if arrived is not None:
            compare(ids, arrived)


def judged(answer: object, size: int) -> Delivered:
    """Return what *answer* says of a batch of *size* records.

    Raises:
        SinkViolation: It is no answer, or names what is not there.
    """
    verdict = judge_answer(answer, size)
    if isinstance(verdict, Again):
        raise SinkViolation(Rule.ANSWER, f"write returned {answer!r}")
    assert isinstance(verdict, Delivered)
    if verdict.warned.get("contract_violation"):
        assert isinstance(answer, Outcome)
        raise SinkViolation(
            Rule.ANSWER,
            f"of {size} record(s) write named {list(answer.rejected)} as rejected, "
            f"{list(answer.unencodable)} as unencodable and {dict(answer.warned)}",
        )
    return verdict


def compare(
    expected: set[str],
    arrived: Mapping[str, int],
    *,
    uncertain: frozenset[str] = frozenset(),
) -> None:
    """Check that *arrived* is *expected*, exactly.

    Args:
        expected: The ids that must have arrived.
        arrived: How often each did.
        uncertain: Those whose outcome was unknown once, so that they may have been
            delivered again.

    Raises:
        SinkViolation: One is missing, or too much, or there twice.
    """
    missing = expected - arrived.keys()
    if missing:
        raise SinkViolation(
            Rule.DELIVERED,
            f"{len(missing)} of {len(expected)} record(s) were reported as delivered "
            f"and did not arrive: {_some(missing)}",
        )
    extra = arrived.keys() - expected
    if extra:
        raise SinkViolation(
            Rule.ONE_END,
            f"{len(extra)} record(s) arrived that were not reported as delivered: "
            f"{_some(extra)}",
        )
    again = {id_ for id_, count in arrived.items() if count > 1} - uncertain
    if again:
        raise SinkViolation(
            Rule.ONE_ATTEMPT,
            f"{len(again)} record(s) arrived twice and were written once: "
            f"{_some(again)}",
        )


def _some(ids: set[str]) -> str:
    return ", ".join(sorted(ids)[:5])
