"""When everything that can happen without the passing of time has happened."""

from __future__ import annotations

import asyncio
from collections.abc import Sized
from typing import Final

_MAX_PASSES: Final = 10_000
_BLIND_PASSES: Final = 100  # where the loop does not show its queue


async def settled() -> None:
    """Run the loop until every other task waits for time, input, or somebody else.

    Raises:
        RuntimeError: The program keeps itself busy for ever.
    """
    ready = _queue_of(asyncio.get_running_loop())
    for passes in range(_MAX_PASSES):
        await asyncio.sleep(0)
        if not ready if ready is not None else passes >= _BLIND_PASSES:
            return
    raise RuntimeError(f"the loop is still busy after {_MAX_PASSES} passes")


def _queue_of(loop: asyncio.AbstractEventLoop) -> Sized | None:
    queue = getattr(loop, "_ready", None)  # asyncio's own loops; others hide it
    return queue if isinstance(queue, Sized) else None
