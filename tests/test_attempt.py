from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Sequence

import pytest

from eventbus import (
    Batch,
    Refused,
    Retry,
    TooLarge,
    Unavailable,
)
from eventbus._record import AnyRecord
from eventbus.testing import RecordingSink, ScriptedSink, settled, steps
from tests._rig import ONE_BY_ONE, CuedSink, Rig, numbers


@pytest.mark.proves("fault-23")
async def test_a_cancellation_that_a_sink_makes_up_is_a_fault_of_its_own() -> None:
    async with Rig() as rig:
        await rig.attach(healthy := RecordingSink(), name="healthy")
        sink = ScriptedSink(steps.fail(asyncio.CancelledError()))
        await rig.attach(sink)
        await rig.emit(1)
        assert rig.stats().errors == {"CancelledError": 1}
        assert rig.stats().cause == "CancelledError"
        await rig.after(1.0)
        assert numbers(sink.delivered) == numbers(healthy.records) == [1]


@pytest.mark.proves("fault-23")
@pytest.mark.parametrize("error", [SystemExit(3), KeyboardInterrupt()])
async def test_a_sink_that_tries_to_end_the_program_is_failed_alone(
    error: BaseException,
) -> None:
    async with Rig() as rig:
        await rig.attach(healthy := RecordingSink(), name="healthy", batch=ONE_BY_ONE)
        await rig.attach(ScriptedSink(steps.fail(error)), batch=ONE_BY_ONE)
        await rig.emit(1, 2)
        assert rig.stats().state == "failed"
        assert rig.stats().cause == f"it raised {error!r}".replace("()", "").replace(
            "(3)", ": 3"
        )
        assert rig.stats().dropped == {"permanent": 2}
        assert numbers(healthy.records) == [1, 2]


@pytest.mark.proves("fault-23")
@pytest.mark.parametrize("where", ["start", "aclose"])
async def test_a_sink_may_not_end_the_program_at_its_start_or_end_either(
    where: str,
) -> None:
    async with Rig() as rig:
        sink = ScriptedSink(**{where: [steps.fail(SystemExit(3))]})  # type: ignore[arg-type]
        attachment = await rig.attach(sink)
        if where == "aclose":
            await attachment.detach()
            assert attachment.state == "degraded"
            assert attachment.health.cause == "aclose raised SystemExit: 3"
        else:
            assert rig.stats().cause == "start failed: it raised SystemExit: 3"
            assert rig.stats().state == "failed"


async def test_a_sink_that_observes_with_an_exit_costs_nobody_an_event() -> None:
    class Observing(RecordingSink):
        def observe(self, batch: Sequence[AnyRecord]) -> None:
            raise SystemExit(3)

    async with Rig() as rig:
        await rig.attach(observing := Observing())
        await rig.attach(healthy := RecordingSink(), name="healthy")
        await rig.emit(1)
        assert numbers(observing.records) == numbers(healthy.records) == [1]
        assert rig.stats().errors == {"SystemExit": 1}


async def test_a_cancellation_from_outside_wins_over_the_timeout() -> None:
    async with Rig() as rig:
        retry = Retry(timeout_seconds=1.0)
        attachment = await rig.attach(ScriptedSink(steps.hang()), retry=retry)
        await rig.emit(1)
        (task,) = attachment.workers._hands
        rig.clock.advance(1.0)
        task.cancel()
        await settled()
        assert task.cancelled()
        assert rig.stats().pending == 1


async def test_a_sink_that_answers_in_spite_of_its_timeout_has_delivered() -> None:
    class Stubborn(RecordingSink):
        async def write(self, batch: Sequence[AnyRecord]) -> None:
            try:
                await asyncio.get_running_loop().create_future()
            except asyncio.CancelledError:
                await super().write(batch)

    async with Rig() as rig:
        await rig.attach(sink := Stubborn(), retry=Retry(timeout_seconds=1.0))
        for n in (1, 2):
            await rig.emit(n)
            await rig.after(1.0)
        assert numbers(sink.records) == [1, 2]
        assert (rig.stats().delivered, rig.stats().errors) == (2, {})


@pytest.mark.parametrize("error", [Unavailable("503"), OSError("cut"), ValueError()])
async def test_what_a_sink_raises_in_place_of_its_timeout_is_no_answer(
    error: Exception,
) -> None:
    async with Rig() as rig:
        await rig.attach(
            ScriptedSink(*[translated(error)] * 4), retry=Retry(timeout_seconds=1.0)
        )
        await rig.emit(1)
        await rig.after(1.0)
        stats = rig.stats()
        assert (stats.state, stats.cause) == ("degraded", "no answer within 1.0 s")
        assert (stats.errors, stats.possible_duplicates) == ({"TimeoutError": 1}, 1)
        for _ in range(8):
            await rig.after(8.0)
        assert rig.stats().delivered == 1
        assert rig.stats().errors == {"TimeoutError": 4}


@pytest.mark.parametrize(
    ("error", "counted"),
    [(Refused("410"), (1, {})), (TooLarge(), (0, {"too_large": 1}))],
)
async def test_what_the_far_side_alone_can_have_said_is_its_answer_though_late(
    error: Exception, counted: tuple[int, dict[str, int]]
) -> None:
    async with Rig() as rig:
        sink = ScriptedSink(translated(error))
        await rig.attach(sink, retry=Retry(timeout_seconds=1.0))
        await rig.emit(1)
        await rig.after(1.0)
        stats = rig.stats()
        assert (stats.rejected, stats.dropped, stats.errors) == (*counted, {})
        assert stats.possible_duplicates == 0


def translated(error: Exception) -> steps.Step:
    """Return a step that hangs, and raises *error* when it is cancelled."""

    async def step(sink: ScriptedSink, batch: Sequence[AnyRecord]) -> None:
        try:
            await sink.until_released()
        except asyncio.CancelledError:
            raise error.with_traceback(None) from None

    return step


async def test_a_leap_of_the_clock_is_no_ignored_cancellation(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with Rig() as rig:
        sink = ScriptedSink(steps.hang())
        await rig.attach(sink, retry=Retry(timeout_seconds=1.0))
        await rig.emit(1)
        await rig.after(30.0)
    assert "no answer within 1.0 s" in caplog.text
    assert "ignored" not in caplog.text


async def test_a_sink_that_ignores_its_timeout_is_not_said_to_be_ready() -> None:
    async with Rig() as rig:
        sink = ScriptedSink(steps.ok, steps.hang(ignored_cancellations=1))
        await rig.attach(sink, retry=Retry(timeout_seconds=1.0), batch=ONE_BY_ONE)
        await rig.emit(1, 2)
        await rig.after(1.0)
        assert rig.stats().state == "ready"
        await rig.after(0.05)
        assert (rig.stats().state, rig.stats().cause) == (
            "degraded",
            "no answer within 1.0 s, and its cancellation was ignored",
        )
        sink.release()
        await settled()
        stats = rig.stats()
        assert (stats.state, stats.delivered, stats.errors) == ("ready", 2, {})
        assert stats.possible_duplicates == 0
        await rig.emit(3)
        await rig.after(0.0)
        assert rig.clock.timers == 0


async def test_a_timeout_leaves_no_trace_on_the_task_of_the_next_call() -> None:
    cancellations: list[int] = []

    class Noting(ScriptedSink):
        async def write(self, batch: Sequence[AnyRecord]) -> object:
            task = asyncio.current_task()
            assert task is not None
            cancellations.append(task.cancelling())
            return await super().write(batch)

    async with Rig() as rig:
        sink = Noting(steps.hang())
        await rig.attach(sink, retry=Retry(timeout_seconds=1.0))
        await rig.emit(1)
        await rig.after(1.0)
        await rig.after(1.0)
        assert cancellations == [0, 0]


async def test_one_timer_serves_many_calls_and_rests_with_the_worker() -> None:
    async with Rig() as rig:
        await rig.attach(sink := CuedSink(), batch=ONE_BY_ONE)
        await rig.emit(1, 2, 3)
        assert rig.clock.timers == 1
        await rig.after(6.0)
        await sink.cue()
        assert rig.clock.timers == 1
        await rig.after(6.0)
        assert sink.in_flight == 1
        assert rig.stats().errors == {}
        await rig.after(4.0)
        assert rig.stats().errors == {"TimeoutError": 1}
        await rig.after(1.0)
        await sink.cue()
        await sink.cue()
        assert rig.clock.timers == 0


async def test_a_write_that_is_no_coroutine_is_a_fault() -> None:
    class Plain(RecordingSink):
        def write(self, batch: Sequence[AnyRecord]) -> None:  # type: ignore[override]
            return None

    async with Rig() as rig:
        await rig.attach(Plain())
        await rig.emit(1)
        assert rig.stats().errors == {"TypeError": 1}


async def test_what_arrived_before_a_timeout_is_delivered_once() -> None:
    class OneByOne(RecordingSink):
        async def write(self, batch: Sequence[AnyRecord]) -> None:
            for index, record in enumerate(batch):
                try:
                    if self.batches or index < 2:
                        self.batches.append([record])
                    if len(self.batches) == 2 and index == 1:
                        await asyncio.get_running_loop().create_future()
                except asyncio.CancelledError as error:
                    vars(error)["delivered"] = 2
                    raise

    async with Rig() as rig:
        await rig.attach(
            sink := OneByOne(),
            retry=Retry(timeout_seconds=1.0),
            batch=Batch(max_delay_seconds=0.0),
        )
        await rig.emit(1, 2, 3)
        await rig.after(1.0)
        assert (rig.stats().delivered, rig.stats().pending) == (2, 1)
        await rig.after(1.0)
        assert numbers(sink.records) == [1, 2, 3]
        assert rig.stats().possible_duplicates == 1


async def test_a_sink_that_cancels_its_own_task_costs_itself_a_task() -> None:
    class Suicidal(ScriptedSink):
        async def write(self, batch: Sequence[AnyRecord]) -> object:
            if not self.attempts:
                self.attempts.append(list(batch))
                task = asyncio.current_task()
                assert task is not None
                task.cancel()
                await asyncio.get_running_loop().create_future()
            return await super().write(batch)

    async with Rig() as rig:
        await rig.attach(healthy := RecordingSink(), name="healthy")
        await rig.attach(sink := Suicidal())
        await rig.emit(1)
        assert rig.stats().cause == "its task died: it was cancelled"
        await rig.after(1.0)
        assert numbers(sink.delivered) == numbers(healthy.records) == [1]
        assert rig.stats().possible_duplicates == 1


PRESSED = """
    import asyncio, os, signal, sys
    from eventbus import Bus, Event

    class Ping(Event): ...

    class Waiting:
        async def start(self): ...
        async def write(self, batch):
            print("writing", flush=True)
            {body}
        async def aclose(self):
            print("closed", flush=True)

    async def main():
        async with Bus(close_timeout_seconds=0.5) as bus:
            bus.attach(Waiting(), name="sink")
            await asyncio.sleep(0)
            bus.emit(Ping())
            await asyncio.sleep(60)

    try:
        {run}
    except KeyboardInterrupt:
        print("interrupted", flush=True)
"""

RUNNER = "asyncio.run(main())"
BARE_LOOP = "asyncio.new_event_loop().run_until_complete(main())"


def interrupted(body: str, run: str) -> list[str]:
    program = textwrap.dedent(PRESSED).format(body=body, run=run)
    child = subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, text=True
    )
    assert child.stdout is not None
    try:
        assert child.stdout.readline() == "writing\n"
        os.kill(child.pid, signal.SIGINT)
        said, _ = child.communicate(timeout=20)
    finally:
        child.kill()
        child.wait()
    return said.split()


@pytest.mark.proves("fault-23")
@pytest.mark.parametrize(
    ("body", "run", "said"),
    [
        ("await asyncio.sleep(60)", RUNNER, ["closed", "interrupted"]),
        ("await asyncio.sleep(60)", BARE_LOOP, ["interrupted"]),
        ("while True: pass", BARE_LOOP, ["interrupted"]),
    ],
)
def test_an_interrupt_from_the_keyboard_during_a_write_ends_the_program(
    body: str, run: str, said: list[str]
) -> None:
    assert interrupted(body, run) == said


async def test_what_is_not_available_keeps_its_words_for_the_cause() -> None:
    async with Rig() as rig:
        await rig.attach(ScriptedSink(steps.fail(Unavailable("503 from the proxy"))))
        await rig.emit(1)
        assert (rig.stats().state, rig.stats().cause) == (
            "degraded",
            "503 from the proxy",
        )
        await rig.after(1.0)
        assert (rig.stats().state, rig.stats().cause) == ("ready", None)


class Early:
    """Raises before there is anything to await."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    async def start(self) -> None:
        pass

    def write(self, batch: Sequence[AnyRecord]) -> None:
        raise self._error

    async def aclose(self) -> None:
        pass


@pytest.mark.parametrize("error", [ValueError("at once"), StopIteration()])
async def test_a_call_that_fails_at_once_is_a_fault_and_takes_no_time(
    error: Exception,
) -> None:
    async with Rig() as rig:
        await rig.attach(Early(error))
        for n in range(2):
            await rig.emit(n)
            await rig.after(60.0)
        assert rig.stats().delivered == 0
        assert rig.stats().calls.sum_seconds == 0
        assert rig.stats().calls.count == rig.stats().errors[type(error).__name__]
