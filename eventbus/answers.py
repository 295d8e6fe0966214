"""What the answer of a far side over HTTP or gRPC means for the batch in hand.

For authors of sinks: each function returns the error that ``write`` is to raise, or
``None`` when the far side took the batch. The tables are those of the OpenTelemetry
protocol, https://opentelemetry.io/docs/specs/otlp/#failures and #failures-1.
"""

from __future__ import annotations

import re
import time
from collections.abc import Collection
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

from eventbus._errors import Refused, TooLarge, Unavailable

__all__ = ["from_grpc", "from_http", "retry_after_seconds"]

Answer = Unavailable | Refused | TooLarge | None

_RETRYABLE_STATUSES: Final = frozenset({429, 502, 503, 504})
_CREDENTIAL_STATUSES: Final = frozenset({401, 407})
_CONTENT_TOO_LARGE: Final = 413

_CODE_NAMES: Final = (
    "OK",
    "CANCELLED",
    "UNKNOWN",
    "INVALID_ARGUMENT",
    "DEADLINE_EXCEEDED",
    "NOT_FOUND",
    "ALREADY_EXISTS",
    "PERMISSION_DENIED",
    "RESOURCE_EXHAUSTED",
    "FAILED_PRECONDITION",
    "ABORTED",
    "OUT_OF_RANGE",
    "UNIMPLEMENTED",
    "INTERNAL",
    "UNAVAILABLE",
    "DATA_LOSS",
    "UNAUTHENTICATED",
)
_RETRYABLE_CODES: Final = frozenset(
    {
        "CANCELLED",
        "DEADLINE_EXCEEDED",
        "ABORTED",
        "OUT_OF_RANGE",
        "UNAVAILABLE",
        "DATA_LOSS",
    }
)

_SECONDS: Final = re.compile(r"[0-9]{1,18}(?:\.[0-9]{0,18})?")
_MAX_DATE_LENGTH: Final = 33  # "Wednesday, 06-Nov-94 08:49:37 GMT", the longest form
_MAX_DURATION_SECONDS: Final = 315_576_000_000  # google.protobuf.Duration: 10,000 years
_NANOS: Final = 10**9


def from_http(
    status: int,
    *,
    retry_after: str | None = None,
    date: str | None = None,
    extra_retryable: Collection[int] = (),
) -> Answer:
    """Return what a response with *status* means for the batch that was sent.

    ==========================  ====================================================
    status                      answer
    ==========================  ====================================================
    200 to 299                  ``None``: the far side took it
    429, 502, 503, 504          ``Unavailable``, with the wish of *retry_after*
    any of *extra_retryable*    likewise
    413                         ``TooLarge``
    401, 407                    ``Refused(permanent=True)``: the credentials are wrong
    100 to 199                  ``Unavailable``: an interim response is no answer yet
    anything else               ``Refused``: redirects, which must not be followed with
                                a batch and its credentials, are among them
    ==========================  ====================================================

    Args:
        status: As in the response; one that HTTP does not know counts as a fault of
            the far side, as 500 does.
        retry_after: The ``Retry-After`` header; see :func:`retry_after_seconds`.
        date: The ``Date`` header of the same response.
        extra_retryable: Statuses of 300 and above that this far side uses for what
            may work later, 408 or 500 say.
    """
    if 200 <= status < 300:
        return None
    reason = f"the far side answered with HTTP status {status}"
    if 100 <= status < 200:
        return Unavailable(f"{reason}, which is no final answer")
    if status in _RETRYABLE_STATUSES or status in extra_retryable:
        wish = retry_after_seconds(retry_after, date=date)
        return Unavailable(reason, retry_after_seconds=wish)
    if status == _CONTENT_TOO_LARGE:
        return TooLarge(reason)
    return Refused(reason, permanent=status in _CREDENTIAL_STATUSES)


def from_grpc(code: int, *, retry_delay: tuple[int, int] | None = None) -> Answer:
    """Return what a call that ended with *code* means for the batch that was sent.

    ==============================================  ================================
    code                                            answer
    ==============================================  ================================
    OK                                              ``None``: the far side took it
    CANCELLED, DEADLINE_EXCEEDED, ABORTED,          ``Unavailable``, with the wish
    OUT_OF_RANGE, UNAVAILABLE, DATA_LOSS            of *retry_delay*
    RESOURCE_EXHAUSTED with *retry_delay*           likewise
    RESOURCE_EXHAUSTED without it                   ``TooLarge``
    UNAUTHENTICATED                                 ``Refused(permanent=True)``
    the others, and what is no code                 ``Refused``
    ==============================================  ================================

    Args:
        code: The number of the code, 0 to 16.
        retry_delay: The seconds and nanoseconds of ``RetryInfo.retry_delay``; (0, 0)
            where it is unset. ``None`` is for a status without ``RetryInfo``. What is
            negative, zero or no ``google.protobuf.Duration`` is no wish: plain
            backoff.
    """
    name = _CODE_NAMES[code] if 0 <= code < len(_CODE_NAMES) else "UNKNOWN"
    if name == "OK":
        return None
    reason = f"the far side answered with gRPC status {code} ({name})"
    can_recover = name == "RESOURCE_EXHAUSTED" and retry_delay is not None
    if name in _RETRYABLE_CODES or can_recover:
        return Unavailable(reason, retry_after_seconds=_delay_seconds(retry_delay))
    if name == "RESOURCE_EXHAUSTED":
        return TooLarge(reason)
    return Refused(reason, permanent=name == "UNAUTHENTICATED")


def _delay_seconds(delay: tuple[object, ...] | None) -> float | None:
    match delay:
        case (int(seconds), int(nanos)) if _is_duration(seconds, nanos):
            return seconds + nanos / _NANOS or None
        case _:
            return None


def _is_duration(seconds: int, nanos: int) -> bool:
    return 0 <= seconds <= _MAX_DURATION_SECONDS and 0 <= nanos < _NANOS


def retry_after_seconds(
    retry_after: str | None, *, date: str | None = None
) -> float | None:
    """Return how long a ``Retry-After`` header asks to wait, in seconds.

    It has a number of seconds, or a date: that one is compared with the *date* of the
    same response, so that a far side whose clock is wrong is understood, or with the
    clock of this machine where there is none. A date that has passed is 0.

    Args:
        retry_after: The header's text. Two headers, joined by a comma or not, are
            nonsense.
        date: The text of the ``Date`` header.

    Returns:
        ``None`` when there is no wish, or none that makes sense: then the backoff
        alone decides. However long, the wait ends by
        ``Retry.max_server_delay_seconds``.
    """
    text = (retry_after or "").strip(" \t")
    if _SECONDS.fullmatch(text):
        return float(text)
    until = _unix_seconds(text)
    if until is None:
        return None
    now = _unix_seconds((date or "").strip(" \t"))
    return max(until - (time.time() if now is None else now), 0.0)


def _unix_seconds(text: str) -> float | None:
    """Return the moment that an HTTP date says, or ``None`` when it is none."""
    if not text or len(text) > _MAX_DATE_LENGTH:
        return None
    try:
        moment = parsedate_to_datetime(text)
    except Exception:  # noqa: BLE001 - a stranger's text, and a lenient parser
        return None
    return _as_utc(moment).timestamp()


def _as_utc(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
