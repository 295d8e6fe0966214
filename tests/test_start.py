from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from typing import Any

import pytest

import eventbus
from eventbus import (
    AttachError,
    Buffer,
    Bus,
    ConfigError,
    Limits,
    Overflow,
    Retry,
    Sink,
    SinkContext,
    Unavailable,
)
from eventbus.testing import ManualClock, RecordingSink, ScriptedSink, settled, steps
from tests._rig import Numbered, Rig, numbers


def built(sink: Sink) -> Bus:
    bus = Bus(resource={"service.name": "checkout"})
    bus.attach(sink, name="sink")
    bus.on(Numbered, name="on")(lambda record: None)
    bus.emit(Numbered(n=1))
    return bus


async def delivered_by(bus: Bus, sink: RecordingSink) -> list[int]:
    async with bus:
        bus.emit(Numbered(n=2))
    return numbers(sink.records)


@pytest.mark.proves("K1", "fault-17")
def test_it_is_built_without_a_loop_and_delivers_what_was_emitted_before() -> None:
    sink = RecordingSink()
    bus = built(sink)
    assert asyncio.run(delivered_by(bus, sink)) == [1, 2]


@pytest.mark.proves("K1")
async def test_it_is_built_in_a_running_loop() -> None:
    sink = RecordingSink()
    assert await delivered_by(built(sink), sink) == [1, 2]


@pytest.mark.proves("K1")
async def test_it_is_built_in_a_thread_and_started_in_another() -> None:
    sink = RecordingSink()
    bus = await asyncio.to_thread(built, sink)
    assert await delivered_by(bus, sink) == [1, 2]


@pytest.mark.proves("K1")
def test_building_starts_nothing() -> None:
    threads, sink = threading.active_count(), ScriptedSink()
    bus = built(sink)
    assert (sink.starts, sink.attempts) == (0, [])
    assert threading.active_count() == threads
    assert repr(bus) == "<Bus [sink, on] not started>"


class Misconfigured(RecordingSink):
    def configure(self, context: SinkContext) -> None:
        raise ValueError(f"{context.name} has no directory")


def failing_attaches(bus: Bus, attached: Sink) -> Iterator[tuple[object, type]]:
    yield (lambda: bus.attach(object(), name="new")), AttachError  # type: ignore[arg-type]
    yield (lambda: bus.attach(attached, name="new")), AttachError
    yield (lambda: bus.attach(RecordingSink(), name="sink")), AttachError
    yield (lambda: bus.attach(RecordingSink(), name=" ")), AttachError
    for wish in ("buffer", "batch", "retry", "sampler"):
        wrong: dict[str, Any] = {wish: 3}
        yield (lambda wrong=wrong: bus.attach(RecordingSink(), **wrong)), AttachError
    yield (lambda: bus.attach(RecordingSink(), name="new", select=[3])), AttachError  # type: ignore[list-item]
    yield (
        lambda: bus.attach(RecordingSink(), name="new", content="all"),  # type: ignore[arg-type]
        AttachError,
    )
    yield (lambda: bus.attach(RecordingSink(), name="new", spool="here")), AttachError  # type: ignore[arg-type]
    yield (lambda: bus.attach(Misconfigured(), name="new")), ValueError
    yield (
        lambda: bus.attach(RecordingSink(), name="new", dead_letters=attached),
        AttachError,
    )
    yield (
        lambda: bus.attach(RecordingSink(), name="new", dead_letters=Misconfigured()),
        ValueError,
    )


@pytest.mark.proves("K1")
async def test_an_attach_that_fails_leaves_everything_as_it_was() -> None:
    async with Rig() as rig:
        await rig.attach(sink := RecordingSink())
        tasks = asyncio.all_tasks()
        for attach, error in failing_attaches(rig.bus, sink):
            with pytest.raises(error):
                attach()  # type: ignore[operator]
            assert list(rig.bus.stats().attachments) == ["sink"]
        await settled()
        assert asyncio.all_tasks() == tasks
        await rig.emit(1)
        assert numbers(sink.records) == [1]
        await rig.attach(RecordingSink(), name="new")


@pytest.mark.proves("K1")
def test_a_configuration_that_fails_in_part_changes_nothing_global() -> None:
    threads, emit = threading.active_count(), eventbus.emitter(Numbered)
    with pytest.raises(ConfigError):
        Bus.from_config(
            {"sinks": {"console": {}, "jsonl": {"path": 5}}},
            strict=True,
        )
    assert threading.active_count() == threads
    assert emit(Numbered(n=1)) is True
    with eventbus.use(Bus()) as bus:
        assert emit(Numbered(n=1)) is True
        assert bus.stats().attachments == {}


async def test_one_attachment_over_the_limit_is_refused() -> None:
    bus = Bus(limits=Limits(max_attachments=1))
    bus.attach(RecordingSink(), name="first")
    with pytest.raises(AttachError, match="one over the limit of 1 attachments"):
        bus.attach(RecordingSink(), name="second")


async def test_unnamed_sinks_are_named_after_their_class() -> None:
    bus = Bus()
    names = [bus.attach(RecordingSink()).name for _ in range(3)]
    assert names == ["recording", "recording-2", "recording-3"]


@pytest.mark.proves("fault-17")
async def test_what_is_emitted_before_the_start_is_bounded() -> None:
    bus, sink = Bus(), RecordingSink()
    oldest = RecordingSink()
    bus.attach(sink, name="sink", buffer=Buffer(max_events=3))
    bus.attach(
        oldest,
        name="oldest",
        buffer=Buffer(max_events=3, overflow=Overflow.DROP_OLDEST),
    )
    assert [bus.emit(Numbered(n=n)) for n in range(5)] == [True] * 3 + [False] * 2
    for stats in bus.stats().attachments.values():
        assert (stats.offered, stats.pending, stats.dropped) == (
            5,
            3,
            {"queue_full": 2},
        )
    async with bus:
        await bus.flush()
    assert numbers(sink.records) == [0, 1, 2]
    assert numbers(oldest.records) == [2, 3, 4]


async def test_starting_again_changes_nothing() -> None:
    async with Rig() as rig:
        await rig.attach(sink := ScriptedSink())
        await rig.bus.start()
        await rig.emit(1)
        assert (sink.starts, numbers(sink.delivered)) == (1, [1])


async def test_it_runs_on_one_loop_at_a_time() -> None:
    async with Rig() as rig:
        with pytest.raises(RuntimeError, match="runs on another event loop already"):
            await asyncio.to_thread(asyncio.run, rig.bus.start())
        assert repr(rig.bus) == "<Bus [] running>"


@pytest.mark.proves("fault-18")
def test_it_moves_to_a_new_loop_when_the_old_one_is_gone() -> None:
    bus, sink = Bus(), ScriptedSink(steps.hang())
    bus.attach(sink, name="sink")
    handled: list[int] = []
    bus.on(Numbered)(lambda record: handled.append(record.event.n))

    async def emit(*values: int) -> None:
        await bus.start()
        for n in values:
            bus.emit(Numbered(n=n))
        await settled()

    asyncio.run(emit(1, 2))
    stats = bus.stats().attachments["sink"]
    assert (stats.pending, stats.balanced) == (2, True)
    assert bus.emit(Numbered(n=-1)) is False
    assert bus.stats().refused == {"no_loop": 1}
    asyncio.run(emit(3))
    report = asyncio.run(bus.aclose())
    assert report.complete
    assert numbers(sink.delivered) == [1, 2, 3]
    assert handled == [1, 2, 3]
    assert report.attachments["sink"].possible_duplicates == 2


@pytest.mark.proves("fault-18")
def test_a_loop_that_ended_without_a_word_takes_nothing_along() -> None:
    clock = ManualClock()
    bus = Bus(clock=clock)
    hung, healthy = ScriptedSink(steps.hang()), RecordingSink()
    bus.attach(hung, name="hung")
    bus.attach(healthy, name="healthy")

    async def begin() -> None:
        await bus.start()
        bus.emit(Numbered(n=1))
        await settled()
        bus.emit(Numbered(n=2))

    loop = asyncio.new_event_loop()
    loop.run_until_complete(begin())
    workers = asyncio.all_tasks(loop)
    loop.close()
    report = asyncio.run(bus.aclose())
    assert report.complete
    assert numbers(hung.delivered) == [1, 2]
    assert numbers(healthy.records) == [1, 2]
    for task in workers:  # what asyncio says of a task that never ended is not ours
        task._log_destroy_pending = False  # type: ignore[attr-defined]


def test_a_probe_that_ended_with_its_loop_bars_nobody_on_the_next() -> None:
    clock = ManualClock()
    bus = Bus(clock=clock)
    sink = ScriptedSink(*[steps.fail(Unavailable())] * 5, steps.hang())
    bus.attach(sink, name="sink", retry=Retry(timeout_seconds=None))

    async def begin() -> None:
        await bus.start()
        bus.emit(Numbered(n=1))
        await settled()
        for _ in range(10):
            clock.advance(30.0)
            await settled()
            if sink.hanging:
                return

    async def go_on() -> None:
        await bus.start()
        for _ in range(10):
            clock.advance(30.0)
            await settled()

    loop = asyncio.new_event_loop()
    loop.run_until_complete(begin())
    workers = asyncio.all_tasks(loop)
    assert len(sink.attempts) == 6
    loop.close()
    asyncio.run(go_on())
    assert numbers(sink.delivered) == [1]
    assert asyncio.run(bus.aclose()).complete
    for task in workers:
        task._log_destroy_pending = False  # type: ignore[attr-defined]


async def test_the_start_waits_for_sinks_but_not_for_ever() -> None:
    clock = ManualClock()
    bus = Bus(clock=clock, start_timeout_seconds=2.0)
    for index in range(3):
        sink = ScriptedSink(start=[steps.hang()])
        bus.attach(sink, name=str(index))
    start = asyncio.create_task(bus.start())
    await settled()
    clock.advance(1.99)
    await settled()
    assert not start.done()
    clock.advance(0.01)
    await settled()
    assert start.done()
    await bus.aclose(0)


@pytest.mark.parametrize(
    ("name", "given", "message"),
    [
        ("tracestate", {"v": {"a": "1"}}, "a Tracestate or None, got dict"),
        ("privacy", {"known_secrets": ["k"]}, "a Privacy or None, got dict"),
        ("limits", 5, "a Limits or None, got int"),
        ("catalog", [], "a Catalog or None, got list"),
    ],
)
def test_an_argument_of_another_type_is_refused_where_it_is_given(
    name: str, given: Any, message: str
) -> None:
    with pytest.raises(TypeError, match=f"^{name} must be {message}$"):
        Bus(**{name: given})


@pytest.mark.parametrize(
    ("given", "error", "said"),
    [
        ("service=x", TypeError, "resource must be a mapping, got str"),
        ({5: "x"}, TypeError, "resource: a name must be text, got 5"),
        ({"a": "x", " ": "y"}, ValueError, "resource: a name must not be blank, got"),
    ],
)
def test_a_resource_has_names(given: Any, error: type[Exception], said: str) -> None:
    with pytest.raises(error, match=f"^{said}"):
        Bus(resource=given)
