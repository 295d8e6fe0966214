"""What telemetry may say of an error: never a body, never an address."""

from __future__ import annotations

import re
from typing import Final

from eventbus._verdict import brief
from eventbus_schemas._requests import ErrorType
from eventbus_schemas.hooks._client_errors import as_api_error
from eventbus_schemas.hooks._errors import (
    ApiError,
    ApiStatusError,
    BuildError,
    HttpError,
    NetworkError,
    StreamError,
)

_ADDRESS: Final = re.compile(r"\b[A-Za-z][A-Za-z0-9+.-]{0,31}://[^\s\"'<>]*")
_NO_ADDRESS: Final = "[url]"
_MAX_READ: Final = 4_096  # of a message that may be as long as an answer


def safe_text(error: BaseException) -> str:
    """Return what may be said of *error* where its content must not go.

    ==============================================  ==================================
    error                                           text
    ==============================================  ==================================
    :class:`HttpError`, a client's own with status  ``"http NNN"``
    :class:`RetryLimitError`                        ``"retry limit reached"``
    :class:`RequestTimeoutError`, a client's own    ``"timeout"``
    :class:`NetworkError`, :class:`BuildError`,     the message on one line of at most
    :class:`StreamError`                            256 characters, addresses as
                                                    ``[url]``
    :class:`ApiStatusError`                         ``"api error NNN"``
    the other errors of :class:`ApiError`           fixed words
    a client's own network or build error           the name of its class
    anything else                                   the name of its class
    ==============================================  ==================================
    """
    match as_api_error(error):
        case (HttpError() | ApiStatusError()) as known:
            return f"{known.said} {known.status}"
        case (NetworkError() | BuildError() | StreamError()) as known:
            return brief(_ADDRESS.sub(_NO_ADDRESS, str(known)[:_MAX_READ]))
        case ApiError(words=str(words)):
            return words
        case _:
            return type(error).__name__


def error_type_of(error: BaseException) -> ErrorType:
    """Return of which kind *error* is, one of few."""
    known = as_api_error(error)
    return "other" if known is None else known.kind
