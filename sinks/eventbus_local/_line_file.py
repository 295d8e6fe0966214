"""How lines reach a file whole, once, and in turn with other processes."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Generator
from typing import Final

from eventbus import Clock, Unavailable
from eventbus._log import QuietLog
from eventbus_local._locking import lock, unlock
from eventbus_local._opening import open_for_appending, sync_directory
from eventbus_local._rotation import RotatedFiles
from eventbus_local._settings import JsonlSettings

_MAX_REOPENINGS: Final = 20
_TURN_SECONDS: Final = 5.0
_LINE_FEED: Final = b"\n"


class LineFile:
    """Appends whole lines to the file that has the path at that moment.

    Every append is made under a lock that other processes respect, to the file that
    the path names then: what rotated, deleted or truncated it meanwhile is noticed.
    A line that a dead process left torn is fenced off with a line feed. What cannot
    be written whole is taken back.

    Args:
        settings: See :class:`JsonlSettings`.
        clock: Says when a period ends, and the time in the names of rotated files.
    """

    def __init__(self, settings: JsonlSettings, clock: Clock) -> None:
        """Open nothing yet."""
        path = os.path.abspath(os.path.expanduser(settings.path))
        self._settings = settings
        self._clock = clock
        self._log = QuietLog(clock)
        self._given_path = self._path = path
        self._descriptor: int | None = None
        self._aside: list[int] = []
        self._period = 0
        self._may_rotate = True
        self._is_closed = False
        self._turn = threading.Lock()
        self.rotated = RotatedFiles(path)

    def open(self) -> None:
        """Open the file, and let go of it until the first append.

        Raises:
            Refused: The path cannot be written to, ever.
            Unavailable: Not now.
        """
        with self._alone():
            self._hold()

    def append(self, data: bytes) -> bool:
        """Append whole lines, and return whether a file was rotated for them.

        Raises:
            Refused: The path cannot be written to, ever.
            Unavailable: Nothing of *data* was written, or it was taken back.
        """
        written: list[tuple[int, int]] = []
        with self._alone():
            try:
                self._append(data, written)
            except BaseException:
                self._take_back(written)
                raise
            self._sync(written)
            return bool(self._aside)

    def close(self) -> None:
        """Close the file for good; harmless when it is closed."""
        with self._alone():
            self._is_closed = True
            self._let_go()

    @contextlib.contextmanager
    def _alone(self) -> Generator[None]:
        """Keep out the thread of an attempt that was given up on."""
        if not self._turn.acquire(timeout=_TURN_SECONDS):
            raise Unavailable(f"{self._path!r}: the write before is still running")
        try:
            yield
        except OSError as error:
            raise Unavailable(f"{self._path!r}: {error.strerror}") from error
        finally:
            self._end_turn()
            self._turn.release()

    def _end_turn(self) -> None:
        for descriptor in self._aside:
            os.close(descriptor)
        self._aside.clear()
        self._may_rotate = True
        if self._descriptor is not None:
            unlock(self._descriptor)

    def _append(self, data: bytes, written: list[tuple[int, int]]) -> None:
        start = 0
        while start < len(data):
            descriptor, size = self._hold()
            fence = _fence(descriptor, size)
            end = self._end_of_room(data, start, size + len(fence))
            if self._may_rotate and size and (end == start or self._is_due()):
                self._rotate(descriptor)
                continue
            if end == start:
                end = data.index(_LINE_FEED, start) + 1
            written.append((descriptor, size))
            _write(descriptor, fence + data[start:end])
            start = end

    def _end_of_room(self, data: bytes, start: int, size: int) -> int:
        """Return where the whole lines end that fit into a file of this *size*."""
        if self._settings.max_file_bytes is None or not self._may_rotate:
            return len(data)
        room = max(self._settings.max_file_bytes - size, 0)
        if len(data) - start <= room:
            return len(data)
        return max(data.rfind(_LINE_FEED, start, start + room) + 1, start)

    def _hold(self) -> tuple[int, int]:
        """Return the file that has the path, locked, and its size."""
        if self._is_closed:
            raise Unavailable(f"{self._path!r} is closed")
        for _ in range(_MAX_REOPENINGS):
            descriptor = self._descriptor
            if descriptor is None:
                descriptor = self._descriptor = self._open()
            lock(descriptor, self._path)
            if self._has_path(descriptor):
                size = os.fstat(descriptor).st_size
                if not size:
                    self._period = self._period_of(self._clock.time_ns())
                return descriptor, size
            self._let_go()
        raise Unavailable(f"{self._path!r} is replaced again and again")

    def _open(self) -> int:
        if self._settings.follow_symlinks:
            self._path = os.path.realpath(self._given_path)
            self.rotated = RotatedFiles(self._path)
        descriptor = open_for_appending(
            self._path, follow_symlinks=self._settings.follow_symlinks
        )
        self._period = self._period_of(os.fstat(descriptor).st_mtime_ns)
        if self._settings.fsync == "batch":
            sync_directory(self._path)
        return descriptor

    def _has_path(self, descriptor: int) -> bool:
        own = os.fstat(descriptor)
        try:
            found = os.stat(
                self._given_path, follow_symlinks=self._settings.follow_symlinks
            )
        except (FileNotFoundError, NotADirectoryError):
            return False
        return (own.st_dev, own.st_ino) == (found.st_dev, found.st_ino)

    def _let_go(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def _period_of(self, time_unix_nano: int) -> int:
        if self._settings.rotate_seconds is None:
            return 0
        return time_unix_nano // int(self._settings.rotate_seconds * 1e9)

    def _is_due(self) -> bool:
        return self._period_of(self._clock.time_ns()) > self._period

    def _rotate(self, descriptor: int) -> None:
        """Give the file another name; it stays open and locked to the turn's end."""
        target = self.rotated.new_path(self._clock.time_ns())
        try:
            os.rename(self._path, target)
        except OSError as error:
            self._may_rotate = False
            self._log.warning(
                "rotation",
                "%r keeps growing: it cannot be renamed: %s",
                self._path,
                error.strerror,
            )
            return
        self._aside.append(descriptor)
        self._descriptor = None

    def _take_back(self, written: list[tuple[int, int]]) -> None:
        for descriptor, size in reversed(written):
            with contextlib.suppress(OSError):  # the fence keeps the next line whole
                if os.fstat(descriptor).st_size > size:
                    os.ftruncate(descriptor, size)

    def _sync(self, written: list[tuple[int, int]]) -> None:
        """Wait for the disk; a file that failed to reach it is trusted no more."""
        if self._settings.fsync == "never":
            return
        try:
            for descriptor, _ in written:
                os.fsync(descriptor)
        except OSError:
            self._take_back(written)
            if self._descriptor is not None:
                self._rotate(self._descriptor)
            raise


def _fence(descriptor: int, size: int) -> bytes:
    if not size:
        return b""
    os.lseek(descriptor, size - 1, os.SEEK_SET)
    return b"" if os.read(descriptor, 1) == _LINE_FEED else _LINE_FEED


def _write(descriptor: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(descriptor, rest) :]
