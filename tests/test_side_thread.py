"""Handlers in threads of their own: what they see, and what becomes of the stuck."""

from __future__ import annotations

import asyncio
import contextvars
import subprocess
import sys
import textwrap
import threading

from eventbus import Record, bind
from eventbus._side_thread import SideThread
from tests._rig import Numbered, Rig

STUCK = """
    import asyncio, threading
    from eventbus import Bus, Event

    class Ping(Event): ...

    async def main():
        bus = Bus(close_timeout_seconds=0.1)
        entered = asyncio.Event()
        loop = asyncio.get_running_loop()

        @bus.on(Ping, name="stuck", threaded=True)
        def handle(record):
            loop.call_soon_threadsafe(entered.set)
            threading.Event().wait()

        async with bus:
            bus.emit(Ping())
            await entered.wait()
        print(bus.stats().attachments["stuck"].dropped["shutdown_deadline"])

    asyncio.run(main())
"""


def test_a_handler_that_never_returns_does_not_keep_the_program_from_ending() -> None:
    child = subprocess.run(
        [sys.executable, "-X", "dev", "-c", textwrap.dedent(STUCK)],
        capture_output=True,
        text=True,
        timeout=15,
    )
    assert (child.returncode, child.stdout) == (0, "1\n")
    assert "Traceback" not in child.stderr


async def test_after_a_call_that_was_left_alone_the_next_has_a_thread_of_its_own() -> (
    None
):
    gate, entered = threading.Event(), threading.Event()

    def work(stuck: bool) -> int:
        if stuck:
            entered.set()
            gate.wait()
        return threading.get_ident()

    side = SideThread(work, "side")
    first = await side.call(False)
    assert await side.call(False) == first != threading.get_ident()
    call = asyncio.create_task(side.call(True))
    await asyncio.to_thread(entered.wait)
    call.cancel()
    await asyncio.wait([call])
    assert call.cancelled()
    assert await side.call(False) != first
    gate.set()
    side.end()


async def test_its_thread_ends_with_the_handler() -> None:
    async with Rig() as rig:
        threads: list[threading.Thread] = []
        done = asyncio.Event()
        loop = asyncio.get_running_loop()

        @rig.bus.on(name="on", threaded=True)
        def handle(record: Record[Numbered]) -> None:
            threads.append(threading.current_thread())
            loop.call_soon_threadsafe(done.set)

        rig.bus.emit(Numbered(n=1))
        await done.wait()
        await rig.bus._life.attachments["on"].detach()
        (thread,) = threads
        assert thread.daemon
        await asyncio.to_thread(thread.join)


async def test_what_it_raises_and_what_is_bound_cross_over() -> None:
    variable = contextvars.ContextVar("variable", default=0)

    def work(error: BaseException | None) -> int:
        if error is not None:
            raise error
        return variable.get()

    side = SideThread(work, "side")
    variable.set(5)
    assert await side.call(None) == 5
    raised: list[BaseException] = []
    for error in (ValueError("bug"), StopIteration(), SystemExit(3)):
        try:
            await side.call(error)
        except BaseException as caught:
            raised.append(caught)
    assert [type(error) for error in raised] == [ValueError, RuntimeError, SystemExit]
    side.end()


async def test_what_it_emits_has_the_depth_of_what_it_handles() -> None:
    async with Rig() as rig:
        refused = asyncio.Event()
        loop = asyncio.get_running_loop()

        @rig.bus.on(Numbered, name="on", threaded=True)
        def handle(record: Record[Numbered]) -> None:
            with bind(step=record.event.n):
                rig.bus.emit(Numbered(n=record.event.n + 1))
            if record.event.n == 3:
                loop.call_soon_threadsafe(refused.set)

        rig.bus.emit(Numbered(n=0))
        while not refused.is_set():
            await rig.after(1.0)
        await rig.bus.flush(0)
        assert rig.bus.stats().refused == {"recursion": 1}
