"""Which severity an event has that tells of a failure, where nobody says."""

from __future__ import annotations

from collections.abc import Callable
from types import MethodType
from typing import Any, Final, ParamSpec, TypeVar

from eventbus import Event

P = ParamSpec("P")
E = TypeVar("E", bound=Event)

_FAILED: Final = ("failed", "parse_failed")


def warning_of_failures(event_type: Callable[P, E]) -> Callable[P, E]:
    """Return what makes events of *event_type*, each failure with ``"warn"``.

    A failure is what is no ``success``, or has a failed ``outcome``. Whoever gives a
    ``severity`` decides.
    """

    def make(cls: Callable[..., E], **told: Any) -> E:  # Any: fields of the event
        if not told.get("success", True) or told.get("outcome") in _FAILED:
            told.setdefault("severity", "warn")
        return cls(**told)

    make.__doc__ = event_type.__doc__
    return MethodType(make, event_type)
