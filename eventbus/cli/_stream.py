"""How a file, a pipe or a terminal is read: in blocks, and never deaf to a stop."""

from __future__ import annotations

import os
import select
import stat
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from eventbus._errors import EventBusError

BLOCK_BYTES: Final = 262_144
STDIN: Final = "-"
LOOK_SECONDS: Final = 0.2
"""Between two looks at what cannot wake the reader: a wish to stop, a growing file."""

Waiting = Callable[[], object]


class InputError(EventBusError, OSError):
    """An input cannot be opened or read; the text names it."""


class Stream:
    """An input that is read once, from where it stands; see :class:`Blocks`.

    Args:
        path: A path, or ``"-"`` for the standard input.
        stopped: Ends the input.
        waiting: Called before each wait.

    Raises:
        InputError: The system refuses to open it.
    """

    def __init__(self, path: str, stopped: threading.Event, waiting: Waiting) -> None:
        """Open it; a named pipe without a writer too."""
        self._path: Final = path
        self._stopped: Final = stopped
        self._waiting: Final = waiting
        self._fd: Final = opened(path)
        status = os.fstat(self._fd)
        self._is_file: Final = stat.S_ISREG(status.st_mode)
        self.size_bytes: int | None = status.st_size if self._is_file else None
        self.is_over = False

    def next(self) -> bytes | None:
        """See :class:`Blocks`."""
        while self._wait():
            with suppress(BlockingIOError):
                block = read(self._fd, self._path)
                self.is_over = not block
                return block
        return b""

    def _wait(self) -> bool:
        """Wait until there is something to read; ``False`` when stopped."""
        if self._stopped.is_set():
            return False
        if self._is_file or is_ready(self._fd, 0):
            return True
        self._waiting()
        while not self._stopped.is_set():
            if is_ready(self._fd, LOOK_SECONDS):
                return True
        return False

    def has_more(self) -> bool:
        """See :class:`Blocks`."""
        if self.is_over or not is_ready(self._fd, 0):
            return False
        with suppress(OSError):
            return bool(os.read(self._fd, 1))
        return False

    def close(self) -> None:
        """See :class:`Blocks`."""
        if self._path != STDIN:
            os.close(self._fd)


def opened(path: str) -> int:
    """Return a descriptor for *path*.

    Raises:
        InputError: The system refuses.
    """
    try:
        if path == STDIN:
            return sys.stdin.fileno()
        # A named pipe without a writer would hold up the open for ever.
        flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
        return os.open(path, flags | getattr(os, "O_CLOEXEC", 0))
    except (OSError, ValueError, AttributeError) as error:
        raise refusal("open", path, error) from error


def read(descriptor: int, path: str, most_bytes: int = BLOCK_BYTES) -> bytes:
    """Return what there is, at most *most_bytes* of it.

    Raises:
        BlockingIOError: There is nothing yet.
        InputError: The system refuses.
    """
    try:
        return os.read(descriptor, most_bytes)
    except BlockingIOError:
        raise
    except OSError as error:
        raise refusal("read", path, error) from error


def refusal(verb: str, path: str, error: Exception) -> InputError:
    """Return the error that says the system refuses to *verb* *path*."""
    reason = getattr(error, "strerror", None) or str(error)
    return InputError(f"Cannot {verb} {shown_name(path)}: {reason}")


def shown_name(path: str) -> str:
    """Return what messages call the input at *path*."""
    return "stdin" if path == STDIN else path


def is_ready(descriptor: int, seconds: float) -> bool:
    """Return whether a read of *descriptor* would not wait, within *seconds*."""
    if not hasattr(select, "poll"):
        return True
    poll = select.poll()
    poll.register(descriptor, select.POLLIN | select.POLLHUP)
    return bool(poll.poll(seconds * 1000))
