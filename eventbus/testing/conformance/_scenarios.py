"""Whether the ids add up while the far side misbehaves: the bus's and the far one."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Final

import msgspec

from eventbus._bus import Bus
from eventbus._settings import Batch, Buffer, Retry
from eventbus._stats import AttachmentReport
from eventbus.testing._clock import ManualClock
from eventbus.testing._recording import RecordingSink
from eventbus.testing.conformance._boundary import HANG_SECONDS, Boundary
from eventbus.testing.conformance._faults import Faults, Scenario
from eventbus.testing.conformance._rules import Rule, SinkViolation
from eventbus.testing.conformance._subject import Subject, compare

_EVENTS: Final = 60
_NAME: Final = "checked"
_TICK_SECONDS: Final = 0.001
_TICK_OF_THE_BUS_SECONDS: Final = (
    0.01  # ten times real time: waits for retries are short
)
_BUFFER: Final = Buffer(max_events=10 * _EVENTS)
_RETRY: Final = Retry(
    initial_seconds=0.01,
    max_seconds=0.02,
    max_elapsed_seconds=0,
    budget_ratio=1,
    timeout_seconds=HANG_SECONDS,
)


class Tally(msgspec.Struct, frozen=True, kw_only=True):
    """What came of one scenario.

    Args:
        offered: How many records there were.
        delivered: How many arrived.
        set_aside: How many were kept as dead letters.
        attempts: How often the bus wrote.
        repeated: How many arrived more than once, after an outcome in doubt.
    """

    offered: int
    delivered: int
    set_aside: int
    attempts: int
    repeated: int


async def run_scenario(subject: Subject, scenario: Scenario, seed: int) -> Tally:
    """Run *scenario* on a bus of its own and compare the ids.

    Args:
        subject: Makes the sink.
        scenario: What goes wrong.
        seed: Of its chances.

    Raises:
        SinkViolation: They do not add up, or the sink broke a rule on the way.
    """
    clock, faults = ManualClock(), Faults(scenario, seed)
    boundary = Boundary(
        subject,
        subject.make(clock),
        faults,
        clock,
        patient=bool(scenario.odds),
        raises_on_close=scenario.raises_on_close,
    )
    await subject.arrived()
    report, set_aside = await _drive(subject, boundary, clock, scenario)
    if boundary.violation is not None:
        raise boundary.violation
    arrived = await subject.arrived()
    arrived = boundary.arrived if arrived is None else arrived
    subject.doubt(faults.doubtful)
    offered = set(boundary.offered)
    check_ids(offered, arrived, set_aside, frozenset(faults.doubtful))
    check_counts(report, offered, arrived, set_aside)
    return Tally(
        offered=len(offered),
        delivered=len(arrived),
        set_aside=len(set_aside),
        attempts=boundary.attempts,
        repeated=sum(count > 1 for count in arrived.values()),
    )


async def _drive(
    subject: Subject, boundary: Boundary, clock: ManualClock, scenario: Scenario
) -> tuple[AttachmentReport, set[str]]:
    """Return what the bus reports, and the ids of the dead letters."""
    bus, letters = Bus(clock=clock), RecordingSink()
    bus.attach(
        boundary,
        name=_NAME,
        buffer=_BUFFER,
        batch=_batch(subject, scenario),
        retry=_RETRY,
        dead_letters=letters,
        content="full",
    )
    async with _passing_time(clock):
        await bus.start()
        for number in range(_EVENTS):
            bus.emit(subject.make_event(number))
            if number % 10 == 0:
                await asyncio.sleep(0)
        await bus.flush(timeout_seconds=100 * HANG_SECONDS)
        report = await bus.aclose(timeout_seconds=HANG_SECONDS)
    return report.attachments[_NAME], {record.id for record in letters.records}


def _batch(subject: Subject, scenario: Scenario) -> Batch:
    fails_on_cue = subject.far_side is not None and bool(subject.far_side.failures)
    in_flight = 1 if fails_on_cue and scenario.odds else scenario.in_flight
    return Batch(max_events=7, max_delay_seconds=0, max_in_flight=in_flight)


@asynccontextmanager
async def _passing_time(clock: ManualClock) -> AsyncGenerator[None]:
    async def pass_time() -> None:
        while True:
            await asyncio.sleep(_TICK_SECONDS)
            clock.advance(_TICK_OF_THE_BUS_SECONDS)

    passing = asyncio.get_running_loop().create_task(pass_time())
    try:
        yield
    finally:
        passing.cancel()
        await asyncio.wait([passing])


def check_ids(
    offered: set[str],
    arrived: Counter[str],
    set_aside: set[str],
    doubtful: frozenset[str],
) -> None:
    """Check that each record arrived or was set aside.

    Raises:
        SinkViolation: One did both, or neither, or arrived twice without a reason.
    """
    both = arrived.keys() & set_aside
    if both:
        raise SinkViolation(
            Rule.ONE_END,
            f"{len(both)} record(s) arrived and were set aside too: {sorted(both)[:5]}",
        )
    compare(offered - set_aside, arrived, uncertain=doubtful)


def check_counts(
    report: AttachmentReport,
    offered: set[str],
    arrived: Counter[str],
    set_aside: set[str],
) -> None:
    """Check that the bus counted what the ids say.

    Raises:
        SinkViolation: It did not.
    """
    counts = (report.offered, report.delivered, report.dead_lettered, report.pending)
    expected = (len(offered), len(arrived), len(set_aside), 0)
    if counts != expected:
        raise SinkViolation(
            Rule.ONE_END,
            "offered, delivered, set aside, pending: "
            f"the bus counted {counts}, the ids say {expected}",
        )
