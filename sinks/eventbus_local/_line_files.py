"""How lines reach several files at once: all of them or none."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Collection, Mapping

import msgspec

from eventbus import Clock, Refused, Unavailable
from eventbus_local._destination import Destination
from eventbus_local._line_file import LineFile, NoDescriptor, TurnLost
from eventbus_local._locking import TURN_SECONDS
from eventbus_local._open_files import OpenFiles
from eventbus_local._opening import make_directory
from eventbus_local._settings import JsonlSettings


class TooManyFiles(NoDescriptor):
    """The process has no file descriptor left for as many files at once."""


class Written(msgspec.Struct, frozen=True):
    """What came of lines.

    Args:
        refused: Paths that cannot be written to, ever, and why; the others were.
        rotated: Paths of which a file was rotated.
    """

    refused: Mapping[str, str]
    rotated: Collection[str]


class LineFiles:
    """Appends to the files of one sink.

    They are all locked before the first is written to, in the order of their paths, so
    that two processes do not wait for each other; where another one gets between a
    rotated file and the next, the turn begins anew. Where one file fails, what was
    written is taken back from all of them.

    Safe for several threads, one at a time: an attempt that was given up on does not
    write into the next one.

    Args:
        destination: Where they are.
        settings: See :class:`JsonlSettings`.
        clock: See :class:`LineFile`.
    """

    def __init__(
        self, destination: Destination, settings: JsonlSettings, clock: Clock
    ) -> None:
        """Open nothing yet."""
        self._destination = destination
        self._path = settings.path
        root = None if destination.is_fixed else destination.place
        self._open_files = OpenFiles(settings, clock, root=root)
        self._is_closed = False
        self._turn = threading.Lock()

    @property
    def limit(self) -> int:
        """For how many files lines may be at once."""
        return self._open_files.limit

    def open(self) -> None:
        """Open the file and let go of it, or make the directory of the files.

        Raises:
            Refused: The path cannot be written to, ever.
            Unavailable: Not now.
        """
        place = self._destination.place
        if self._destination.is_fixed:
            self.append({place: b""})
        else:
            _check_directory(place)

    def append(self, lines: Mapping[str, bytes]) -> Written:
        """Append whole lines to the files of these paths.

        Raises:
            Refused: The one path there is cannot be written to, ever.
            TooManyFiles: Fewer at once may work.
            Unavailable: Nothing was written, or it was taken back.
        """
        self._begin()
        try:
            return self._append(lines)
        finally:
            self._end()

    def close(self) -> None:
        """Close the files for good, or let the attempt do so that still runs."""
        self._is_closed = True
        if self._turn.acquire(timeout=TURN_SECONDS):
            self._end()

    def abandon(self) -> None:
        """Close the files in the child of a fork, without ending the parent's turn."""
        with contextlib.suppress(OSError):  # one that was being closed
            self._open_files.close()

    def _begin(self) -> None:
        """Keep out the thread of an attempt that was given up on."""
        if not self._turn.acquire(timeout=TURN_SECONDS):
            raise Unavailable(f"{self._path!r}: the write before is still running")
        if self._is_closed:
            self._end()
            raise Unavailable(f"{self._path!r} is closed")

    def _end(self) -> None:
        if self._is_closed:
            self._open_files.close()
        self._turn.release()

    def _append(self, lines: Mapping[str, bytes]) -> Written:
        rotated: set[str] = set()
        end = time.monotonic() + TURN_SECONDS
        while True:
            self._open_files.make_room(lines)
            try:
                return Written(self._in_turn(lines, rotated), rotated)
            except NoDescriptor:
                if not self._open_files.spare(lines):
                    raise
            except TurnLost:
                if time.monotonic() > end:
                    raise

    def _in_turn(
        self, lines: Mapping[str, bytes], rotated: set[str]
    ) -> Mapping[str, str]:
        files: dict[str, LineFile] = {}
        try:
            refused = self._hold(files, lines)
            for path, file in files.items():
                file.append(lines[path])
            for file in files.values():
                file.sync()
            return refused
        except BaseException as error:
            for file in files.values():
                file.take_back()
            several = len(files) > 1 or any(f.has_rotated for f in files.values())
            if several and isinstance(error, NoDescriptor):
                raise TooManyFiles(str(error)) from error
            raise
        finally:
            for path, file in files.items():
                if file.has_rotated:
                    rotated.add(path)
                file.end_turn()

    def _hold(
        self, files: dict[str, LineFile], lines: Mapping[str, bytes]
    ) -> Mapping[str, str]:
        """Put the files of *lines* into *files*, locked; return what is refused."""
        refused: dict[str, str] = {}
        for path in sorted(lines):
            file = files[path] = self._open_files.use(path)
            try:
                file.hold()
            except Refused as error:
                if self._destination.is_fixed:
                    raise
                refused[path] = str(error)
                del files[path]
                self._open_files.drop(path)
        return refused


def _check_directory(path: str) -> None:
    try:
        make_directory(path)
    except OSError as error:
        raise Unavailable(f"{path!r}: {error.strerror}") from error
    if not os.access(path, os.W_OK | os.X_OK):
        raise Unavailable(f"{path!r}: no file can be made in it")
