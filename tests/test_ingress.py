from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import ExitStack, suppress
from itertools import combinations
from typing import Any

import pytest

from eventbus import (
    Attachment,
    Buffer,
    Bus,
    Event,
    Overflow,
    PublishTimeoutError,
    bind,
)
from eventbus._balance import counts_of
from eventbus.testing import RecordingSink, ScriptedSink, settled
from eventbus.testing.steps import hang
from tests._between import Between, Paused, every_place, in_a_thread


class Near(Event):
    n: int


class Far(Event):
    n: int


class Late(Event):
    n: int


ROOM_AT_NEWEST = 8
ROOM_AT_OLDEST = 2


def held(attachment: Attachment) -> list[int]:
    """Return what is in the buffer, in order."""
    return [r.event.n for chunk in attachment.buffer.chunks for r in chunk.records()]


def is_held(bus: Bus) -> bool:
    """Return whether another thread is inside the lock."""
    free = bus._engine.ingress.mutex.acquire(blocking=False)
    if free:
        bus._engine.ingress.mutex.release()
    return not free


class Scene:
    """A bus without a loop, sealed by hand, and everything that was emitted on it."""

    def __init__(self) -> None:
        self.bus = Bus()
        self.newest = self.attach("newest", Overflow.DROP_NEWEST, ROOM_AT_NEWEST)
        self.oldest = self.attach("oldest", Overflow.DROP_OLDEST, ROOM_AT_OLDEST)
        self.roomy = self.attach("roomy", Overflow.WAIT, 100, select="near")
        self.patient = self.attach("patient", Overflow.WAIT, 3, select="near")
        self.distant = self.attach("distant", Overflow.DROP_NEWEST, 4, select="far")
        self.published: set[int] = set()
        self.told: dict[int, tuple[type[Event], bool]] = {}
        self.gone: list[Attachment] = []
        self.everybody = list(self.bus._life.attachments.values())
        self.closed = False

    def attach(
        self, name: str, overflow: Overflow, room: int, **wishes: Any
    ) -> Attachment:
        buffer = Buffer(max_events=room, overflow=overflow)
        return self.bus.attach(RecordingSink(), name=name, buffer=buffer, **wishes)

    @classmethod
    def in_use(cls) -> Scene:
        scene = cls()
        scene.emit(Near)
        scene.emit(Far)
        scene.seal()
        return scene

    def emit(self, kind: Callable[..., Event]) -> None:
        event = kind(n=len(self.told))
        self.told[event.n] = (type(event), False)
        self.told[event.n] = (type(event), self.bus.emit(event))

    def seal(self) -> None:
        self.bus._engine.work()

    def interrupt(self) -> None:
        self.emit(Near)
        self.emit(Late)
        stats = self.bus.stats()
        for attachment in stats.attachments.values():
            assert attachment.balanced
            assert attachment.pending >= 0

    def play(self) -> None:
        for kind in (Near, Far, Near, Near, Far, Near):
            self.emit(kind)
        self.seal()
        self.emit(Near)

    def publish(self, times: int = 4) -> None:
        for _ in range(times):
            n = len(self.told)
            self.told[n] = (Near, False)
            self.published.add(n)
            with suppress(PublishTimeoutError):
                publish_at_once(self.bus, Near(n=n))

    def attach_another(self) -> None:
        self.attach("another", Overflow.WAIT, 100)

    def detach_all_but_one(self) -> None:
        for attachment in (self.newest, self.oldest):
            self.bus._engine.disconnect(attachment)
            self.gone.append(attachment)

    def close(self) -> None:
        self.bus._engine.close()
        self.closed = True

    def check(self) -> None:
        if not self.closed:
            self.seal()
        assert self.bus._engine.ingress.entries == []
        stats = self.bus.stats()
        refused = stats.refused.get("closed", 0)
        unselected = len(self.told) - stats.emitted - refused
        assert unselected in ((0, 1) if self.gone else (0,))
        near = {n for n, (kind, _) in self.told.items() if kind is Near}
        assert set(held(self.roomy)) <= near
        assert len(near) - refused <= len(held(self.roomy)) <= len(near)
        for attachment in self.everybody:
            self.check_one(attachment)
        timed_out = self.patient.ledger.dropped["block_timeout"]
        assert timed_out == len(self.published - set(held(self.patient)))
        self.check_answers()

    def check_one(self, attachment: Attachment) -> None:
        counts = counts_of(attachment)
        taken = held(attachment)
        assert len(set(taken)) == len(taken) == counts["pending"]
        assert len(taken) == min(counts["offered"], attachment.plan.buffer.max_events)
        assert counts["offered"] == len(taken) + sum(counts["dropped"].values())
        if attachment in (self.newest, self.oldest) and attachment not in self.gone:
            assert counts["offered"] == self.bus.stats().emitted

    def check_answers(self) -> None:
        for attachment, kinds in (
            (self.newest, (Near, Far, Late)),
            (self.patient, (Near,)),
            (self.distant, (Far,)),
        ):
            taken, told = set(held(attachment)), self.told.items()
            accepted = {n for n, (kind, answer) in told if answer and kind in kinds}
            assert attachment in self.gone or accepted <= taken


MEANWHILE = [
    Scene.seal,
    Scene.play,
    Scene.publish,
    Scene.attach_another,
    Scene.detach_all_but_one,
    Scene.close,
]


@pytest.fixture(params=[7, pytest.param(1, marks=pytest.mark.slow)])
def step(request: pytest.FixtureRequest) -> int:
    """Every seventh place in a quick run."""
    return int(request.param)


@pytest.fixture
def small_leases(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the hand-over be compacted after a few events already."""
    monkeypatch.setattr("eventbus._ingress.LEASE_EVENTS", 1)
    monkeypatch.setattr("eventbus._route.LEASE_EVENTS", 1)


@pytest.mark.usefixtures("small_leases")
@pytest.mark.proves("fault-14")
@pytest.mark.parametrize("meanwhile", MEANWHILE)
def test_an_emit_between_any_two_lines_loses_nothing(
    meanwhile: Callable[[Scene], None], step: int
) -> None:
    """As a signal handler or a finalizer would, on the very same thread."""

    def run(place: int) -> bool:
        scene = Scene.in_use()
        with Between([place], scene.interrupt) as between:
            meanwhile(scene)
        scene.check()
        return between.reached

    assert every_place(run, step=step) > 10


@pytest.mark.usefixtures("small_leases")
@pytest.mark.proves("fault-13", "fault-30")
@pytest.mark.parametrize("kind", [Near, Far, Late])
@pytest.mark.parametrize("meanwhile", MEANWHILE)
def test_whatever_comes_in_the_middle_of_an_emit_loses_nothing(
    meanwhile: Callable[[Scene], None], kind: type[Event], step: int
) -> None:
    """The loop's thread has its turn at any place of an emit in another."""

    def run(place: int) -> bool:
        scene = Scene.in_use()
        with Paused([place], lambda: scene.emit(kind)) as paused:
            if not is_held(scene.bus):
                meanwhile(scene)
        scene.check()
        return paused.reached

    assert every_place(run, step=step) > 20


@pytest.mark.usefixtures("small_leases")
@pytest.mark.proves("fault-13", "fault-30")
@pytest.mark.parametrize("meanwhile", MEANWHILE)
def test_an_emit_in_the_middle_of_anything_loses_nothing(
    meanwhile: Callable[[Scene], None], step: int
) -> None:
    """Another thread emits wherever the loop's thread does not hold the lock."""

    def run(place: int) -> bool:
        scene = Scene.in_use()

        def emit() -> None:
            if not scene.bus._engine.ingress.mutex._is_owned():
                in_a_thread(lambda: scene.emit(Far))

        with Between([place], emit) as between:
            meanwhile(scene)
        scene.check()
        return between.reached

    assert every_place(run, step=step) > 10


@pytest.mark.usefixtures("small_leases")
@pytest.mark.proves("fault-13")
@pytest.mark.parametrize("meanwhile", MEANWHILE)
def test_an_append_in_the_middle_of_anything_is_not_lost(
    meanwhile: Callable[[Scene], None], step: int
) -> None:
    """Another thread appends, also while the lock is held, and is held up after it."""
    after_append = next(filter(stops_after_its_append, range(100)))

    def run(place: int) -> bool:
        scene = Scene.in_use()
        with ExitStack() as stack:
            emit = Paused([after_append], lambda: scene.emit(Far))

            def begin() -> None:
                if not scene.bus._engine.ingress.closed:
                    stack.enter_context(emit)

            with Between([place], begin) as between:
                meanwhile(scene)
        scene.check()
        return between.reached

    assert every_place(run, step=step) > 10


def stops_after_its_append(place: int) -> bool:
    scene = Scene.in_use()
    with Paused([place], lambda: scene.emit(Far)):
        return len(scene.bus._engine.ingress.entries) == 1


@pytest.mark.usefixtures("small_leases")
@pytest.mark.parametrize("meanwhile", [1, 20], ids=["sealed", "compacted"])
@pytest.mark.proves("fault-13")
async def test_a_publish_that_others_take_before_it_looked_waits_all_the_same(
    monkeypatch: pytest.MonkeyPatch, meanwhile: int
) -> None:
    """It runs on a loop of its own while that of the bus works; there is no room."""
    go_there = asyncio.run_coroutine_threadsafe

    async def run(place: int) -> bool:
        async with Bus() as bus:
            bus.attach(
                ScriptedSink(then=hang()), name="sink", buffer=Buffer(max_events=2)
            )
            bus.emit(Near(n=0))
            await settled()
            bus.emit(Near(n=1))
            paused = Paused([place], lambda: publish_at_once(bus, Near(n=2)))

            def go(*args: Any) -> Any:
                paused.waits_for_others()
                return go_there(*args)

            monkeypatch.setattr(asyncio, "run_coroutine_threadsafe", go)
            with paused:
                if not is_held(bus):
                    refused = [bus.emit(Near(n=3)) for _ in range(meanwhile)].count(
                        False
                    )
                    assert refused == meanwhile
                    bus._engine.work()
                with pytest.raises(PublishTimeoutError, match="'sink'"):
                    await asyncio.to_thread(paused.end)
            stats = bus.stats().attachments["sink"]
            assert stats.dropped["block_timeout"] == 1
            assert stats.dropped.get("queue_full", 0) in (0, meanwhile)
            assert stats.offered == bus.stats().emitted
            assert stats.balanced
            await bus.aclose(0)
        return paused.reached

    place = 0
    while await run(place):
        place += 1
    assert place > 10


def test_an_event_that_is_handed_over_twice_at_once_is_taken_back_once() -> None:
    """A publisher takes back its own entry, not that of a thread behind it."""

    def run(place: int) -> bool:
        scene = Scene.in_use()
        for _ in range(2):
            scene.emit(Near)
        scene.seal()
        event = Near(n=len(scene.told))

        def publish() -> None:
            with bind(by="publisher"), suppress(PublishTimeoutError):
                publish_at_once(scene.bus, event)

        with Paused([place], publish) as paused, bind(by="thread"):
            emitted = not is_held(scene.bus)
            if emitted:
                scene.bus.emit(event)
        scene.seal()
        chunks = scene.roomy.buffer.chunks
        found = [r for chunk in chunks for r in chunk.records() if r.event is event]
        by = sorted(str(record.attributes["by"]) for record in found)
        assert by == ["publisher", "thread"][: 1 + emitted]
        return paused.reached

    assert every_place(run) > 10


def publish_at_once(bus: Bus, event: Event) -> None:
    """Publish on a loop of this thread, without waiting."""

    async def publish() -> None:
        await bus.publish(event, timeout_seconds=0)

    with asyncio.Runner() as runner:
        runner.run(publish())


def around(scene: Scene, owner: Any, name: str, *, before: list[type[Event]]) -> None:
    """Let another thread emit *before* a call, and as much as it is allowed after."""
    call = getattr(owner, name)

    def surrounded(*args: Any) -> Any:
        for kind in before:
            in_a_thread(lambda kind=kind: scene.emit(kind))
        answer = call(*args)
        for _ in range(5):
            in_a_thread(lambda: scene.emit(Far))
        return answer

    setattr(owner, name, surrounded)


def test_room_that_a_publisher_takes_is_not_promised_to_another_thread() -> None:
    scene = Scene.in_use()
    for kind in (Near, Near, Near):
        scene.emit(kind)
    scene.seal()
    around(scene, scene.newest, "offer", before=[Far])
    scene.publish(1)
    scene.check()


def test_what_a_publisher_takes_back_leaves_no_room_that_was_not_there() -> None:
    scene = Scene.in_use()
    for kind in (Near, Near, Far, Far):
        scene.emit(kind)
    scene.seal()
    around(scene, scene.bus._engine.ingress, "enter", before=[Far])
    scene.bus.publish = scene.bus._engine.publisher._make_publish()
    scene.publish(1)
    scene.check()


def test_a_publisher_waits_when_another_thread_had_the_last_room() -> None:
    scene = Scene.in_use()
    scene.attach("narrow", Overflow.WAIT, 1, select="near")
    scene.emit(Near)
    scene.seal()
    around(scene, scene.patient, "offer", before=[Near])
    scene.publish(1)
    scene.check()
    assert scene.patient.stats().dropped == {"block_timeout": 1}


@pytest.mark.usefixtures("small_leases")
@pytest.mark.proves("fault-30")
def test_an_emit_by_a_route_that_is_gone_reaches_nobody_it_should_not() -> None:
    """It is held up before its append, while the last to select its type goes, and
    after it, while what was handed over is sealed."""

    def run(first: int, second: int) -> None:
        scene = Scene.in_use()
        with Paused([first, second], lambda: scene.emit(Far)) as paused:
            if not is_held(scene.bus):
                scene.detach_all_but_one()
            paused.go_on()
            if not is_held(scene.bus):
                scene.seal()
        scene.check()

    for first, second in combinations(range(30), 2):
        run(first, second)
