"""The thread that reads: lines into readings, handed to the loop in batches."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Final

import msgspec

from eventbus._verdict import describe_error
from eventbus.cli._follow import FollowedFile, is_followed
from eventbus.cli._input import Blocks, Lines
from eventbus.cli._stream import InputError, Stream, Waiting, shown_name
from eventbus.cli._tally import Tally

# Any in this module: what is handed over is readings, or lines for an async reader.

BATCH_READINGS: Final = 512
BATCH_BYTES: Final = 1_048_576  # of input, so that long lines make small batches

Transform = Callable[[Iterable[bytes], str], Iterator[Any]]
HandOver = Callable[[list[Any]], object]


class Sources(msgspec.Struct, frozen=True):
    """What is to be read.

    Args:
        paths: One after the other; ``"-"`` is the standard input.
        follow: Whether files are followed as they grow; pipes end all the same.
    """

    paths: Sequence[str]
    follow: bool = False

    def open(self, path: str, stopped: threading.Event, waiting: Waiting) -> Lines:
        """Open one of them.

        Raises:
            InputError: The system refuses.
        """
        blocks: Blocks
        if self.follow and is_followed(path):
            blocks = FollowedFile(path, stopped, waiting)
        else:
            blocks = Stream(path, stopped, waiting)
        return Lines(blocks, shown_name(path), stopped)


class Pump:
    """Reads inputs to their end, or until it is told to stop.

    A batch leaves when it is full, and before every wait for more input.

    Args:
        tally: Where lines and bytes are counted.
        hand_over: Takes a batch; waits until there is room for it.
    """

    def __init__(self, tally: Tally, hand_over: HandOver) -> None:
        """Begin with an empty batch."""
        self._tally: Final = tally
        self._hand_over: Final = hand_over
        self._batch: Final[list[Any]] = []

    def run(
        self, sources: Sources, transform: Transform, stop: threading.Event
    ) -> None:
        """Read every input; returns when all is handed over.

        Raises:
            InputError: An input cannot be read, or *transform* failed.
        """
        for path in sources.paths:
            if stop.is_set():
                self._tally.unread = True
                return
            lines = sources.open(path, stop, self.flush)
            try:
                self._read(lines, transform)
                self._tally.unread |= lines.have_more()
            finally:
                lines.close()
                self.flush()

    def _read(self, lines: Lines, transform: Transform) -> None:
        before = self._tally.lines, self._tally.read_bytes
        batch, full_bytes = self._batch, BATCH_BYTES
        try:
            for reading in transform(lines, lines.name):
                batch.append(reading)
                if len(batch) >= BATCH_READINGS or lines.read_bytes > full_bytes:
                    self._count(lines, before)
                    self.flush()
                    full_bytes = lines.read_bytes + BATCH_BYTES
        except InputError:
            raise
        except Exception as error:
            raise InputError(
                f"The reader failed at {lines.name}:{lines.count}: "
                f"{describe_error(error)}"
            ) from error
        finally:
            self._count(lines, before)

    def _count(self, lines: Lines, before: tuple[int, int]) -> None:
        self._tally.lines = before[0] + lines.count
        self._tally.read_bytes = before[1] + lines.read_bytes

    def flush(self) -> None:
        """Hand over what there is."""
        if self._batch:
            batch = self._batch.copy()
            self._batch.clear()
            self._hand_over(batch)
