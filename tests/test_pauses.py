"""What happens when time has passed in which nothing could run."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys

import pytest

from eventbus import Batch, Retry, Unavailable
from eventbus.testing import RecordingSink, ScriptedSink, settled, steps
from tests._program import PATIENCE_SECONDS, program
from tests._rig import Numbered, Rig, numbers

PAUSE_SECONDS = 600.0


@pytest.mark.proves("fault-58")
async def test_after_a_pause_what_waited_for_its_time_leaves_in_one_batch() -> None:
    async with Rig() as rig:
        sink = RecordingSink()
        await rig.attach(sink, batch=Batch(max_delay_seconds=1.0))
        await rig.emit(1)
        await rig.emit(2)
        await rig.emit(3)
        assert rig.clock.timers == 1
        await rig.after(PAUSE_SECONDS)
        assert [numbers(batch) for batch in sink.batches] == [[1], [2, 3]]
        await rig.emit(4)
        await settled()
        await rig.after(0.0)
        assert rig.clock.timers <= 1
        await rig.after(PAUSE_SECONDS)
        await rig.after(PAUSE_SECONDS)
        assert [numbers(batch) for batch in sink.batches] == [[1], [2, 3], [4]]
        assert rig.clock.timers == 0


@pytest.mark.proves("fault-58")
async def test_after_a_pause_a_far_side_that_is_down_is_tried_once() -> None:
    async with Rig() as rig:
        sink = ScriptedSink(then=steps.fail(Unavailable()))
        retry = Retry(max_elapsed_seconds=86_400.0, timeout_seconds=None)
        await rig.attach(sink, retry=retry)
        await rig.emit(1)
        before = len(sink.attempts)
        for _ in range(5):
            rig.clock._move_to(rig.clock._elapsed_nano + int(PAUSE_SECONDS * 1e9))
            rig.clock.advance(0.0)
            await settled()
        assert len(sink.attempts) - before <= 5


@pytest.mark.proves("fault-58")
async def test_a_flush_over_a_pause_is_late_and_says_so() -> None:
    async with Rig() as rig:
        sink = ScriptedSink(then=steps.hang())
        await rig.attach(sink, retry=Retry(timeout_seconds=None))
        rig.bus.emit(Numbered(n=1))
        flush = asyncio.create_task(rig.bus.flush(5.0))
        report = await rig.at_once(PAUSE_SECONDS, flush)
        assert (report.complete, report.attachments["sink"].pending) == (False, 1)
        sink.release()
        await settled()
        assert (await rig.bus.flush()).complete


STOPPED = """
    class Slow(RecordingSink):
        async def write(self, batch):
            await asyncio.sleep(0.2)
            await super().write(batch)

    async def main():
        quick, slow = RecordingSink(), Slow()
        async with Bus() as bus:
            bus.attach(quick, name="quick", batch=Batch(max_delay_seconds=0.05))
            bus.attach(slow, name="slow", batch=Batch(max_delay_seconds=0.05))
            for n in range(10):
                bus.emit(Step(n=n))
            await asyncio.sleep(0.01)
            for n in range(10, 20):
                bus.emit(Step(n=n))
            before = len(quick.batches)
            flushing = asyncio.create_task(bus.flush(0.5))
            await asyncio.sleep(0)
            began = time.monotonic()
            tell(ready=True)
            await asyncio.to_thread(sys.stdin.readline)
            report = await flushing
            slept = time.monotonic() - began
            pending = sum(one.pending for one in report.attachments.values())
            last = await bus.flush(10.0)
            tell(
                truth=report.complete == (pending == 0), slept=slept,
                batches=len(quick.batches) - before, last=last.complete,
                quick=numbers(quick.records), slow=numbers(slow.records),
            )
    asyncio.run(main())
"""


@pytest.mark.slow
@pytest.mark.proves("fault-127")
@pytest.mark.skipif(not hasattr(signal, "SIGSTOP"), reason="nothing stops a process")
def test_a_process_that_was_stopped_flushes_what_it_had_and_no_more() -> None:
    child = subprocess.Popen(
        [sys.executable, "-c", program(STOPPED)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert child.stdout is not None
    try:
        assert json.loads(child.stdout.readline()) == {"ready": True}
        os.kill(child.pid, signal.SIGSTOP)
        os.waitid(os.P_PID, child.pid, os.WSTOPPED)
        with pytest.raises(subprocess.TimeoutExpired):
            child.wait(1.5)
        os.kill(child.pid, signal.SIGCONT)
        out, err = child.communicate("go on\n", timeout=PATIENCE_SECONDS)
    finally:
        child.kill()
    assert err == ""
    told = json.loads(out)
    assert told.pop("slept") > 1.0
    assert told.pop("batches") <= 1
    everything = [*range(20)]
    assert told == {
        "truth": True,
        "last": True,
        "quick": everything,
        "slow": everything,
    }
