"""How mistakes that must not hurt are counted, and told now and then."""

from __future__ import annotations

import os
from collections.abc import Mapping
from threading import RLock
from types import MappingProxyType
from typing import ClassVar, Final

from eventbus import Clock
from eventbus._log import QuietLog

_MAX_PLACES: Final = 1024
_OTHER: Final = "other"  # the places beyond those share one


class Faults:
    """Counts faults by their place, and tells each of them once in ten seconds.

    From any thread. A forked child starts over.
    """

    logger: ClassVar[str]
    """The name of the logger that is told."""
    words: ClassVar[str]
    """What it is told of a place, and of what happened there."""

    def __init__(self, clock: Clock) -> None:
        """Start with none."""
        self._clock: Final = clock
        self._start_over()

    def _start_over(self) -> None:
        self._process = os.getpid()
        self._counts: dict[str, int] = {}
        self._log = QuietLog(self._clock, name=self.logger)
        self._lock = RLock()

    def _of_this_process(self) -> RLock:  # the parent's may be held for ever
        if os.getpid() != self._process:
            self._start_over()
        return self._lock

    def add(self, place: str, what: str) -> None:
        """Count that *what* happened at *place*, and tell it."""
        with self._of_this_process():
            if place not in self._counts and len(self._counts) >= _MAX_PLACES:
                place = _OTHER
            self._counts[place] = self._counts.get(place, 0) + 1
        self._log.warning(place, self.words, place, what)

    def counts(self) -> Mapping[str, int]:
        """Return how often something happened until now, by the place."""
        with self._of_this_process():
            return MappingProxyType(dict(self._counts))
