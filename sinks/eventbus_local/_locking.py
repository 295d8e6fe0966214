"""How processes take turns at one file; on Windows each has its file to itself."""

from __future__ import annotations

import sys
import time
from typing import Final

from eventbus import Unavailable

TURN_SECONDS: Final = 5.0  # of waiting, for another process or thread
_LOOK_SECONDS: Final = 0.002

if sys.platform == "win32":

    def try_lock(descriptor: int) -> bool:
        """Return whether this open file is now locked for others."""
        return True

    def unlock(descriptor: int) -> None:
        """Let the next one have its turn."""

else:
    import fcntl

    def try_lock(descriptor: int) -> bool:
        """Return whether this open file is now locked for others."""
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def unlock(descriptor: int) -> None:
        """Let the next one have its turn."""
        fcntl.flock(descriptor, fcntl.LOCK_UN)


def lock(descriptor: int, path: str) -> None:
    """Wait for the turn at *path*, 5 seconds at most.

    Raises:
        Unavailable: Another process keeps it.
    """
    end = time.monotonic() + TURN_SECONDS
    while not try_lock(descriptor):
        if time.monotonic() > end:
            raise Unavailable(
                f"another process has kept {path!r} locked for {TURN_SECONDS} s"
            )
        time.sleep(_LOOK_SECONDS)
