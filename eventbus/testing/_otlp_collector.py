"""A collector on loopback that keeps what it is sent, and answers as a test says."""

from __future__ import annotations

import ssl
from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from inspect import isawaitable
from types import TracebackType
from typing import Any, Final, Literal, Self

from eventbus.testing import replies
from eventbus.testing._arrivals import DEFAULT_WAIT_SECONDS, Arrivals
from eventbus.testing._given import check_names
from eventbus.testing._otlp_grpc import GrpcListener, authority_of, need_grpc
from eventbus.testing._otlp_http import HttpListener, HttpRequest, Writer
from eventbus.testing._otlp_request import (
    JSON_TYPE,
    SIGNALS,
    OtlpRequest,
    Protocol,
    Signal,
    media_type_of,
    official,
    service_of,
)
from eventbus.testing._otlp_values import OtlpLog, OtlpMetric, OtlpSpan
from eventbus.testing.replies import Exchange, Reply

# Any in this module: grpc has no types.

Transport = Literal["http", "grpc"]
_TRANSPORTS: Final = ("http", "grpc")


class OtlpCollector:
    """Takes OTLP on loopback; use it as ``async with OtlpCollector() as collector``.

    Over HTTP it takes protobuf and JSON, plain or compressed, at ``/v1/logs``,
    ``/v1/metrics`` and ``/v1/traces`` behind any prefix. It decodes with
    OpenTelemetry's own classes, once somebody asks for what came. Without a bound.

    Args:
        *script: What the first requests get, in their order, over either transport.
        otherwise: What every later one gets.
        transports: ``"http"``, ``"grpc"``, or both.
        paths: Further paths over HTTP, and what comes there.
        tls: Serves https.
        credentials: ``grpc.ssl_server_credentials(…)``, to serve gRPC over TLS.
        grpc_options: Channel arguments of the gRPC server.
        grpc_gzip: Whether it compresses its answers.
        host: Where to listen.
        port: Where to listen over HTTP; 0 is a free port.
        grpc_port: Where to listen over gRPC; 0 is a free port.

    Raises:
        PluginError: opentelemetry-proto, or grpcio where it is asked for, is not
            installed.
        TypeError: Something in *script*, or *otherwise*, is no reply.
        ValueError: A transport is neither, or there is none.
    """

    def __init__(
        self,
        *script: Reply,
        otherwise: Reply = replies.ok,
        transports: Sequence[Transport] = ("http",),
        paths: Mapping[str, Signal] | None = None,
        tls: ssl.SSLContext | None = None,
        credentials: Any = None,
        grpc_options: Sequence[tuple[str, Any]] = (),
        grpc_gzip: bool = False,
        host: str = "127.0.0.1",
        port: int = 0,
        grpc_port: int = 0,
    ) -> None:
        """Listen to nothing yet."""
        _check(transports)
        _check_replies((*script, otherwise))
        self._script = deque(script)
        self.otherwise = otherwise
        """What every request gets once the script is over."""
        self._paths: Mapping[str, Signal] = paths or {}
        self._host = host
        self._schemes = _scheme(tls), _scheme(credentials)
        self._arrivals = Arrivals[OtlpRequest]("requests to the collector")
        self._failures: list[Exception] = []
        self._http = HttpListener(self._over_http, tls=tls, host=host, port=port)
        self._grpc: GrpcListener | None = None
        self._transports = transports
        self._is_entered = False
        if "grpc" in transports:
            self._grpc = GrpcListener(
                self._over_grpc,
                credentials=credentials,
                compress=grpc_gzip,
                options=grpc_options,
                host=host,
                port=grpc_port,
            )

    async def __aenter__(self) -> Self:
        if self._is_entered:
            raise RuntimeError("OtlpCollector is in its `async with` already")
        self._is_entered = True
        async with AsyncExitStack() as stack:
            stack.push_async_callback(self.stop)
            if "http" in self._transports:
                await self._http.start()
            if self._grpc is not None:
                await self._grpc.start()
            stack.pop_all()
        return self

    async def __aexit__(
        self,
        _: type[BaseException] | None,
        error: BaseException | None,
        __: TracebackType | None,
    ) -> None:
        await self.stop()
        failures = [*self._http.failures, *self._failures]
        if not failures:
            return
        if error is None:
            raise failures[0]
        error.add_note(f"OtlpCollector: a reply raised {failures[0]!r}")

    async def stop(self) -> None:
        """Listen no more and break everything off; what came stays."""
        self._is_entered = False
        await self._http.aclose()
        if self._grpc is not None:
            await self._grpc.aclose()

    @property
    def url(self) -> str:
        """Where it takes HTTP, as in ``http://127.0.0.1:40123``.

        Raises:
            RuntimeError: HTTP is none of its transports, or its block was not entered.
        """
        return self._url("http", self._schemes[0], *self._http.address)

    @property
    def grpc_url(self) -> str:
        """Where it takes gRPC, as in ``http://127.0.0.1:40124``.

        Raises:
            RuntimeError: gRPC is none of its transports, or its block was not entered.
        """
        port = 0 if self._grpc is None else self._grpc.port
        return self._url("grpc", self._schemes[1], self._host, port)

    def url_for(self, protocol: Protocol) -> str:
        """Return where it takes *protocol*, for tests that run once for each.

        Raises:
            RuntimeError: See :attr:`url` and :attr:`grpc_url`.
        """
        return self.grpc_url if protocol == "grpc" else self.url

    def _url(self, transport: Transport, scheme: str, host: str, port: int) -> str:
        if port == 0:
            raise RuntimeError(
                f"OtlpCollector has a url for {transport!r} only from its `async with` "
                f"block on, and with transports=[{transport!r}]"
            )
        return f"{scheme}://{authority_of(host, port)}"

    @property
    def requests(self) -> list[OtlpRequest]:
        """Every request so far, in the order of their arrival."""
        return list(self._arrivals.items)

    @property
    def connections(self) -> int:
        """How many connections were opened over HTTP."""
        return self._http.connections

    @property
    def logs(self) -> list[OtlpLog]:
        """Every log record so far, whatever its request was answered.

        Raises:
            ValueError: A request to a path of logs does not decode, or has attributes
                with a name twice.
        """
        return [log for one in self._of("logs") for log in one.logs]

    @property
    def spans(self) -> list[OtlpSpan]:
        """Every span so far; see :attr:`logs`."""
        return [span for one in self._of("traces") for span in one.spans]

    @property
    def metrics(self) -> list[OtlpMetric]:
        """Every metric so far, once for each request that has it; see :attr:`logs`."""
        return [metric for one in self._of("metrics") for metric in one.metrics]

    def _of(self, signal: Signal) -> list[OtlpRequest]:
        return [one for one in self._arrivals.items if one.signal == signal]

    def will(self, *script: Reply) -> None:
        """Answer the next requests so, after those that are scripted already.

        Raises:
            TypeError: Something in *script* is no reply.
        """
        _check_replies(script)
        self._script.extend(script)

    def clear(self) -> None:
        """Forget every request so far."""
        self._arrivals.items.clear()

    async def wait_for_requests(
        self, count: int = 1, *, timeout_seconds: float = DEFAULT_WAIT_SECONDS
    ) -> list[OtlpRequest]:
        """Return the requests, once there are *count* at least.

        Raises:
            AssertionError: There are fewer after *timeout_seconds* of real time.
        """
        __tracebackhide__ = True
        return await self._arrivals.wait_for(count, timeout_seconds)

    async def next_request(
        self, *, timeout_seconds: float = DEFAULT_WAIT_SECONDS
    ) -> OtlpRequest:
        """Return the next request that comes from now on.

        Raises:
            AssertionError: None does within *timeout_seconds* of real time.
        """
        __tracebackhide__ = True
        count = len(self._arrivals.items)
        return (await self._arrivals.wait_for(count + 1, timeout_seconds))[count]

    async def end_of(self, connection: int) -> None:
        """Wait until the other end of HTTP connection *connection* is let go of."""
        await self._http.end_of(connection)

    async def _reply_to(self, exchange: Exchange) -> None:
        reply = self._script.popleft() if self._script else self.otherwise
        answer: object = reply(exchange)
        if not isawaitable(answer):
            raise TypeError(f"a reply must be an `async def`, got {reply!r}")
        await answer

    async def _over_http(self, writer: Writer, came: HttpRequest) -> None:
        is_json = media_type_of(came.headers) == JSON_TYPE
        request = OtlpRequest(
            protocol="http/json" if is_json else "http/protobuf",
            signal=self._signal(came.target.partition("?")[0]),
            method=came.method,
            target=came.target,
            headers=came.headers,
            body=came.body,
            connection=came.connection,
            peer=str(writer.get_extra_info("peername")),
        )
        self._arrivals.add(request)
        await self._reply_to(Exchange(request=request, writer=writer))

    def _signal(self, path: str) -> Signal | None:
        if path in self._paths:
            return self._paths[path]
        return next((one for one in SIGNALS if path.endswith(f"/v1/{one}")), None)

    async def _over_grpc(self, signal: Signal, body: bytes, context: Any) -> bytes:
        request = OtlpRequest(
            protocol="grpc",
            signal=signal,
            target=f"/{service_of(signal)}/Export",
            headers=dict(context.invocation_metadata()),
            body=body,
            peer=context.peer(),
        )
        self._arrivals.add(request)
        exchange = Exchange(request=request, context=context)
        try:
            await self._reply_to(exchange)
        except need_grpc().aio.AbortError:
            raise
        except Exception as error:
            self._failures.append(error)
            raise
        return exchange.answer


def _check_replies(replies: Sequence[object]) -> None:
    for one in replies:
        if not callable(one):
            raise TypeError(
                "a reply is one of eventbus.testing.replies, or of your own, "
                f"got {one!r}"
            )


def _check(transports: Sequence[str]) -> None:
    official("logs", "Request")
    check_names("transports", transports)
    if not transports:
        raise ValueError("transports must have one, got none")
    for one in transports:
        if one not in _TRANSPORTS:
            raise ValueError(
                f"transports must be of {', '.join(_TRANSPORTS)}, got {one!r}"
            )


def _scheme(secured_by: object) -> str:
    return "http" if secured_by is None else "https"
