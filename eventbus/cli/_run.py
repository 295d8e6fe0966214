"""What ``eventbus run`` does: read, publish, deliver, and give an account."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager, nullcontext
from typing import Final

import anyio
import msgspec

from eventbus._bus import Bus
from eventbus._digest import Digest
from eventbus._reader import AsyncReader, Reader
from eventbus._settings import Overflow
from eventbus.cli._account import Account
from eventbus.cli._digests import Digests
from eventbus.cli._feed import Feed
from eventbus.cli._progress import progress, total_bytes
from eventbus.cli._pump import Sources
from eventbus.cli._stop import Stop
from eventbus.cli._stream import InputError
from eventbus.cli._tally import Tally
from eventbus.cli._terminal import is_terminal, say
from eventbus.config._attach import bus_of
from eventbus.config._settings import Config, SinkConfig

TO_THE_CONSOLE: Final[Mapping[str, object]] = {"sinks": {"console": {}}}

_NO_LIMIT_SECONDS: Final = 1e9  # every batch ends by its own Retry settings
_SHORT_SECONDS: Final = 1.0
_CONSOLE: Final = "console"


def for_run(config: Config, *, is_json: bool) -> Config:
    """Return *config* as ``run`` uses it.

    A publisher waits for room as long as it takes, unless the configuration says how
    long, so that a slow sink loses nothing. With *is_json* the standard output is for
    the account, and the console sinks write to the standard error.
    """
    sinks = {
        name: _for_run(config, sink, is_json=is_json)
        for name, sink in config.sinks.items()
    }
    return msgspec.structs.replace(config, sinks=sinks)


def _for_run(config: Config, sink: SinkConfig, *, is_json: bool) -> SinkConfig:
    says_how_long = ("sinks", sink.name, "buffer", "wait_timeout_seconds")
    buffer, settings = sink.buffer, sink.settings
    if buffer.overflow is Overflow.WAIT and says_how_long not in config.origins:
        buffer = msgspec.structs.replace(buffer, wait_timeout_seconds=None)
    if is_json and settings is not None and _stream_of(sink) is not None:
        settings = msgspec.structs.replace(settings, stream="stderr")
    return msgspec.structs.replace(sink, buffer=buffer, settings=settings)


def _stream_of(sink: SinkConfig) -> str | None:
    return getattr(sink.settings, "stream", None) if sink.type == _CONSOLE else None


class Run:
    """One run, from the configuration to the account.

    Args:
        config: As :func:`for_run` returns it.
        sources: What is to be read.
        reader: Makes records of it.
        digests: What makes those that sum the records up, by name.
    """

    def __init__(
        self,
        config: Config,
        sources: Sources,
        reader: Reader | AsyncReader,
        digests: Mapping[str, Callable[[], Digest]],
    ) -> None:
        """Open nothing yet."""
        self._config: Final = config
        self._sources: Final = sources
        self._reader: Final = reader
        self._tally: Final = Tally(say)
        self._digests: Final = Digests(digests, say)
        self._stop: Final = Stop()
        self._began = self._ends_by = time.monotonic()

    async def perform(self) -> Account:
        """Read everything, deliver everything, close everything."""
        bus = bus_of(Bus, self._config, strict=True)
        with self._stop.on_signals():
            await bus.start()
            failure = _not_started(bus)
            if failure is None:
                failure = await self._deliver(bus)
            await bus.aclose(self._seconds_left() if self._stop.by else None)
        return Account(
            stats=bus.stats(),
            tally=self._tally,
            seconds=time.monotonic() - self._began,
            stopped=self._stop.by,
            failure=failure,
            digests=self._digests.as_json(),
            digest_lines=tuple(self._digests.lines()),
        )

    async def _deliver(self, bus: Bus) -> str | None:
        """Return why it could not go on, or ``None``."""
        self._began = time.monotonic()
        failure = None
        with anyio.CancelScope() as scope:
            self._stop.call(lambda: self._hurry(scope))
            try:
                async with self._progress():
                    await self._feed(bus)
            except InputError as error:
                failure = str(error)
            await bus.flush(_NO_LIMIT_SECONDS)
        return failure

    def _hurry(self, scope: anyio.CancelScope) -> None:
        """Leave what was read as long as a close may take, and no longer."""
        seconds = self._config.bus.close_timeout_seconds
        self._ends_by = time.monotonic() + seconds
        scope.deadline = anyio.current_time() + seconds

    def _seconds_left(self) -> float:
        return max(self._ends_by - time.monotonic(), 0)

    async def _feed(self, bus: Bus) -> None:
        patience = _patience_seconds(self._config)
        feed = Feed(
            bus,
            self._tally,
            self._digests,
            self._stop.asked,
            patience_seconds=patience,
        )
        try:
            await feed.run(self._sources, self._reader)
        except asyncio.CancelledError:
            self._tally.unread = True
            raise

    def _progress(self) -> AbstractAsyncContextManager[None]:
        if any(map(_writes_to_terminal, self._config.sinks.values())):
            return nullcontext()
        paths, follow = self._sources.paths, self._sources.follow
        return progress(self._tally, None if follow else total_bytes(paths))


def _patience_seconds(config: Config) -> float:
    """Return how long to wait for slow sinks: a buffer that drops wants no waiting."""
    buffers = [sink.buffer.overflow for sink in config.sinks.values()]
    waits = all(overflow is Overflow.WAIT for overflow in buffers)
    return _NO_LIMIT_SECONDS if waits else _SHORT_SECONDS


def _not_started(bus: Bus) -> str | None:
    for name, stats in bus.stats().attachments.items():
        if stats.state != "ready":
            return f"Nothing was read: sink {name!r} is {stats.state}: {stats.cause}"
    return None


def _writes_to_terminal(sink: SinkConfig) -> bool:
    stream = _stream_of(sink)
    return stream is not None and is_terminal(getattr(sys, stream, None))
