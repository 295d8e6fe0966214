"""What goes over gRPC, and what its answers mean."""

from __future__ import annotations

import asyncio
import gc
import os
import subprocess
import sys
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.duration_pb2 import Duration
from google.rpc.error_details_pb2 import RetryInfo
from google.rpc.status_pb2 import Status

from eventbus import Bus, Refused, Retry, TooLarge, Unavailable
from eventbus.testing import OtlpCollector, replies
from eventbus_otlp import OtlpSettings, OtlpSink
from eventbus_otlp._grpc import MAX_COMPRESSED_BYTES, MAX_MESSAGE_BYTES, _compression
from eventbus_otlp._grpc_channel import Channel
from eventbus_otlp._grpc_import import grpc
from eventbus_otlp._resolved import resolve
from tests._rig import AT_ONCE
from tests.otlp._collector import ids_of, port_of
from tests.otlp._relay import listening, relay_to
from tests.otlp._sinks import Ping, ids, open_sink, pings

MB = 1024 * 1024

collector = partial(OtlpCollector, transports=["grpc"])


def peers(server: OtlpCollector) -> set[str]:
    """Return where calls came from: one place for each connection."""
    return {request.peer for request in server.requests}


def wishes(code: str, wish: Duration) -> replies.Reply:
    """Fail with a ``RetryInfo`` that may be none that anybody would make."""

    async def reply(exchange: replies.Exchange) -> None:
        status = Status(code=grpc.StatusCode[code].value[0])
        status.details.add().Pack(RetryInfo(retry_delay=wish))
        trailing = (("grpc-status-details-bin", status.SerializeToString()),)
        await exchange.call.abort(grpc.StatusCode[code], "", trailing)

    return reply


async def meaning(answer: replies.Reply, **settings: Any) -> Exception:
    """Return what is raised for *answer* to a batch of five."""
    async with (
        collector(answer) as server,
        open_sink(server.grpc_url, protocol="grpc", **settings) as sink,
    ):
        with pytest.raises((Unavailable, Refused, TooLarge)) as caught:
            await sink.write(pings(*range(5)))
    assert len(server.requests) == 1
    return caught.value


async def outcome(answer: replies.Reply, *, gzip: bool = False) -> Any:
    """Return what ``write`` does for *answer* to a batch of five."""
    async with (
        collector(answer, grpc_gzip=gzip) as server,
        open_sink(server.grpc_url, protocol="grpc") as sink,
    ):
        return await sink.write(pings(*range(5)))


@pytest.mark.proves("G3", "G11")
@pytest.mark.parametrize("compression", ["none", "gzip"])
async def test_a_batch_is_one_call_that_the_official_classes_read(
    compression: Any,
) -> None:
    async with (
        collector() as server,
        open_sink(
            server.grpc_url,
            protocol="grpc",
            compression=compression,
            headers={"X-Tenant": "blue"},
        ) as sink,
    ):
        assert await sink.write(pings(1, 2)) is None
    (call,) = server.requests
    assert ids_of(call) == ids(1, 2)
    assert call.headers["x-tenant"] == "blue"
    assert call.headers["user-agent"].startswith("eventbus/")


@pytest.mark.parametrize("size", [MAX_COMPRESSED_BYTES * 2, 8 * MB])
async def test_a_large_batch_arrives_too(size: int) -> None:
    async with (
        collector() as server,
        open_sink(server.grpc_url, protocol="grpc", compression="gzip") as sink,
    ):
        await sink.write(pings(1, text="x" * size))
    assert ids_of(server) == ids(1)


async def test_calls_share_one_connection() -> None:
    async with (
        collector() as server,
        open_sink(server.grpc_url, protocol="grpc") as sink,
    ):
        await asyncio.gather(*[sink.write(pings(n)) for n in range(5)])
    assert sorted(ids_of(server)) == ids(*range(5))
    assert len(peers(server)) == 1


@pytest.mark.proves("fault-56", "G9")
@pytest.mark.parametrize(
    "code",
    [
        "CANCELLED",
        "DEADLINE_EXCEEDED",
        "ABORTED",
        "OUT_OF_RANGE",
        "UNAVAILABLE",
        "DATA_LOSS",
    ],
)
async def test_what_may_work_later_is_tried_again(code: str) -> None:
    error = await meaning(replies.grpc(code, "later"))
    assert isinstance(error, Unavailable)
    assert str(error).endswith(f"({code}): later")
    assert error.retry_after_seconds is None


@pytest.mark.proves("fault-56")
@pytest.mark.parametrize(
    "code",
    [
        "UNKNOWN",
        "INVALID_ARGUMENT",
        "NOT_FOUND",
        "ALREADY_EXISTS",
        "PERMISSION_DENIED",
        "FAILED_PRECONDITION",
        "UNIMPLEMENTED",
        "INTERNAL",
        "UNAUTHENTICATED",
    ],
)
async def test_what_will_never_work_is_refused(code: str) -> None:
    async with (
        collector(replies.grpc(code, "never")) as server,
        open_sink(server.grpc_url, protocol="grpc") as sink,
    ):
        with pytest.raises(Refused, match=f"{code}.: never") as caught:
            await sink.write(pings(1))
    assert caught.value.permanent == (code == "UNAUTHENTICATED")


@pytest.mark.proves("fault-56", "G9")
@pytest.mark.parametrize(
    ("wish", "seconds"),
    [
        (Duration(seconds=3, nanos=500_000_000), 3.5),
        (Duration(), None),
        (Duration(seconds=-3), None),
        (Duration(seconds=2**62), None),
        (Duration(seconds=1, nanos=2**31 - 1), None),
    ],
)
@pytest.mark.parametrize("code", ["UNAVAILABLE", "RESOURCE_EXHAUSTED"])
async def test_retry_info_says_when(
    code: str, wish: Duration, seconds: float | None
) -> None:
    error = await meaning(wishes(code, wish))
    assert isinstance(error, Unavailable)
    assert error.retry_after_seconds == seconds


@pytest.mark.proves("fault-56", "fault-64")
async def test_without_retry_info_an_exhausted_resource_is_size() -> None:
    assert isinstance(await meaning(replies.grpc("RESOURCE_EXHAUSTED")), TooLarge)


@pytest.mark.proves("fault-64")
async def test_what_is_over_the_limit_of_the_server_is_to_be_split() -> None:
    async with (
        collector(
            grpc_options=[("grpc.max_receive_message_length", 100_000)]
        ) as server,
        open_sink(server.grpc_url, protocol="grpc") as sink,
    ):
        with pytest.raises(TooLarge, match="larger than max"):
            await sink.write(pings(1, text="x" * 200_000))
        await sink.write(pings(2))
    assert ids_of(server) == ids(2)


@pytest.mark.proves("G10", "fault-63")
async def test_as_many_records_are_rejected_as_the_far_side_refused() -> None:
    told = await outcome(replies.took(3, "too\nold"))
    assert [place for place, _ in told.rejected] == [2, 3, 4]
    assert told.rejected[0][1].endswith("not saying which: too old")


@pytest.mark.proves("fault-63")
async def test_an_answer_that_cannot_be_read_is_still_a_success() -> None:
    told = await outcome(replies.grpc_raw(b"\xff"))
    assert not told.rejected
    assert told.warned == {"contract_violation": 1}


@pytest.mark.proves("fault-67")
@pytest.mark.parametrize(("size", "gzip"), [(16, False), (16, True), (128, True)])
async def test_a_long_answer_is_given_up(size: int, gzip: bool) -> None:
    told = await outcome(replies.grpc_raw(b"\0" * size * MB), gzip=gzip)
    assert not told.rejected
    assert told.warned == {"contract_violation": 1}


@pytest.mark.proves("fault-67")
async def test_no_answer_is_received_of_which_grpc_would_hold_much() -> None:
    """It has a message several times, before anybody can look at it."""
    told = await outcome(replies.took(0, "x" * MAX_MESSAGE_BYTES))
    assert told.warned == {"contract_violation": 1}
    assert await outcome(replies.took(0, "x" * (MAX_MESSAGE_BYTES // 2))) is None


@pytest.mark.proves("fault-67")
async def test_an_answer_is_as_long_as_is_set_once_it_is_unpacked() -> None:
    async with (
        collector(
            replies.took(1, "x" * 5000),
            otherwise=replies.took(1, "x" * 100),
            grpc_gzip=True,
        ) as server,
        open_sink(server.grpc_url, protocol="grpc", max_response_bytes=1000) as sink,
    ):
        long: Any = await sink.write(pings(1))
        short: Any = await sink.write(pings(1))
    assert (long.rejected, long.warned) == ([], {"contract_violation": 1})
    assert [place for place, _ in short.rejected] == [0]


async def test_a_socket_of_this_machine_is_reached_without_tls(tmp_path: Path) -> None:
    path = tmp_path / "otlp.sock"
    async with (
        collector() as server,
        listening(relay_to(port_of(server.grpc_url)), unix_socket=path),
        open_sink(f"unix:{path}", protocol="grpc", insecure=True) as sink,
    ):
        await sink.write(pings(1))
    assert ids_of(server) == ids(1)


async def test_its_channels_are_closed_with_the_sink() -> None:
    others = set(map(id, channels()))
    async with collector() as server:
        async with open_sink(server.grpc_url, protocol="grpc") as sink:
            await sink.write(pings(1))
            own = [one for one in channels() if id(one) not in others]
            assert own
        assert not [one for one in own if one.is_open]


def channels() -> list[Channel]:
    """Return those there are; other tests leave objects that answer no question."""
    return [one for one in gc.get_objects() if type(one) is Channel]


async def test_a_compressed_answer_is_read() -> None:
    told = await outcome(replies.took(1, "as such " * 100), gzip=True)
    assert [place for place, _ in told.rejected] == [4]


@pytest.mark.proves("fault-64", "fault-67")
async def test_a_compressed_request_over_the_limit_of_the_server_is_split() -> None:
    """It says of our request what grpc would say of its answer."""
    async with (
        collector(
            grpc_options=[("grpc.max_receive_message_length", 100_000)]
        ) as server,
        open_sink(server.grpc_url, protocol="grpc", compression="gzip") as sink,
    ):
        with pytest.raises(TooLarge, match="Decompressed message larger than max"):
            await sink.write(pings(1, text="x" * 200_000))


def test_what_would_hold_the_loop_is_not_compressed() -> None:
    target = resolve(OtlpSettings(compression="gzip"), {}, print)["logs"]
    kinds = [_compression(target, b"x" * MAX_COMPRESSED_BYTES)]
    kinds.append(_compression(target, b"x" * (MAX_COMPRESSED_BYTES + 1)))
    assert [kind.name for kind in kinds] == ["Gzip", "NoCompression"]


async def test_a_cancelled_call_ends_at_once_and_the_next_one_works() -> None:
    """The server is told."""
    ended = asyncio.Event()

    async def hangs_until_the_end(exchange: replies.Exchange) -> None:
        try:
            await replies.hang(exchange)
        finally:
            ended.set()

    async with (
        collector(hangs_until_the_end) as server,
        open_sink(server.grpc_url, protocol="grpc") as sink,
    ):
        call = asyncio.create_task(sink.write(pings(1)))
        await server.next_request()
        call.cancel("the time is up")
        with pytest.raises(asyncio.CancelledError, match="the time is up"):
            await call
        await ended.wait()
        await sink.write(pings(2))
    assert ids_of(server) == ids(1, 2)


async def test_a_far_side_that_is_not_there_is_named() -> None:
    async with collector() as server:
        port = port_of(server.grpc_url)
    async with open_sink(server.grpc_url, protocol="grpc") as sink:
        with pytest.raises(Unavailable, match=f"UNAVAILABLE.*{port}: .*refused"):
            await sink.write(pings(1))


@pytest.mark.proves("fault-78")
async def test_a_server_that_starts_again_is_found_again() -> None:
    """What comes while it is away is not lost: the bus tries it again."""
    async with AsyncExitStack() as running, Bus() as bus:
        before = await running.enter_async_context(collector())
        sink = OtlpSink(OtlpSettings(endpoint=before.grpc_url, protocol="grpc"))
        quick = Retry(initial_seconds=0.01, max_seconds=0.05, budget_ratio=1)
        bus.attach(sink, name="otlp", batch=AT_ONCE, retry=quick)
        bus.emit(Ping(n=1))
        assert (await bus.flush(20)).complete
        await running.aclose()
        bus.emit(Ping(n=2))
        while bus.stats().attachments["otlp"].state == "ready":  # noqa: ASYNC110 - no task of ours sets it
            await asyncio.sleep(0)
        async with collector(grpc_port=port_of(before.grpc_url)) as after:
            assert (await bus.flush(20)).complete
    assert (len(ids_of(before)), len(ids_of(after))) == (1, 1)


@pytest.mark.proves("fault-78")
async def test_a_connection_that_the_server_ends_for_its_age_costs_nothing() -> None:
    """GOAWAY comes while calls are on their way; each arrives once."""
    age = [("grpc.max_connection_age_ms", 50), ("grpc.max_connection_age_grace_ms", 50)]
    async with (
        collector(grpc_options=age) as server,
        open_sink(server.grpc_url, protocol="grpc") as sink,
    ):
        sent = 0
        while len(peers(server)) < 3:
            assert await sink.write(pings(sent)) is None
            sent += 1
    assert ids_of(server) == ids(*range(sent))


@pytest.mark.parametrize(
    ("answer", "raised"),
    [
        (replies.ok, None),
        (replies.grpc("INVALID_ARGUMENT"), None),
        (replies.grpc("UNIMPLEMENTED"), Refused),
        (replies.grpc("UNAVAILABLE"), Unavailable),
    ],
)
async def test_a_check_asks_with_nothing_in_hand(
    answer: replies.Reply, raised: type[Exception] | None
) -> None:
    async with (
        collector(answer) as server,
        open_sink(server.grpc_url, protocol="grpc") as sink,
    ):
        if raised is None:
            await sink.check()
        else:
            with pytest.raises(raised):
                await sink.check()
    assert server.requests[0].body == b""


PROGRAM = """
import asyncio, os, sys
from eventbus import Catalog, SinkContext
from eventbus_otlp import OtlpSettings, OtlpSink

assert "grpc" not in sys.modules and "aiohttp" not in sys.modules

async def main():
    sink = OtlpSink(OtlpSettings(endpoint="https://127.0.0.1:{port}", protocol="grpc"))
    assert "aiohttp" not in sys.modules
    await sink.start()
    try:
        await sink.check()
    except Exception as error:
        print(type(error).__name__)
    await sink.aclose()
    print(os.environ.get("GRPC_VERBOSITY"))

asyncio.run(main())
"""


@pytest.mark.parametrize("verbosity", [None, "NONE"])
async def test_grpc_is_loaded_when_it_is_used_and_keeps_quiet(
    verbosity: str | None,
) -> None:
    """TLS on a plain port: grpc's core would tell of it on standard error."""
    env = {k: v for k, v in os.environ.items() if k != "GRPC_VERBOSITY"}
    if verbosity is not None:
        env["GRPC_VERBOSITY"] = verbosity
    async with collector() as server:
        done = await asyncio.to_thread(
            subprocess.run,
            [
                sys.executable,
                "-c",
                PROGRAM.replace("{port}", str(port_of(server.grpc_url))),
            ],
            capture_output=True,
            text=True,
            env=env,
        )
    assert (done.stdout, done.stderr) == (f"Unavailable\n{verbosity}\n", "")
