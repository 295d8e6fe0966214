"""Calls in a thread of their own: one at a time, and what is left of those given up."""

from __future__ import annotations

import asyncio
import threading

from eventbus.testing import settled
from eventbus_otlp._exporter_thread import ExporterThread


def named() -> set[threading.Thread]:
    return {one for one in threading.enumerate() if one.name == "eventbus export"}


async def test_calls_that_come_together_are_made_one_after_the_other() -> None:
    running, most, seen = 0, 0, list[int]()

    def function(number: int) -> int:
        nonlocal running, most
        running += 1
        most = max(most, running)
        seen.append(number)
        running -= 1
        return number

    thread = ExporterThread(function)
    found = await asyncio.gather(*map(thread.call, range(20)))
    await thread.end()
    assert found == seen == list(range(20))
    assert most == 1


async def test_an_end_leaves_neither_a_task_nor_a_thread() -> None:
    before, began, go_on = named(), threading.Event(), threading.Event()

    def hangs() -> None:
        began.set()
        go_on.wait()

    thread = ExporterThread(hangs)
    call = asyncio.create_task(thread.call())
    await asyncio.to_thread(began.wait)
    call.cancel()
    await asyncio.wait([call])
    own = named() - before
    assert len(own) == 1
    await thread.end()
    assert asyncio.all_tasks() == {asyncio.current_task()}
    go_on.set()
    for one in own:
        await asyncio.to_thread(one.join)


async def test_an_end_after_its_calls_leaves_no_thread() -> None:
    before = named()
    thread = ExporterThread(lambda: None)
    await thread.call()
    own = named() - before
    await thread.end()
    assert len(own) == 1
    for one in own:
        await asyncio.to_thread(one.join)


async def test_of_calls_that_wait_for_one_another_an_end_leaves_none() -> None:
    turns = threading.Semaphore(0)
    thread = ExporterThread(turns.acquire)
    calls = [asyncio.create_task(thread.call()) for _ in range(3)]
    await settled()
    turns.release()
    await calls[0]
    await settled()
    for call in calls[1:]:
        call.cancel()
    await asyncio.wait(calls[1:])
    await thread.end()
    assert asyncio.all_tasks() == {asyncio.current_task()}
    turns.release()
