"""How long to wait for a future, by the bus's own clock."""

from __future__ import annotations

import asyncio
from typing import Any, Final

from eventbus._clock import Clock

TIMER_TOLERANCE_SECONDS: Final = 1e-6  # a timer may come a rounding error early


def settle(future: asyncio.Future[None]) -> None:
    """Finish *future* unless it is finished already."""
    if not future.done():
        future.set_result(None)


async def wait_until_done(
    future: asyncio.Future[Any],  # Any: the result is nobody's business here
    clock: Clock,
    timeout_seconds: float | None,
) -> bool:
    """Wait until *future* is done or the time is up; return whether it is done.

    Neither a timeout nor a cancellation of the waiter touches *future*.
    """
    if future.done() or timeout_seconds == 0:
        return future.done()
    gate: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def open_gate(_: object = None) -> None:
        settle(gate)

    future.add_done_callback(open_gate)
    timer = None
    if timeout_seconds is not None:
        timer = clock.call_later(max(timeout_seconds, 0), open_gate)
    try:
        await gate
    finally:
        future.remove_done_callback(open_gate)
        if timer is not None:
            timer.cancel()
    return future.done()
