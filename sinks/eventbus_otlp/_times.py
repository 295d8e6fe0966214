"""Which times can be sent, and how they are written as text."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

from eventbus._json_form import NoJsonForm
from eventbus_otlp._remembered import Remembered

_MAX_TIME: Final = 2**64 - 1
_NANOSECONDS_OF_MS: Final = 1_000_000
_FRACTIONS: Final = tuple(f".{ms:03d}Z" for ms in range(1000))
_REMEMBERED: Final = 64  # seconds


def check_times(times: Sequence[int]) -> None:
    """Raise unless *times*, in nanoseconds since 1970, can all be sent.

    Raises:
        NoJsonForm: One of them is outside of unsigned numbers of 64 bits.
    """
    if min(times) < 0 or max(times) > _MAX_TIME:
        raise NoJsonForm("a time before 1970, or beyond 64 bits of nanoseconds")


class Timestamps(Remembered[int, str]):
    """Writes times as RFC 3339 has them, in UTC: ``2026-11-21T07:44:23.541Z``."""

    def __init__(self) -> None:
        super().__init__(_REMEMBERED)

    def __missing__(self, second: int) -> str:
        moment = datetime.fromtimestamp(second, UTC).replace(tzinfo=None)
        text = moment.isoformat()
        self.remember(second, text)
        return text

    def texts(self, times: Sequence[int]) -> list[str]:
        """Return what stands for *times*, in nanoseconds since 1970, cut to ms.

        Raises:
            NoJsonForm: See :func:`check_times`.
        """
        check_times(times)
        milliseconds = [time // _NANOSECONDS_OF_MS for time in times]
        return [self[ms // 1000] + _FRACTIONS[ms % 1000] for ms in milliseconds]
