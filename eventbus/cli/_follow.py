"""How a growing file is followed: across rotation, truncation and its absence."""

from __future__ import annotations

import os
import stat
import threading
from contextlib import suppress
from typing import Final

from eventbus.cli._stream import (
    BLOCK_BYTES,
    LOOK_SECONDS,
    STDIN,
    InputError,
    Waiting,
    opened,
    read,
)

REMEMBERED_BYTES: Final = 1024  # a few lines, whose ids and times do not come again

_LOOKS_AT_THE_END: Final = 4  # cut off, read to its end, left, its successor begun


def is_followed(path: str) -> bool:
    """Return whether *path* is a file, or may become one: no pipe, no terminal."""
    if path == STDIN:
        return False
    try:
        mode = os.stat(path).st_mode
    except OSError:
        return True
    return not (stat.S_ISFIFO(mode) or stat.S_ISCHR(mode))


class FollowedFile:
    """A file that is read from its beginning and then as it grows; see ``Blocks``.

    A file that is renamed away or removed is read until a look, 0.2 seconds after the
    one before, finds nothing more in it; then its successor is begun.

    Every read begins with the last 1,024 bytes that were read before. Where they are
    not what they were, the file was cut off, however far it has grown since, and is
    read from its beginning. What another program wrote and cut off again between two
    looks is not seen; nor is a cut, when the same 1,024 bytes stand there again.

    Args:
        path: The file; when there is none yet, it is waited for.
        stopped: Ends the input.
        waiting: Called before each wait.
    """

    size_bytes: int | None = None
    is_over = False

    def __init__(self, path: str, stopped: threading.Event, waiting: Waiting) -> None:
        """Open nothing yet."""
        self._path: Final = path
        self._stopped: Final = stopped
        self._waiting: Final = waiting
        self._fd: int | None = None
        self._is_left = False
        self._begin()

    def _begin(self) -> None:
        self._position = 0
        self._remembered = b""

    def next(self) -> bytes | None:
        """See :class:`Blocks`.

        Raises:
            InputError: The system refuses to open or to read the file.
        """
        while not self._stopped.is_set():
            block = self._read()
            if block != b"":
                return block
            self._waiting()
            self._stopped.wait(LOOK_SECONDS)
        return b""

    def _read(self) -> bytes | None:
        """Return what is new, ``b""`` when nothing is, ``None`` on a new beginning."""
        if self._fd is None:
            self._open()
        if self._fd is None:
            return b""
        block = self._read_on(self._fd)
        if block != b"":
            self._is_left = False
            return block
        return self._leave(self._fd)

    def _open(self) -> None:
        """Open the file if there is one.

        Raises:
            InputError: There is one, and the system refuses.
        """
        try:
            self._fd = opened(self._path)
        except InputError as error:
            if not isinstance(error.__cause__, FileNotFoundError):
                raise

    def _read_on(self, descriptor: int) -> bytes | None:
        remembered = self._remembered
        os.lseek(descriptor, self._position - len(remembered), os.SEEK_SET)
        found = read(descriptor, self._path, len(remembered) + BLOCK_BYTES)
        if not found.startswith(remembered):
            self._begin()
            return None
        block = found[len(remembered) :]
        self._position += len(block)
        self._remembered = found[-REMEMBERED_BYTES:]
        return block

    def _leave(self, descriptor: int) -> bytes | None:
        """Go over to the file's successor, at the second look that finds one."""
        if not self._is_replaced(descriptor):
            return b""
        if not self._is_left:
            self._is_left = True
            return b""
        self.close()
        self._begin()
        return None

    def _is_replaced(self, descriptor: int) -> bool:
        try:
            there, here = os.stat(self._path), os.fstat(descriptor)
        except OSError:
            return False
        return (there.st_dev, there.st_ino) != (here.st_dev, here.st_ino)

    def has_more(self) -> bool:
        """See :class:`Blocks`."""
        with suppress(OSError):
            return any(self._read() for _ in range(_LOOKS_AT_THE_END))
        return False

    def close(self) -> None:
        """See :class:`Blocks`."""
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None
        self._is_left = False
