"""What the errors of HTTP clients mean, without importing any client."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, cast

from eventbus_schemas.hooks._errors import (
    ApiError,
    BuildError,
    HttpError,
    NetworkError,
    RequestTimeoutError,
    TransportError,
)

_MEANINGS: Final[Mapping[tuple[str, str], Callable[[str], TransportError]]] = {
    ("builtins", "TimeoutError"): RequestTimeoutError,
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
    ("websockets", "InvalidURI"): BuildError,
    ("websockets", "InvalidHandshake"): NetworkError,
    ("websockets", "ConnectionClosed"): NetworkError,
}
"""By package and class; the first that an error's bases name is its meaning."""

_MAX_HEADERS: Final = 256  # aiohttp and httpx read fewer


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
        meaning = _MEANINGS.get((cls.__module__.partition(".")[0], cls.__name__))
        if meaning is not None:
            return meaning(type(error).__name__)
    return None


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
        items = _attribute(headers, "items")
        if callable(items):
            pairs = cast("Callable[[], list[tuple[object, object]]]", items)()
            texts = [p for p in pairs if all(isinstance(part, str) for part in p)]
            return dict(cast("list[tuple[str, str]]", texts[:_MAX_HEADERS]))
    return {}


def _attribute(source: object, name: str) -> object:
    try:
        return getattr(source, name, None)
    except Exception:  # noqa: BLE001 - a client's property may raise what it likes
        return None
