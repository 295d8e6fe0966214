"""How bytes become lines: whole ones, of bounded length, numbered from 1.

Everything here runs in the one thread that reads.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Final, Protocol

from eventbus._reader import MAX_LINE_BYTES

_BOM: Final = b"\xef\xbb\xbf"


class Blocks(Protocol):
    """Bytes that arrive block by block."""

    size_bytes: int | None
    """What there is to read in all, if that is known."""

    is_over: bool
    """Whether the end was reached, and not only the wish to stop."""

    def next(self) -> bytes | None:
        """Return the next block, ``b""`` at the end or when reading is to stop.

        ``None`` means that a line ends here though it has no line feed.
        """
        ...

    def has_more(self) -> bool:
        """Return whether something is there that was not read; asked last of all."""
        ...

    def close(self) -> None:
        """Let go of the input."""
        ...


class Lines:
    """The lines of one input, without their line feeds.

    A line over 16 MiB is cut, which makes it no JSON. A last line without its line
    feed is a line once the input is over; when reading only stopped it is none, and
    :meth:`have_more` says so.

    Args:
        blocks: Where the bytes come from.
        name: What messages call the input.
        stopped: Ends the lines, in the middle of a block too.
    """

    def __init__(self, blocks: Blocks, name: str, stopped: threading.Event) -> None:
        """Begin at the first line."""
        self._blocks: Final = blocks
        self._is_stopped: Final = stopped.is_set
        self._is_cut_short = False
        self.name: Final = name
        self.read_bytes = 0
        self.count = 0

    def __iter__(self) -> Iterator[bytes]:
        """Yield line after line."""
        rest = b""
        is_cut = False
        is_stopped = self._is_stopped
        while (block := self._next()) != b"":
            if block is None:
                whole, rest = [rest] if rest else [], b""
            elif is_cut:
                whole, rest, is_cut = self._after_cut(rest, block)
            else:
                whole, rest = _split(rest, block)
            for line in whole:
                if is_stopped():
                    self._is_cut_short = True
                    return
                self.count += 1
                yield line
            if not is_cut and len(rest) > MAX_LINE_BYTES:
                rest, is_cut = rest[:MAX_LINE_BYTES], True
        if rest and self._blocks.is_over:
            self.count += 1
            yield rest
        elif rest:
            self._is_cut_short = True

    def _after_cut(self, cut: bytes, block: bytes) -> tuple[list[bytes], bytes, bool]:
        _, line_feed, after = block.partition(b"\n")
        if not line_feed:
            return [], cut, True
        whole, rest = _split(b"", after)
        return [cut, *whole], rest, False

    def have_more(self) -> bool:
        """Return whether something is there that became no line; asked last of all."""
        if self._is_cut_short:
            return True
        return not self._blocks.is_over and self._blocks.has_more()

    def close(self) -> None:
        """Let go of the input."""
        self._blocks.close()

    def _next(self) -> bytes | None:
        block = self._blocks.next()
        if not block:
            return block
        is_first = self.read_bytes == 0
        self.read_bytes += len(block)
        if is_first and block.startswith(_BOM):
            return block.removeprefix(_BOM) or self._next()
        return block


def _split(before: bytes, block: bytes) -> tuple[list[bytes], bytes]:
    """Return the lines that end in *block*, the first begun by *before*, and the rest.

    Only a first line, or one of a block over 16 MiB, can be long enough to be cut.
    """
    lines = block.split(b"\n")
    if before:
        lines[0] = before + lines[0]
    rest = lines.pop()
    if len(block) > MAX_LINE_BYTES:
        return [line[:MAX_LINE_BYTES] for line in lines], rest
    if lines:
        lines[0] = lines[0][:MAX_LINE_BYTES]
    return lines, rest
