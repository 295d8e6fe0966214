"""What becomes of the events when the host cancels every task there is."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import textwrap

import pytest

from eventbus import Batch, Bus, Report, Unavailable
from eventbus.testing import ScriptedSink, settled, steps
from tests._program import SLOWNESS
from tests._rig import ONE_BY_ONE, PATIENT, CuedSink, Numbered, Rig, numbers


def cancel_all() -> None:
    """Cancel every task but the present one, as ``asyncio.run`` does at its end."""
    own = asyncio.current_task()
    for task in asyncio.all_tasks():
        if task is not own:
            task.cancel()


def closing(rig: Rig, timeout_seconds: float) -> asyncio.Task[Report]:
    return asyncio.create_task(rig.bus.aclose(timeout_seconds))


async def test_while_it_runs_it_loses_no_count() -> None:
    async with Rig() as rig:
        sinks = [CuedSink(), ScriptedSink(steps.fail(Unavailable()))]
        for index, sink in enumerate(sinks):
            await rig.attach(sink, name=str(index), batch=ONE_BY_ONE)
        await rig.emit(1, 2, 3)
        cancel_all()
        await settled()
        rig.check_balance()
        assert rig.stats("0").pending == rig.stats("1").pending == 3


@pytest.mark.proves("fault-121")
@pytest.mark.parametrize("passes", range(8))
async def test_it_does_not_cut_a_close_short(passes: int) -> None:
    """In whichever pass of the loop it comes, and though it comes again and again."""
    async with Rig() as rig:
        sink = CuedSink()
        await rig.attach(sink, batch=ONE_BY_ONE)
        await rig.attach(healthy := ScriptedSink(), name="healthy")
        rig.bus.emit(Numbered(n=1))
        rig.bus.emit(Numbered(n=2))
        task = closing(rig, 60.0)
        await asyncio.sleep(0)
        for _ in range(5):
            for _ in range(passes):
                await asyncio.sleep(0)
            cancel_all()
        await settled()
        assert not task.done()
        await sink.cue()
        await sink.cue()
        await asyncio.wait([task])
        assert task.cancelled()
        report = await rig.bus.aclose()
        assert report.complete
        assert numbers(sink.delivered) == numbers(healthy.delivered) == [1, 2]
        assert healthy.closes == 1
        assert rig.clock.monotonic() == 0


async def test_it_does_not_make_a_close_longer() -> None:
    async with Rig() as rig:
        hung = ScriptedSink(then=steps.hang(), aclose=[steps.hang()] * 5)
        keeper = ScriptedSink(then=steps.hang())
        await rig.attach(hung, retry=PATIENT, batch=ONE_BY_ONE, dead_letters=keeper)
        await rig.emit(1, 2)
        task = closing(rig, 60.0)
        for _ in range(3):
            await settled()
            cancel_all()
            await rig.after(15.0)
        assert not task.done()
        await rig.after(15.0)
        await asyncio.wait([task])
        report = await rig.bus.aclose()
        assert report.attachments["sink"].dropped == {"shutdown_deadline": 2}
        assert rig.clock.monotonic() == 60.0


async def test_it_does_not_cut_the_dead_letters_of_a_close_short() -> None:
    async with Rig() as rig:
        letters = CuedSink()
        await rig.attach(ScriptedSink(steps.reject(0)), dead_letters=letters)
        rig.bus.emit(Numbered(n=1))
        task = closing(rig, 60.0)
        for _ in range(3):
            await settled()
            cancel_all()
        await settled()
        await letters.cue()
        await asyncio.wait([task])
        assert numbers(letters.delivered) == [1]


async def test_it_does_not_cut_the_end_of_a_sink_short() -> None:
    async with Rig() as rig:
        sink = ScriptedSink(aclose=[steps.hang(), steps.hang(), steps.hang()])
        await rig.attach(sink)
        task = closing(rig, 60.0)
        for _ in range(3):
            await settled()
            assert sink.hanging == 1
            cancel_all()
        await asyncio.wait([task])
        assert sink.closes == 4
        assert rig.stats().state == "ready"


@pytest.mark.proves("fault-121")
async def test_a_batch_it_cuts_off_again_and_again_is_not_taken_for_poison() -> None:
    async with Rig() as rig:
        sink = CuedSink()
        at_once = Batch(max_events=1, max_delay_seconds=0.0, max_in_flight=3)
        await rig.attach(sink, batch=at_once, retry=PATIENT)
        await rig.emit(1, 2, 3, 4)
        task = closing(rig, 60.0)
        for _ in range(6):
            await settled()
            assert sink.in_flight == 3
            cancel_all()
        await settled()
        while sink.in_flight:
            await sink.cue()
        await asyncio.wait([task])
        report = await rig.bus.aclose()
        assert report.complete
        assert sorted(numbers(sink.delivered)) == [1, 2, 3, 4]
        assert report.attachments["sink"].possible_duplicates == 3


async def test_what_cancels_a_worker_without_end_costs_the_close_its_time_only() -> (
    None
):
    async def cancel_me(sink: ScriptedSink, batch: object) -> None:
        task = asyncio.current_task()
        assert task is not None
        asyncio.get_running_loop().call_soon(task.cancel)
        await sink.until_released()

    async with Rig() as rig:
        await rig.attach(sink := ScriptedSink(then=cancel_me), retry=PATIENT)
        await rig.emit(1)
        task = closing(rig, 5.0)
        await settled()
        for _ in range(20):
            await rig.after(0.25)
        assert (await task).attachments["sink"].dropped == {"shutdown_deadline": 1}
        assert len(sink.attempts) < 150


async def test_it_does_not_cut_a_detach_short() -> None:
    async with Rig() as rig:
        attachment = await rig.attach(sink := CuedSink(), batch=ONE_BY_ONE)
        await rig.emit(1, 2)
        detach = asyncio.create_task(attachment.detach(60.0))
        for _ in range(3):
            await settled()
            cancel_all()
        await settled()
        await sink.cue()
        await sink.cue()
        await asyncio.wait([detach])
        assert detach.cancelled()
        assert (await attachment.detach()).complete
        assert numbers(sink.delivered) == [1, 2]


async def test_a_body_that_it_cancels_is_followed_by_the_whole_close() -> None:
    sink = CuedSink()

    async def main() -> None:
        async with Bus() as bus:
            bus.attach(sink, batch=ONE_BY_ONE)
            bus.emit(Numbered(n=1))
            bus.emit(Numbered(n=2))
            await asyncio.get_running_loop().create_future()

    task = asyncio.create_task(main())
    for _ in range(4):
        await settled()
        cancel_all()
    await settled()
    await sink.cue()
    await sink.cue()
    await asyncio.wait([task])
    assert task.cancelled()
    assert numbers(sink.delivered) == [1, 2]


ENDING = """
    import asyncio, logging
    from eventbus import Batch, Bus, Event, Retry

    logging.getLogger("eventbus").addHandler(logging.NullHandler())

    class Ping(Event): ...

    class Slow:
        retry = Retry(initial_seconds=1e-6, max_seconds=1e-6)
        def __init__(self): self.count = 0
        async def start(self): ...
        async def write(self, batch):
            await asyncio.sleep({seconds})
            self.count += len(batch)
        async def aclose(self):
            await asyncio.sleep(0)
            print("closed", self.count, flush=True)

    async def linger():
        try:
            await asyncio.sleep(99)
        finally:
            for _ in range(50):
                await asyncio.sleep(0.001)

    async def main():
        bus = Bus(close_timeout_seconds={timeout})
        batch = Batch(max_in_flight=3, max_events=1, max_delay_seconds=0.0)
        attachment = bus.attach(Slow(), name="slow", batch=batch)
        bus.on(Ping)(lambda record: None)
        await bus.start()
        for _ in range(6):
            bus.emit(Ping())
        tasks = [asyncio.create_task(linger())]
        {ending}
        await asyncio.sleep(0.01)

    asyncio.run(main())
    print("left", flush=True)
"""


def ended(**parts: object) -> subprocess.CompletedProcess[str]:
    child = subprocess.run(
        [
            *(sys.executable, "-X", "dev", "-W", "error"),
            *("-c", textwrap.dedent(ENDING).format(**parts)),
        ],
        capture_output=True,
        text=True,
        timeout=20,
    )
    child.stderr = SLOWNESS.sub("", child.stderr)
    return child


@pytest.mark.proves("fault-121")
@pytest.mark.parametrize(
    "ending",
    [
        "tasks.append(asyncio.create_task(bus.aclose()))",
        "tasks.append(asyncio.create_task(attachment.detach())); "
        "tasks.append(asyncio.create_task(bus.aclose()))",
    ],
)
def test_a_program_that_ends_during_its_close_delivers_all_the_same(
    ending: str,
) -> None:
    child = ended(seconds=0.1, timeout=10.0, ending=ending)
    assert (child.stdout, child.stderr) == ("closed 6\nleft\n", "")


def test_a_program_that_ends_during_a_close_in_vain_ends_on_time() -> None:
    ending = "tasks.append(asyncio.create_task(bus.aclose()))"
    child = ended(seconds=99, timeout=0.2, ending=ending)
    assert (child.stdout, child.stderr) == ("closed 0\nleft\n", "")


@pytest.mark.parametrize("seconds", [0, 99])
def test_a_program_that_never_closes_ends_without_a_task_left(seconds: float) -> None:
    """Though its workers come back in no time while it waits for other tasks."""
    child = ended(seconds=seconds, timeout=99.0, ending="")
    assert child.stdout == "left\n"
    *_, said = child.stderr.splitlines()
    assert said.startswith("ResourceWarning: <Bus [slow, on:main.<locals>.<lambda>] ")
    assert child.stderr.count("Traceback") == 1
    assert "destroyed" not in child.stderr


async def test_a_clock_that_stands_still_does_not_keep_a_program_from_its_end() -> None:
    """A test that failed leaves its manual clock alone; its loop ends all the same."""
    async with Rig() as rig:
        await rig.attach(ScriptedSink(then=steps.hang()), retry=PATIENT)
        await rig.emit(1)
        task = closing(rig, 0.01)
        await settled()
        assert not task.done()
        cancel_all()
        await asyncio.wait([task])
        assert rig.clock.monotonic() == 0
        report = await rig.bus.aclose()
        assert report.attachments["sink"].dropped == {"shutdown_deadline": 1}
