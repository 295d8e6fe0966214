from __future__ import annotations

from types import new_class

import pytest

from eventbus import Batch, Buffer, Bus, Event
from eventbus.testing import RecordingSink, settled


class Step(Event, tag="work.step"):
    n: int


class Leap(Event, tag="play.leap"):
    n: int


async def test_types_that_lead_to_the_same_attachments_share_a_lease() -> None:
    sink = RecordingSink()
    kinds = [
        new_class(f"Kind{i}", (Step,), {"tag": f"work.kind_{i}"}) for i in range(8)
    ]
    async with Bus() as bus:
        bus.attach(sink)
        for n, kind in enumerate(kinds):
            bus.emit(kind(n=n))
        await bus.flush()
        looks: list[object] = []
        look = bus._engine.router._slow.look
        bus._engine.router._slow.look = lambda *a: looks.append(a) or look(*a)  # type: ignore[method-assign, func-returns-value, assignment]
        for n, kind in enumerate(kinds):
            assert bus.emit(kind(n=8 + n))
        await bus.flush()
    assert len(looks) == 1
    assert [event.n for event in sink.events] == [*range(16)]


async def test_an_attachment_has_its_first_event_though_others_were_before_it() -> None:
    """It was attached while something else was handed over that it never selects."""
    work, play = RecordingSink(), RecordingSink()
    async with Bus() as bus:
        bus.attach(work, name="work", select="work.*")
        await bus.publish(Step(n=0))
        await bus.flush()
        bus._engine.sealer._sealing = True  # as in the middle of a seal
        bus.emit(Step(n=1))
        bus.attach(play, name="play", select="play.*")
        bus._engine.sealer._sealing = False
        assert bus._engine.ingress.entries
        await bus.flush()
        assert bus.emit(Leap(n=2))
        await bus.flush()
        stats = bus.stats()
    assert [event.n for event in work.events] == [0, 1]
    assert [event.n for event in play.events] == [2]
    assert all(one.balanced for one in stats.attachments.values())


@pytest.mark.proves("D5", "fault-13")
async def test_a_look_at_what_was_sealed_meanwhile_leases_nothing() -> None:
    """Else the next event would wake nobody: another thread came that late."""
    sink = RecordingSink()
    async with Bus() as bus:
        bus.attach(sink, batch=Batch(max_delay_seconds=0))
        bus.emit(Step(n=0))
        await bus.flush()
        ingress = bus._engine.ingress
        lease = ingress.routes[Step].lease
        late = (Step(n=1), 0, None)  # appended, and sealed before its length was seen
        ingress.look(late, lease)
        bus.emit(Step(n=2))
        await settled()
        assert [event.n for event in sink.events] == [0, 2]


@pytest.mark.proves("D6")
async def test_a_publisher_whose_event_was_counted_in_meanwhile_does_not_wait() -> None:
    """Somebody looked at the counts, and then the door closed behind it."""
    async with Bus() as bus:
        bus.attach(RecordingSink(), name="sink", buffer=Buffer(max_events=2))
        await bus.publish(Step(n=0))
        await bus.flush()
        ingress = bus._engine.ingress
        lease = ingress.routes[Step].lease
        entry = (Step(n=1), 0, None, True)
        ingress.entries.append(entry)
        assert bus.stats().attachments["sink"].offered == 2
        assert bus.emit(Step(n=2))
        assert not bus.emit(Step(n=3))
        assert ingress.enter(entry, lease)
        await bus.flush()
        assert bus.stats().attachments["sink"].delivered == 3
