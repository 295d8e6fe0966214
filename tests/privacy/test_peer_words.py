"""What a far side says comes into our logs short, printable, without what we sent."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from eventbus import Bus, Event, Retry, Unavailable
from eventbus.testing import OtlpCollector, RecordingSink, ScriptedSink, replies, steps
from eventbus_otlp import OtlpSettings, OtlpSink

HEADER = "a-header-of-ours-QZ7XKW3V"
BODY = "a-text-of-ours-QZ7XKW3V"
WORDS = f"no\r\n\x1b[31m\x00\u202e{'x' * 5000}"
MOST = 256
AROUND = 100  # the sentence that the words stand in


class Said(Event, tag="test.said"):
    text: str = ""


class Echo:
    """Answers with everything that came in, and more."""

    def __init__(self, status: int) -> None:
        self.status = status

    async def __call__(self, exchange: Any) -> None:
        request = exchange.request
        told = f"{WORDS} {dict(request.headers)} {request.content}"
        await replies.http(self.status, told.encode("utf-8", "replace"))(exchange)


def lines_of(log: pytest.LogCaptureFixture) -> list[str]:
    ours = [one for one in log.records if one.name.startswith("eventbus")]
    return [one.getMessage() for one in ours]


def check(lines: list[str], *others: object) -> None:
    said = "".join(map(repr, others))
    assert lines
    for line in lines:
        assert line.isprintable()
        assert len(line) <= MOST + AROUND
    for secret in (HEADER, BODY, WORDS, "x" * (MOST + 1), "\\x1b", "\\u202e"):
        assert secret not in "".join(lines) + said


@pytest.mark.proves("fault-136")
@pytest.mark.parametrize("status", [400, 401, 413, 500])
async def test_an_answer_over_http_that_repeats_what_it_got(
    status: int, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "eventbus")
    letters = RecordingSink()
    async with (
        OtlpCollector(otherwise=Echo(status)) as server,
        Bus(close_timeout_seconds=0.1) as bus,
    ):
        settings = OtlpSettings(endpoint=server.url, headers={"x-own": HEADER})
        retry = Retry(initial_seconds=0.001, max_seconds=0.001, max_elapsed_seconds=0.1)
        bus.attach(OtlpSink(settings), name="otlp", retry=retry, dead_letters=letters)
        bus.emit(Said(text=BODY))
        await server.wait_for_requests(1)
        await bus.flush(5)
        stats = bus.stats()
    assert HEADER in repr(server.requests)
    assert BODY in repr(server.requests)
    attributes = [dict(record.attributes) for record in letters.records]
    check(lines_of(caplog), stats, attributes)


@pytest.mark.proves("fault-136")
@pytest.mark.parametrize("code", ["INVALID_ARGUMENT", "UNAUTHENTICATED", "UNAVAILABLE"])
async def test_words_over_grpc(code: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "eventbus")
    words = WORDS[:900].replace("\x00", "")
    async with (
        OtlpCollector(
            otherwise=replies.grpc(code, words), transports=("grpc",)
        ) as server,
        Bus(close_timeout_seconds=0.1) as bus,
    ):
        settings = OtlpSettings(
            endpoint=server.grpc_url, protocol="grpc", headers={"x-own": HEADER}
        )
        bus.attach(OtlpSink(settings), name="otlp")
        bus.emit(Said(text=BODY))
        await server.wait_for_requests(1)
        await bus.flush(0.2)
        stats = bus.stats()
    check(lines_of(caplog), stats)


@pytest.mark.proves("fault-136")
@pytest.mark.parametrize("error", [Unavailable, OSError, ValueError])
async def test_words_of_any_sink(error: Any, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "eventbus")
    async with Bus(close_timeout_seconds=0.1) as bus:
        sink = ScriptedSink(then=steps.fail(error(WORDS)))
        bus.attach(sink, retry=Retry(initial_seconds=0.001, max_seconds=0.001))
        bus.emit(Said(text=BODY))
        await bus.flush(0.05)
        stats = bus.stats()
    check(lines_of(caplog), stats)
