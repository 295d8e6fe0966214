"""Which errors calls to a model's provider end with, and who would catch each.

::

    ApiError                              anything that went wrong with the call
    ├── TransportError                    … before an answer could be understood
    │   ├── HttpError                     the answer's status says no
    │   ├── RetryLimitError               no attempt is left
    │   ├── RequestTimeoutError           no answer in time (also a TimeoutError)
    │   ├── NetworkError                  no connection, or it broke (a ConnectionError)
    │   └── BuildError                    no such request (also a ValueError)
    ├── ApiStatusError                    the provider's own error, with a status
    ├── StreamError                       the answer's stream broke off
    │   └── IdleTimeoutError              nothing came for too long (a TimeoutError)
    ├── ContextWindowExceededError        the input is too long for the model
    ├── QuotaExceededError                what was paid for is used up
    ├── UsageNotIncludedError             the plan has no such usage
    ├── RetryableError                    try again, perhaps after a delay
    ├── RateLimitError                    too many requests
    ├── InvalidRequestError               the provider cannot make sense of it
    ├── CyberPolicyError                  refused by policy
    └── ServerOverloadedError             the provider has too much to do
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Final

from eventbus import EventBusError
from eventbus_schemas._facts import fitting
from eventbus_schemas._requests import ErrorType

IDLE_SSE: Final = "idle timeout waiting for SSE"
IDLE_WEBSOCKET: Final = "idle timeout waiting for websocket"
IDLE_SENDING: Final = "idle timeout sending websocket request"
UNEXPECTED_BINARY: Final = "unexpected binary websocket event"
CLOSED_BY_SERVER: Final = "websocket closed by server before response.completed"


def closed_before(event: str) -> str:
    """Return how it is said that a stream ended without its last *event*."""
    return f"stream closed before {event}"


class ApiError(EventBusError):
    """Base of what calls to a provider end with.

    Attributes:
        kind: One of few, for labels.
        words: What :func:`eventbus_schemas.hooks.safe_text` says of it, whatever its
            own text; ``None`` where that depends on the error.
    """

    kind: ClassVar[ErrorType] = "other"
    words: ClassVar[str | None] = None


class TransportError(ApiError):
    """The call failed before an answer could be understood."""


class _AnswerError(ApiError):
    """An answer with a status that says no; that is all that its text tells."""

    said: ClassVar[str]

    def __init__(self, status: int, *more: object) -> None:
        self.status: int = fitting(int, "status", status, show=repr)
        super().__init__(status, *more)

    def __str__(self) -> str:
        return f"{self.said} {self.status}"


class HttpError(_AnswerError, TransportError):
    """The answer's status says no.

    Its text is ``"http 500"``: the address and the body are attributes, and never part
    of a message.

    Args:
        status: Of the answer.
        url: What was asked.
        headers: Of the answer.
        body: Of the answer, or its beginning.
    """

    kind = "http"
    said = "http"

    def __init__(
        self,
        status: int,
        *,
        url: str | None = None,
        headers: Mapping[str, str] | None = None,
        body: str | None = None,
    ) -> None:
        """Keep the facts beside the message."""
        self.url = url
        self.headers = headers
        self.body = body
        super().__init__(status)


class RetryLimitError(TransportError):
    """No attempt is left; for retry loops that have no last error to raise."""

    kind = "retry_limit"
    words = "retry limit reached"


class RequestTimeoutError(TransportError, TimeoutError):
    """There was no answer in time."""

    kind = "timeout"
    words = "timeout"


class NetworkError(TransportError, ConnectionError):
    """There was no connection, or it broke."""

    kind = "network"


class BuildError(TransportError, ValueError):
    """There can be no such request."""

    kind = "build"


class ApiStatusError(_AnswerError):
    """The provider answered with an error of its own.

    Its text is ``"api error 400"``.

    Args:
        status: Of the answer.
        message: The provider's words.
    """

    kind = "api"
    said = "api error"

    def __init__(self, status: int, message: str = "") -> None:
        """Keep the facts beside the message."""
        self.message = message
        super().__init__(status, message)


class StreamError(ApiError):
    """The stream of an answer broke off, or cannot be read."""

    kind = "stream"


class IdleTimeoutError(StreamError, TimeoutError):
    """Nothing came in, or could be sent, for as long as one was ready to wait."""


class ContextWindowExceededError(ApiError):
    """The input is too long for the model."""

    kind = "context_window_exceeded"
    words = "context window exceeded"


class QuotaExceededError(ApiError):
    """What was paid for is used up."""

    kind = "quota_exceeded"
    words = "quota exceeded"


class UsageNotIncludedError(ApiError):
    """The plan does not include such usage."""

    kind = "usage_not_included"
    words = "usage not included"


class RetryableError(ApiError):
    """The provider asks to try again.

    Args:
        message: The provider's words.
        delay_seconds: After how long, where it says so.
    """

    kind = "retryable"
    words = "retryable error"

    def __init__(
        self, message: str = "", *, delay_seconds: float | None = None
    ) -> None:
        """Keep the wish beside the message."""
        self.delay_seconds = delay_seconds
        super().__init__(message)


class RateLimitError(ApiError):
    """There were too many requests."""

    kind = "rate_limit"
    words = "rate limit"


class InvalidRequestError(ApiError):
    """The provider cannot make sense of the request."""

    kind = "invalid_request"
    words = "invalid request"


class CyberPolicyError(ApiError):
    """The provider's policy refuses the request."""

    kind = "cyber_policy"
    words = "cyber policy"


class ServerOverloadedError(ApiError):
    """The provider has too much to do."""

    kind = "server_overloaded"
    words = "server overloaded"
