"""Which files stay open: those used last, and fewer where the process has too many."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from eventbus import Clock
from eventbus._log import QuietLog
from eventbus_local._line_file import LineFile
from eventbus_local._settings import JsonlSettings

_MODEST_SECONDS: Final = 60.0


class OpenFiles:
    """The files of one sink by their paths; not for several threads at once.

    Args:
        settings: See :class:`JsonlSettings`.
        clock: See :class:`LineFile`.
        root: See :class:`LineFile`.
    """

    def __init__(
        self, settings: JsonlSettings, clock: Clock, *, root: str | None
    ) -> None:
        """Begin with none."""
        self._settings = settings
        self._clock = clock
        self._root = root
        self._log = QuietLog(clock)
        self._files: dict[str, LineFile] = {}  # the one used last is the last
        self._modest_limit = settings.max_open_files
        self._modest_until: float | None = None

    @property
    def limit(self) -> int:
        """How many may be open now."""
        until = self._modest_until
        if until is None or self._clock.monotonic() >= until:
            return self._settings.max_open_files
        return self._modest_limit

    def use(self, path: str) -> LineFile:
        """Return the file at *path*, which is the one used last now."""
        file = self._files.pop(path, None)
        if file is None:
            file = LineFile(
                path,
                self._settings,
                clock=self._clock,
                log=self._log,
                root=self._root,
            )
        self._files[path] = file
        return file

    def drop(self, path: str) -> None:
        """Close the file at *path*."""
        self._files.pop(path).close()

    def make_room(self, needed: Collection[str]) -> None:
        """Close those used least recently, so that the *needed* ones may be open."""
        if len(self._files) + len(needed) <= self.limit:
            return
        excess = len(self._files.keys() | needed) - self.limit
        unneeded = [path for path in self._files if path not in needed]
        for path in unneeded[: max(excess, 0)]:
            self.drop(path)

    def spare(self, needed: Collection[str]) -> bool:
        """Keep half as many open for a minute; return whether one was closed for it.

        The *needed* ones stay open.
        """
        before = len(self._files)
        self._modest_limit = max(before // 2, 1)
        self._modest_until = self._clock.monotonic() + _MODEST_SECONDS
        self.make_room(needed)
        return len(self._files) < before

    def close(self) -> None:
        """Close them all."""
        for file in self._files.values():
            file.close()
        self._files.clear()
