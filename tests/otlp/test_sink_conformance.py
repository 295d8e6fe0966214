"""The OTLP sink keeps the specification of sinks, by each protocol."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from eventbus.testing import FarSide, check_sink
from eventbus.testing.conformance._far_side import Failure
from eventbus_otlp import OtlpSettings, OtlpSink
from tests.otlp import _grpc_servers, _servers


class HttpFarSide(FarSide):
    """A server that keeps the ids of what it took, and fails when it is told to."""

    failures = frozenset[Failure]({"unavailable", "refused", "partial", "hang"})

    def __init__(self, server: _servers.Server, content_type: str) -> None:
        self._taken: list[str] = []
        self._server = server
        self._content_type = content_type
        server.otherwise = self._takes

    async def received(self) -> Sequence[str]:
        return list(self._taken)

    async def fail_next(self, failure: Failure) -> None:
        answers: dict[Failure, _servers.Answer] = {
            "unavailable": _servers.says(503),
            "refused": _servers.says(404),
            "partial": self._takes_all_but_one,
            "hang": _servers.hangs,
        }
        self._server.will(answers[failure])

    async def _takes(self, writer: Any, request: _servers.Request) -> None:
        self._taken += request.ids
        await self._says(b"", writer, request)

    async def _takes_all_but_one(self, writer: Any, request: _servers.Request) -> None:
        self._taken += request.ids[:-1]
        body = b"\x0a\x02\x08\x01"
        if self._content_type == _servers.JSON:
            body = b'{"partialSuccess":{"rejectedLogRecords":"1"}}'
        await self._says(body, writer, request)

    async def _says(self, body: bytes, writer: Any, request: Any) -> None:
        answer = _servers.says(200, body, content_type=self._content_type)
        await answer(writer, request)


class GrpcFarSide(FarSide):
    """The same over gRPC."""

    failures = HttpFarSide.failures

    def __init__(self, server: _grpc_servers.GrpcServer) -> None:
        self._taken: list[str] = []
        self._server = server
        server.otherwise = self._takes

    async def received(self) -> Sequence[str]:
        return list(self._taken)

    async def fail_next(self, failure: Failure) -> None:
        answers: dict[Failure, _grpc_servers.Answer] = {
            "unavailable": _grpc_servers.fails("UNAVAILABLE"),
            "refused": _grpc_servers.fails("NOT_FOUND"),
            "partial": self._takes_all_but_one,
            "hang": _grpc_servers.hangs,
        }
        self._server.script.append(answers[failure])

    async def _takes(self, context: Any) -> bytes:
        self._taken += self._server.calls[-1].ids
        return await _grpc_servers.OK(context)

    async def _takes_all_but_one(self, context: Any) -> bytes:
        self._taken += self._server.calls[-1].ids[:-1]
        return await _grpc_servers.took(1)(context)


@pytest.mark.proves("fault-32", "fault-77")
@pytest.mark.parametrize(
    ("protocol", "content_type"),
    [("http/protobuf", _servers.PROTOBUF), ("http/json", _servers.JSON)],
)
async def test_over_http(protocol: Any, content_type: str) -> None:
    async with _servers.serving() as server:
        settings = OtlpSettings(
            endpoint=server.url, protocol=protocol, compression="gzip"
        )
        report = await check_sink(
            lambda: OtlpSink(settings), far_side=HttpFarSide(server, content_type)
        )
    assert report.scenarios["random_mix"].set_aside > 0
    assert all("which _client.py should" in line for line in report.advice)


@pytest.mark.proves("fault-32", "fault-77")
async def test_over_grpc() -> None:
    async with _grpc_servers.serving() as server:
        settings = OtlpSettings(endpoint=server.url, protocol="grpc")
        report = await check_sink(
            lambda: OtlpSink(settings), far_side=GrpcFarSide(server)
        )
    assert report.scenarios["random_mix"].set_aside > 0
    assert all("which _client.py should" in line for line in report.advice)
