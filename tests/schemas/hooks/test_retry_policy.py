"""What a retry policy may say, and how long a far side may make it wait."""

from __future__ import annotations

import math
from typing import Any

import pytest

from eventbus_schemas.hooks import HttpError, NetworkError, RetryPolicy


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"max_attempts": -1}, "max_attempts must be >= 0, got -1"),
        ({"base_delay_seconds": -0.1}, "base_delay_seconds must be >= 0, got -0.1"),
    ],
)
def test_less_than_nothing_is_refused(wrong: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        RetryPolicy(**wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"max_attempts": "3"}, "max_attempts must be a whole number, got '3'"),
        ({"max_attempts": math.inf}, "max_attempts must be a whole number, got inf"),
        ({"max_attempts": None}, "max_attempts must be a whole number, got None"),
        ({"base_delay_seconds": "1"}, "base_delay_seconds must be a number, got '1'"),
        (
            {"max_server_delay_seconds": None},
            "max_server_delay_seconds must be a number, got None",
        ),
        ({"max_attempts": True}, "max_attempts must be a whole number, got True"),
        ({"max_attempts": 1.0}, r"max_attempts must be a whole number, got 1\.0"),
        ({"base_delay_seconds": True}, "base_delay_seconds must be a number, got True"),
        ({"retry_429": 1}, "retry_429 must be True or False, got 1"),
        ({"retry_5xx": "no"}, "retry_5xx must be True or False, got 'no'"),
        ({"retry_transport": None}, "retry_transport must be True or False, got None"),
    ],
)
def test_what_is_of_another_type_is_refused(
    wrong: dict[str, Any], message: str
) -> None:
    with pytest.raises(TypeError, match=message):
        RetryPolicy(**wrong)


@pytest.mark.parametrize(
    ("error", "again"),
    [
        (HttpError(429), False),  # a quota may be used up
        (HttpError(500), True),
        (NetworkError("reset"), True),
        (HttpError(400), False),
    ],
)
def test_what_is_tried_again_where_nobody_says(error: Exception, again: bool) -> None:
    policy = RetryPolicy()
    assert policy.retries(error, attempt=3) is again
    assert policy.retries(error, attempt=4) is False


@pytest.mark.parametrize(
    ("headers", "most", "seconds"),
    [
        ({"Retry-After": "7"}, 0, 2.0),
        ({"Retry-After": "7"}, 60, 7.0),
        ({"retry-after": "7"}, 5, 5.0),
        ({"Retry-After": "1"}, 60, 2.0),
        ({"Retry-After": "soon"}, 60, 2.0),
        ({}, 60, 2.0),
        (None, 60, 2.0),
        (
            {
                "Retry-After": "Sun, 22 Nov 2026 05:00:09 GMT",
                "Date": "Sun, 22 Nov 2026 05:00:00 GMT",
            },
            60,
            9.0,
        ),
    ],
)
def test_a_far_side_may_make_a_wait_longer_where_it_is_listened_to(
    headers: dict[str, str] | None, most: float, seconds: float
) -> None:
    policy = RetryPolicy(base_delay_seconds=1.0, max_server_delay_seconds=most)
    error = HttpError(429, headers=headers)
    assert policy.wait_seconds(2, error) == seconds
    assert policy.wait_seconds(2, NetworkError("reset"), jitter=1.1) == 2.2
