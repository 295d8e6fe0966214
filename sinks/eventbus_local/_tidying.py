"""When rotated files are compressed and deleted: in the background, one at a time."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Iterable

import anyio.to_thread

from eventbus import Clock
from eventbus._log import QuietLog
from eventbus_local._destination import Destination
from eventbus_local._rotation import RotatedFiles, paths_with_rotated_files
from eventbus_local._settings import JsonlSettings


class Tidying:
    """Compresses rotated files and deletes the oldest.

    Args:
        destination: Where the files are.
        settings: See :class:`JsonlSettings`.
        clock: For the log.
    """

    def __init__(
        self, destination: Destination, settings: JsonlSettings, clock: Clock
    ) -> None:
        """Start nothing yet."""
        self._destination = destination
        self._settings = settings
        self._log = QuietLog(clock)
        self._untidy: set[str] = set()
        self._is_to_look = False
        self._stopped = threading.Event()
        self.task: asyncio.Task[None] | None = None

    def take_up(self) -> None:
        """Go on with what an earlier run left uncompressed."""
        if self._settings.gzip:
            self._is_to_look = True
            self._run_on()

    def tidy(self, paths: Iterable[str]) -> None:
        """Go on with the rotated files of *paths*."""
        self._untidy.update(paths)
        if self._untidy:
            self._run_on()

    async def aclose(self) -> None:
        """Give up what is being compressed; the next start takes it up again."""
        self._stopped.set()
        if self.task is not None:
            await self.task

    def _run_on(self) -> None:
        if self.task is None or self.task.done():
            self.task = asyncio.create_task(self._run(), name="eventbus-jsonl")

    async def _run(self) -> None:
        while self._is_to_look or self._untidy:
            path = None if self._is_to_look else self._untidy.pop()
            self._is_to_look = False
            try:
                if path is None:
                    self._untidy |= await anyio.to_thread.run_sync(self._left)
                else:
                    await anyio.to_thread.run_sync(self._tidy, path)
            except OSError as error:
                place = self._settings.path if path is None else path
                self._log.warning("tidy", "%r: rotated files stay: %s", place, error)

    def _left(self) -> set[str]:
        """Return the paths of which uncompressed rotated files may be left."""
        destination = self._destination
        if destination.is_fixed:
            return {destination.place}
        place, depth = destination.place, destination.depth
        found = paths_with_rotated_files(place, depth=depth)
        return set(filter(destination.could_be, found))

    def _tidy(self, path: str) -> None:
        follow = self._settings.follow_symlinks
        rotated = RotatedFiles(os.path.realpath(path) if follow else path)
        if self._settings.gzip and not self._stopped.is_set():
            rotated.compress(self._stopped)
        if self._settings.keep_files is not None:
            rotated.keep(self._settings.keep_files)
