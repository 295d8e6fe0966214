"""What carries requests to the far side, whichever protocol it speaks."""

from __future__ import annotations

import typing
from collections.abc import Mapping
from typing import NamedTuple

from eventbus_otlp._signal import Signal


class Reply(NamedTuple):
    """What the far side said of a request that it took.

    Args:
        rejected: How many of its records it refused; it does not say which.
        message: Its words, for people; on one line and bounded.
        warned: What was wrong with the answer, by reason.
    """

    rejected: int = 0
    message: str = ""
    warned: Mapping[str, int] = {}


class Transport(typing.Protocol):
    """Sends requests, several at a time; all calls are made on one loop."""

    async def start(self) -> None:
        """Open what is needed; it may be called again after a failure."""
        ...

    async def send(self, signal: Signal, body: bytes) -> Reply:
        """Make one attempt to send *body*, uncompressed, and return the answer.

        Raises:
            Unavailable: Not now; it may be sent again.
            Refused: Never.
            TooLarge: Only in parts.
        """
        ...

    async def check(self) -> None:
        """Raise when the far side cannot be reached."""
        ...

    async def aclose(self) -> None:
        """Let go of everything; it may be called twice."""
        ...
