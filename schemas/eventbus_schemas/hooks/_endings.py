"""How a call came to its end: it returned, it raised, or it was cut off."""

from __future__ import annotations

from typing import Generic, TypeAlias, TypeVar

import msgspec

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class Returned(msgspec.Struct, Generic[T_co], frozen=True):
    """The call returned.

    Args:
        value: What it returned.
        duration_seconds: How long it took, by a monotonic clock.
    """

    value: T_co
    duration_seconds: float


class Raised(msgspec.Struct, frozen=True):
    """The call raised.

    Args:
        error: What it raised.
        duration_seconds: How long it took, by a monotonic clock.
    """

    error: Exception
    duration_seconds: float


class Cancelled(msgspec.Struct, frozen=True):
    """The call was cancelled: it neither succeeded nor failed.

    Args:
        duration_seconds: How long it had taken by then, by a monotonic clock.
    """

    duration_seconds: float


Ending: TypeAlias = Returned[T] | Raised | Cancelled
