"""What is severe has room of its own, and outlives what is not."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from eventbus import (
    Attachment,
    Buffer,
    Event,
    Overflow,
    PublishTimeoutError,
    Reserve,
    Severity,
)
from eventbus._bounds import WrongSetting
from eventbus._reserve import first_to_go
from eventbus._route import LEASE_EVENTS
from eventbus.testing import settled
from tests._rig import ONE_BY_ONE, PATIENT, CuedSink, Numbered, Rig, Wrong

TENTH = Reserve()


class Odd(Event, tag="odd"):
    n: int
    severity: Severity = "info"


async def attach(
    rig: Rig, sink: CuedSink, *, reserve: Reserve | None = TENTH, **bounds: Any
) -> Attachment:
    """Attach *sink*, which is paused, so that everything is queued."""
    buffer = Buffer(reserve=reserve, **bounds)
    attachment = await rig.attach(sink, buffer=buffer, batch=ONE_BY_ONE, retry=PATIENT)
    attachment.pause()
    return attachment


async def emit(rig: Rig, *events: Event) -> list[bool]:
    answers = [rig.bus.emit(event) for event in events]
    await settled()
    rig.check_balance()
    return answers


async def delivered(attachment: Attachment, sink: CuedSink) -> list[tuple[str, int]]:
    attachment.resume()
    await settled()
    while sink.in_flight:
        await sink.cue()
    return [(record.name, record.event.n) for record in sink.delivered]


def named(name: str, *numbers: int) -> list[tuple[str, int]]:
    return [(name, n) for n in numbers]


@pytest.mark.proves("fault-43")
async def test_where_the_newest_go_errors_still_find_room() -> None:
    async with Rig() as rig:
        attachment = await attach(
            rig, sink := CuedSink(), max_events=10, overflow=Overflow.DROP_NEWEST
        )
        infos = [Numbered(n=n) for n in range(20)]
        errors = [Wrong(n=n) for n in range(3)]
        assert all(await emit(rig, *infos, *errors))
        assert rig.stats().dropped == {"queue_full": 13}
        assert await delivered(attachment, sink) == [
            *named("numbered", *range(9)),
            ("wrong", 0),
        ]


@pytest.mark.proves("fault-43")
async def test_errors_may_fill_what_others_leave() -> None:
    async with Rig() as rig:
        attachment = await attach(
            rig, sink := CuedSink(), max_events=10, overflow=Overflow.DROP_NEWEST
        )
        await emit(rig, *(Wrong(n=n) for n in range(12)))
        await emit(rig, Numbered(n=0))
        assert rig.stats().dropped == {"queue_full": 3}
        assert await delivered(attachment, sink) == named("wrong", *range(10))


@pytest.mark.proves("fault-43")
@pytest.mark.parametrize("at_once", [True, False])
async def test_where_the_oldest_go_errors_outlive_what_came_later(
    at_once: bool,
) -> None:
    async with Rig() as rig:
        attachment = await attach(
            rig,
            sink := CuedSink(),
            max_events=10,
            overflow=Overflow.DROP_OLDEST,
            reserve=Reserve(ratio=0.3),
        )
        events = [Wrong(n=0), Numbered(n=1), Wrong(n=2)]
        events += [Numbered(n=n) for n in range(3, 40)]
        if at_once:
            assert all(await emit(rig, *events))
        else:
            for event in events:
                assert await emit(rig, event) == [True]
        assert rig.stats().dropped == {"queue_full": 30}
        assert await delivered(attachment, sink) == [
            ("wrong", 0),
            ("wrong", 2),
            *named("numbered", *range(32, 40)),
        ]


@pytest.mark.proves("fault-43")
async def test_errors_beyond_the_reserve_go_by_their_age() -> None:
    async with Rig() as rig:
        attachment = await attach(
            rig,
            sink := CuedSink(),
            max_events=10,
            overflow=Overflow.DROP_OLDEST,
            reserve=Reserve(ratio=0.2),
        )
        await emit(rig, *(Wrong(n=n) for n in range(6)))
        await emit(rig, *(Numbered(n=n) for n in range(20)))
        assert await delivered(attachment, sink) == [
            *named("wrong", 4, 5),
            *named("numbered", *range(12, 20)),
        ]


@pytest.mark.proves("fault-43")
async def test_where_nothing_else_is_queued_the_oldest_errors_go() -> None:
    async with Rig() as rig:
        attachment = await attach(
            rig, sink := CuedSink(), max_events=4, overflow=Overflow.DROP_OLDEST
        )
        await emit(rig, *(Wrong(n=n) for n in range(9)))
        assert rig.stats().dropped == {"queue_full": 5}
        assert await delivered(attachment, sink) == named("wrong", 5, 6, 7, 8)


@pytest.mark.proves("fault-43")
async def test_of_bytes_a_part_is_reserved_where_they_are_bounded() -> None:
    async with Rig() as rig:
        attachment = await attach(
            rig,
            sink := CuedSink(),
            reserve=Reserve(ratio=0.25),
            max_bytes=4000,
            overflow=Overflow.DROP_NEWEST,
        )
        await emit(rig, *(Numbered(n=n, text="x" * 300) for n in range(20)))
        held = rig.stats().pending_bytes
        assert 2500 < held <= 3000
        await emit(rig, *(Wrong(n=n) for n in range(20)))
        assert 3800 < rig.stats().pending_bytes <= 4000
        assert set(rig.stats().dropped) == {"bytes_full"}
        assert [name for name, _ in await delivered(attachment, sink)][-1] == "wrong"


@pytest.mark.proves("fault-43")
async def test_of_bytes_errors_keep_their_part_where_the_oldest_go() -> None:
    async with Rig() as rig:
        attachment = await attach(
            rig,
            sink := CuedSink(),
            reserve=Reserve(ratio=0.25),
            max_bytes=4000,
            overflow=Overflow.DROP_OLDEST,
        )
        await emit(rig, *(Wrong(n=n) for n in range(4)))
        for n in range(40):
            await emit(rig, Numbered(n=n, text="x" * 300))
            assert rig.stats().pending_bytes <= 4000
        names = await delivered(attachment, sink)
        assert names[:4] == named("wrong", 0, 1, 2, 3)
        assert names[-1] == ("numbered", 39)
        assert rig.stats().pending_bytes == 0


@pytest.mark.proves("fault-43")
async def test_a_publisher_of_an_error_goes_in_before_those_who_wait() -> None:
    async with Rig() as rig:
        attachment = await attach(
            rig,
            sink := CuedSink(),
            max_events=4,
            wait_timeout_seconds=None,
            reserve=Reserve(ratio=0.5),
        )
        for n in range(2):
            await rig.bus.publish(Numbered(n=n))
        waiting = asyncio.create_task(rig.bus.publish(Numbered(n=2)))
        await settled()
        assert not waiting.done()
        for n in range(2):
            await rig.bus.publish(Wrong(n=n))
        late = asyncio.create_task(rig.bus.publish(Wrong(n=2)))
        await settled()
        assert not late.done()
        with pytest.raises(PublishTimeoutError):
            await rig.bus.publish(Numbered(n=9), timeout_seconds=0)
        attachment.resume()
        await settled()
        await sink.cue()
        assert (late.done(), waiting.done()) == (True, False)
        rig.check_balance()
        while sink.in_flight:
            await sink.cue()
        assert waiting.done()
        assert [(r.name, r.event.n) for r in sink.delivered] == [
            *named("numbered", 0, 1),
            *named("wrong", 0, 1, 2),
            ("numbered", 2),
        ]


@pytest.mark.proves("fault-43")
async def test_emit_takes_no_room_from_publishers_in_line() -> None:
    async with Rig() as rig:
        attachment = await attach(
            rig, sink := CuedSink(), max_events=2, wait_timeout_seconds=None
        )
        await rig.bus.publish(Numbered(n=0))
        waiting = asyncio.create_task(rig.bus.publish(Numbered(n=1)))
        await settled()
        await emit(rig, Numbered(n=2), Wrong(n=3))
        assert rig.stats().dropped == {"queue_full": 2}
        assert not waiting.done()
        assert await delivered(attachment, sink) == named("numbered", 0, 1)
        await waiting


@pytest.mark.proves("fault-43")
async def test_the_severity_of_an_event_of_its_own_counts() -> None:
    async with Rig() as rig:
        attachment = await attach(
            rig, sink := CuedSink(), max_events=10, overflow=Overflow.DROP_NEWEST
        )
        events = [Odd(n=n) for n in range(10)]
        await emit(rig, *events, Odd(n=10, severity="fatal"))
        assert await delivered(attachment, sink) == [
            *named("odd", *range(9)),
            ("odd", 10),
        ]


@pytest.mark.proves("fault-43")
@pytest.mark.parametrize(
    ("overflow", "kept"),
    [(Overflow.DROP_NEWEST, range(9)), (Overflow.DROP_OLDEST, None)],
)
async def test_a_stalled_loop_forgets_the_others_first(
    overflow: Overflow, kept: range | None
) -> None:
    async with Rig() as rig:
        attachment = await attach(
            rig, sink := CuedSink(), max_events=10, overflow=overflow
        )
        count = 12 * LEASE_EVENTS
        kept = kept or range(count - 9, count)
        for n in range(count):
            if n == count // 3:
                rig.bus.emit(Wrong(n=-1))
            rig.bus.emit(Numbered(n=n))
        assert len(rig.bus._engine.ingress.entries) < count // 2
        rig.check_balance()
        await settled()
        rig.check_balance()
        names = await delivered(attachment, sink)
        assert ("wrong", -1) in names
        assert [n for name, n in names if name == "numbered"] == list(kept)


@pytest.mark.proves("fault-43", "fault-44")
async def test_a_reserve_can_come_and_go() -> None:
    async with Rig() as rig:
        attachment = await attach(
            rig,
            sink := CuedSink(),
            max_events=10,
            overflow=Overflow.DROP_OLDEST,
            reserve=None,
        )
        await emit(rig, Wrong(n=0), *(Numbered(n=n) for n in range(3)), Wrong(n=1))
        oldest = Overflow.DROP_OLDEST
        attachment.resize(
            Buffer(max_events=4, overflow=oldest, reserve=Reserve(ratio=0.5))
        )
        rig.check_balance()
        await emit(rig, *(Numbered(n=n) for n in range(3, 6)))
        assert rig.stats().dropped == {"queue_full": 4}
        queued = [r for chunk in attachment.buffer.chunks for r in chunk.records()]
        assert [(record.name, record.event.n) for record in queued] == [
            *named("wrong", 0, 1),
            *named("numbered", 4, 5),
        ]
        attachment.resize(Buffer(max_events=3, overflow=oldest))
        await emit(rig, Numbered(n=6))
        assert await delivered(attachment, sink) == named("numbered", 4, 5, 6)


@pytest.mark.proves("fault-44")
async def test_what_is_held_over_lower_bounds_is_pending_all_along() -> None:
    async with Rig() as rig:
        attachment = await attach(rig, CuedSink(), max_events=6)
        await emit(rig, *(Wrong(n=n) for n in range(6)))
        attachment.resize(Buffer(max_events=2, reserve=TENTH))
        rig.bus.emit(Wrong(n=6))
        assert (rig.stats().pending, rig.stats().dropped) == (6, {"queue_full": 1})
        await settled()
        assert (rig.stats().pending, rig.stats().dropped) == (6, {"queue_full": 1})


@pytest.mark.proves("fault-44")
async def test_who_waits_is_severe_or_not_from_the_resize_that_says_so() -> None:
    async with Rig() as rig:
        attachment = await attach(
            rig,
            CuedSink(),
            max_events=1,
            wait_timeout_seconds=None,
            reserve=None,
        )
        await rig.bus.publish(Numbered(n=0))
        events = [Numbered(n=1), Wrong(n=2)]
        tasks = [asyncio.create_task(rig.bus.publish(event)) for event in events]
        await settled()
        attachment.resize(
            Buffer(max_events=2, wait_timeout_seconds=None, reserve=Reserve(ratio=0.5))
        )
        await settled()
        assert [task.done() for task in tasks] == [False, True]


@pytest.mark.parametrize("oldest", [True, False])
def test_of_those_who_have_no_room_the_severe_go_last(oldest: bool) -> None:
    places = [(0, True), (1, False), (2, False), (3, True)]
    order = [1, 2, 0, 3] if oldest else [2, 1, 3, 0]
    for count in range(5):
        assert first_to_go(places, count, oldest=oldest) == set(order[:count])


@pytest.mark.parametrize("ratio", [0, 1, -0.1, 1.5, float("nan")])
def test_a_reserve_is_a_part_of_the_room(ratio: float) -> None:
    with pytest.raises(WrongSetting, match="ratio must be between 0 and 1"):
        Reserve(ratio=ratio)


def test_a_reserve_is_for_a_severity() -> None:
    with pytest.raises(WrongSetting, match="severity must be one of trace, debug"):
        Reserve(severity="loud")  # type: ignore[arg-type]
    with pytest.raises(WrongSetting, match=r"reserve must be an eventbus.Reserve"):
        Buffer(reserve=0.1)  # type: ignore[arg-type]
