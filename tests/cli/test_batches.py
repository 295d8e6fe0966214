from __future__ import annotations

import asyncio
import threading

import anyio.to_thread
import pytest

from eventbus.cli._batches import Batches, NobodyTakes


async def test_batches_arrive_in_their_order_and_the_end_after_them() -> None:
    batches = Batches(1)

    def put() -> None:
        for number in range(5):
            batches.put([number])

    async def put_all() -> None:
        await anyio.to_thread.run_sync(put)
        batches.end()

    putting = asyncio.create_task(put_all())
    assert [batch async for batch in batches] == [[n] for n in range(5)]
    await putting


async def test_the_thread_is_never_further_ahead_than_it_may_be() -> None:
    batches = Batches(2)
    handed_over: list[int] = []

    def put() -> None:
        for number in range(2000):
            batches.put([number])
            handed_over.append(number)

    async def put_all() -> None:
        await anyio.to_thread.run_sync(put)
        batches.end()

    putting = asyncio.create_task(put_all())
    taken = most = 0
    async for _ in batches:
        taken += 1
        most = max(most, len(handed_over) - taken)
    await putting
    assert taken == 2000
    assert most <= 2


@pytest.mark.parametrize("waits", [True, False])
async def test_a_close_ends_the_thread_s_wait_and_refuses_what_comes(
    waits: bool,
) -> None:
    batches = Batches(1)
    begun = threading.Event()

    def put() -> None:
        if waits:
            batches.put([0])
        begun.set()
        batches.put([1])

    if not waits:
        batches.close()
    putting = asyncio.create_task(anyio.to_thread.run_sync(put))
    await anyio.to_thread.run_sync(begun.wait)
    batches.close()
    with pytest.raises(NobodyTakes):
        await putting
