"""What an :class:`OtlpCollector` can be told to do with one request, reply by reply.

A reply is an ``async def`` of an :class:`Exchange`, which has the request and what is
needed to answer it. Write your own where these do not do.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final

import msgspec

from eventbus._errors import PluginError
from eventbus.testing._gate import Gate
from eventbus.testing._needs import need
from eventbus.testing._otlp_grpc import need_grpc
from eventbus.testing._otlp_request import (
    JSON_TYPE,
    PROTOBUF_TYPE,
    OtlpRequest,
    media_type_of,
    official,
)

# Any in this module: OpenTelemetry's messages and grpc, which have no types.

_REJECTED: Final = {
    "logs": "rejected_log_records",
    "metrics": "rejected_data_points",
    "traces": "rejected_spans",
}
_BAD_REQUEST: Final = 400
_NOT_FOUND: Final = 404
_METHOD_NOT_ALLOWED: Final = 405
_UNSUPPORTED_MEDIA_TYPE: Final = 415
_MEDIA_TYPES: Final = (PROTOBUF_TYPE, JSON_TYPE)
_CODES: Final = (
    *("OK", "CANCELLED", "UNKNOWN", "INVALID_ARGUMENT", "DEADLINE_EXCEEDED"),
    *("NOT_FOUND", "ALREADY_EXISTS", "PERMISSION_DENIED", "RESOURCE_EXHAUSTED"),
    *("FAILED_PRECONDITION", "ABORTED", "OUT_OF_RANGE", "UNIMPLEMENTED", "INTERNAL"),
    *("UNAVAILABLE", "DATA_LOSS", "UNAUTHENTICATED"),
)
"""https://grpc.github.io/grpc/core/md_doc_statuscodes.html"""


class Exchange(msgspec.Struct):
    """One request, and the way to answer it.

    Args:
        request: As it came.
        writer: Over HTTP, the connection; ``None`` over gRPC.
        context: Over gRPC, grpc's own; ``None`` over HTTP.
        answer: Over gRPC, what the call returns.
    """

    request: OtlpRequest
    writer: asyncio.StreamWriter | None = None
    context: Any = None
    answer: bytes = b""

    @property
    def connection(self) -> asyncio.StreamWriter:
        """The connection of a request over HTTP.

        Raises:
            TypeError: It came over gRPC.
        """
        if self.writer is None:
            raise TypeError("this reply is for HTTP, and the request came over gRPC")
        return self.writer

    @property
    def call(self) -> Any:
        """The context that grpc has of a request over gRPC.

        Raises:
            TypeError: It came over HTTP.
        """
        if self.context is None:
            raise TypeError("this reply is for gRPC, and the request came over HTTP")
        return self.context


Reply = Callable[[Exchange], Awaitable[None]]


async def ok(exchange: Exchange) -> None:
    """Take the request if it is one, as a collector does.

    One that does not decode is answered 400 or ``INVALID_ARGUMENT``; over HTTP a path
    that is none of a signal 404, another method than POST 405, and a body that does
    not say that it is protobuf or JSON 415.
    """
    request = exchange.request
    refused = None if exchange.writer is None else _refused(request)
    if refused is not None:
        await http(refused)(exchange)
        return
    try:
        _ = request.message
    except PluginError:
        raise
    except ValueError as error:
        if exchange.writer is None:
            await grpc("INVALID_ARGUMENT", str(error))(exchange)
        await http(_BAD_REQUEST, str(error).encode())(exchange)
        return
    await took()(exchange)


def _refused(request: OtlpRequest) -> int | None:
    if request.signal is None:
        return _NOT_FOUND
    if request.method != "POST":
        return _METHOD_NOT_ALLOWED
    known = media_type_of(request.headers) in _MEDIA_TYPES
    return None if known else _UNSUPPORTED_MEDIA_TYPE


def took(rejected: int = 0, message: str = "") -> Reply:
    """Take the request, but for *rejected* of its records, without a look at it.

    Args:
        rejected: How many log records, data points or spans were refused.
        message: Why, or a warning where none was.
    """

    async def reply(exchange: Exchange) -> None:
        signal = exchange.request.signal or "logs"
        response = official(signal, "Response")()
        if rejected or message:
            setattr(response.partial_success, _REJECTED[signal], rejected)
            response.partial_success.error_message = message
        if exchange.writer is None:
            exchange.answer = response.SerializeToString()
        elif exchange.request.protocol == "http/json":
            text = _as_json(response)
            await http(200, text, content_type=JSON_TYPE)(exchange)
        else:
            await http(200, response.SerializeToString())(exchange)

    return reply


def _as_json(message: Any) -> bytes:
    json_format = need(
        "google.protobuf.json_format",
        by="OtlpCollector",
        package="protobuf",
        install="opentelemetry-proto",
    )
    text: str = json_format.MessageToJson(message, indent=None)
    return text.encode()


def http(
    status: int,
    body: bytes = b"",
    *headers: tuple[str, str],
    content_type: str | None = PROTOBUF_TYPE,
) -> Reply:
    """Answer with *status*, *body* and *headers*, and keep the connection."""
    lines = [f"HTTP/1.1 {status} Scripted", f"Content-Length: {len(body)}"]
    if content_type is not None:
        lines.append(f"Content-Type: {content_type}")
    lines += [f"{name}: {value}" for name, value in headers]
    return raw("\r\n".join([*lines, "", ""]).encode() + body)


def raw(data: bytes, *, then_close: bool = False) -> Reply:
    """Answer over HTTP with *data* as it is."""

    async def reply(exchange: Exchange) -> None:
        exchange.connection.write(data)
        await exchange.connection.drain()
        if then_close:
            exchange.connection.close()

    return reply


def raw_for_ever(head: bytes, more: bytes) -> Reply:
    """Answer with *head*, then *more* again and again until nobody listens."""

    async def reply(exchange: Exchange) -> None:
        writer = exchange.connection
        writer.write(head)
        while not writer.is_closing():
            writer.write(more)
            await writer.drain()
            await asyncio.sleep(0)  # with room left, drain does not let others run

    return reply


async def close(exchange: Exchange) -> None:
    """Close the connection instead of an answer; over HTTP."""
    exchange.connection.close()


async def reset(exchange: Exchange) -> None:
    """Break the connection off instead of an answer; over HTTP."""
    exchange.connection.transport.abort()


async def half_close(exchange: Exchange) -> None:
    """Say that there will be no answer, and go on listening; over HTTP."""
    exchange.connection.write_eof()
    await hang(exchange)


async def last(exchange: Exchange) -> None:
    """Take the request, and close our half: nothing more is answered; over HTTP."""
    await took()(exchange)
    exchange.connection.write_eof()


async def hang(_: Exchange) -> None:
    """Answer nothing, ever."""
    await asyncio.Event().wait()


def after(gate: Gate, then: Reply = ok) -> Reply:
    """Wait at *gate*, then do *then*."""

    async def reply(exchange: Exchange) -> None:
        await gate.wait()
        await then(exchange)

    return reply


def grpc(code: str, words: str = "", *, retry_seconds: float | None = None) -> Reply:
    """Fail the call.

    Args:
        code: Name of the status, as in ``"UNAVAILABLE"``.
        words: Its message.
        retry_seconds: After how long the caller may try again, in a ``RetryInfo``.

    Raises:
        ValueError: *code* is no status of gRPC.
    """
    if code not in _CODES:
        raise ValueError(f"code must be one of {', '.join(_CODES)}, got {code!r}")

    async def reply(exchange: Exchange) -> None:
        status = need_grpc().StatusCode[code]
        trailing: tuple[tuple[str, bytes], ...] = ()
        if retry_seconds is not None:
            details = _retry_info(status.value[0], words, retry_seconds)
            trailing = (("grpc-status-details-bin", details),)
        await exchange.call.abort(status, words, trailing)

    return reply


def grpc_raw(data: bytes) -> Reply:
    """Answer OK, with *data* as it is."""

    async def reply(exchange: Exchange) -> None:
        assert exchange.call is not None
        exchange.answer = data

    return reply


def _retry_info(code: int, words: str, seconds: float) -> bytes:
    from_google = {"by": "replies.grpc", "package": "googleapis-common-protos"}
    install = "googleapis-common-protos"
    details = need("google.rpc.error_details_pb2", install=install, **from_google)
    status_pb2 = need("google.rpc.status_pb2", install=install, **from_google)
    duration_pb2 = need("google.protobuf.duration_pb2", install=install, **from_google)
    wish = duration_pb2.Duration()
    wish.FromNanoseconds(round(seconds * 1e9))
    status = status_pb2.Status(code=code, message=words)
    status.details.add().Pack(details.RetryInfo(retry_delay=wish))
    data: bytes = status.SerializeToString()
    return data
