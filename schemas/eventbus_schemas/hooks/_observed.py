"""How any awaitable is measured, and told of, without changing what comes of it."""

from __future__ import annotations

from asyncio import CancelledError
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from eventbus import Clock
from eventbus._clock import SystemClock
from eventbus_schemas.hooks._client_errors import refused_with, status_of
from eventbus_schemas.hooks._endings import Cancelled, Ending, Raised, Returned
from eventbus_schemas.hooks._guard import guarded
from eventbus_schemas.hooks._observers import RequestTelemetry
from eventbus_schemas.hooks._telling import Tell, tells

T = TypeVar("T")

SYSTEM_CLOCK: Final[Clock] = SystemClock()


async def observed(
    awaitable: Awaitable[T],
    observer: Callable[[Ending[T]], object],
    *,
    clock: Clock = SYSTEM_CLOCK,
) -> T:
    """Await *awaitable*, tell *observer* once how it ended, and end as it does.

    Args:
        awaitable: A coroutine, a task, anything that can be awaited once.
        observer: Is given a :class:`Returned`, :class:`Raised` or :class:`Cancelled`.
            What it raises is counted and told, and changes nothing. What is no
            ``Exception``, a ``KeyboardInterrupt`` say, passes without a word.
        clock: Measures the duration.

    Cancelled, the awaitable is cancelled, and the cancellation goes on.
    """
    return await measured(awaitable, guarded(observer), stopwatch(clock))


def stopwatch(clock: Clock) -> Callable[[], float]:
    """Return what returns the seconds since now."""
    started = clock.monotonic()
    return lambda: clock.monotonic() - started


async def measured(
    awaitable: Awaitable[T], tell: Tell[T], lap: Callable[[], float]
) -> T:
    """Await *awaitable*, and *tell*, which never raises, with the seconds of *lap*."""
    try:
        value = await awaitable
    except CancelledError:
        tell(Cancelled(lap()))
        raise
    except Exception as error:
        tell(Raised(error, lap()))
        raise
    tell(Returned(value, lap()))
    return value


async def observed_request(
    awaitable: Awaitable[T],
    telemetry: RequestTelemetry | None,
    *,
    attempt: int = 0,
    clock: Clock = SYSTEM_CLOCK,
) -> T:
    """Await *awaitable* as one attempt of a request, whatever client makes it.

    The status is the response's ``status_code`` or ``status``, or the error's.

    Args:
        awaitable: Returns the response.
        telemetry: Gets ``on_request`` once, or ``on_cancelled`` if it has that.
        attempt: From 0; 1 is the first retry.
        clock: Measures the duration.

    Cancelled, the awaitable is cancelled, and the cancellation goes on.
    """
    tell = tells_of_request(telemetry, attempt)
    if tell is None:
        return await awaitable
    return await measured(awaitable, tell, stopwatch(clock))


def tells_of_request(
    telemetry: object,
    attempt: int,
    *,
    refusal: Callable[[object], Exception | None] | None = None,
) -> Tell[object] | None:
    """Return what tells *telemetry* how an attempt ended; ``None`` if nobody listens.

    Args:
        telemetry: May have ``on_request`` and ``on_cancelled``.
        attempt: From 0.
        refusal: Returns the error that a response stands for, where the client returns
            refusals.
    """

    def told(ending: Returned[object] | Raised) -> tuple[object, ...]:
        seconds = ending.duration_seconds
        if isinstance(ending, Raised):
            return attempt, refused_with(ending.error), ending.error, seconds
        error = None if refusal is None else refusal(ending.value)
        return attempt, status_of(ending.value), error, seconds

    return tells(telemetry, "on_request", "request", told, attempt=attempt)
