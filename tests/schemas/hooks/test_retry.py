"""Attempts of a request: how many, after which waits, and who is told."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

import pytest

from eventbus.testing import ManualClock, settled
from eventbus_schemas.hooks import (
    ApiStatusError,
    BuildError,
    HttpError,
    NetworkError,
    RequestTimeoutError,
    RetryLimitError,
    RetryPolicy,
    run_with_request_telemetry,
)
from tests.schemas.hooks._seen import Raising, Seen

EVERYTHING = RetryPolicy(
    max_attempts=3, base_delay_seconds=1.0, retry_429=True, retry_5xx=True
)


class Response:
    def __init__(self, status: int) -> None:
        self.status_code = status


class Provider:
    """Ends each send with the next of *ends*, after a second of the clock."""

    def __init__(self, clock: ManualClock, *ends: Exception | Response) -> None:
        self.ends = list(ends)
        self.clock = clock
        self.sent: list[object] = []

    async def send(self, request: object) -> Response:
        self.sent.append(request)
        self.clock.advance(1)
        end = self.ends.pop(0)
        if isinstance(end, Exception):
            raise end
        return end


async def run(
    provider: Provider,
    seen: object = None,
    *,
    policy: RetryPolicy = EVERYTHING,
    jitter: float = 1.0,
) -> Response:
    """Run to the end, letting every wait pass at once."""
    running = asyncio.ensure_future(
        run_with_request_telemetry(
            policy,
            seen,  # type: ignore[arg-type]
            object,
            provider.send,
            clock=provider.clock,
            uniform=lambda low, high: jitter,
        )
    )
    while not running.done():
        await settled()
        if provider.clock.timers:
            provider.clock.advance(1e9)
    return await running


@pytest.mark.proves("A1", "A6")
async def test_each_attempt_is_told_once_from_zero_with_a_request_of_its_own() -> None:
    provider = Provider(
        ManualClock(), HttpError(500), RequestTimeoutError(), Response(200)
    )
    seen = Seen()
    response = await run(provider, seen)
    assert response.status_code == 200
    assert seen.attempts == [
        (0, 500, "HttpError"),
        (1, None, "RequestTimeoutError"),
        (2, 200, None),
    ]
    assert [seconds for *_, seconds in seen.requests] == [1.0, 1.0, 1.0]
    assert len(set(map(id, provider.sent))) == 3


@pytest.mark.proves("A1")
async def test_a_failure_is_told_before_another_attempt_is_chosen() -> None:
    clock = ManualClock()
    provider = Provider(clock, HttpError(500), Response(200))
    order: list[str] = []

    class Watching(Seen):
        def on_request(self, *told: object) -> None:
            order.append(f"told after {len(provider.sent)}")

    class Choosing(RetryPolicy, frozen=True):
        def retries(self, error: Exception, *, attempt: int) -> bool:
            order.append("chosen")
            return super().retries(error, attempt=attempt)

    await run(provider, Watching(), policy=Choosing(max_attempts=1))
    assert order == ["told after 1", "chosen", "told after 2"]


@pytest.mark.proves("A2")
@pytest.mark.parametrize(
    ("error", "status"),
    [
        (HttpError(503), 503),
        (RetryLimitError(), None),
        (RequestTimeoutError(), None),
        (NetworkError("reset"), None),
        (BuildError("no such header"), None),
    ],
    ids=lambda value: type(value).__name__,
)
async def test_status_is_absent_unless_the_error_carries_one(
    error: Exception, status: int | None
) -> None:
    seen = Seen()
    provider = Provider(ManualClock(), error)
    with pytest.raises(type(error)) as raised:
        await run(provider, seen, policy=RetryPolicy(max_attempts=0))
    assert raised.value is error
    assert seen.requests == [(0, status, error, 1.0)]


@pytest.mark.proves("A2")
@pytest.mark.parametrize("status", [200, 204, 302, 404, 500])
async def test_error_is_absent_when_the_client_reports_a_success(status: int) -> None:
    seen = Seen()
    await run(Provider(ManualClock(), Response(status)), seen)
    assert seen.requests == [(0, status, None, 1.0)]


@pytest.mark.proves("A6")
@pytest.mark.parametrize("retries", [0, 1, 4])
async def test_max_attempts_counts_retries_and_the_last_error_is_raised(
    retries: int,
) -> None:
    errors = [NetworkError(str(n)) for n in range(retries + 1)]
    provider = Provider(ManualClock(), *errors)
    with pytest.raises(NetworkError) as raised:
        await run(provider, policy=RetryPolicy(max_attempts=retries))
    assert raised.value is errors[-1]
    assert len(provider.sent) == retries + 1


SWITCHES = ("retry_429", "retry_5xx", "retry_transport")


@pytest.mark.proves("A6")
@pytest.mark.parametrize("switch", SWITCHES)
@pytest.mark.parametrize(
    ("error", "by"),
    [
        (HttpError(429), "retry_429"),
        (HttpError(500), "retry_5xx"),
        (HttpError(599), "retry_5xx"),
        (RequestTimeoutError(), "retry_transport"),
        (NetworkError("reset"), "retry_transport"),
        (TimeoutError(), "retry_transport"),
        (ConnectionResetError(), "retry_transport"),
        (HttpError(499), None),
        (HttpError(600), None),
        (HttpError(400), None),
        (BuildError("no"), None),
        (RetryLimitError(), None),
        (ApiStatusError(500, "theirs"), None),
        (KeyError("ours"), None),
    ],
    ids=repr,
)
def test_each_switch_retries_its_errors_and_no_others(
    switch: str, error: Exception, by: str | None
) -> None:
    only = RetryPolicy(max_attempts=1, **{s: s == switch for s in SWITCHES})
    assert only.retries(error, attempt=0) is (by == switch)
    assert only.retries(error, attempt=1) is False


@pytest.mark.proves("A6")
async def test_waits_double_and_are_jittered_by_a_tenth() -> None:
    clock = ManualClock()
    waits: list[float] = []
    bounds: list[tuple[float, float]] = []
    later = clock.call_later

    def noting(seconds: float, callback: Callable[[], object]) -> object:
        waits.append(seconds)
        return later(seconds, callback)

    clock.call_later = noting  # type: ignore[method-assign, assignment]
    jitters = iter([0.9, 1.0, 1.1])

    def uniform(low: float, high: float) -> float:
        bounds.append((low, high))
        return next(jitters)

    provider = Provider(clock, *[HttpError(500)] * 3, Response(200))
    running = asyncio.ensure_future(
        run_with_request_telemetry(
            RetryPolicy(max_attempts=3, base_delay_seconds=0.5),
            None,
            object,
            provider.send,
            clock=clock,
            uniform=uniform,
        )
    )
    for _ in range(3):
        await settled()
        clock.advance(10)
    assert (await running).status_code == 200
    assert waits == pytest.approx([0.5 * 0.9, 1.0, 2.0 * 1.1])
    assert bounds == [(0.9, 1.1)] * 3


@pytest.mark.proves("A6")
async def test_the_next_attempt_waits_for_its_time() -> None:
    clock = ManualClock()
    provider = Provider(clock, HttpError(500), Response(200))
    running = asyncio.ensure_future(
        run_with_request_telemetry(
            RetryPolicy(base_delay_seconds=4.0),
            None,
            object,
            provider.send,
            clock=clock,
            uniform=lambda low, high: 1.0,
        )
    )
    await settled()
    clock.advance(3.9)
    await settled()
    assert len(provider.sent) == 1
    clock.advance(0.2)
    await running
    assert len(provider.sent) == 2


@pytest.mark.proves("A6")
def test_the_delay_of_a_far_retry_is_long_and_no_overflow() -> None:
    policy = RetryPolicy(base_delay_seconds=1.0)
    assert policy.delay_seconds(1) == 1.0
    assert policy.delay_seconds(64) == policy.delay_seconds(10**9) == 2.0**63


async def test_a_request_that_cannot_be_made_is_raised_and_not_observed() -> None:
    seen = Seen()

    def make_request() -> object:
        raise NetworkError("not even that")

    with pytest.raises(NetworkError, match="not even that"):
        await run_with_request_telemetry(
            EVERYTHING, seen, make_request, Provider(ManualClock()).send
        )
    assert seen.requests == []


async def test_the_runner_waits_as_long_as_it_is_asked_to() -> None:
    clock = ManualClock()
    provider = Provider(
        clock, HttpError(503, headers={"Retry-After": "30"}), Response(200)
    )
    running = asyncio.ensure_future(
        run_with_request_telemetry(
            RetryPolicy(max_server_delay_seconds=60),
            None,
            object,
            provider.send,
            clock=clock,
        )
    )
    await settled()
    clock.advance(29)
    await settled()
    assert len(provider.sent) == 1
    clock.advance(1)
    assert (await running).status_code == 200


@pytest.mark.proves("A7")
async def test_an_attempt_that_is_cut_off_is_neither_success_nor_failure() -> None:
    seen = Seen()
    clock = ManualClock()
    begun = asyncio.Event()

    async def send(request: object) -> Response:
        clock.advance(1.5)
        begun.set()
        await asyncio.Event().wait()
        raise AssertionError

    running = asyncio.ensure_future(
        run_with_request_telemetry(EVERYTHING, seen, object, send, clock=clock)
    )
    await begun.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert seen.requests == []
    assert seen.cancelled == [("request", 1.5, 0)]


@pytest.mark.proves("A7")
async def test_a_wait_that_is_cut_off_tells_nothing_more() -> None:
    seen = Seen()
    clock = ManualClock()
    provider = Provider(clock, HttpError(500))
    running = asyncio.ensure_future(
        run_with_request_telemetry(EVERYTHING, seen, object, provider.send, clock=clock)
    )
    await settled()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert seen.attempts == [(0, 500, "HttpError")]
    assert seen.cancelled == []
    assert clock.timers == 0


@pytest.mark.proves("A7")
async def test_a_deadline_around_the_call_is_a_cancellation() -> None:
    seen = Seen()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0):
            await run_with_request_telemetry(
                EVERYTHING, seen, object, lambda request: asyncio.Event().wait()
            )
    assert seen.requests == []
    assert [operation for operation, *_ in seen.cancelled] == ["request"]


@pytest.mark.proves("A5")
@pytest.mark.usefixtures("quiet")
async def test_no_hooks_and_raising_hooks_change_nothing() -> None:
    for telemetry in (None, object(), Raising()):
        provider = Provider(ManualClock(), HttpError(500), Response(201))
        response = await run(provider, telemetry)
        assert response.status_code == 201
        last = HttpError(400)
        with pytest.raises(HttpError) as raised:
            await run(Provider(ManualClock(), last), telemetry)
        assert raised.value is last


async def test_without_hooks_nothing_is_measured() -> None:
    class Blind(ManualClock):
        def monotonic(self) -> float:
            raise AssertionError("nobody asked")

    assert (await run(Provider(Blind(), Response(200)))).status_code == 200


@pytest.fixture
def quiet(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL, "eventbus.hooks")
