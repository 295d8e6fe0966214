"""What our tests ask of a loopback collector beside what it says itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final
from urllib.parse import urlsplit

from eventbus.testing import OtlpCollector, OtlpRequest, replies
from tests.otlp._official import from_json, same

HOST: Final = "127.0.0.1"
BOTH: Final = ("http", "grpc")


def ids_of(came: OtlpCollector | OtlpRequest) -> list[str]:
    """Return the ids that our encoder gave the log records that came, in their order.

    JSON is held to all that OTLP says of it; a receiver would bear more.
    """
    for one in came.requests if isinstance(came, OtlpCollector) else [came]:
        if one.protocol == "http/json" and one.signal == "logs":
            assert same(from_json(one.content), one.message)
    return [log.attributes["log.record.uid"] for log in came.logs]


def port_of(url: str) -> int:
    """Return the port in *url*."""
    port = urlsplit(url).port
    assert port is not None
    return port


def refusing(
    refusal: replies.Reply, is_bad: Callable[[OtlpRequest], bool]
) -> replies.Reply:
    """Give each request that is bad the *refusal*, and take the others."""

    async def reply(exchange: replies.Exchange) -> None:
        await (refusal if is_bad(exchange.request) else replies.ok)(exchange)

    return reply
