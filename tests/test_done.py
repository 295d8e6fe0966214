from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

import anyio
import pytest

from eventbus import Buffer, Bus, Event
from eventbus.testing import RecordingSink


class Step(Event):
    n: int


async def gathered(call: Callable[[int], Coroutine[Any, Any, None]]) -> None:
    await asyncio.gather(asyncio.sleep(0), call(0), call(1))


async def timed(call: Callable[[int], Coroutine[Any, Any, None]]) -> None:
    for n in range(2):
        await asyncio.wait_for(call(n), timeout=5)


async def as_tasks(call: Callable[[int], Coroutine[Any, Any, None]]) -> None:
    tasks = [asyncio.create_task(call(n)) for n in range(2)]
    done, _ = await asyncio.wait(tasks)
    assert all(task.result() is None for task in done)


async def in_a_group(call: Callable[[int], Coroutine[Any, Any, None]]) -> None:
    async with asyncio.TaskGroup() as group:
        for n in range(2):
            group.create_task(call(n))


async def by_anyio(call: Callable[[int], Coroutine[Any, Any, None]]) -> None:
    async with anyio.create_task_group() as group:
        for n in range(2):
            group.start_soon(call, n)


async def shielded(call: Callable[[int], Coroutine[Any, Any, None]]) -> None:
    for n in range(2):
        await asyncio.shield(call(n))


async def waited_for(call: Callable[[int], Coroutine[Any, Any, None]]) -> None:
    done, _ = await asyncio.wait({asyncio.ensure_future(call(n)) for n in range(2)})
    assert {task.result() for task in done} == {None}
    assert len(done) == 2


async def as_completed(call: Callable[[int], Coroutine[Any, Any, None]]) -> None:
    for n in range(2):
        for finished in asyncio.as_completed([call(n), asyncio.sleep(0)]):
            assert await finished is None


async def by_name(call: Callable[[int], Coroutine[Any, Any, None]]) -> None:
    for n in range(2):
        task = asyncio.ensure_future(call(n))
        seen: list[object] = []
        task.add_done_callback(seen.append)
        task.remove_done_callback(seen.append)
        assert task.get_name()
        assert task.get_loop() is asyncio.get_running_loop()
        await task
        assert not seen


WAYS = [
    waited_for,
    as_completed,
    by_name,
    gathered,
    timed,
    as_tasks,
    in_a_group,
    by_anyio,
    shielded,
]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("room", [1, 8])
async def test_publish_can_be_awaited_in_every_way_a_coroutine_can(
    way: Callable[[Callable[[int], Coroutine[Any, Any, None]]], Awaitable[None]],
    room: int,
) -> None:
    async with Bus() as bus:
        sink = RecordingSink()
        bus.attach(sink, buffer=Buffer(max_events=room))
        await way(lambda n: bus.publish(Step(n=n)))
        await bus.flush()
        assert sorted(event.n for event in sink.events) == [0, 1]


@pytest.mark.parametrize("way", WAYS)
async def test_publish_on_another_loop_can_be_awaited_in_every_way(
    way: Callable[[Callable[[int], Coroutine[Any, Any, None]]], Any],
) -> None:
    async with Bus() as bus:
        sink = RecordingSink()
        bus.attach(sink)
        bus.emit(Step(n=2))
        publishing = way(lambda n: bus.publish(Step(n=n)))
        await asyncio.to_thread(asyncio.run, publishing)
        await bus.flush()
        assert sorted(event.n for event in sink.events) == [0, 1, 2]


async def test_a_publisher_that_is_cancelled_is_told_so_though_there_was_room() -> None:
    async with Bus() as bus:
        bus.attach(RecordingSink())
        await bus.publish(Step(n=0))
        task = asyncio.Task(bus.publish(Step(n=0)))  # on any loop begun after this
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert bus.stats().emitted == 2


async def test_a_publisher_who_has_to_wait_hands_over_nothing_before_it_waits() -> None:
    async with Bus() as bus:
        attachment = bus.attach(RecordingSink(), buffer=Buffer(max_events=1))
        bus.emit(Step(n=0))
        waiting = bus.publish(Step(n=1))
        assert bus.stats().attachments[attachment.name].offered == 1
        waiting.close()


def test_a_loop_that_does_not_run_yet_can_run_it() -> None:
    loop = asyncio.new_event_loop()
    bus, sink = Bus(), RecordingSink()
    bus.attach(sink)
    try:
        loop.run_until_complete(bus.start())
        for n in range(3):
            loop.run_until_complete(bus.publish(Step(n=n)))
        loop.run_until_complete(bus.aclose())
    finally:
        loop.close()
    assert [event.n for event in sink.events] == [0, 1, 2]
