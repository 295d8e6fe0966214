"""The gRPC half of a collector: takes calls of the three services."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any, Final

from eventbus.testing._needs import need
from eventbus.testing._otlp_request import SIGNALS, Signal, service_of

# Any in this module: grpc has no types.

GrpcAnswer = Callable[[Signal, bytes, Any], Awaitable[bytes]]

_NO_LIMIT: Final = -1


def need_grpc() -> Any:
    """Import grpc.

    Raises:
        PluginError: grpcio is not installed.
    """
    need("grpc.aio", by="OtlpCollector", package="grpcio", install="'eventbus[otlp]'")
    return need("grpc", by="OtlpCollector", package="grpcio")


def authority_of(host: str, port: int) -> str:
    """Return both as a URL has them: an address of IPv6 is in brackets."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


class GrpcListener:
    """Listens, and lets *answer* answer or abort each call.

    Args:
        answer: Gets the signal, the request's bytes and grpc's own context.
        credentials: Of grpc, to serve over TLS.
        compress: Whether answers are compressed.
        options: Of grpc's own; they go before ours.
        host: Where to listen.
        port: Where to listen; 0 is a free one.
    """

    def __init__(
        self,
        answer: GrpcAnswer,
        *,
        credentials: Any,
        compress: bool,
        options: Sequence[tuple[str, Any]],
        host: str,
        port: int,
    ) -> None:
        """Listen to nothing yet."""
        self._grpc = need_grpc()
        self._answer = answer
        self._credentials = credentials
        self._compress = compress
        self._options = {
            "grpc.max_receive_message_length": _NO_LIMIT,
            "grpc.max_send_message_length": _NO_LIMIT,
            "grpc.so_reuseport": 0,
            **dict(options),
        }
        self._place = authority_of(host, port)
        self._server: Any = None
        self.port = 0
        """Where it listens, once it does."""

    async def start(self) -> None:
        """Listen."""
        grpc = self._grpc
        self._server = grpc.aio.server(
            compression=grpc.Compression.Gzip if self._compress else None,
            options=list(self._options.items()),
        )
        self._server.add_generic_rpc_handlers(tuple(map(self._handler, SIGNALS)))
        self.port = (
            self._server.add_insecure_port(self._place)
            if self._credentials is None
            else self._server.add_secure_port(self._place, self._credentials)
        )
        await self._server.start()

    def _handler(self, signal: Signal) -> Any:
        method = self._grpc.unary_unary_rpc_method_handler(partial(self._call, signal))
        return self._grpc.method_handlers_generic_handler(
            service_of(signal), {"Export": method}
        )

    async def _call(self, signal: Signal, body: bytes, context: Any) -> bytes:
        return await self._answer(signal, body, context)

    async def aclose(self) -> None:
        """Listen no more, and break every call off."""
        if self._server is not None:
            await self._server.stop(None)
