"""How lines reach one file whole, once, and in turn with other processes."""

from __future__ import annotations

import contextlib
import errno
import os
import sys
from typing import Final

from eventbus import Clock, Refused, Unavailable
from eventbus._log import QuietLog
from eventbus_local._locking import lock, try_lock, unlock
from eventbus_local._opening import (
    keeps_back_others,
    open_for_appending,
    resolved,
    sync_directory,
)
from eventbus_local._rotation import RotatedFiles
from eventbus_local._settings import JsonlSettings

_MAX_REOPENINGS: Final = 20
_LINE_FEED: Final = b"\n"
_NO_DESCRIPTOR: Final = (errno.EMFILE, errno.ENFILE)


class NoDescriptor(Unavailable):
    """The process, or the system, has no file descriptor left."""


class TurnLost(Unavailable):
    """Another process has the file that a rotated one is followed by."""


class LineFile:
    """Appends whole lines to the file that has the path at that moment.

    A turn begins with :meth:`hold` and ends with :meth:`end_turn`: other processes
    wait for it to be over. What rotated, deleted or truncated the file meanwhile is
    noticed. A line that a dead process left torn is fenced off with a line feed. What
    the turn wrote can be taken back until it ends.

    What the system refuses is :class:`eventbus.Unavailable`, or
    :class:`NoDescriptor`. Not for several threads at once.

    Args:
        path: Absolute.
        settings: See :class:`JsonlSettings`.
        clock: Says when a period ends, and the time in the names of rotated files.
        log: Where it says what it could not do.
        root: The directory that it must stay below; ``None`` is any.
    """

    def __init__(
        self,
        path: str,
        settings: JsonlSettings,
        *,
        clock: Clock,
        log: QuietLog,
        root: str | None = None,
    ) -> None:
        """Open nothing yet."""
        self.path: Final = path
        self.rotated = RotatedFiles(path)
        self._real_path = path
        self._settings = settings
        self._clock = clock
        self._log = log
        self._root = root
        self._descriptor: int | None = None
        self._size = 0
        self._written: list[tuple[int, int]] = []
        self._aside: list[int] = []
        self._period = 0
        self._may_rotate = True

    @property
    def has_rotated(self) -> bool:
        """Whether a file was rotated in this turn."""
        return bool(self._aside)

    def hold(self) -> None:
        """Open the file unless it is open, and wait for the turn.

        Raises:
            Refused: The path cannot be written to, ever; below a root, also where
                another could.
            Unavailable: Another process keeps the file, or replaces it all the time.
        """
        try:
            self._hold(waiting=True)
        except OSError as error:
            root = self._root
            if root is None or keeps_back_others(error, self.path, root):
                raise self._unavailable(error) from error
            raise Refused(f"{self.path!r}: {error.strerror}") from error

    def append(self, data: bytes) -> None:
        """Append whole lines to the file that is held, and to those that follow it.

        Raises:
            TurnLost: Another process was faster. To wait for it here, with other files
                held, could be to wait for each other.
        """
        try:
            self._append(data)
        except OSError as error:
            raise self._unavailable(error) from error

    def sync(self) -> None:
        """Wait for the disk; a file that failed to reach it is trusted no more."""
        if self._settings.fsync == "never":
            return
        try:
            for descriptor, _ in self._written:
                os.fsync(descriptor)
        except OSError as error:
            self.take_back()
            if self._descriptor is not None:
                self._rotate(self._descriptor)
            raise self._unavailable(error) from error

    def take_back(self) -> None:
        """Leave nothing of what this turn wrote."""
        for descriptor, size in reversed(self._written):
            with contextlib.suppress(OSError):  # the fence keeps the next line whole
                if os.fstat(descriptor).st_size > size:
                    os.ftruncate(descriptor, size)

    def end_turn(self) -> None:
        """Let the next one have its turn; harmless without one."""
        self._close_aside()
        self._written.clear()
        self._may_rotate = True
        if self._descriptor is not None:
            unlock(self._descriptor)

    def close(self) -> None:
        """Close the file; :meth:`hold` opens it again."""
        self._close_aside()
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def _close_aside(self) -> None:
        while self._aside:
            os.close(self._aside.pop())

    def _unavailable(self, error: OSError) -> Unavailable:
        kind = NoDescriptor if error.errno in _NO_DESCRIPTOR else Unavailable
        return kind(f"{self.path!r}: {error.strerror}")

    def _hold(self, *, waiting: bool) -> int:
        for _ in range(_MAX_REOPENINGS):
            descriptor = self._descriptor
            if descriptor is None:
                descriptor = self._descriptor = self._open()
            if waiting:
                lock(descriptor, self.path)
            elif not try_lock(descriptor):
                raise TurnLost(f"{self.path!r}: another process has it")
            own = os.fstat(descriptor)
            if self._has_path(own):
                self._size = own.st_size
                if not self._size:
                    self._period = self._period_of(self._clock.time_ns())
                return descriptor
            self.close()
        raise Unavailable(f"{self.path!r} is replaced again and again")

    def _append(self, data: bytes) -> None:
        descriptor = self._descriptor
        start = 0
        while start < len(data):
            if descriptor is None:
                descriptor = self._hold(waiting=False)
            fence = _fence(descriptor, self._size)
            end = self._end_of_room(data, start, self._size + len(fence))
            if self._may_rotate and self._size and (end == start or self._is_due()):
                self._rotate(descriptor)
                descriptor = self._descriptor
                continue
            if end == start:
                end = data.index(_LINE_FEED, start) + 1
            self._write(descriptor, fence + data[start:end])
            start = end

    def _end_of_room(self, data: bytes, start: int, size: int) -> int:
        """Return where the whole lines end that fit into a file of this *size*."""
        if self._settings.max_file_bytes is None or not self._may_rotate:
            return len(data)
        room = max(self._settings.max_file_bytes - size, 0)
        if len(data) - start <= room:
            return len(data)
        return max(data.rfind(_LINE_FEED, start, start + room) + 1, start)

    def _open(self) -> int:
        follow = self._settings.follow_symlinks
        root = self._root
        if follow:
            self._real_path, root = resolved(self.path, root)
            self.rotated = RotatedFiles(self._real_path)
        descriptor = open_for_appending(
            self._real_path, follow_symlinks=follow, root=root
        )
        self._period = self._period_of(os.fstat(descriptor).st_mtime_ns)
        if self._settings.fsync == "batch":
            sync_directory(self._real_path)
        return descriptor

    def _has_path(self, own: os.stat_result) -> bool:
        try:
            found = os.stat(self.path, follow_symlinks=self._settings.follow_symlinks)
        except (FileNotFoundError, NotADirectoryError):
            return False
        return os.path.samestat(own, found)

    def _period_of(self, time_unix_nano: int) -> int:
        if self._settings.rotate_seconds is None:
            return 0
        return time_unix_nano // int(self._settings.rotate_seconds * 1e9)

    def _is_due(self) -> bool:
        if self._settings.rotate_seconds is None:
            return False
        return self._period_of(self._clock.time_ns()) > self._period

    def _rotate(self, descriptor: int) -> None:
        """Give the file another name; it stays open and locked to the turn's end."""
        target = self.rotated.new_path(self._clock.time_ns())
        try:
            os.rename(self._real_path, target)
        except OSError as error:
            self._may_rotate = False
            self._log.warning(
                "rotation",
                "%r keeps growing: it cannot be renamed: %s",
                self._real_path,
                error.strerror,
            )
            return
        self._aside.append(descriptor)
        self._descriptor = None

    def _write(self, descriptor: int, data: bytes) -> None:
        self._written.append((descriptor, self._size))
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(descriptor, rest) :]
        self._size += len(data)


def _fence(descriptor: int, size: int) -> bytes:
    if not size:
        return b""
    return b"" if _byte_at(descriptor, size - 1) == _LINE_FEED else _LINE_FEED


if sys.platform == "win32":

    def _byte_at(descriptor: int, offset: int) -> bytes:
        os.lseek(descriptor, offset, os.SEEK_SET)
        return os.read(descriptor, 1)

else:

    def _byte_at(descriptor: int, offset: int) -> bytes:
        return os.pread(descriptor, 1, offset)
