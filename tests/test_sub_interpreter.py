"""A bus of its own in a sub-interpreter that shares the lock of the main one."""

from __future__ import annotations

import subprocess
import sys

import pytest

MAIN = '''
try:
    import _interpreters
    other = _interpreters.create("legacy")
    run = _interpreters.exec
except ImportError:
    import _xxsubinterpreters as _interpreters
    other = _interpreters.create(isolated=False)
    run = _interpreters.run_string

INSIDE = """
import asyncio
from eventbus import Bus, Event
from eventbus.testing import RecordingSink

class Step(Event):
    number: int

sink, bus = RecordingSink(), Bus()
bus.attach(sink, name="sink")

def pending():
    return bus.stats().attachments["sink"].pending

async def main(number):
    await bus.start()
    bus.emit(Step(number=number))
    await bus.flush()

print(bus.emit(Step(number=1)), pending())
asyncio.run(main(2))
print(bus.emit(Step(number=3)), dict(bus.stats().refused))
asyncio.run(main(4))
print([event.number for event in sink.events], pending(), flush=True)
asyncio.run(bus.aclose())
"""

failed = run(other, INSIDE)
assert failed is None, failed
'''


@pytest.mark.proves("fault-18")
def test_in_a_sub_interpreter_events_are_delivered_and_counted() -> None:
    """An interpreter with a lock of its own is refused by msgspec, at its import."""
    child = subprocess.run(
        [sys.executable, "-W", "error", "-c", MAIN], capture_output=True, text=True
    )
    assert child.returncode == 0, child.stderr
    assert child.stdout.splitlines() == [
        "True 1",
        "False {'no_loop': 1}",
        "[1, 2, 4] 0",
    ]
