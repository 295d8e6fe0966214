"""What an answer over HTTP says, read within bounds."""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
from collections.abc import Collection, Mapping
from contextlib import suppress
from typing import Final

import aiohttp

from eventbus import Refused, Unavailable, answers
from eventbus_otlp._bisection import InvalidRequest
from eventbus_otlp._gzip import Unpacker
from eventbus_otlp._reply import UNREADABLE, read_reply, read_status_message, with_words
from eventbus_otlp._signal import Form, Signal
from eventbus_otlp._transport import Reply

_FORMS: Final[Mapping[str, Form]] = {
    "application/x-protobuf": "protobuf",
    "application/protobuf": "protobuf",
    "application/json": "json",
}
_ENCODINGS: Final = frozenset({"gzip", "x-gzip", "deflate"})
_MAX_WORDS_BYTES: Final = 4096
WORDS_SECONDS: Final = 1.0
"""How long the words of a refusal are waited for; its status says what to do."""

_BAD_REQUEST: Final = 400
_PROXY_CREDENTIALS: Final = 407
_UNEXPECTED: Final = Reply(warned={"unexpected_content_type": 1})


async def read_answer(
    response: aiohttp.ClientResponse,
    signal: Signal,
    *,
    max_bytes: int,
    retry_statuses: Collection[int] = (),
    strict_content_type: bool = False,
) -> Reply:
    """Return what *response* says, or raise what it means for the request.

    A body that is longer than *max_bytes*, once unpacked, that ends too early or
    cannot be read, costs what it would have said, and no more.

    Raises:
        InvalidRequest: 400: one record may be the reason.
        Unavailable: Not now, or not an answer of OTLP where that is asked for.
        Refused: Never.
        TooLarge: Only in parts.
    """
    error = answers.from_http(
        response.status,
        retry_after=", ".join(response.headers.getall("Retry-After", [])) or None,
        date=response.headers.get("Date"),
        extra_retryable=retry_statuses,
    )
    if isinstance(error, Unavailable):
        raise error
    if error is not None:
        words = await _words(response)
        if response.status == _BAD_REQUEST:
            error = InvalidRequest(str(error))
        raise with_words(error, words)
    body = await _body(response, max_bytes)
    return _reply(response, signal, body, strict=strict_content_type)


def _reply(
    response: aiohttp.ClientResponse,
    signal: Signal,
    body: bytes | None,
    *,
    strict: bool,
) -> Reply:
    media = _media_type(response)
    form = _FORMS.get(media)
    if form is not None:
        return UNREADABLE if body is None else read_reply(signal, form, body)
    if not body and body is not None and media != "text/html":
        return Reply()
    if strict:
        raise Unavailable(
            f"the far side answered with status {response.status} and content of type "
            f"{media[:80]!r}, which is no answer of OTLP: is it the far side?"
        )
    return _UNEXPECTED


def _media_type(response: aiohttp.ClientResponse) -> str:
    return response.headers.get("Content-Type", "").partition(";")[0].strip().lower()


async def _words(response: aiohttp.ClientResponse) -> str:
    """Return what the far side says of an error; "" when it is too slow to say it."""
    media = _media_type(response)
    if media not in _FORMS and media != "text/plain":
        return ""
    with suppress(TimeoutError):
        async with asyncio.timeout(WORDS_SECONDS):
            body = await _body(response, _MAX_WORDS_BYTES)
            return read_status_message(_FORMS.get(media), body or b"")
    return ""


async def _body(response: aiohttp.ClientResponse, max_bytes: int) -> bytes | None:
    """Return the body, unpacked; ``None`` when it is too long or broken."""
    encoding = response.headers.get("Content-Encoding", "").strip().lower()
    unpacker = Unpacker(max_bytes) if encoding in _ENCODINGS else None
    parts: list[bytes] = []
    left = max_bytes
    try:
        async for data in response.content.iter_any():
            part = data if unpacker is None else unpacker.unpack(data)
            left -= len(part)
            if left < 0:
                return None
            parts.append(part)
    except (aiohttp.ClientError, OSError, ValueError):
        return None
    return b"".join(parts)


def no_answer(error: Exception, place: str) -> Unavailable | Refused:
    """Return what it means that *error* came instead of an answer from *place*.

    The text has no URL: one may hold a secret.
    """
    match error:
        case aiohttp.ClientHttpProxyError():
            reason = f"the proxy answered with HTTP status {error.status}"
            return _proxy_answer(error.status, reason)
        case aiohttp.ClientConnectorCertificateError():
            why = f"its certificate is not trusted: {error.certificate_error}"
        case aiohttp.ClientProxyConnectionError():
            return Unavailable(f"no connection to the proxy: {_why(error.os_error)}")
        case aiohttp.ClientConnectorError():
            why = _why(error.os_error)
        case aiohttp.ClientResponseError():
            return _cut_off(f"{place}: no valid HTTP came back: {error.message}")
        case aiohttp.InvalidURL():
            return Unavailable(f"no request to {place}: a URL of it is not valid")
        case _:
            return _cut_off(f"{place}: it was cut off, {_said(error)}")
    return Unavailable(f"no connection to {place}: {why}")


def _cut_off(why: str) -> Unavailable:
    """The request had left: the far side may have taken it."""
    return Unavailable(f"no answer from {why}", outcome_unknown=True)


def _said(error: Exception) -> str:
    """Return what happened, but no text of aiohttp's: those have the URL."""
    kind = type(error).__name__
    if isinstance(error, OSError) and error.errno is not None:
        return f"{kind}: {os.strerror(error.errno)}"
    return kind


def _why(error: OSError) -> str:
    """Return what the system says, and not which call of asyncio's it said it of."""
    if isinstance(error, ssl.SSLError | socket.gaierror) or error.errno is None:
        text = str(error.strerror or error)
        return text or f"it was closed while it was made, {type(error).__name__}"
    return os.strerror(error.errno)


def _proxy_answer(status: int, reason: str) -> Unavailable | Refused:
    if status == _PROXY_CREDENTIALS:
        return Refused(reason, permanent=True)
    return Unavailable(reason)
