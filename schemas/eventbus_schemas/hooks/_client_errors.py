"""What the errors of HTTP clients mean, without importing any client."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, cast

from eventbus_schemas.hooks._errors import (
    ApiError,
    BuildError,
    HttpError,
    NetworkError,
    RequestTimeoutError,
    TransportError,
)

_OF_FILES_AND_PROCESSES: Final = (
    "FileNotFoundError",
    "FileExistsError",
    "IsADirectoryError",
    "NotADirectoryError",
    "PermissionError",
    "ChildProcessError",
    "ProcessLookupError",
)
"""What the operating system says of other things than connections."""

_MEANINGS: Final[Mapping[tuple[str, str], Callable[[str], TransportError] | None]] = {
    ("builtins", "TimeoutError"): RequestTimeoutError,
    **{("builtins", name): None for name in _OF_FILES_AND_PROCESSES},
    ("builtins", "OSError"): NetworkError,
    ("asyncio", "IncompleteReadError"): NetworkError,
    ("httpx", "TimeoutException"): RequestTimeoutError,
    ("httpx", "UnsupportedProtocol"): BuildError,
    ("httpx", "LocalProtocolError"): BuildError,
    ("httpx", "InvalidURL"): BuildError,
    ("httpx", "TransportError"): NetworkError,
    ("aiohttp", "ServerTimeoutError"): RequestTimeoutError,
    ("aiohttp", "InvalidURL"): BuildError,
    ("aiohttp", "ClientConnectionError"): NetworkError,
    ("aiohttp", "ClientPayloadError"): NetworkError,
    ("requests", "ConnectTimeout"): RequestTimeoutError,
    ("requests", "Timeout"): RequestTimeoutError,
    ("requests", "ConnectionError"): NetworkError,
    ("requests", "ChunkedEncodingError"): NetworkError,
    ("requests", "InvalidURL"): BuildError,
    ("requests", "MissingSchema"): BuildError,
    ("requests", "InvalidSchema"): BuildError,
    ("requests", "InvalidHeader"): BuildError,
    ("requests", "RequestException"): None,  # which is an OSError of the builtins too
    ("websockets", "InvalidURI"): BuildError,
    ("websockets", "InvalidHandshake"): NetworkError,
    ("websockets", "ConnectionClosed"): NetworkError,
}
"""By package and class; the first that an error's bases name is its meaning.

``None`` is an error of another sort, whatever its further bases are.
"""


def as_api_error(error: BaseException) -> ApiError | None:
    """Return *error* in our own words: itself, or what a client's error means.

    An error of any client that carries a status is an :class:`HttpError`, with the
    headers of the answer where it has them. The text of an error of a client may hold
    addresses and pieces of the answer, so its meaning has only the name of its class.

    Returns:
        ``None`` for an error of another sort.
    """
    if isinstance(error, ApiError):
        return error
    answer: object = _attribute(error, "response")
    for source in (error, answer):
        status = status_of(source)
        if status is not None:
            return HttpError(status, headers=_headers_of(source, answer))
    for cls in type(error).__mro__:
        name = (str(cls.__module__).partition(".")[0], cls.__name__)
        if name in _MEANINGS:
            meaning = _MEANINGS[name]
            return None if meaning is None else meaning(type(error).__name__)
    return None


def headers_of(error: BaseException | None) -> Mapping[str, str]:
    """Return the headers of the answer that *error* stands for, in small letters."""
    known = None if error is None else as_api_error(error)
    if not isinstance(known, HttpError) or not known.headers:
        return {}
    return {name.lower(): value for name, value in _texts_in(known.headers).items()}


def refused_with(error: BaseException | None) -> int | None:
    """Return the status of the answer that *error* stands for, if it is one."""
    known = None if error is None else as_api_error(error)
    return known.status if isinstance(known, HttpError) else None


def status_of(source: object) -> int | None:
    """Return the HTTP status that *source* reports, a response or an error.

    It is an attribute ``status_code`` or ``status``, from 100 to 599.
    """
    for name in ("status_code", "status"):
        status = _attribute(source, name)
        if isinstance(status, int) and 100 <= status <= 599:
            return int(status)
    return None


def _headers_of(*sources: object) -> Mapping[str, str]:
    for source in sources:
        headers = _attribute(source, "headers")
        if callable(_attribute(headers, "items")):
            return _texts_in(cast("Mapping[Any, Any]", headers))
    return {}


def _texts_in(headers: Mapping[Any, Any]) -> Mapping[str, str]:
    # Any: whatever a client has of that name.
    try:
        return {
            name: value
            for name, value in headers.items()
            if isinstance(name, str) and isinstance(value, str)
        }
    except Exception:  # noqa: BLE001 - a client's own, or none at all
        return {}


def _attribute(source: object, name: str) -> object:
    try:
        return getattr(source, name, None)
    except Exception:  # noqa: BLE001 - a client's property may raise what it likes
        return None
