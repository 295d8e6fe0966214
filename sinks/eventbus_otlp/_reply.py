"""What the far side says in its answers: partial success, errors, and when to retry."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from eventbus import Refused, TooLarge, Unavailable
from eventbus._verdict import brief
from eventbus_otlp._protobuf import fields, signed
from eventbus_otlp._signal import Form, Signal
from eventbus_otlp._transport import Reply

_REJECTED: Final[Mapping[Signal, str]] = {
    "logs": "rejectedLogRecords",
    "metrics": "rejectedDataPoints",
    "traces": "rejectedSpans",
}
UNREADABLE: Final = Reply(warned={"contract_violation": 1})
"""Of a request that the far side took, and did not say so in a way to be understood."""

_RETRY_INFO: Final = "/google.rpc.RetryInfo"
_NO_DELAY: Final = (0, 0)


class _Response(msgspec.Struct, rename="camel"):
    """Any: what a far side put there."""

    partial_success: dict[str, Any] | None = None


class _Status(msgspec.Struct):
    message: str = ""


def read_reply(signal: Signal, form: Form, body: bytes) -> Reply:
    """Return what an ``Export…ServiceResponse`` says.

    See https://opentelemetry.io/docs/specs/otlp/#partial-success. A count below 0 is
    0, and that, as a body that cannot be read, is warned of as ``contract_violation``:
    the far side took the request all the same.
    """
    try:
        rejected, message = (
            _read_json(signal, body) if form == "json" else _read_protobuf(body)
        )
    except (ValueError, msgspec.MsgspecError):
        return UNREADABLE
    if rejected < 0:
        return UNREADABLE._replace(message=brief(message))
    return Reply(rejected, brief(message))


def _read_protobuf(body: bytes) -> tuple[int, str]:
    rejected, message = 0, b""
    for number, value in fields(body):
        if number != 1 or not isinstance(value, bytes):
            continue
        for part, content in fields(value):
            if part == 1 and isinstance(content, int):
                rejected = signed(content)
            elif part == 2 and isinstance(content, bytes):
                message = content
    return rejected, _text(message)


def _read_json(signal: Signal, body: bytes) -> tuple[int, str]:
    if not body:
        return 0, ""
    partial = msgspec.json.decode(body, type=_Response).partial_success or {}
    return (
        msgspec.convert(partial.get(_REJECTED[signal]) or 0, int, strict=False),
        msgspec.convert(partial.get("errorMessage") or "", str),
    )


def read_status_message(form: Form | None, body: bytes) -> str:
    """Return the words of an error, on one line and bounded; "" when it has none.

    Args:
        form: Of a ``google.rpc.Status``; ``None`` where *body* is plain text.
        body: Of the answer.
    """
    try:
        if form == "json":
            return brief(msgspec.json.decode(body, type=_Status).message)
        return brief(_text(body if form is None else _status_parts(body)[0]))
    except (ValueError, msgspec.MsgspecError):
        return ""


def read_retry_delay(status: bytes | None) -> tuple[int, int] | None:
    """Return the ``retry_delay`` that a ``google.rpc.Status`` has in its details.

    Args:
        status: As in ``grpc-status-details-bin``; ``None`` is without one.

    Returns:
        Seconds and nanoseconds as they are; (0, 0) for a ``RetryInfo`` without a delay
        or with one that cannot be read; ``None`` where there is no ``RetryInfo``.
    """
    try:
        details = _status_parts(status or b"")[1]
        infos = [value for url, value in map(_any, details) if url == _RETRY_INFO]
    except ValueError:
        return None
    return _delay(infos[0]) if infos else None


def _status_parts(status: bytes) -> tuple[bytes, list[bytes]]:
    """Return the message and the details of a ``google.rpc.Status``."""
    message, details = b"", list[bytes]()
    for number, value in fields(status):
        if number == 2 and isinstance(value, bytes):
            message = value
        elif number == 3 and isinstance(value, bytes):
            details.append(value)
    return message, details


def _any(detail: bytes) -> tuple[str, bytes]:
    """Return the end of the type's URL, and the value, of a ``google.protobuf.Any``."""
    url, value = "", b""
    for number, content in fields(detail):
        if number == 1 and isinstance(content, bytes):
            url = _text(content)
        elif number == 2 and isinstance(content, bytes):
            value = content
    return url[url.rfind("/") :], value


def _delay(retry_info: bytes) -> tuple[int, int]:
    try:
        duration = dict(fields(retry_info)).get(1, b"")
        parts = dict(fields(duration)) if isinstance(duration, bytes) else {}
    except ValueError:
        return _NO_DELAY
    seconds, nanos = parts.get(1, 0), parts.get(2, 0)
    if isinstance(seconds, int) and isinstance(nanos, int):
        return signed(seconds), signed(nanos)
    return _NO_DELAY


def _text(data: bytes) -> str:
    return data[:4096].decode("utf-8", "replace")


def with_words(
    error: Unavailable | Refused | TooLarge, words: str
) -> Unavailable | Refused | TooLarge:
    """Append the far side's own *words* to what *error* says."""
    if words:
        error.args = (f"{error}: {words}",)
    return error
