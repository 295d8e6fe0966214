"""Which times can be sent."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from eventbus._json_form import NoJsonForm

_MAX_TIME: Final = 2**64 - 1


def check_times(times: Sequence[int]) -> None:
    """Raise unless *times*, in nanoseconds since 1970, can all be sent.

    Raises:
        NoJsonForm: One of them is outside of unsigned numbers of 64 bits.
    """
    if min(times) < 0 or max(times) > _MAX_TIME:
        raise NoJsonForm("a time before 1970, or beyond 64 bits of nanoseconds")
