"""What a :class:`ScriptedSink` can be told to do with one call, step by step.

A step is an ``async def`` of the sink and the batch, whose answer the sink returns; in
scripts of ``start`` and ``aclose`` the batch is empty. Write your own where these do
not do.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any

from eventbus._errors import TooLarge
from eventbus._record import AnyRecord
from eventbus._sink import Outcome
from eventbus._waiting import wait_until_done

if TYPE_CHECKING:
    from eventbus.testing._scripted import ScriptedSink

Step = Callable[["ScriptedSink", Sequence[AnyRecord]], Awaitable[Any]]
"""Any: a step may answer nonsense on purpose."""


async def ok(sink: ScriptedSink, batch: Sequence[AnyRecord]) -> None:
    """Take the batch."""
    sink.delivered.extend(batch)


def fail(error: BaseException, *, after: int = 0) -> Step:
    """Raise *error*.

    Args:
        error: ``Unavailable()``, ``Refused("…")``, ``TooLarge()``, or any other.
        after: How many records from the front arrive before; *error* says so in its
            ``delivered``.
    """

    async def step(sink: ScriptedSink, batch: Sequence[AnyRecord]) -> None:
        if after:
            sink.delivered.extend(batch[:after])
            vars(error)["delivered"] = after
        raise error.with_traceback(None)

    return step


def lose_answer(error: BaseException) -> Step:
    """Take the batch, then raise *error*: the outcome is unknown to the caller."""

    async def step(sink: ScriptedSink, batch: Sequence[AnyRecord]) -> None:
        await ok(sink, batch)
        raise error.with_traceback(None)

    return step


def hang(*, ignored_cancellations: int = 0) -> Step:
    """Wait until :meth:`ScriptedSink.release`, then take the batch.

    Args:
        ignored_cancellations: How many cancellations do not end it.
    """

    async def step(sink: ScriptedSink, batch: Sequence[AnyRecord]) -> None:
        left = ignored_cancellations
        while not sink.is_released:
            try:
                await sink.until_released()
            except asyncio.CancelledError:
                if left == 0:
                    raise
                left -= 1
        await ok(sink, batch)

    return step


def slow(seconds: float, then: Step = ok) -> Step:
    """Wait *seconds* on the bus's clock, then do *then*."""

    async def step(sink: ScriptedSink, batch: Sequence[AnyRecord]) -> object:
        never: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        await wait_until_done(never, sink.clock, seconds)
        return await then(sink, batch)

    return step


def reject(*indexes: int, reason: str = "rejected on cue") -> Step:
    """Take the batch but for the records at *indexes*, which are rejected."""

    async def step(sink: ScriptedSink, batch: Sequence[AnyRecord]) -> Outcome:
        rejected = [index for index in indexes if index < len(batch)]
        sink.delivered.extend(r for i, r in enumerate(batch) if i not in rejected)
        return Outcome(rejected=[(index, reason) for index in rejected])

    return step


def too_large(*, over: int) -> Step:
    """Raise ``TooLarge`` for a batch of more than *over* records; take the others."""

    async def step(sink: ScriptedSink, batch: Sequence[AnyRecord]) -> None:
        if len(batch) > over:
            raise TooLarge(f"{len(batch)} records, at most {over} are taken")
        await ok(sink, batch)

    return step


def answer(value: object) -> Step:
    """Take the batch and return *value*, sense or nonsense."""

    async def step(sink: ScriptedSink, batch: Sequence[AnyRecord]) -> object:
        await ok(sink, batch)
        return value

    return step
