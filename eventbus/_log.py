"""What the bus says about itself to the program's log, and how rarely."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import suppress
from threading import RLock
from typing import Final

from eventbus._clock import Clock
from eventbus._verdict import brief

LOGGER_NAME: Final = "eventbus"
QUIET_SECONDS: Final = 10.0
_MAX_REASONS: Final = 1024
_OTHER: Final = "other"  # the reasons beyond those share one
_LISTED: Final = 8


def _as_it_is(text: str) -> str:
    return text


class _Said:
    """A line that was said: when, what, and how many like it were left out since."""

    __slots__ = ("at", "left_out", "text")

    def __init__(self, at: float, text: str) -> None:
        self.at = at
        self.text = text
        self.left_out = 0


class QuietLog:
    """At most one line per reason in ten seconds, with the count of those left out.

    That count comes with the next line of its reason; when there is none, with the
    next line of another, at a flush (:meth:`catch_up`) or at the end (:meth:`close`).
    Texts are cut to 256 characters, on one line, without what *clean* takes out. From
    any thread; never raises.

    Args:
        clock: What time it is.
        clean: Returns a text, which may have been cut off, without its secrets.
        name: Of the logger.
    """

    def __init__(
        self,
        clock: Clock,
        clean: Callable[[str], str] = _as_it_is,
        *,
        name: str = LOGGER_NAME,
    ) -> None:
        """Start with nothing said."""
        self._clock = clock
        self.clean = clean
        self._logger = logging.getLogger(name)
        self._lock = RLock()  # held for the counts alone: logging has locks of its own
        self._said: dict[str, _Said] = {}  # the longest ago first

    def start_over(self) -> None:
        """Start with nothing said, and a lock that nobody holds, after a fork."""
        QuietLog.__init__(self, self._clock, self.clean, name=self._logger.name)

    def warning(self, reason: str, message: str, *args: object) -> None:
        """Log *message* unless *reason* was logged within the last ten seconds."""
        now = self._clock.monotonic()
        with self._lock:
            if self._is_left_out(reason, now):
                return
            before = self._said.pop(reason, None)
            due = self._take_due(now)
            said = self._begin(reason, message, now)
        self._tell(due)
        if said is not None:
            self._say(said, before.left_out if before else 0, message, args)

    def _is_left_out(self, reason: str, now: float) -> bool:
        said = self._said.get(reason)
        if said is None or now - said.at >= QUIET_SECONDS:
            return False
        said.left_out += 1
        return True

    def _begin(self, reason: str, message: str, now: float) -> _Said | None:
        if len(self._said) >= _MAX_REASONS - 1:
            reason = _OTHER
            if self._is_left_out(reason, now):
                return None
        said = self._said[reason] = _Said(now, message)
        return said

    def _say(
        self, said: _Said, left_out: int, message: str, args: tuple[object, ...]
    ) -> None:
        suffix = f" ({left_out} more like this since)" if left_out else ""
        fit = tuple(
            self.clean(brief(arg)) if isinstance(arg, str) else arg for arg in args
        )
        with suppress(Exception):  # the filters and handlers are the program's
            said.text = message % fit
            self._logger.warning(message + "%s", *fit, suffix)

    def catch_up(self) -> None:
        """Say how many were left out of what has been quiet for ten seconds."""
        now = self._clock.monotonic()
        with self._lock:
            due = self._take_due(now)
        self._tell(due)

    def _take_due(self, now: float) -> list[_Said]:
        due: list[_Said] = []
        while self._said:
            reason, said = next(iter(self._said.items()))
            if now - said.at < QUIET_SECONDS:
                break
            del self._said[reason]
            if said.left_out:
                due.append(said)
                self._said[reason] = _Said(now, said.text)
        return due

    def close(self) -> None:
        """Say in one line how many were left out and not told yet."""
        with self._lock:
            left = {r: said.left_out for r, said in self._said.items() if said.left_out}
            for said in self._said.values():
                said.left_out = 0
        if left:
            listed = [f"{brief(reason)} ({n})" for reason, n in left.items()][:_LISTED]
            more = ["…"] if len(left) > _LISTED else []
            self._tell_count(sum(left.values()), ", ".join(listed + more))

    def _tell(self, due: list[_Said]) -> None:
        for said in due:
            self._tell_count(said.left_out, said.text)

    def _tell_count(self, count: int, text: str) -> None:
        with suppress(Exception):  # as above
            self._logger.warning("%d more line(s) were left out: %s", count, text)
