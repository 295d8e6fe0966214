"""Which names of pieces become the ``kind`` of events: few, since it is a label."""

from __future__ import annotations

import re
from typing import Final

MAX_KINDS: Final = 256  # the Responses API has some sixty, others fewer
OTHER: Final = "other"

_NAME: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.:/-]{0,63}")


class Kinds:
    """Lets through the first names that it sees, and calls all others ``"other"``.

    So a far side that makes up names cannot make a series of metrics of each, or a
    label of a megabyte. A name has at most 64 letters, digits and ``_.:/-``. From any
    thread; two that come in at once may make it one more.
    """

    def __init__(self, most: int = MAX_KINDS) -> None:
        """Have seen none."""
        self._most: Final = most
        self._seen: Final[set[str]] = set()

    def of(self, name: str) -> str:
        """Return *name*, or ``"other"``."""
        seen = self._seen
        if name in seen:
            return name
        if len(seen) >= self._most or not _NAME.fullmatch(name):
            return OTHER
        seen.add(name)
        return name


kinds: Final = Kinds()  # of the process, as its metrics are
