"""What a far side's answer means, status by status and code by code."""

from __future__ import annotations

import time
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from eventbus import Refused, Retry, TooLarge, Unavailable
from eventbus._retry import Backoff
from eventbus.answers import from_grpc, from_http, retry_after_seconds
from tests._rig import Top

TAKEN, AGAIN, NEVER, SPLIT, FAILED = "taken", "again", "never", "split", "failed"

# https://opentelemetry.io/docs/specs/otlp/#failures, with its sentence on
# RESOURCE_EXHAUSTED below the table
CODES = {
    0: TAKEN,  # OK
    1: AGAIN,  # CANCELLED
    2: NEVER,  # UNKNOWN
    3: NEVER,  # INVALID_ARGUMENT
    4: AGAIN,  # DEADLINE_EXCEEDED
    5: NEVER,  # NOT_FOUND
    6: NEVER,  # ALREADY_EXISTS
    7: NEVER,  # PERMISSION_DENIED
    8: SPLIT,  # RESOURCE_EXHAUSTED, without RetryInfo
    9: NEVER,  # FAILED_PRECONDITION
    10: AGAIN,  # ABORTED
    11: AGAIN,  # OUT_OF_RANGE
    12: NEVER,  # UNIMPLEMENTED
    13: NEVER,  # INTERNAL
    14: AGAIN,  # UNAVAILABLE
    15: AGAIN,  # DATA_LOSS
    16: FAILED,  # UNAUTHENTICATED
}

# https://opentelemetry.io/docs/specs/otlp/#retryable-response-codes
RETRYABLE = {429, 502, 503, 504}

MOMENT = "Sun, 06 Nov 1994 08:49:37 GMT"


def meaning(answer: object) -> str:
    match answer:
        case None:
            return TAKEN
        case Unavailable():
            return AGAIN
        case TooLarge():
            return SPLIT
        case Refused(permanent=True):
            return FAILED
        case Refused():
            return NEVER
        case _:
            raise AssertionError(answer)


def expected(status: int) -> str:
    if status in RETRYABLE or 100 <= status <= 199:
        return AGAIN
    if 200 <= status <= 299:
        return TAKEN
    return {401: FAILED, 407: FAILED, 413: SPLIT}.get(status, NEVER)


def wish(answer: object) -> float | None:
    assert isinstance(answer, Unavailable)
    return answer.retry_after_seconds


def waited(seconds: float | None) -> float | None:
    """Return what a bus waits after one failure whose own longest wait is 1 s."""
    backoff = Backoff(Retry(), Top())
    return backoff.next_delay(1, elapsed_seconds=0, server_delay_seconds=seconds)


@pytest.mark.proves("fault-56")
@pytest.mark.parametrize("status", range(100, 600))
def test_every_http_status_has_its_meaning(status: int) -> None:
    answer = from_http(status)
    assert meaning(answer) == expected(status)
    assert answer is None or f"HTTP status {status}" in str(answer)
    assert meaning(from_http(status, retry_after="7")) == expected(status)


@pytest.mark.proves("fault-56")
@pytest.mark.parametrize("code", range(17))
def test_every_grpc_code_has_its_meaning(code: int) -> None:
    answer = from_grpc(code)
    assert meaning(answer) == CODES[code]
    assert answer is None or f"gRPC status {code} " in str(answer)
    recoverable = AGAIN if code == 8 else CODES[code]
    assert meaning(from_grpc(code, retry_delay=(5, 0))) == recoverable


@pytest.mark.parametrize("status", [-1, 0, 99, 600, 999])
def test_a_status_that_http_does_not_know_is_a_fault_of_the_far_side(
    status: int,
) -> None:
    assert meaning(from_http(status)) == meaning(from_http(500)) == NEVER


@pytest.mark.parametrize("code", [-1, 17, 2**31])
def test_a_code_that_grpc_does_not_know_is_unknown(code: int) -> None:
    answer = from_grpc(code)
    assert meaning(answer) == NEVER
    assert "(UNKNOWN)" in str(answer)


@pytest.mark.parametrize("status", [408, 425, 500])
def test_further_statuses_are_tried_again_on_demand(status: int) -> None:
    assert meaning(from_http(status)) == NEVER
    again = from_http(status, retry_after="3", extra_retryable={408, 425, 500})
    assert wish(again) == 3


@pytest.mark.proves("fault-56")
@pytest.mark.parametrize(
    ("delay", "seconds", "waits"),
    [
        (None, None, 1),
        ((0, 0), None, 1),
        ((30, 0), 30, 30),
        ((2, 500_000_000), 2.5, 2.5),
        ((0, 1), 1e-9, 1),
        ((-5, 0), None, 1),
        ((0, -1), None, 1),
        ((5, -1), None, 1),
        ((0, 10**9), None, 1),
        ((315_576_000_000, 999_999_999), 315_576_000_001, 300),
        ((315_576_000_001, 0), None, 1),
        ((2**63 - 1, 999_999_999), None, 1),
        ((2**63 - 1, 2**31 - 1), None, 1),
        (("5", 0), None, 1),
        ((5,), None, 1),
        ((float("nan"), 0), None, 1),
    ],
)
@pytest.mark.parametrize("code", [8, 14])
def test_a_retry_delay_is_obeyed_up_to_a_limit_and_nonsense_is_plain_backoff(
    code: int, delay: Any, seconds: float | None, waits: float
) -> None:
    if code == 8 and delay is None:
        assert meaning(from_grpc(code)) == SPLIT
        return
    asked = wish(from_grpc(code, retry_delay=delay))
    assert asked == (None if seconds is None else pytest.approx(seconds, rel=1e-9))
    assert waited(asked) == waits


@pytest.mark.proves("fault-55")
@pytest.mark.parametrize(
    ("header", "seconds", "waits"),
    [
        ("0", 0, 1),
        ("2", 2, 2),
        (" 120\t", 120, 120),
        ("2.5", 2.5, 2.5),
        ("1000000000", 1e9, 300),
        ("1e9", None, 1),
        ("-5", None, 1),
        ("", None, 1),
        (None, None, 1),
        ("abc", None, 1),
        ("nan", None, 1),
        ("٣", None, 1),
        ("9" * 10_000, None, 1),
        ("2, 5", None, 1),
        ("2,5", None, 1),
        (f"{MOMENT}, {MOMENT}", None, 1),
        ("Sun, 06 Nov 1994 08:50:07 GMT", 30, 30),
        ("Sunday, 06-Nov-94 08:50:07 GMT", 30, 30),
        ("Sun Nov  6 08:50:07 1994", 30, 30),
        ("Sun, 06 Nov 1994 08:49:00 GMT", 0, 1),
        ("Wed, 31 Dec 9999 23:59:59 GMT", 252618189022, 300),
        ("Sun, 32 Nov 1994 08:49:37 GMT", None, 1),
        ("Sun, 06 Nov 1994 08:49:61 GMT", None, 1),
    ],
)
def test_retry_after_is_obeyed_up_to_a_limit_and_nonsense_is_plain_backoff(
    header: str | None, seconds: float | None, waits: float
) -> None:
    asked = wish(from_http(503, retry_after=header, date=MOMENT))
    assert asked == seconds
    assert waited(asked) == waits


@pytest.mark.proves("fault-55")
def test_a_date_is_measured_by_the_far_sides_own_clock_where_it_tells(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(time, "time", lambda: 784_111_777.0 + 7)  # MOMENT + 7 s
    in_a_minute = "Sun, 06 Nov 1994 08:50:37 GMT"
    assert retry_after_seconds(in_a_minute) == 53
    assert retry_after_seconds(in_a_minute, date="yesterday") == 53
    assert retry_after_seconds(in_a_minute, date=MOMENT) == 60
    an_hour_slow = "Sun, 06 Nov 1994 07:49:37 GMT"
    assert retry_after_seconds(MOMENT, date=an_hour_slow) == 3600


@given(
    header=st.text(max_size=40) | st.text("0123456789 ,:-+.GMTSunNov", max_size=40),
    date=st.none() | st.text(max_size=40),
)
@example(header="1 Jan 99999999999999999 0:0:0", date=None)
@example(header="Sun, 06 Nov 9999 23:59:59 -2359", date="01 Jan 0001 00:00:00 +2359")
def test_whatever_a_header_says_the_wish_is_none_or_a_time(
    header: str, date: str | None
) -> None:
    asked = retry_after_seconds(header, date=date)
    assert asked is None or 0 <= asked < float("inf")


def test_a_reason_is_for_people() -> None:
    assert str(from_http(404)) == "the far side answered with HTTP status 404"
    assert str(from_grpc(14)) == (
        "the far side answered with gRPC status 14 (UNAVAILABLE)"
    )
