"""What is severe has room of its own, and outlives what is not."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any

import pytest

from eventbus import Buffer, Event, Overflow, PublishTimeoutError, Reserve, Severity
from eventbus._bounds import WrongSetting
from eventbus._record import AnyRecord
from eventbus._reserve import first_to_go
from eventbus._route import LEASE_EVENTS
from eventbus.testing import settled
from tests._rig import ONE_BY_ONE, PATIENT, CuedSink, Numbered, Rig, Wrong

TENTH = Reserve()


class Odd(Event, tag="odd"):
    n: int
    severity: Severity = "info"


class Paused(Rig):
    """A rig with one attachment, which is paused, so that everything is queued."""

    def __init__(self, *, reserve: Reserve | None = TENTH, **bounds: Any) -> None:
        super().__init__()
        self.sink = CuedSink()
        self._buffer = Buffer(reserve=reserve, **bounds)

    async def __aenter__(self) -> Paused:
        await super().__aenter__()
        self.attachment = await self.attach(
            self.sink, buffer=self._buffer, batch=ONE_BY_ONE, retry=PATIENT
        )
        self.attachment.pause()
        return self

    async def hand_over(self, *events: Event) -> list[bool]:
        answers = [self.bus.emit(event) for event in events]
        await settled()
        self.check_balance()
        return answers

    async def delivered(self) -> list[tuple[str, int]]:
        """Go on, and return what arrives."""
        self.attachment.resume()
        await settled()
        while self.sink.in_flight:
            await self.sink.cue()
        return shown(self.sink.delivered)


def shown(records: Iterable[AnyRecord]) -> list[tuple[str, int]]:
    return [(record.name, record.event.n) for record in records]


def named(name: str, *numbers: int) -> list[tuple[str, int]]:
    return [(name, n) for n in numbers]


@pytest.mark.proves("fault-43")
async def test_where_the_newest_go_errors_still_find_room() -> None:
    async with Paused(max_events=10, overflow=Overflow.DROP_NEWEST) as rig:
        infos = [Numbered(n=n) for n in range(20)]
        errors = [Wrong(n=n) for n in range(3)]
        assert all(await rig.hand_over(*infos, *errors))
        assert rig.stats().dropped == {"queue_full": 13}
        assert await rig.delivered() == [
            *named("numbered", *range(9)),
            ("wrong", 0),
        ]


@pytest.mark.proves("fault-43")
async def test_errors_may_fill_what_others_leave() -> None:
    async with Paused(max_events=10, overflow=Overflow.DROP_NEWEST) as rig:
        await rig.hand_over(*(Wrong(n=n) for n in range(12)))
        await rig.hand_over(Numbered(n=0))
        assert rig.stats().dropped == {"queue_full": 3}
        assert await rig.delivered() == named("wrong", *range(10))


@pytest.mark.proves("fault-43")
@pytest.mark.parametrize("at_once", [True, False])
async def test_where_the_oldest_go_errors_outlive_what_came_later(
    at_once: bool,
) -> None:
    async with Paused(
        max_events=10, overflow=Overflow.DROP_OLDEST, reserve=Reserve(ratio=0.3)
    ) as rig:
        events = [Wrong(n=0), Numbered(n=1), Wrong(n=2)]
        events += [Numbered(n=n) for n in range(3, 40)]
        if at_once:
            assert all(await rig.hand_over(*events))
        else:
            for event in events:
                assert await rig.hand_over(event) == [True]
        assert rig.stats().dropped == {"queue_full": 30}
        assert await rig.delivered() == [
            ("wrong", 0),
            ("wrong", 2),
            *named("numbered", *range(32, 40)),
        ]


@pytest.mark.proves("fault-43")
async def test_errors_beyond_the_reserve_go_by_their_age() -> None:
    async with Paused(
        max_events=10, overflow=Overflow.DROP_OLDEST, reserve=Reserve(ratio=0.2)
    ) as rig:
        await rig.hand_over(*(Wrong(n=n) for n in range(6)))
        await rig.hand_over(*(Numbered(n=n) for n in range(20)))
        assert await rig.delivered() == [
            *named("wrong", 4, 5),
            *named("numbered", *range(12, 20)),
        ]


@pytest.mark.proves("fault-43")
async def test_where_nothing_else_is_queued_the_oldest_errors_go() -> None:
    async with Paused(max_events=4, overflow=Overflow.DROP_OLDEST) as rig:
        await rig.hand_over(*(Wrong(n=n) for n in range(9)))
        assert rig.stats().dropped == {"queue_full": 5}
        assert await rig.delivered() == named("wrong", 5, 6, 7, 8)


@pytest.mark.proves("fault-43")
async def test_of_bytes_a_part_is_reserved_where_they_are_bounded() -> None:
    async with Paused(
        reserve=Reserve(ratio=0.25), max_bytes=4000, overflow=Overflow.DROP_NEWEST
    ) as rig:
        await rig.hand_over(*(Numbered(n=n, text="x" * 300) for n in range(20)))
        held = rig.stats().pending_bytes
        assert 2500 < held <= 3000
        await rig.hand_over(*(Wrong(n=n) for n in range(20)))
        assert 3800 < rig.stats().pending_bytes <= 4000
        assert set(rig.stats().dropped) == {"bytes_full"}
        assert [name for name, _ in await rig.delivered()][-1] == "wrong"


@pytest.mark.proves("fault-43")
async def test_of_bytes_errors_keep_their_part_where_the_oldest_go() -> None:
    async with Paused(
        reserve=Reserve(ratio=0.25), max_bytes=4000, overflow=Overflow.DROP_OLDEST
    ) as rig:
        await rig.hand_over(*(Wrong(n=n) for n in range(4)))
        for n in range(40):
            await rig.hand_over(Numbered(n=n, text="x" * 300))
            assert rig.stats().pending_bytes <= 4000
        names = await rig.delivered()
        assert names[:4] == named("wrong", 0, 1, 2, 3)
        assert names[-1] == ("numbered", 39)
        assert rig.stats().pending_bytes == 0


@pytest.mark.proves("fault-43")
async def test_a_publisher_of_an_error_goes_in_before_those_who_wait() -> None:
    async with Paused(
        max_events=4, wait_timeout_seconds=None, reserve=Reserve(ratio=0.5)
    ) as rig:
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
        rig.attachment.resume()
        await settled()
        await rig.sink.cue()
        assert (late.done(), waiting.done()) == (True, False)
        rig.check_balance()
        while rig.sink.in_flight:
            await rig.sink.cue()
        assert waiting.done()
        assert shown(rig.sink.delivered) == [
            *named("numbered", 0, 1),
            *named("wrong", 0, 1, 2),
            ("numbered", 2),
        ]


@pytest.mark.proves("fault-43")
async def test_emit_takes_no_room_from_publishers_in_line() -> None:
    async with Paused(max_events=2, wait_timeout_seconds=None) as rig:
        await rig.bus.publish(Numbered(n=0))
        waiting = asyncio.create_task(rig.bus.publish(Numbered(n=1)))
        await settled()
        await rig.hand_over(Numbered(n=2), Wrong(n=3))
        assert rig.stats().dropped == {"queue_full": 2}
        assert not waiting.done()
        assert await rig.delivered() == named("numbered", 0, 1)
        await waiting


@pytest.mark.proves("fault-43")
async def test_the_severity_of_an_event_of_its_own_counts() -> None:
    async with Paused(max_events=10, overflow=Overflow.DROP_NEWEST) as rig:
        events = [Odd(n=n) for n in range(10)]
        await rig.hand_over(*events, Odd(n=10, severity="fatal"))
        assert await rig.delivered() == [
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
    async with Paused(max_events=10, overflow=overflow) as rig:
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
        names = await rig.delivered()
        assert ("wrong", -1) in names
        assert [n for name, n in names if name == "numbered"] == list(kept)


@pytest.mark.proves("fault-43", "fault-44")
async def test_a_reserve_can_come_and_go() -> None:
    async with Paused(
        max_events=10, overflow=Overflow.DROP_OLDEST, reserve=None
    ) as rig:
        await rig.hand_over(Wrong(n=0), *(Numbered(n=n) for n in range(3)), Wrong(n=1))
        oldest = Overflow.DROP_OLDEST
        rig.attachment.resize(
            Buffer(max_events=4, overflow=oldest, reserve=Reserve(ratio=0.5))
        )
        rig.check_balance()
        await rig.hand_over(*(Numbered(n=n) for n in range(3, 6)))
        assert rig.stats().dropped == {"queue_full": 4}
        queued = [r for chunk in rig.attachment.buffer.chunks for r in chunk.records()]
        assert shown(queued) == [
            *named("wrong", 0, 1),
            *named("numbered", 4, 5),
        ]
        rig.attachment.resize(Buffer(max_events=3, overflow=oldest))
        await rig.hand_over(Numbered(n=6))
        assert await rig.delivered() == named("numbered", 4, 5, 6)


@pytest.mark.proves("fault-44")
async def test_what_is_held_over_lower_bounds_is_pending_all_along() -> None:
    async with Paused(max_events=6) as rig:
        await rig.hand_over(*(Wrong(n=n) for n in range(6)))
        rig.attachment.resize(Buffer(max_events=2, reserve=TENTH))
        rig.bus.emit(Wrong(n=6))
        assert (rig.stats().pending, rig.stats().dropped) == (6, {"queue_full": 1})
        await settled()
        assert (rig.stats().pending, rig.stats().dropped) == (6, {"queue_full": 1})


@pytest.mark.proves("fault-44")
async def test_who_waits_is_severe_or_not_from_the_resize_that_says_so() -> None:
    async with Paused(max_events=1, wait_timeout_seconds=None, reserve=None) as rig:
        await rig.bus.publish(Numbered(n=0))
        events = [Numbered(n=1), Wrong(n=2)]
        tasks = [asyncio.create_task(rig.bus.publish(event)) for event in events]
        await settled()
        rig.attachment.resize(
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
