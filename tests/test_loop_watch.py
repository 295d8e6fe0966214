"""Who holds the event loop is named; who only takes long is not."""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import Generator, Sequence
from typing import Any, ClassVar

import pytest

from eventbus import Buffer, Event, Outcome, Record, Retry
from eventbus._encode_line import LineEncoder
from eventbus._record import AnyRecord
from eventbus.testing import ManualClock, ScriptedSink, settled, steps
from tests._rig import AT_ONCE, Numbered, Rig, numbers


def holding(seconds: float, *, pauses: int = 0, then: steps.Step = steps.ok) -> Any:
    """Return a step that holds the loop so long after each of its *pauses*."""

    async def step(sink: ScriptedSink, batch: Sequence[AnyRecord]) -> object:
        assert isinstance(sink.clock, ManualClock)
        for _ in range(pauses):
            sink.clock.advance(seconds)
            await asyncio.sleep(0)
        sink.clock.advance(seconds)
        return await then(sink, batch)

    return step


@pytest.mark.proves("fault-25")
async def test_a_sink_that_holds_the_loop_is_counted_and_named(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with Rig() as rig:
        sink = ScriptedSink(holding(2.0))
        await rig.attach(sink, name="audit", batch=AT_ONCE)
        await rig.emit(1)
        await rig.emit(2)
        assert rig.bus.stats().warned == {"loop_blocked": 1}
        assert numbers(sink.delivered) == [1, 2]
        assert (
            "sink 'audit' held the event loop for 2.0 s: nothing else ran; "
            "a worker thread takes it off"
        ) in caplog.text


@pytest.mark.proves("fault-25")
async def test_so_is_a_handler_with_the_remedy(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with Rig() as rig:

        @rig.bus.on(name="on")
        def handle(record: Record[Numbered]) -> None:
            rig.clock.advance(0.06)

        await rig.emit(1)
        assert rig.bus.stats().warned == {}
        await rig.emit(2, 3)
        await rig.after(1.0)
        assert rig.bus.stats().warned == {"loop_blocked": 1}
        assert (
            "'on' held the event loop for 0.1 s: nothing else ran; threaded=True"
            in (caplog.text)
        )


async def test_a_call_counts_once_with_its_longest_stretch(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with Rig() as rig:
        fails = steps.fail(ValueError("bug"))
        await rig.attach(ScriptedSink(holding(0.3, pauses=3, then=fails)))
        await rig.emit(1)
        assert rig.bus.stats().warned == {"loop_blocked": 1}
        assert "held the event loop for 0.3 s" in caplog.text
        assert rig.stats().errors == {"ValueError": 1}


async def test_a_start_that_holds_the_loop_is_named_too() -> None:
    async with Rig() as rig:
        await rig.attach(ScriptedSink(start=[holding(1.0)]))
        assert rig.bus.stats().warned == {"loop_blocked": 1}


@pytest.mark.parametrize(
    "step", [holding(0.09, pauses=9), steps.slow(5.0), holding(0.0, pauses=99)]
)
async def test_a_call_that_pauses_may_take_as_long_as_it_likes(step: Any) -> None:
    async with Rig() as rig:
        await rig.attach(sink := ScriptedSink(step))
        await rig.emit(1)
        await rig.after(5.0)
        assert numbers(sink.delivered) == [1]
        assert rig.bus.stats().warned == {}


async def test_what_was_held_up_to_a_timeout_is_named_as_well() -> None:
    async with Rig() as rig:
        sink = ScriptedSink(holding(0.5, then=steps.hang()))
        await rig.attach(sink, retry=Retry(timeout_seconds=2.0))
        await rig.emit(1)
        assert rig.bus.stats().warned == {}
        await rig.after(2.0)
        assert rig.bus.stats().warned == {"loop_blocked": 1}
        assert rig.stats().errors == {"TimeoutError": 1}


async def test_a_call_that_is_no_coroutine_but_can_be_awaited_works_the_same() -> None:
    class Waited:
        def __await__(self) -> Generator[Any, Any, Outcome]:
            yield from asyncio.sleep(0).__await__()
            return Outcome(rejected=[(0, "no")])

    class Sink(ScriptedSink):
        def write(self, batch: Sequence[AnyRecord]) -> Any:
            return Waited()

    async with Rig() as rig:
        await rig.attach(Sink())
        await rig.emit(1)
        assert rig.stats().rejected == 1


async def test_the_call_sees_cancellations_and_errors_as_ever() -> None:
    seen: list[BaseException] = []

    class Sink(ScriptedSink):
        async def write(self, batch: Sequence[AnyRecord]) -> None:
            try:
                await self.until_released()
            except asyncio.CancelledError as error:
                seen.append(error)
            try:
                raise ConnectionError("cut")
            except ConnectionError as error:
                seen.append(error)
                raise

    async with Rig() as rig:
        await rig.attach(Sink(), retry=Retry(timeout_seconds=2.0))
        await rig.emit(1)
        await rig.after(2.0)
        cancelled, error = seen
        assert isinstance(cancelled, asyncio.CancelledError)
        assert error.__context__ is None
        last = traceback.extract_tb(error.__traceback__)[-1]
        assert (last.name, last.line) == ("write", 'raise ConnectionError("cut")')
        await settled()


class Slow(ValueError):
    """Takes a second to say what it is, each time it is asked."""

    clock: ClassVar[ManualClock]

    def __str__(self) -> str:
        self.clock.advance(1.0)
        raise RuntimeError("no words")


class Failed(Event, tag="failed"):
    error: Any


@pytest.mark.proves("fault-6")
@pytest.mark.parametrize("max_bytes", [None, 10**6])
async def test_a_value_that_takes_long_to_be_written_is_counted_and_named_once(
    max_bytes: int | None, caplog: pytest.LogCaptureFixture
) -> None:
    class Lines(ScriptedSink):
        async def write(self, batch: Sequence[AnyRecord]) -> Outcome:
            return Outcome(unencodable=LineEncoder().encode(batch).unencodable)

    async with Rig() as rig:
        Slow.clock = rig.clock
        buffer = Buffer(max_bytes=max_bytes)
        await rig.attach(Lines(), name="audit", buffer=buffer, batch=AT_ONCE)
        for value in (1, Slow(), 3):
            rig.bus.emit(Failed(error=value))
        await settled()
        stats = rig.stats("audit")
        assert (stats.delivered, stats.dropped) == (2, {"encode_error": 1})
        assert rig.bus.stats().warned["loop_blocked"] == (2 if max_bytes else 1)
        assert caplog.text.count("sink 'audit' held the event loop for ") == 1


@pytest.mark.proves("fault-25")
@pytest.mark.parametrize("what", ["observe", "sampler"])
async def test_what_is_called_before_the_buffer_is_watched_too(
    what: str, caplog: pytest.LogCaptureFixture
) -> None:
    class Observing(ScriptedSink):
        def observe(self, batch: Sequence[AnyRecord]) -> None:
            rig.clock.advance(2.0)

    class Pondering:
        def sample(self, record: AnyRecord) -> float:
            rig.clock.advance(2.0)
            return 1.0

    async with Rig() as rig:
        if what == "observe":
            await rig.attach(Observing(), name="audit")
        else:
            await rig.attach(ScriptedSink(), name="audit", sampler=Pondering())
        await rig.emit(1)
        assert rig.bus.stats().warned == {"loop_blocked": 1}
        assert "sink 'audit' held the event loop for 2.0 s" in caplog.text
        assert rig.stats("audit").delivered == 1
