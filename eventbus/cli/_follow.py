"""How a growing file is followed: across rotation, truncation and its absence."""

from __future__ import annotations

import os
import threading
from contextlib import suppress
from typing import Final

from eventbus.cli._stream import InputError, Waiting, opened, read

LOOK_SECONDS: Final = 0.2


class FollowedFile:
    """A file that is read from its beginning and then as it grows; see ``Blocks``.

    A file that is renamed away is read to its end before its successor is begun; one
    that became shorter is read from its beginning. What another program wrote and cut
    off again between two looks, 0.2 seconds apart, is not seen.

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
        self._position = 0

    def next(self) -> bytes | None:
        """See :class:`Blocks`."""
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
        if block:
            return block
        if self._is_shorter(self._fd):
            os.lseek(self._fd, 0, os.SEEK_SET)
            self._position = 0
            return None
        return self._begin_successor(self._fd)

    def _open(self) -> None:
        with suppress(InputError):
            self._fd, self._position = opened(self._path), 0

    def _read_on(self, descriptor: int) -> bytes:
        block = read(descriptor, self._path)
        self._position += len(block)
        return block

    def _is_shorter(self, descriptor: int) -> bool:
        return os.fstat(descriptor).st_size < self._position

    def _begin_successor(self, descriptor: int) -> bytes | None:
        """Open what has taken the file's place, once the file itself is read."""
        if not self._is_replaced(descriptor):
            return b""
        last = self._read_on(descriptor)
        if last:
            return last
        os.close(descriptor)
        self._fd = None
        self._open()
        return None

    def _is_replaced(self, descriptor: int) -> bool:
        try:
            there, here = os.stat(self._path), os.fstat(descriptor)
        except OSError:
            return False
        return (there.st_dev, there.st_ino) != (here.st_dev, here.st_ino)

    def has_more(self) -> bool:
        """See :class:`Blocks`."""
        if self._fd is None:
            return False
        return os.fstat(self._fd).st_size > self._position

    def close(self) -> None:
        """See :class:`Blocks`."""
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None
