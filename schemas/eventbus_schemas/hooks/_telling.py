"""Who is told how a call ended: a hook, or the one for what was cut off."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias, TypeVar

from eventbus_schemas.hooks._endings import Cancelled, Ending, Raised, Returned
from eventbus_schemas.hooks._errors import IdleTimeoutError
from eventbus_schemas.hooks._guard import hook_of
from eventbus_schemas.hooks._observers import Operation
from eventbus_schemas.hooks._polls import IdleTimeoutElapsed, StreamFailed

T = TypeVar("T")

Told: TypeAlias = Callable[[Returned[T] | Raised], tuple[object, ...]]
Tell: TypeAlias = Callable[[Ending[T]], object]


def tells(
    observer: object,
    name: str,
    operation: Operation,
    told: Told[T],
    *,
    attempt: int | None = None,
) -> Tell[T] | None:
    """Return what tells *observer* how a call ended, and never raises.

    Args:
        observer: May have the hook *name*, and ``on_cancelled``.
        name: Of the hook for calls that were not cut off.
        operation: What ``on_cancelled`` is told.
        told: Returns what the hook is told of an ending.
        attempt: What ``on_cancelled`` is told.

    Returns:
        ``None`` if it has neither: then there is nothing to measure.
    """
    if observer is None:
        return None
    hook = hook_of(observer, name, told)
    on_cancelled = hook_of(observer, "on_cancelled")
    if hook is None and on_cancelled is None:
        return None

    def tell(ending: Ending[T]) -> None:
        if not isinstance(ending, Cancelled):
            if hook is not None:
                hook(ending)
        elif on_cancelled is not None:
            on_cancelled(operation, ending.duration_seconds, attempt)

    return tell


def failure_of(error: Exception) -> StreamFailed | IdleTimeoutElapsed:
    """Return the result of a poll that *error* is."""
    if isinstance(error, IdleTimeoutError):
        return IdleTimeoutElapsed(error)
    return StreamFailed(error)
