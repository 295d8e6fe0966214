"""When the lines of records are written to their file, and who waits for that."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from typing import ClassVar

import anyio.to_thread

from eventbus import Clock, Outcome, SinkContext
from eventbus._clock import SystemClock
from eventbus._encode_line import LineEncoder
from eventbus._log import QuietLog
from eventbus._record import AnyRecord
from eventbus_local._line_file import LineFile
from eventbus_local._settings import JsonlSettings


class JsonlSink:
    """Appends each record as one line of JSON; ``eventbus.readers: events`` reads it.

    A batch is written whole or not at all: by one call, in a worker thread, under a
    lock that other processes writing to the same path respect. An attempt that is
    cancelled may have been written.

    A record's resource is left out where it is the bus's own: read on a bus with
    another resource, such a record gets that bus's. ``write_resource`` keeps it.

    Args:
        settings: See :class:`JsonlSettings`.
    """

    Settings: ClassVar = JsonlSettings
    ordered: ClassVar = True

    def __init__(self, settings: JsonlSettings) -> None:
        """Open nothing yet."""
        self._settings = settings
        self._clock: Clock = SystemClock()
        self._file = LineFile(settings, self._clock)
        self._encoder = LineEncoder()
        self._tidying: asyncio.Task[None] | None = None
        self._is_untidy = False
        self._stopped = threading.Event()

    def configure(self, context: SinkContext) -> None:
        """Take the bus's clock, and its resource to leave out of the lines."""
        self._clock = context.clock
        self._file = LineFile(self._settings, context.clock)
        self._encoder = LineEncoder(
            None if self._settings.write_resource else context.resource
        )

    async def start(self) -> None:
        """Open the file.

        Raises:
            Refused: ``path`` names what is no regular file.
            Unavailable: The system refused, or another process keeps the file.
        """
        await anyio.to_thread.run_sync(self._file.open, abandon_on_cancel=True)
        if self._settings.gzip:
            self._tidy()

    async def write(self, batch: Sequence[AnyRecord]) -> Outcome | None:
        """See :class:`eventbus.Sink`.

        Raises:
            Refused: ``path`` names what is no regular file.
            Unavailable: No space, no right, no turn: nothing was written.
        """
        outcome, has_rotated = await anyio.to_thread.run_sync(
            self._write, batch, abandon_on_cancel=True
        )
        if has_rotated:
            self._tidy()
        return outcome

    async def aclose(self) -> None:
        """Close the file; compression is given up, the next start takes it up again."""
        self._stopped.set()
        if self._tidying is not None:
            await self._tidying
        await anyio.to_thread.run_sync(self._file.close)

    def _write(self, batch: Sequence[AnyRecord]) -> tuple[Outcome | None, bool]:
        encoded = self._encoder.encode(batch)
        has_rotated = bool(encoded.data) and self._file.append(encoded.data)
        if not (encoded.unencodable or encoded.warned):
            return None, has_rotated
        outcome = Outcome(unencodable=encoded.unencodable, warned=encoded.warned)
        return outcome, has_rotated

    def _tidy(self) -> None:
        self._is_untidy = True
        if self._tidying is None or self._tidying.done():
            self._tidying = asyncio.create_task(self._tidy_up(), name="eventbus-jsonl")

    async def _tidy_up(self) -> None:
        while self._is_untidy:
            self._is_untidy = False
            try:
                await anyio.to_thread.run_sync(self._compress_and_keep)
            except OSError as error:
                QuietLog(self._clock).warning(
                    "tidy", "%r: rotated files stay: %s", self._settings.path, error
                )

    def _compress_and_keep(self) -> None:
        rotated = self._file.rotated
        if self._settings.gzip:
            rotated.compress(self._stopped)
        if self._settings.keep_files is not None:
            rotated.keep(self._settings.keep_files)
