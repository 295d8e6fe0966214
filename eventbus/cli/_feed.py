"""How readings become published records, as fast as the sinks take them."""

from __future__ import annotations

import asyncio
import inspect
import threading
from collections.abc import (
    AsyncIterator,
    Awaitable,
    Callable,
    Iterable,
    Iterator,
    Sequence,
)
from contextlib import closing, suppress
from functools import partial
from typing import Final, cast

import anyio
import anyio.to_thread

from eventbus._bus import Bus
from eventbus._errors import PublishTimeoutError
from eventbus._hand_over import hand_over_of
from eventbus._reader import AsyncReader, Broken, Reader, Reading, Skipped
from eventbus._record import AnyRecord, Record
from eventbus.cli._batches import Batches, NobodyTakes
from eventbus.cli._digests import Digests
from eventbus.cli._pump import Pump, Sources, Transform
from eventbus.cli._stream import shown_name
from eventbus.cli._tally import Tally

# Any in this module: what the thread hands over is readings, or lines.

_BATCHES_AHEAD: Final = 1
_AHEAD_BYTES: Final = 16_777_216  # of input; in memory two or three times as much
_HEAVY_LINE_BYTES: Final = 2048  # lighter ones are bounded by the buffers' events


class Feed:
    """Publishes what a reader makes of the inputs.

    Never ahead of the sinks by more than their buffers and three batches, nor, where
    lines are long, by more than 16 MiB of input; nothing is dropped because a sink is
    slow, unless its buffer is configured to drop. If cancelled, the thread that reads
    is told to stop and waited for.

    Args:
        bus: Running.
        tally: Where everything is counted.
        digests: Shown every record.
        stop: Ends the reading.
        patience_seconds: Longest wait for the sinks after 16 MiB of long lines.
    """

    def __init__(
        self,
        bus: Bus,
        tally: Tally,
        digests: Digests,
        stop: threading.Event,
        *,
        patience_seconds: float,
    ) -> None:
        """Keep the parts."""
        self._digests: Final = digests
        self._bus: Final = bus
        self._hand_over: Final = hand_over_of(bus)
        self._tally: Final = tally
        self._stop: Final = stop
        self._patience_seconds: Final = patience_seconds
        self._settled_bytes = self._settled_lines = 0

    async def run(self, sources: Sources, reader: Reader | AsyncReader) -> None:
        """Read and publish everything; returns when all of it is published.

        Ends early once every sink has failed.

        Raises:
            InputError: An input cannot be read, or the reader failed.
        """
        if not _is_async(reader):
            await self._pumped(sources, _reading(cast("Reader", reader)), self._take)
            return
        for path in sources.paths:
            take = partial(self._take_from, cast("AsyncReader", reader), path)
            one = Sources((path,), follow=sources.follow)
            await self._pumped(one, _as_they_are, take)

    async def _pumped(
        self,
        sources: Sources,
        transform: Transform,
        take: Callable[[Batches], Awaitable[None]],
    ) -> None:
        batches = Batches(_BATCHES_AHEAD)
        reading = asyncio.create_task(self._read(sources, transform, batches))
        try:
            with closing(batches):
                await take(batches)
        except BaseException:
            self._tally.untaken = True
            self._stop.set()
            raise
        finally:
            with anyio.CancelScope(shield=True):
                await asyncio.wait([reading])
        reading.result()

    async def _read(
        self, sources: Sources, transform: Transform, batches: Batches
    ) -> None:
        pump = Pump(self._tally, batches.put)
        try:
            with suppress(NobodyTakes):
                await anyio.to_thread.run_sync(pump.run, sources, transform, self._stop)
        finally:
            batches.end()

    async def _take(self, batches: Batches) -> None:
        async for batch in batches:
            await self._publish(batch)
            await self._stay_near()
            if self._have_all_failed():
                self._stop.set()

    async def _take_from(
        self, reader: AsyncReader, path: str, batches: Batches
    ) -> None:
        async for reading in reader(_one_by_one(batches), path=shown_name(path)):
            await self._publish([reading])

    async def _publish(self, readings: Sequence[Reading]) -> None:
        records = [reading for reading in readings if isinstance(reading, Record)]
        if len(records) < len(readings):
            self._count([one for one in readings if not isinstance(one, Record)])
        self._digests.take(records)
        count, done = len(records), 0
        while done < count:
            taken = self._hand_over(records, done)
            self._tally.records += taken - done
            done = taken + 1
            if taken < count:
                await self._publish_one(records[taken])

    def _count(self, others: Iterable[Skipped | Broken]) -> None:
        for reading in others:
            self._tally.take(reading)

    async def _publish_one(self, record: AnyRecord) -> None:
        self._tally.records += 1
        with suppress(PublishTimeoutError):  # counted by those who did not take it
            await self._bus.publish(record)

    async def _stay_near(self) -> None:
        """Let the sinks catch up after every 16 MiB of long lines."""
        read_bytes = self._tally.read_bytes - self._settled_bytes
        if read_bytes < _AHEAD_BYTES:
            return
        if read_bytes > _HEAVY_LINE_BYTES * (self._tally.lines - self._settled_lines):
            await self._bus.flush(self._patience_seconds)
        self._settled_bytes += read_bytes
        self._settled_lines = self._tally.lines

    def _have_all_failed(self) -> bool:
        attached = self._bus._life.everybody.values()  # stats() would count first
        return bool(attached) and all(one.health.failed for one in attached)


def _is_async(reader: Reader | AsyncReader) -> bool:
    return inspect.isasyncgenfunction(reader) or inspect.isasyncgenfunction(
        getattr(reader, "__call__", None)  # noqa: B004 - asked for its kind, not called
    )


def _reading(reader: Reader) -> Transform:
    return lambda lines, path: reader(lines, path=path)


def _as_they_are(lines: Iterable[bytes], _: str) -> Iterator[bytes]:
    return iter(lines)


async def _one_by_one(batches: Batches) -> AsyncIterator[bytes]:
    async for batch in batches:
        for line in batch:
            yield line
