"""What the bus measures of itself is what happened, told by the ids of events."""

from __future__ import annotations

import asyncio
import logging
import re
from collections import Counter
from itertools import pairwise
from random import Random

import pytest

import eventbus
from eventbus import (
    Batch,
    Buffer,
    Durations,
    Measurement,
    Outcome,
    Overflow,
    Refused,
    TooLarge,
    Unavailable,
)
from eventbus._record import AnyRecord
from eventbus.testing import RecordingSink, ScriptedSink, settled, steps
from tests import _measured
from tests._measured import (
    CAPACITY,
    EXPORTED,
    INFLIGHT,
    OPERATIONS,
    PROCESSED,
    QUEUE,
    Measured,
    law_holds,
)
from tests._rig import ONE_BY_ONE, CuedSink, Numbered, Rig, numbers


def measured(rig: Rig, name: str = "sink") -> Measured:
    return _measured.measured(rig.bus)[name]


@pytest.mark.proves("K7")
async def test_names_kinds_and_units_are_those_of_opentelemetry_where_it_has_them() -> (
    None
):
    async with Rig() as rig:
        await rig.attach(RecordingSink(), buffer=Buffer(max_events=77))
        await rig.emit(1, 2)
        found = eventbus.own_metrics(rig.bus.stats())
        theirs = {m.name: (m.kind, m.unit) for m in found if m.name.startswith("otel.")}
        assert theirs == {
            "otel.sdk.log.created": ("counter", "{log_record}"),
            "otel.sdk.processor.log.queue.size": ("updowncounter", "{log_record}"),
            "otel.sdk.processor.log.queue.capacity": ("updowncounter", "{log_record}"),
            "otel.sdk.processor.log.processed": ("counter", "{log_record}"),
            "otel.sdk.exporter.log.inflight": ("updowncounter", "{log_record}"),
            "otel.sdk.exporter.log.exported": ("counter", "{log_record}"),
            "otel.sdk.exporter.operation.duration": ("histogram", "s"),
        }
        (exported,) = [m for m in found if m.name == EXPORTED]
        assert exported.value == 2
        assert exported.attributes == {
            "otel.component.name": "sink",
            "otel.component.type": "eventbus.testing._recording.RecordingSink",
        }
        ours = {m.name for m in found} - theirs.keys()
        assert ours == {
            "eventbus.call.duration",
            "eventbus.offered",
            "eventbus.pending.age",
            "eventbus.pending.peak",
            "eventbus.pending.size",
            "eventbus.possible_duplicates",
            "eventbus.sampled_out",
            "eventbus.spooled",
            "eventbus.state",
        }
        assert measured(rig)[CAPACITY] == {"": 77}
        assert measured(rig)["eventbus.state"] == {
            "ready": 1,
            "degraded": 0,
            "failed": 0,
        }


class Telling(CuedSink):
    """Waits for its cues, and keeps the numbers of what it refused by reason."""

    def __init__(self) -> None:
        super().__init__()
        self.ends: dict[int, str] = {}
        self.agains = 0

    @property
    def undecided(self) -> set[int]:
        tried = {n for batch in self.attempts for n in numbers(batch)}
        return tried - set(numbers(self.delivered)) - self.ends.keys()

    async def decide(self, random: Random) -> None:
        """Answer the oldest call by chance."""
        batch, _ = self._waiting[0]
        ids = numbers(batch)
        self.agains = max(self.agains - 1, 0)
        choice = random.randrange(8)
        if choice == 0 and not self.agains:
            self.agains = 3  # too few in a row for the circuit to open
            await self.cue(Unavailable())
        elif choice == 1:
            self.ends |= dict.fromkeys(ids, "rejected")
            await self.cue(Refused("no"))
        elif choice == 2:
            if len(ids) == 1:
                self.ends[ids[0]] = "too_large"
            await self.cue(TooLarge())
        elif choice == 3:
            await self._answer_in_part(random, batch)
        else:
            await self.cue()

    async def _answer_in_part(self, random: Random, batch: list[AnyRecord]) -> None:
        ids = numbers(batch)
        kinds = [random.choice(["", "rejected", "encode_error"]) for _ in ids]
        self.ends |= {n: kind for n, kind in zip(ids, kinds, strict=True) if kind}
        self.delivered += [r for r, k in zip(batch, kinds, strict=True) if not k]
        await self.cue(
            Outcome(
                rejected=[(i, "no") for i, k in enumerate(kinds) if k == "rejected"],
                unencodable=[
                    (i, "no") for i, k in enumerate(kinds) if k == "encode_error"
                ],
            )
        )


class Choosing:
    """A sampler that remembers what it left out."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.left_out: set[int] = set()

    def sample(self, record: AnyRecord) -> float:
        if self.random.random() < 0.9:
            return 1.0
        self.left_out.add(record.event.n)
        return 0.0


LARGE = "x" * 30_000


class Scenario:
    """Random events and answers; what became of each event is known by its number."""

    def __init__(self, rig: Rig, random: Random, *, keeps_letters: bool) -> None:
        self.rig = rig
        self.random = random
        self.sink = Telling()
        self.sampler = Choosing(random)
        self.letters = RecordingSink() if keeps_letters else None
        self.turned_away: set[int] = set()
        self.large: set[int] = set()
        self.count = 0

    async def attach(self) -> None:
        await self.rig.attach(
            self.sink,
            buffer=Buffer(max_events=40, max_bytes=20_000),
            batch=Batch(max_events=7, max_delay_seconds=0.1, max_in_flight=2),
            sampler=self.sampler,
            dead_letters=self.letters,
        )

    async def step(self) -> None:
        choice = self.random.randrange(4)
        if choice == 0:
            for _ in range(self.random.randrange(12)):
                self._emit()
        elif choice == 1:
            await self.rig.after(self.random.choice([0.05, 0.2, 3.0]))
        elif self.sink.in_flight:
            await self.sink.decide(self.random)
        await settled()

    def _emit(self) -> None:
        n, self.count = self.count, self.count + 1
        is_large = self.random.random() < 0.05
        taken = self.rig.bus.emit(Numbered(n=n, text=LARGE if is_large else ""))
        if not taken:
            self.turned_away.add(n)
        elif is_large:
            self.large.add(n)

    def check(self) -> None:
        found = measured(self.rig)
        assert law_holds(found), found
        ends = Counter(self.sink.ends.values())
        exported = {k: v for k, v in found[EXPORTED].items() if k and v}
        assert exported == ends
        assert found[EXPORTED][""] == len({*numbers(self.sink.delivered)})
        assert found[INFLIGHT][""] == len(self.sink.undecided)
        assert found["eventbus.offered"][""] == self.count
        left_out = self.sampler.left_out
        assert found["eventbus.sampled_out"][""] == len(left_out)
        unsent = {k: v for k, v in found[PROCESSED].items() if k and v}
        large = self.large - left_out
        assert unsent.pop("too_large", 0) == len(large)
        assert unsent.pop("queue_full", 0) == len(self.turned_away)
        assert unsent == {}
        if self.letters is not None:
            self._check_letters(found)

    def _check_letters(self, found: Measured) -> None:
        lettered = Counter(found.get("eventbus.dead_lettered", {}))
        assert lettered["rejected"] == found[EXPORTED].get("rejected", 0)
        assert lettered["encode_error"] == found[EXPORTED].get("encode_error", 0)
        kept = measured(self.rig, "sink.dead_letters")
        assert kept["eventbus.offered"][""] == lettered.total()
        assert law_holds(kept)


@pytest.mark.proves("fault-143", "D6")
@pytest.mark.parametrize("keeps_letters", [False, True])
@pytest.mark.parametrize(
    "seed",
    [*range(8), *(pytest.param(s, marks=pytest.mark.slow) for s in range(8, 300))],
)
async def test_measurements_are_what_happened_to_each_event_at_every_moment(
    seed: int, keeps_letters: bool
) -> None:
    async with Rig() as rig:
        scenario = Scenario(rig, Random(seed), keeps_letters=keeps_letters)
        await scenario.attach()
        for _ in range(120):
            await scenario.step()
            scenario.check()


@pytest.mark.proves("fault-143")
@pytest.mark.parametrize("overflow", list(Overflow))
async def test_what_a_close_cuts_off_failed_and_what_it_never_sent_did_not_leave(
    overflow: Overflow, caplog: pytest.LogCaptureFixture
) -> None:
    seen: list[Measured] = []

    class Looking(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            seen.append(measured(rig))

    logger, looking = logging.getLogger("eventbus"), Looking()
    logger.addHandler(looking)
    try:
        async with Rig() as rig:
            await rig.attach(
                ScriptedSink(then=steps.hang()),
                buffer=Buffer(max_events=10, overflow=overflow),
                batch=Batch(max_events=3),
            )
            await rig.emit(*range(9))
            closing = asyncio.create_task(rig.bus.aclose(1.0))
            await rig.at_once(1.0, closing)
            found = measured(rig)
    finally:
        logger.removeHandler(looking)
    assert found[EXPORTED] == {"": 0, "shutdown_deadline": 3}
    assert found[PROCESSED] == {"": 3, "shutdown_deadline": 6}
    assert found[INFLIGHT] == found[QUEUE] == {"": 0}
    assert seen
    assert all(map(law_holds, seen))
    assert max(one[PROCESSED][""] for one in seen) == 3


@pytest.mark.proves("fault-144")
async def test_metrics_and_log_work_when_every_sink_is_down(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with Rig() as rig:
        down = {
            "raises": ScriptedSink(then=steps.fail(ValueError("bug"))),
            "hangs": ScriptedSink(then=steps.hang()),
            "refuses": ScriptedSink(then=steps.fail(Refused("key", permanent=True))),
            "never starts": ScriptedSink(start=[steps.fail(OSError("no"))] * 1000),
        }
        for name, sink in down.items():
            await rig.attach(sink, name=name, batch=ONE_BY_ONE)
        lines: list[tuple[float, str]] = []
        said_before = 0
        kinds: set[tuple[str, ...]] = set()
        for n in range(400):
            rig.bus.emit(Numbered(n=n))
            await rig.after(0.25)
            lines += [
                (rig.clock.monotonic(), _without_figures(record))
                for record in caplog.records[said_before:]
                if record.name == "eventbus"
            ]
            said_before = len(caplog.records)
            if n == 50:
                kinds = series(rig)
        for name in down:
            assert law_holds(measured(rig, name)), name
        assert measured(rig, "refuses")[PROCESSED]["permanent"] == 399
        assert measured(rig, "refuses")["eventbus.state"]["failed"] == 1
        grown = {one for one in series(rig) - kinds if one[0] != OPERATIONS}
        assert {reasons for *_, reasons in grown} <= {"retry_exhausted", "TimeoutError"}
        assert lines
        for text in {text for _, text in lines}:
            times = [at for at, said in lines if said == text]
            gaps = [b - a for a, b in pairwise(times)]
            assert all(gap >= 10.0 for gap in gaps), text


def _without_figures(record: logging.LogRecord) -> str:
    """Return what a line says, however often it was left out."""
    said = re.sub(r" \(\d+ more like this since\)$", "", record.getMessage())
    said = re.sub(r"^\d+ more line\(s\) were left out: ", "", said)
    return re.sub(r"\d+", "#", said)


def series(rig: Rig) -> set[tuple[str, ...]]:
    found = eventbus.own_metrics(rig.bus.stats())
    return {(m.name, *m.attributes.values()) for m in found}


@pytest.mark.proves("fault-144")
async def test_errors_of_a_thousand_types_make_a_bounded_number_of_series() -> None:
    kinds = [type(f"Error{n}", (Exception,), {}) for n in range(1000)]
    async with Rig() as rig:
        sink = ScriptedSink(*(steps.fail(kind()) for kind in kinds))
        await rig.attach(sink, batch=ONE_BY_ONE)
        for n in range(400):
            rig.bus.emit(Numbered(n=n))
            await rig.after(60.0)
        failed = measured(rig)["eventbus.attempts.failed"]
        assert sum(failed.values()) == len(sink.attempts) > 200
        assert len(failed) == 65


@pytest.mark.proves("K7")
async def test_calls_are_timed_each_and_operations_from_first_attempt_to_end() -> None:
    async with Rig() as rig:
        sink = ScriptedSink(
            steps.slow(0.02),
            steps.fail(Unavailable()),
            steps.slow(3.0),
            steps.fail(Refused("no")),
        )
        await rig.attach(sink, batch=ONE_BY_ONE)
        for n in range(3):
            await rig.emit(n)
            await rig.after(0.02)
            await rig.after(0.98)
            await rig.after(3.0)
        found = measured(rig)
        calls: Durations = found["eventbus.call.duration"][""]
        assert calls.count == 4
        assert calls.sum_seconds == pytest.approx(3.02)
        assert _counted(calls) == {0.005: 2, 0.025: 1, 5.0: 1}
        ended: dict[str, Durations] = found[OPERATIONS]
        assert ended.keys() == {"", "rejected"}
        assert _counted(ended[""]) == {0.025: 1, 5.0: 1}
        assert ended[""].sum_seconds == pytest.approx(0.02 + 1.0 + 3.0)
        assert ended["rejected"].count == 1


def _counted(durations: Durations) -> dict[float, int]:
    bounds = (*durations.bounds, float("inf"))
    pairs = zip(bounds, durations.buckets, strict=True)
    return {bound: count for bound, count in pairs if count}


async def test_a_batch_that_is_cut_off_has_the_time_it_took() -> None:
    async with Rig() as rig:
        await rig.attach(ScriptedSink(then=steps.hang()))
        await rig.emit(1)
        closing = asyncio.create_task(rig.bus.aclose(4.0))
        await rig.at_once(4.0, closing)
        ended = measured(rig)[OPERATIONS]
        assert _counted(ended["shutdown_deadline"]) == {5.0: 1}


async def test_measurements_are_made_of_the_stats_alone() -> None:
    async with Rig() as rig:
        await rig.attach(RecordingSink())
        await rig.emit(1)
        stats = rig.bus.stats()
        first = eventbus.own_metrics(stats)
        await rig.emit(2)
        await rig.after(10)
        assert eventbus.own_metrics(stats) == first
        assert all(isinstance(one, Measurement) for one in first)


def test_a_bus_without_attachments_measures_itself() -> None:
    (created,) = eventbus.own_metrics(eventbus.Bus().stats())
    assert (created.name, created.value) == ("otel.sdk.log.created", 0)
