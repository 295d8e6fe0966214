"""What the bus says about itself to the program's log, and how rarely."""

from __future__ import annotations

import logging
from contextlib import suppress
from typing import Final

from eventbus._clock import Clock

LOGGER_NAME: Final = "eventbus"
QUIET_SECONDS: Final = 10.0
_MAX_REASONS: Final = 1024


class QuietLog:
    """At most one line per reason in ten seconds, with the count of those left out."""

    def __init__(self, clock: Clock) -> None:
        """Start with nothing said."""
        self._clock = clock
        self._logger = logging.getLogger(LOGGER_NAME)
        self._said: dict[str, tuple[float, int]] = {}

    def warning(self, reason: str, message: str, *args: object) -> None:
        """Log *message* unless *reason* was logged within the last ten seconds."""
        now = self._clock.monotonic()
        last, suppressed = self._said.get(reason, (now - QUIET_SECONDS, 0))
        if now - last < QUIET_SECONDS:
            self._said[reason] = (last, suppressed + 1)
            return
        if len(self._said) >= _MAX_REASONS:
            self._said.clear()
        self._said[reason] = (now, 0)
        suffix = f" ({suppressed} more like this since)" if suppressed else ""
        with suppress(Exception):  # the filters and handlers are the program's
            self._logger.warning(message + "%s", *args, suffix)
