"""The OTLP sink keeps the specification of sinks, by each protocol."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from eventbus.testing import FarSide, OtlpCollector, check_sink, replies
from eventbus.testing.conformance._far_side import Failure
from eventbus_otlp import OtlpSettings, OtlpSink
from tests.otlp._collector import ids_of

FAILURES: dict[str, dict[Failure, replies.Reply]] = {
    "http": {"unavailable": replies.http(503), "refused": replies.http(404)},
    "grpc": {
        "unavailable": replies.grpc("UNAVAILABLE"),
        "refused": replies.grpc("NOT_FOUND"),
    },
}


class Collector(FarSide):
    """Keeps the ids of what it took, and fails when it is told to."""

    failures = frozenset[Failure]({"unavailable", "refused", "partial", "hang"})

    def __init__(self, server: OtlpCollector, transport: str) -> None:
        self._taken: list[str] = []
        self._server = server
        self._replies: dict[Failure, replies.Reply] = {
            **FAILURES[transport],
            "partial": self._takes_all_but_one,
            "hang": replies.hang,
        }
        server.otherwise = self._takes

    async def received(self) -> Sequence[str]:
        return list(self._taken)

    async def fail_next(self, failure: Failure) -> None:
        self._server.will(self._replies[failure])

    async def _takes(self, exchange: replies.Exchange) -> None:
        self._taken += ids_of(exchange.request)
        await replies.took()(exchange)

    async def _takes_all_but_one(self, exchange: replies.Exchange) -> None:
        self._taken += ids_of(exchange.request)[:-1]
        await replies.took(1)(exchange)


async def assert_it_keeps_the_specification(transport: Any, **settings: Any) -> None:
    async with OtlpCollector(transports=[transport]) as server:
        endpoint = server.url if transport == "http" else server.grpc_url
        own = OtlpSettings(endpoint=endpoint, **settings)
        far_side = Collector(server, transport)
        report = await check_sink(lambda: OtlpSink(own), far_side=far_side)
    assert report.scenarios["random_mix"].set_aside > 0
    assert all("which _client.py should" in line for line in report.advice)


@pytest.mark.proves("fault-32", "fault-77")
@pytest.mark.parametrize("protocol", ["http/protobuf", "http/json"])
async def test_over_http(protocol: Any) -> None:
    await assert_it_keeps_the_specification(
        "http", protocol=protocol, compression="gzip"
    )


@pytest.mark.proves("fault-32", "fault-77")
async def test_over_grpc() -> None:
    await assert_it_keeps_the_specification("grpc", protocol="grpc")
