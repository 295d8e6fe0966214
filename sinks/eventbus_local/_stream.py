"""How text reaches standard output without hurting the program that owns it."""

from __future__ import annotations

import errno
import io
import os
import select
import stat
import sys
import threading
from typing import Any, Final, Literal, TextIO

import anyio.to_thread

from eventbus import Refused, Unavailable

_PIPE_BUF: Final = 4096  # what a pipe that polls as writable takes without blocking
_LOOK_SECONDS: Final = 0.05
_GONE: Final = (errno.EPIPE, errno.ECONNRESET)
_CLOSED: Final = (errno.EBADF,)
_FULL: Final = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EIO)


class StreamWriter:
    """Writes to a standard stream, whichever object that is at the moment.

    What a process shares with others (a pipe, a terminal, a file) is written past the
    stream's buffer, in a worker thread that never blocks for long; an object in
    memory directly.

    Args:
        name: ``"stdout"`` or ``"stderr"``, looked up in :mod:`sys` at each write.
    """

    def __init__(self, name: Literal["stdout", "stderr"]) -> None:
        """Hold nothing open: the stream is not ours."""
        self._name = name
        self._one_at_a_time = threading.Lock()
        self._is_mid_line = False

    def stream(self) -> TextIO:
        """Return the stream of now.

        Raises:
            Refused: The process has none.
        """
        stream: TextIO | None = getattr(sys, self._name)
        if stream is None:
            raise Refused(f"this process has no {self._name}")
        return stream

    async def write(self, text: str) -> None:
        """Write *text*, whole lines.

        Raises:
            Refused: The reader has gone, for good; or the stream is closed, or is a
                file on a disk that is full: what is shown is worth no long wait.
            Unavailable: The system took only a part, or nothing.

        When cancelled, the write stops between two pieces; the next begins a new line.
        """
        stream = self.stream()
        try:
            await self._write(stream, _printable(stream, text))
        except OSError as error:
            raise self._answer(error) from error
        except ValueError as error:
            raise Refused(f"{self._name} is closed") from error

    async def _write(self, stream: TextIO, data: bytes) -> None:
        descriptor = _descriptor(stream)
        if descriptor is None:
            _write_object(stream, data)
            return
        cancelled = threading.Event()
        target: Any = descriptor if type(stream) is io.TextIOWrapper else stream
        run = self._write_pieces if target is descriptor else self._write_foreign
        try:
            await anyio.to_thread.run_sync(
                run, target, data, cancelled, abandon_on_cancel=True
            )
        finally:
            cancelled.set()

    def _write_foreign(
        self, stream: TextIO, data: bytes, cancelled: threading.Event
    ) -> None:
        """Write to somebody's stand-in for the stream, which has a lock of its own."""
        with self._one_at_a_time:
            if not cancelled.is_set():
                _write_object(stream, data)

    def _write_pieces(
        self, descriptor: int, data: bytes, cancelled: threading.Event
    ) -> None:
        with self._one_at_a_time:
            rest = memoryview(b"\n" + data if self._is_mid_line else data)
            is_file = stat.S_ISREG(os.fstat(descriptor).st_mode)
            while rest and not cancelled.is_set():
                takes_more = is_file or _takes_more(descriptor)
                if takes_more and not cancelled.is_set():
                    rest = rest[self._write_piece(descriptor, rest, cancelled) :]

    def _write_piece(
        self, descriptor: int, rest: memoryview, cancelled: threading.Event
    ) -> int:
        piece = rest[:_PIPE_BUF]
        try:
            written = os.write(descriptor, piece)
        except BlockingIOError:
            cancelled.wait(_LOOK_SECONDS)
            return 0
        if written:
            self._is_mid_line = piece[written - 1] != ord("\n")
        return written

    def _answer(self, error: OSError) -> Refused | Unavailable:
        if error.errno in _GONE:
            return Refused(f"the reader of {self._name} has gone", permanent=True)
        if error.errno in _CLOSED:
            return Refused(f"{self._name} is closed")
        if error.errno in _FULL:
            return Refused(f"{self._name}: {error.strerror}")
        return Unavailable(f"{self._name}: {error.strerror or type(error).__name__}")


def _printable(stream: TextIO, text: str) -> bytes:
    encoding = getattr(stream, "encoding", None) or "utf-8"
    return text.encode(encoding, "backslashreplace")


def _write_object(stream: TextIO, data: bytes) -> None:
    stream.write(data.decode(getattr(stream, "encoding", None) or "utf-8"))
    stream.flush()


def _descriptor(stream: TextIO) -> int | None:
    try:
        return stream.fileno()
    except (AttributeError, OSError):
        return None


def _takes_more(descriptor: int) -> bool:
    if not hasattr(select, "poll"):
        return True
    poll = select.poll()
    poll.register(descriptor, select.POLLOUT)
    return bool(poll.poll(_LOOK_SECONDS * 1000))
