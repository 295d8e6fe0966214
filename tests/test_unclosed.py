"""What becomes of a bus that nobody closes."""

from __future__ import annotations

import gc
import subprocess
import sys
import textwrap
import weakref

import pytest

from eventbus import (
    Bus,
)
from eventbus.testing import RecordingSink
from tests._rig import Numbered


async def test_a_bus_that_was_not_closed_says_so_when_it_goes() -> None:
    bus = Bus()
    bus.attach(RecordingSink(), name="audit")
    await bus.start()
    bus.emit(Numbered(n=1))
    life, gone = bus._life, weakref.ref(bus)
    said = r"<Bus \[audit\] running> was not closed: 1 event\(s\) pending"
    with pytest.warns(ResourceWarning, match=said):  # noqa: PT031 - what frees it
        del bus
        gc.collect()
    assert gone() is None
    await life.aclose(0)


def test_a_bus_that_could_not_be_made_goes_in_silence() -> None:
    with pytest.raises(TypeError):
        Bus(resource=5)  # type: ignore[arg-type]
    gc.collect()


UNCLOSED = """
    import asyncio
    from eventbus import Batch, Bus, Event

    class Ping(Event): ...

    class Hung:
        async def start(self): {start}
        async def write(self, batch):
            {write}
        async def aclose(self): ...

    async def main():
        bus = Bus()
        bus.attach(Hung(), name="hung", batch=Batch(max_in_flight=3, max_events=1))
        {begin}
        for _ in range(10):
            bus.emit(Ping())
        await asyncio.sleep(0.01)
        print("leaving", flush=True)
        {end}

    asyncio.run(main())
    print("left", flush=True)
"""


@pytest.mark.parametrize(
    ("begin", "start", "write", "end"),
    [
        ("await bus.start()", "...", "await asyncio.sleep(99)", "..."),
        ("await bus.start()", "...", "...", "..."),
        (
            "t = asyncio.create_task(bus.start())",
            "await asyncio.sleep(99)",
            "...",
            "...",
        ),
        (
            "await bus.start()",
            "...",
            "await asyncio.sleep(99)",
            "t = asyncio.create_task(bus.aclose(0.1)); await asyncio.sleep(0.01)",
        ),
        (
            "await bus.start()",
            "...",
            "await asyncio.sleep(99)",
            "t = asyncio.create_task(bus.flush(99)); await asyncio.sleep(0.01)",
        ),
    ],
)
def test_a_program_that_forgets_to_close_ends_all_the_same(
    begin: str, start: str, write: str, end: str
) -> None:
    program = textwrap.dedent(UNCLOSED).format(
        begin=begin, start=start, write=write, end=end
    )
    child = subprocess.run(
        [sys.executable, "-X", "dev", "-c", program],
        capture_output=True,
        text=True,
        timeout=20,
    )
    assert child.stdout.split() == ["leaving", "left"]
    assert child.returncode == 0
    assert "Traceback" not in child.stderr
    assert "destroyed" not in child.stderr
