"""An exception that a signal handler raises in the middle of emit locks nobody out."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading

import pytest

EMITS_UNTIL_INTERRUPTED = """
import eventbus
from eventbus import Buffer, Bus, Event
from eventbus.testing import RecordingSink

class Step(Event, tag="work.step"):
    number: int

bus = Bus(close_timeout_seconds=1)
bus.attach(RecordingSink(), buffer=Buffer(max_events=100))
try:
    with eventbus.run_in_thread(bus):
        print("ready", flush=True)
        while True:
            bus.emit(Step(number=1))
except KeyboardInterrupt:
    print("ended")
"""

TIME_LIMITS = """
import asyncio, contextlib, signal
from eventbus import Bus, Event
from eventbus.testing import RecordingSink

class Step(Event, tag="work.step"):
    number: int

class TimeIsUp(Exception):
    pass

def raise_it(*_):
    raise TimeIsUp

async def main():
    sink = RecordingSink()
    async with Bus() as bus:
        bus.attach(sink)
        for _ in range(100):
            with contextlib.suppress(TimeIsUp):
                signal.setitimer(signal.ITIMER_REAL, 0.0003)
                for number in range(100_000):
                    bus.emit(Step(number=number))
                    bus.stats()
            signal.setitimer(signal.ITIMER_REAL, 0)
            await asyncio.sleep(0)
        await bus.flush()
        answer = await asyncio.to_thread(bus.emit, Step(number=-1))
        await bus.flush()
        print(answer, sink.events[-1].number)

signal.signal(signal.SIGALRM, raise_it)
asyncio.run(main())
"""


@pytest.mark.proves("fault-14")
@pytest.mark.parametrize("delay_ms", range(20, 100, 13))
def test_a_program_that_is_interrupted_while_it_emits_comes_to_its_end(
    delay_ms: int,
) -> None:
    child = subprocess.Popen(
        [sys.executable, "-c", EMITS_UNTIL_INTERRUPTED],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert child.stdout is not None
    assert child.stdout.readline() == "ready\n"
    threading.Timer(delay_ms / 1000, child.send_signal, [signal.SIGINT]).start()
    try:
        out, err = child.communicate(timeout=15)
    finally:
        child.kill()
    assert out == "ended\n", err


@pytest.mark.proves("fault-14")
def test_a_handler_that_raises_in_the_middle_of_the_lock_leaves_it_open() -> None:
    """As time limits of tests and task queues do, wherever the program is."""
    done = subprocess.run(
        [sys.executable, "-c", TIME_LIMITS], capture_output=True, text=True, timeout=25
    )
    assert done.stdout == "True -1\n", done.stderr
