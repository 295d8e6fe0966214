"""Starts and closes of the OTLP sink: again, on other loops, in forked children."""

from __future__ import annotations

import asyncio
import gc
import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import aiohttp
import anyio.to_thread
import pytest
from anyio.from_thread import start_blocking_portal

from eventbus import Bus, Catalog, SinkContext
from eventbus._clock import SystemClock
from eventbus.testing import OtlpCollector
from eventbus_otlp import OtlpSettings, OtlpSink
from eventbus_otlp._grpc_channel import Channel
from tests.otlp._collector import BOTH, ids_of
from tests.otlp._sinks import Ping, ids, open_sink, pings


@pytest.mark.proves("fault-18")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.filterwarnings("ignore::ResourceWarning")  # uvloop never ends on an error
@pytest.mark.parametrize("protocol", ["http/protobuf", "grpc"])
def test_a_loop_that_ended_without_a_close_leaves_nothing_that_hinders_the_next(
    protocol: Any,
) -> None:
    async def life(sink: OtlpSink, *, closes: bool) -> None:
        await sink.start()
        await sink.write(pings(1))
        if closes:
            await sink.aclose()

    with (
        start_blocking_portal() as portal,
        portal.wrap_async_context_manager(OtlpCollector(transports=BOTH)) as server,
    ):
        sink = OtlpSink(
            OtlpSettings(endpoint=server.url_for(protocol), protocol=protocol)
        )
        asyncio.run(life(sink, closes=False))
        asyncio.run(life(sink, closes=True))
        assert ids_of(server) == ids(1, 1)
    del sink
    gc.collect()  # what the first loop left open says so here


def _left_open() -> tuple[int, int]:
    """Return how many descriptors there are, and what garbage holds connections."""
    descriptors = len(os.listdir("/dev/fd"))
    gc.collect()
    holders = (aiohttp.ClientSession, Channel)
    return descriptors, sum(issubclass(type(one), holders) for one in gc.get_objects())


@pytest.fixture
def no_collection() -> Iterator[None]:
    """Let nothing be closed by the collection of garbage."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@pytest.mark.proves("fault-18")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.parametrize("protocol", ["http/protobuf", "grpc"])
@pytest.mark.usefixtures("no_collection")
def test_loops_that_end_one_after_the_other_leave_nothing_open(
    protocol: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """Neither connections nor what held them, and nothing that complains of it."""

    async def life(sink: OtlpSink) -> None:
        await sink.start()
        await sink.write(pings(1))

    def left_open(sink: OtlpSink) -> tuple[int, int]:
        asyncio.run(life(sink))
        return _left_open()

    with (
        start_blocking_portal() as portal,
        portal.wrap_async_context_manager(OtlpCollector(transports=BOTH)) as server,
    ):
        sink = OtlpSink(
            OtlpSettings(endpoint=server.url_for(protocol), protocol=protocol)
        )
        left_open(sink)
        once = left_open(sink)
        assert [left_open(sink) for _ in range(3)] == 3 * [once]
        asyncio.run(sink.aclose())
    assert caplog.messages == []


def test_a_loop_that_is_left_closes_its_connections_itself() -> None:
    async def life(sink: OtlpSink) -> None:
        await sink.start()
        await sink.write(pings(1))

    with (
        start_blocking_portal() as portal,
        portal.wrap_async_context_manager(OtlpCollector()) as server,
        asyncio.Runner() as first,
        asyncio.Runner() as second,
    ):
        sink = OtlpSink(OtlpSettings(endpoint=server.url))
        first.run(life(sink))
        second.run(life(sink))
        first.run(asyncio.to_thread(portal.call, server.end_of, 0))
        second.run(sink.aclose())
    assert [request.connection for request in server.requests] == [0, 1]


@pytest.mark.parametrize("protocol", ["http/protobuf", "grpc"])
async def test_the_same_sink_may_be_attached_again(protocol: Any) -> None:
    """To the same bus and to another one; with metrics as with records."""
    async with OtlpCollector(transports=BOTH) as server:
        sink = OtlpSink(
            OtlpSettings(endpoint=server.url_for(protocol), protocol=protocol)
        )
        for _ in range(2):
            async with Bus() as bus:
                for name in ("first", "second"):
                    attachment = bus.attach(sink, name=name)
                    bus.emit(Ping(n=1))
                    assert (await bus.flush(20)).complete
                    await attachment.detach()
        assert len(ids_of(server)) == 4


async def test_it_may_be_started_again_after_its_close() -> None:
    async with OtlpCollector() as server:
        sink = OtlpSink(OtlpSettings(endpoint=server.url))
        for n in (1, 2):
            await sink.start()
            await sink.write(pings(n))
            await sink.aclose()
        assert ids_of(server) == ids(1, 2)
        assert server.connections == 2


async def test_a_start_for_another_bus_leaves_what_was_not_closed() -> None:
    async with OtlpCollector() as server:
        sink = OtlpSink(OtlpSettings(endpoint=server.url))
        for name in ("first", "second"):
            resource = {"service.name": name}
            sink.configure(SinkContext("otlp", resource, Catalog(), SystemClock()))
            await sink.start()
            await sink.write(pings(1))
        await server.end_of(0)
        await sink.aclose()
    assert [b"second" in request.body for request in server.requests] == [False, True]


async def test_metrics_of_a_sink_that_is_attached_again_go_on() -> None:
    settings: dict[str, Any] = {"signals": ("metrics",), "temporality": "delta"}
    async with OtlpCollector() as server, Bus() as bus:
        sink = OtlpSink(OtlpSettings(endpoint=server.url, **settings))
        for name in ("first", "second"):
            attachment = bus.attach(sink, name=name)
            bus.emit(Ping(n=1))
            assert (await bus.flush(20)).complete
            await attachment.detach()
    assert [request.target for request in server.requests] == 2 * ["/v1/metrics"]


@pytest.mark.parametrize("detectors", [(), ("os",)])
async def test_a_start_needs_no_thread_that_the_program_may_have_taken(
    detectors: Any,
) -> None:
    limiter = anyio.to_thread.current_default_thread_limiter()
    borrowers = [object() for _ in range(int(limiter.total_tokens))]
    for borrower in borrowers:
        limiter.acquire_on_behalf_of_nowait(borrower)
    try:
        async with (
            OtlpCollector() as server,
            open_sink(server.url, resource_detectors=detectors) as sink,
        ):
            await sink.write(pings(1))
    finally:
        for borrower in borrowers:
            limiter.release_on_behalf_of(borrower)
    assert (b"os.type" in server.requests[0].body) == bool(detectors)


PROGRAM = """
import asyncio, logging, os, sys, threading
from eventbus import Bus, Event
from eventbus_otlp import OtlpSettings, OtlpSink

def is_not_of_a_slow_machine(line):
    return "held the event loop" not in line.getMessage()

logging.getLogger("eventbus").addFilter(is_not_of_a_slow_machine)

class Ping(Event, tag="ping"):
    n: int

bus = Bus()
bus.attach(OtlpSink(OtlpSettings(endpoint=sys.argv[1])), name="otlp")

async def send(n):
    bus.emit(Ping(n=n))
    assert (await bus.flush(10)).complete

async def in_child():
    await bus.start()
    await send(2)
    await bus.aclose()
    os._exit(0)

async def in_parent():
    await bus.start()
    await send(1)
    child = os.fork()
    if not child:
        sys.stdin.read()
        thread = threading.Thread(target=lambda: asyncio.run(in_child()))
        thread.start()
        thread.join()
        os._exit(1)
    await send(3)
    await bus.aclose()
    _, status = await asyncio.to_thread(os.waitpid, child, 0)
    assert status == 0

asyncio.run(in_parent())
"""


@pytest.mark.proves("fault-124")
async def test_a_child_lets_go_of_the_parents_connections_and_has_its_own() -> None:
    """While the child does nothing yet, the parent's connection ends with the parent's
    close: nobody else holds it."""
    async with OtlpCollector() as server:
        program = await asyncio.create_subprocess_exec(
            *(sys.executable, "-W", "ignore::DeprecationWarning", "-c", PROGRAM),
            server.url,
            stdin=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        await server.end_of(0)
        _, errors = await program.communicate(b"")
    assert (program.returncode, errors) == (0, b"")
    assert [request.connection for request in server.requests] == [0, 0, 1]


GRPC_PROGRAM = """
import asyncio, os, sys, threading
from eventbus import Bus, Event
from eventbus_otlp import OtlpSettings, OtlpSink

class Ping(Event, tag="ping"):
    n: int

def new_sink():
    return OtlpSink(OtlpSettings(endpoint=sys.argv[1], protocol="grpc"))

async def send(n, bus):
    async with bus:
        bus.emit(Ping(n=n))
        report = await bus.flush(20)
        if n == 1:
            await fork(bus)
    assert bus.stats().attachments["otlp"].balanced
    return report.complete, report.attachments["otlp"].cause

def in_child(parents_bus):
    new_bus = Bus()
    for bus in (new_bus, parents_bus):
        if bus is new_bus:
            bus.attach(new_sink(), name="otlp")
        complete, cause = asyncio.run(send(2, bus))
        assert not complete and "when this process was forked" in cause, cause
    os._exit(0)

async def fork(bus):
    child = os.fork()
    if not child:
        thread = threading.Thread(target=in_child, args=(bus,))
        thread.start()
        thread.join()
        os._exit(1)
    _, status = await asyncio.to_thread(os.waitpid, child, 0)
    assert status == 0, status

def in_parent(n):
    bus = Bus()
    bus.attach(new_sink(), name="otlp")
    assert asyncio.run(send(n, bus)) == (True, None)

in_parent(1)
in_parent(3)
child = os.fork()
if not child:
    in_parent(4)
    os._exit(0)
_, status = os.waitpid(child, 0)
assert status == 0, status
"""


@pytest.mark.proves("fault-78", "fault-124")
async def test_grpc_is_refused_in_the_child_of_one_that_has_a_connection() -> None:
    """It would not answer there, or end the child; once it is closed it may be used."""
    async with OtlpCollector(transports=["grpc"]) as server:
        program = await asyncio.create_subprocess_exec(
            *(sys.executable, "-W", "ignore::DeprecationWarning", "-c", GRPC_PROGRAM),
            server.grpc_url,
            stderr=subprocess.PIPE,
        )
        _, errors = await program.communicate()
    assert program.returncode == 0, errors.decode()
    assert len(ids_of(server)) == 3
