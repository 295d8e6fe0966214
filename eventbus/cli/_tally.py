"""What a run has read: lines, records, what was skipped and what was broken."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Final

from eventbus._reader import Broken, Skipped

BROKEN_LINES_SHOWN: Final = 20
_MAX_KINDS: Final = 1000
_OTHER: Final = "(other kinds)"


class Tally:
    """Counts what was read; the reading thread adds lines and bytes.

    ``unread`` says whether a stop left something that was there, ``untaken`` whether
    lines that were read were left.

    Args:
        say: Shows a line to the person at the terminal.
    """

    def __init__(self, say: Callable[[str], object]) -> None:
        """Begin at nothing."""
        self._say: Final = say
        self.lines = 0
        self.read_bytes = 0
        self.records = 0
        self.skipped: Counter[str] = Counter()
        self.broken = 0
        self.unread = False
        self.untaken = False

    def take(self, reading: Skipped | Broken) -> None:
        """Count what is no record; show the first 20 broken lines."""
        if isinstance(reading, Skipped):
            is_new = reading.kind not in self.skipped
            is_full = len(self.skipped) >= _MAX_KINDS
            self.skipped[_OTHER if is_new and is_full else reading.kind] += 1
            return
        self.broken += 1
        if self.broken <= BROKEN_LINES_SHOWN:
            self._say(str(reading))
        elif self.broken == BROKEN_LINES_SHOWN + 1:
            self._say("Further broken lines are counted, not shown.")
