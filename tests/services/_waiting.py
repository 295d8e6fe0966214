"""Decide how a test waits for another process: ask again, up to a limit."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

POLL_SECONDS = 0.02


def until(
    ask: Callable[[], T | None], *, what: str, timeout_seconds: float = 20.0
) -> T:
    """Ask until the answer is true, and return it.

    Raises:
        TimeoutError: No true answer in time; the text has *what* and the last answer.
    """
    deadline = time.monotonic() + timeout_seconds
    while True:
        answer = ask()
        if answer:
            return answer
        if time.monotonic() > deadline:
            raise TimeoutError(
                f"{what}: not within {timeout_seconds:g} s, last answer {answer!r}"
            )
        time.sleep(POLL_SECONDS)
