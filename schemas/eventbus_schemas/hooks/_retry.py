"""When a request is tried again, and who is told of each attempt."""

from __future__ import annotations

import asyncio
import inspect
import random
from collections.abc import Awaitable, Callable
from typing import Any, Final, TypeVar

import msgspec

from eventbus import Clock
from eventbus._bounds import at_least
from eventbus._verdict import refuse_awaitable
from eventbus.answers import retry_after_seconds
from eventbus_schemas._facts import fitting, kinds_of
from eventbus_schemas.hooks._client_errors import as_api_error, headers_of
from eventbus_schemas.hooks._errors import HttpError, NetworkError, RequestTimeoutError
from eventbus_schemas.hooks._observed import SYSTEM_CLOCK, observed_request
from eventbus_schemas.hooks._observers import RequestTelemetry

Q = TypeVar("Q")
R = TypeVar("R")

DEFAULT_RETRIES: Final = 4  # five tries take 3 s of waiting together
DEFAULT_BASE_DELAY_SECONDS: Final = 0.2
LEAST_JITTER: Final = 0.9
MOST_JITTER: Final = 1.1
_MAX_DOUBLINGS: Final = 63  # of anything, that is for ever
_NUMBERS: Final = ("max_attempts", "base_delay_seconds", "max_server_delay_seconds")


class RetryPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """How often a request is tried again, after what, and how long afterwards.

    Args:
        max_attempts: How many *retries* there are at most, after the first try: 4 is
            five tries. Attempts are numbered from 0 to ``max_attempts``.
        base_delay_seconds: Before the first retry; each further one waits twice as
            long as the one before.
        retry_429: Whether 429 is tried again. Not by default: to many providers it
            says that a quota is used up.
        retry_5xx: Whether 500 to 599 are.
        retry_transport: Whether timeouts and network errors are.
        max_server_delay_seconds: How long a refusal's ``Retry-After`` may make the wait
            at most; it never makes it shorter. 0 is to take no notice of it.
    """

    max_attempts: int = DEFAULT_RETRIES
    base_delay_seconds: float = DEFAULT_BASE_DELAY_SECONDS
    retry_429: bool = False
    retry_5xx: bool = True
    retry_transport: bool = True
    max_server_delay_seconds: float = 0.0

    def __post_init__(self) -> None:
        """Refuse less than nothing, and values of other types."""
        for name, kind in kinds_of(RetryPolicy).items():
            fitting(kind, name, getattr(self, name), show=repr)
        for name in _NUMBERS:
            at_least(name, getattr(self, name), 0)

    def retries(self, error: Exception, *, attempt: int) -> bool:
        """Return whether *attempt*, which ended with *error*, is followed by another.

        Errors of clients count by their meaning: whatever carries a status, timeouts,
        connections that broke.
        """
        if attempt >= self.max_attempts:
            return False
        match as_api_error(error):
            case HttpError(status=429):
                return self.retry_429
            case HttpError(status=status):
                return self.retry_5xx and 500 <= status <= 599
            case RequestTimeoutError() | NetworkError():
                return self.retry_transport
            case _:
                return False

    def delay_seconds(self, retry: int, *, jitter: float = 1.0) -> float:
        """Return how long to wait before the *retry*-th one, from 1."""
        doublings = min(retry - 1, _MAX_DOUBLINGS)
        return self.base_delay_seconds * 2.0**doublings * jitter

    def wait_seconds(
        self, retry: int, error: Exception, *, jitter: float = 1.0
    ) -> float:
        """Return how long to wait before the *retry*-th one, which follows *error*."""
        delay = self.delay_seconds(retry, jitter=jitter)
        headers = headers_of(error)
        wish = retry_after_seconds(headers.get("retry-after"), date=headers.get("date"))
        return max(delay, min(wish or 0.0, self.max_server_delay_seconds))


async def run_with_request_telemetry(
    policy: RetryPolicy,
    telemetry: RequestTelemetry | None,
    make_request: Callable[[], Q],
    send: Callable[[Q], Awaitable[R]],
    *,
    clock: Clock = SYSTEM_CLOCK,
    uniform: Callable[[float, float], float] = random.uniform,
) -> R:
    """Send a request, again where *policy* says so, and tell of each attempt.

    A response is a success, whatever it says: what is to be tried again has to be
    raised, as :func:`eventbus_schemas.hooks.httpx_sender` does. A request that cannot
    be made is raised at once and not observed. A body that streams has to begin anew
    with each request: the rest of one that was sent already would be sent as a whole.

    Args:
        policy: Its ``max_attempts`` counts retries: there is one try more.
        telemetry: Gets ``on_request`` for each attempt, before it is decided whether
            there is another. If it has ``on_cancelled``, it gets that for an attempt
            that is cut off. With ``None`` nothing is measured.
        make_request: Makes the request, anew for each attempt.
        send: Sends it once.
        clock: Measures the attempts, and wakes from the waits between them.
        uniform: Chooses the jitter between 0.9 and 1.1.

    Returns:
        The response of the attempt that succeeded.

    Raises:
        TypeError: *policy* is none, *make_request* is no plain function, or *send* no
            coroutine function.
        Exception: The last attempt's error, as *send* raised it.

    Cancelled, *send* or the wait is, and the cancellation goes on; the attempt that is
    cut off is neither a success nor a failure. Of a wait between attempts nobody is
    told: the attempt before it was, and the next one has not begun.
    """
    if not isinstance(policy, RetryPolicy):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise TypeError(f"policy must be a RetryPolicy, got {type(policy).__name__}")
    _check_function("make_request", make_request)
    _check_function("send", send)
    attempt = 0
    while True:
        request = make_request()
        if inspect.iscoroutine(request):
            refuse_awaitable(request, "make_request")
        sending = _send(send, request)
        try:
            return await observed_request(
                sending, telemetry, attempt=attempt, clock=clock
            )
        except Exception as error:
            if not policy.retries(error, attempt=attempt):
                raise
            attempt += 1
            jitter = uniform(LEAST_JITTER, MOST_JITTER)
            seconds = policy.wait_seconds(attempt, error, jitter=jitter)
        await _pause(seconds, clock)


def _check_function(name: str, function: object) -> None:
    if not callable(function):
        raise TypeError(f"{name} must be a function, got {type(function).__name__}")


async def _send(send: Callable[[Q], Awaitable[R]], request: Q) -> R:
    sending: Any = send(request)  # Any: of a function that may be none of coroutines
    if not inspect.isawaitable(sending):
        kind = type(sending).__name__
        raise TypeError(f"send must be a coroutine function, it returned {kind}")
    answer: R = await sending
    return answer


async def _pause(seconds: float, clock: Clock) -> None:
    over: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    timer = clock.call_later(seconds, lambda: _settle(over))
    try:
        await over
    finally:
        timer.cancel()


def _settle(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)
