"""How requests go over gRPC: channels, and one attempt for each request."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from typing import Any, Final

from eventbus import Clock, Refused, TooLarge, Unavailable, answers
from eventbus._secret import plain_text
from eventbus._verdict import brief
from eventbus._waiting import settle
from eventbus_otlp._bisection import InvalidRequest
from eventbus_otlp._endpoint import visible
from eventbus_otlp._grpc_channel import Line, refuse_in_a_child
from eventbus_otlp._grpc_import import grpc
from eventbus_otlp._gzip import Unpacker
from eventbus_otlp._headers import HeaderPairs
from eventbus_otlp._reply import UNREADABLE, read_reply, read_retry_delay, with_words
from eventbus_otlp._resolved import SignalTarget
from eventbus_otlp._settings import OtlpSettings
from eventbus_otlp._signal import Signal
from eventbus_otlp._tls_renewal import tls_renewal
from eventbus_otlp._transport import Reply
from eventbus_otlp._version import user_agent

# Any in this module: grpc has no types.

_SERVICE: Final = "/opentelemetry.proto.collector"
METHODS: Final[Mapping[Signal, str]] = {
    "logs": f"{_SERVICE}.logs.v1.LogsService/Export",
    "metrics": f"{_SERVICE}.metrics.v1.MetricsService/Export",
    "traces": f"{_SERVICE}.trace.v1.TraceService/Export",
}

MAX_COMPRESSED_BYTES: Final = 262_144
"""Longer requests go as they are: grpc compresses on the event loop, 4 MB in 0.2 s."""

MAX_MESSAGE_BYTES: Final = 1024 * 1024
"""Longer answers are not read, as they come: grpc has one in memory several times."""

_INVALID_ARGUMENT: Final = 3
_STATUS_DETAILS: Final = "grpc-status-details-bin"
_GZIP_MAGIC: Final = b"\x1f\x8b"
_OWN_LIMIT: Final = "CLIENT: Received message larger than max"

# How grpc says that a connection or a stream ended before an answer: of old versions
# without the first words.
_was_cut_off: Final = re.compile(
    r"Stream removed \(|Socket closed|Received RST_STREAM|GOAWAY received|"
    r"(?:recv|send)msg:|Connection reset|keepalive watchdog|ping timeout"
).match
# https://www.rfc-editor.org/rfc/rfc9113#section-8.7: nobody has seen the request
_REFUSED_STREAM: Final = "RST_STREAM with error code 7"

# https://github.com/grpc/grpc/blob/master/include/grpc/impl/channel_arg_names.h
_OPTIONS: Final = {
    "grpc.service_config_disable_resolution": 1,  # retries are the bus's alone
    # Answers are unpacked here: what grpc says of one that is too long for it is what
    # a server says of a request.
    "grpc.per_message_decompression": 0,
    "grpc.use_local_subchannel_pool": 1,  # others' channels have other certificates
    # A peer that is gone is noticed 20 s after something was sent to it. Pings are
    # rarer than the 5 minutes that servers allow by default.
    "grpc.keepalive_time_ms": 310_000,
    "grpc.keepalive_timeout_ms": 20_000,
    # The bus's own waits are longer: when it tries again, so does the channel.
    "grpc.initial_reconnect_backoff_ms": 100,
    "grpc.min_reconnect_backoff_ms": 5_000,  # also: how long to try to connect
    "grpc.max_reconnect_backoff_ms": 1_000,
}


class GrpcTransport:
    """Sends requests over HTTP/2, several at a time over one connection.

    Which proxies are used grpc itself decides, by ``grpc_proxy``, ``https_proxy`` or
    ``http_proxy`` and ``no_proxy``, in small letters; ``trust_environment`` may turn
    that off.

    In the child of a process that had a connection open it does not start: grpc's own
    threads are not there.

    Args:
        targets: Where each signal goes.
        settings: The bounds.
        clock: What time it is.
    """

    def __init__(
        self,
        targets: Mapping[Signal, SignalTarget],
        settings: OtlpSettings,
        clock: Clock,
    ) -> None:
        """Open nothing yet."""
        self._targets: Final = targets
        self._max_bytes: Final = settings.max_response_bytes
        options = _OPTIONS | {
            "grpc.primary_user_agent": user_agent(),
            "grpc.max_receive_message_length": min(
                settings.max_response_bytes, MAX_MESSAGE_BYTES
            ),
            "grpc.enable_http_proxy": int(settings.trust_environment),
        }
        interval = settings.reload_interval_seconds
        self._lines: Final = {
            signal: Line(
                plain_text(target.endpoint),
                tls_renewal(target, interval_seconds=interval, clock=clock),
                options,
            )
            for signal, target in targets.items()
        }

    async def start(self) -> None:
        """Read the certificates; connections are made when they are needed.

        Raises:
            Unavailable: A file of certificates cannot be used.
            Refused: This is the child of a process that used gRPC: permanently.
        """
        refuse_in_a_child()
        for line in self._lines.values():
            await line.start()

    async def send(self, signal: Signal, body: bytes, headers: HeaderPairs) -> Reply:
        """Send *body*, as :meth:`Transport.send` does, with *headers*."""
        async with self._lines[signal].channel() as channel:
            try:
                data = await _answer(
                    channel.method(METHODS[signal])(
                        body,
                        metadata=headers,
                        compression=_compression(self._targets[signal], body),
                    )
                )
            except grpc.aio.AioRpcError as error:
                if _is_too_long(error):
                    return UNREADABLE
                place = visible(plain_text(self._targets[signal].endpoint))
                raise meaning(error, place) from error
        return self._reply(signal, data)

    def _reply(self, signal: Signal, data: bytes) -> Reply:
        """Return what *data* says; what begins as gzip does is no message."""
        if data.startswith(_GZIP_MAGIC):
            try:
                data = Unpacker(self._max_bytes).unpack(data)
            except ValueError:
                return UNREADABLE
        return read_reply(signal, "protobuf", data)

    async def aclose(self) -> None:
        """Close all connections."""
        for line in self._lines.values():
            await line.aclose()

    async def leave(self, loop: asyncio.AbstractEventLoop) -> None:
        """Close all connections; grpc does so on any loop."""
        await self.aclose()

    def abandon(self) -> None:
        """Do nothing to the connections: grpc itself left them to the parent."""


async def _answer(call: Any) -> bytes:
    """Return what *call* returns; awaited by itself it would lose its cancellation."""
    done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def ended(_: object) -> None:
        settle(done)

    call.add_done_callback(ended)
    try:
        await done
    except asyncio.CancelledError:
        call.cancel()
        raise
    answer: bytes = await call
    return answer


def meaning(error: Any, place: str) -> Unavailable | Refused | TooLarge:
    """Return what a call to *place* that ended with *error* means for its request.

    Where the call was cut off, the code is grpc's own and no answer.
    """
    words = brief(error.details() or "")
    if _was_cut_off(words):
        return Unavailable(
            f"no answer from {place}: {words}",
            outcome_unknown=_REFUSED_STREAM not in words,
        )
    code: int = error.code().value[0]
    delay = read_retry_delay(_details(error))
    answer = answers.from_grpc(code, retry_delay=delay)
    assert answer is not None
    if code == _INVALID_ARGUMENT:
        answer = InvalidRequest(str(answer))
    return with_words(answer, words)


def _is_too_long(error: Any) -> bool:
    """Return whether an answer, which was no error, is longer than we read."""
    return _OWN_LIMIT in (error.details() or "")


def _details(error: Any) -> bytes | None:
    for key, value in error.trailing_metadata() or ():
        if key == _STATUS_DETAILS:
            found: bytes = value
            return found
    return None


def _compression(target: SignalTarget, body: bytes) -> Any:
    if target.compression == "gzip" and len(body) <= MAX_COMPRESSED_BYTES:
        return grpc.Compression.Gzip
    return grpc.Compression.NoCompression
