"""Headers that the program's function returns, when they are asked for anew."""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import pytest

from eventbus import Bus, Refused, Unavailable
from eventbus._clock import SystemClock
from eventbus.testing import (
    Gate,
    ManualClock,
    OtlpCollector,
    ScriptedSink,
    replies,
    settled,
)
from eventbus_otlp import OtlpSettings, OtlpSink, SignalSettings, TraceSignalSettings
from eventbus_otlp._client import Client
from eventbus_otlp._fresh_headers import LIFETIME_SECONDS, FreshHeaders
from eventbus_otlp._resolved import resolve
from tests.otlp._collector import ids_of
from tests.otlp._sinks import Ping, ids, open_sink, pings

pytestmark = pytest.mark.proves("G6")


class Tokens:
    """Counts how often it is asked, and returns another token each time."""

    def __init__(self) -> None:
        self.asked = 0
        self.threads: set[int] = set()

    def plain(self) -> Mapping[str, str]:
        self.asked += 1
        self.threads.add(threading.get_ident())
        return {"Authorization": f"Bearer {self.asked}"}

    async def awaited(self) -> Mapping[str, str]:
        return self.plain()

    def returning_awaitable(self) -> Awaitable[Mapping[str, str]]:
        return self.awaited()


def sent(server: OtlpCollector) -> list[str | None]:
    return [request.headers.get("authorization") for request in server.requests]


@pytest.mark.parametrize("kind", ["plain", "awaited", "returning_awaitable"])
async def test_they_are_kept_for_their_lifetime(kind: str) -> None:
    tokens, clock = Tokens(), ManualClock()
    async with (
        OtlpCollector() as server,
        open_sink(server.url, headers=getattr(tokens, kind), clock=clock) as sink,
    ):
        assert tokens.asked == 1
        await sink.write(pings(1))
        clock.advance(LIFETIME_SECONDS - 1)
        await sink.write(pings(2))
        clock.advance(1)
        await asyncio.gather(sink.write(pings(3)), sink.write(pings(4)))
    assert sent(server) == ["Bearer 1", "Bearer 1", "Bearer 2", "Bearer 2"]


async def test_a_plain_function_runs_in_a_thread() -> None:
    tokens = Tokens()
    async with OtlpCollector() as server, open_sink(server.url, headers=tokens.plain):
        pass
    assert threading.get_ident() not in tokens.threads


async def test_refused_credentials_are_renewed_once() -> None:
    tokens = Tokens()
    async with (
        OtlpCollector(replies.http(401), replies.http(200)) as server,
        open_sink(server.url, headers=tokens.plain) as sink,
    ):
        await sink.write(pings(1))
    assert sent(server) == ["Bearer 1", "Bearer 2"]


async def test_another_refusal_asks_for_no_others() -> None:
    tokens = Tokens()
    async with (
        OtlpCollector(replies.http(404)) as server,
        open_sink(server.url, headers=tokens.plain) as sink,
    ):
        with pytest.raises(Refused, match="404"):
            await sink.write(pings(1))
    assert (len(server.requests), tokens.asked) == (1, 1)


async def test_a_function_wins_over_what_the_endpoint_says() -> None:
    tokens = Tokens()
    async with OtlpCollector() as server:
        url = server.url.replace("//", "//user:password@")
        async with open_sink(url, headers=tokens.plain) as sink:
            await sink.write(pings(1))
    assert sent(server) == ["Bearer 1"]


async def test_what_a_function_returns_must_be_fit_for_all_protocols() -> None:
    sink = OtlpSink(
        OtlpSettings(
            signals=("logs", "traces"),
            headers=lambda: {"x-%": "1"},
            traces=TraceSignalSettings(protocol="grpc"),
        )
    )
    with pytest.raises(Unavailable, match="over gRPC a name has"):
        await sink.start()
    await sink.aclose()


async def test_credentials_that_stay_wrong_are_the_end() -> None:
    tokens = Tokens()
    async with (
        OtlpCollector(otherwise=replies.http(401)) as server,
        open_sink(server.url, headers=tokens.plain) as sink,
    ):
        with pytest.raises(Refused) as caught:
            await sink.write(pings(1))
    assert caught.value.permanent
    assert len(server.requests) == 2


async def test_requests_that_are_refused_together_ask_once() -> None:
    tokens, gate = Tokens(), Gate()
    refuses = replies.after(gate, replies.http(401))
    async with (
        OtlpCollector(refuses, refuses) as server,
        open_sink(server.url, headers=tokens.plain) as sink,
    ):
        calls = [asyncio.create_task(sink.write(pings(n))) for n in (1, 2)]
        await server.wait_for_requests(2)
        gate.open()
        await asyncio.gather(*calls)
    assert tokens.asked == 2
    assert sorted(ids_of(server)[2:]) == ids(1, 2)


async def test_grpc_has_them_as_metadata() -> None:
    tokens = Tokens()
    answer = replies.grpc("UNAUTHENTICATED")
    async with (
        OtlpCollector(answer, transports=["grpc"]) as server,
        open_sink(server.grpc_url, protocol="grpc", headers=tokens.plain) as sink,
    ):
        await sink.write(pings(1))
    assert sent(server) == ["Bearer 1", "Bearer 2"]


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (lambda: 1 / 0, "the function for headers raised ZeroDivisionError"),
        (lambda: ["authorization"], "it returned list, no mapping"),
        (lambda: {"a b: s3cret": "s3cret"}, "header 'a…' is refused"),
        (lambda: {"token": "s3cret\n"}, "header 'token' is refused"),
    ],
)
async def test_a_function_that_fails_is_named_without_a_secret(
    answer: Callable[[], Any], words: str
) -> None:
    with pytest.raises(Unavailable, match=words) as caught:
        async with open_sink("http://127.0.0.1:1", headers=answer):
            pass
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize("is_async", [False, True])
async def test_a_function_that_hangs_holds_nobody_else_up(is_async: bool) -> None:
    began, go_on = threading.Event(), threading.Event()
    tokens, clock = Tokens(), ManualClock()

    def blocks() -> Mapping[str, str]:
        if tokens.asked:
            began.set()
            go_on.wait()
        return tokens.plain()

    async def waits() -> Mapping[str, str]:
        if tokens.asked and not go_on.is_set():
            began.set()
            await asyncio.Event().wait()
        return tokens.plain()

    async with (
        OtlpCollector() as server,
        open_sink(
            server.url, headers=waits if is_async else blocks, clock=clock
        ) as sink,
    ):
        clock.advance(LIFETIME_SECONDS)
        for n in range(3):
            call = asyncio.create_task(sink.write(pings(n)))
            await asyncio.to_thread(began.wait)
            call.cancel()
            with pytest.raises(asyncio.CancelledError):
                await call
        assert _threads() <= 1
        go_on.set()
        await sink.write(pings(3))
    assert ids_of(server) == ids(3)
    assert tokens.asked == 2
    assert asyncio.all_tasks() == {asyncio.current_task()}


def _threads() -> int:
    return sum(thread.name == "eventbus headers" for thread in threading.enumerate())


@pytest.mark.proves("fault-23")
@pytest.mark.parametrize("kind", ["plain", "awaited", "returning_awaitable"])
@pytest.mark.parametrize("raised", [SystemExit, KeyboardInterrupt])
async def test_a_function_that_ends_the_program_ends_its_sink_alone(
    raised: type[BaseException], kind: str
) -> None:
    class Ending(Tokens):
        def plain(self) -> Mapping[str, str]:
            raise raised

    neighbour = ScriptedSink()
    settings = OtlpSettings(
        endpoint="http://127.0.0.1:1",
        signals=("logs", "metrics"),
        headers=getattr(Ending(), kind),
    )
    async with Bus() as bus:
        failing = bus.attach(OtlpSink(settings), name="otlp")
        bus.attach(neighbour, name="other")
        await failing.ready()
        bus.emit(Ping(n=1))
        await bus.flush()
        report = bus.stats().attachments["otlp"]
    assert report.state == "failed"
    assert f"the function for headers raised {raised.__name__}" in str(report.cause)
    assert len(neighbour.delivered) == 1


@pytest.mark.proves("fault-23")
@pytest.mark.parametrize("kind", ["plain", "awaited"])
async def test_a_function_that_wants_to_end_later_ends_no_task(
    kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Neither that of a batch nor that of the metrics."""
    tokens, clock = Tokens(), ManualClock()

    class Ending(Tokens):
        def plain(self) -> Mapping[str, str]:
            if tokens.asked:
                sys.exit("s3cret")
            return tokens.plain()

    async with (
        OtlpCollector() as server,
        open_sink(
            server.url,
            signals=("logs", "metrics"),
            headers=getattr(Ending(), kind),
            clock=clock,
        ) as sink,
    ):
        sink.observe(pings(1))
        clock.advance(LIFETIME_SECONDS)
        with pytest.raises(Refused, match=r"headers raised SystemExit$") as caught:
            await sink.write(pings(1))
    assert caught.value.permanent
    assert server.requests == []
    assert "metrics refused: 1 points: the function for headers raised" in caplog.text


@pytest.mark.parametrize("kind", ["plain", "awaited"])
async def test_a_cancellation_of_the_functions_own_is_a_failure_of_it(
    kind: str,
) -> None:
    class Cancelling(Tokens):
        def plain(self) -> Mapping[str, str]:
            raise asyncio.CancelledError

    with pytest.raises(Unavailable, match="headers raised CancelledError"):
        async with open_sink("http://127.0.0.1:1", headers=getattr(Cancelling(), kind)):
            pass


async def test_signals_that_have_the_same_function_ask_it_once() -> None:
    tokens, others, clock = Tokens(), Tokens(), ManualClock()
    async with (
        OtlpCollector() as server,
        open_sink(
            server.url,
            signals=("logs", "traces", "metrics"),
            headers=tokens.plain,
            metrics=SignalSettings(headers=others.plain),
            traces=TraceSignalSettings(headers=tokens.plain, protocol="http/json"),
            clock=clock,
        ) as sink,
    ):
        await sink.write(pings(1))
        clock.advance(LIFETIME_SECONDS)
        await sink.write(pings(2))
    assert (tokens.asked, others.asked) == (2, 1)


async def test_who_was_refused_the_same_asks_once() -> None:
    tokens = Tokens()

    async def later() -> Mapping[str, str]:
        await asyncio.sleep(0)
        return tokens.plain()

    fresh = FreshHeaders(later, ["http/protobuf"], SystemClock())
    refused = await fresh.current()
    found = await asyncio.gather(*[fresh.instead_of(refused) for _ in range(3)])
    assert {tuple(map(str, pair)) for one in found for pair in one} == {
        ("authorization", "Bearer 2")
    }
    assert tokens.asked == 2
    await fresh.aclose()


async def test_what_is_asked_is_not_waited_for_at_the_end_and_leaves_no_task() -> None:
    gate = threading.Event()
    fresh = FreshHeaders(lambda: gate.wait(20) and {}, [], SystemClock())  # type: ignore[arg-type, return-value]
    asking = asyncio.create_task(fresh.current())
    await settled()
    asking.cancel()
    await asyncio.wait([asking])
    await fresh.aclose()
    assert asyncio.all_tasks() == {asyncio.current_task()}
    gate.set()


async def test_a_client_that_is_left_leaves_no_thread_for_headers() -> None:
    settings = OtlpSettings(headers=Tokens().plain)
    clock = SystemClock()
    client = Client(resolve(settings, {}, print), settings, clock)
    await client.start()
    [thread] = [one for one in threading.enumerate() if one.name == "eventbus headers"]
    await client.leave(asyncio.get_running_loop())
    await asyncio.to_thread(thread.join, 20)
    assert not thread.is_alive()
    await settled()
