"""What a sink says and sends while it delivers never becomes an event."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator, Sequence

import pytest

import eventbus
from eventbus import Bus, Event
from eventbus._record import AnyRecord
from eventbus.testing import RecordingSink, ScriptedSink, settled, steps
from eventbus_local import LogEvent, LoggingHandler, StructlogProcessor
from tests._rig import ONE_BY_ONE, Numbered, Rig

CLIENT = logging.getLogger("vendor.client")


class HttpCalled(Event, tag="http.called"):
    status: int


@pytest.fixture
async def far_side() -> AsyncIterator[int]:
    """Answer every request with 200; the value is the port."""

    async def answer(
        reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        await writer.drain()
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    yield server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()


class Client:
    """An HTTP client as one is found: it logs, and is instrumented."""

    def __init__(self, bus: Bus, port: int) -> None:
        self.bus = bus
        self.port = port

    async def post(self) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(b"POST / HTTP/1.1\r\n\r\n")
        status = int((await reader.readline()).split()[1])
        writer.close()
        await writer.wait_closed()
        CLIENT.info("HTTP Request: POST / %d", status)
        await asyncio.to_thread(CLIENT.info, "a line from a thread")
        StructlogProcessor(self.bus)(None, "info", {"event": "a line of structlog"})
        if not eventbus.in_sink():
            self.bus.emit(HttpCalled(status=status))


class HttpSink(RecordingSink):
    """Logs in every call, and keeps a task that does."""

    def __init__(self, client: Client) -> None:
        super().__init__()
        self.client = client
        self.flushed = asyncio.Event()

    async def start(self) -> None:
        CLIENT.info("connecting")
        self.background = asyncio.create_task(self._flush())

    async def _flush(self) -> None:
        await self.flushed.wait()
        CLIENT.info("flushed in the background")
        await self.client.post()

    def observe(self, batch: Sequence[AnyRecord]) -> None:
        CLIENT.info("observed %d", len(batch))

    async def write(self, batch: Sequence[AnyRecord]) -> None:
        await super().write(batch)
        await self.client.post()
        self.flushed.set()

    async def aclose(self) -> None:
        await self.background
        CLIENT.info("closed")


@pytest.fixture
def bridged() -> Iterator[Bus]:
    """Let every line of the program become an event."""
    bus = Bus()
    root, handler = logging.getLogger(), LoggingHandler(bus)
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    yield bus
    root.removeHandler(handler)
    root.setLevel(level)


def names(sink: RecordingSink) -> list[str]:
    return [
        r.event.message if isinstance(r.event, LogEvent) else r.name
        for r in sink.records
    ]


@pytest.mark.proves("D14")
async def test_a_sinks_own_lines_and_calls_become_no_events(
    bridged: Bus, far_side: int
) -> None:
    sink = HttpSink(Client(bridged, far_side))
    bridged.attach(sink, name="http", batch=ONE_BY_ONE)
    bridged.attach(watcher := RecordingSink(), name="watcher")
    async with bridged:
        bridged.emit(Numbered(n=1))
        await bridged.flush()
        await sink.background
    assert names(watcher) == names(sink) == ["numbered"]
    assert bridged.stats().refused == {}


@pytest.mark.proves("D14")
async def test_the_same_client_in_the_programs_own_hands_is_seen(
    bridged: Bus, far_side: int
) -> None:
    bridged.attach(RecordingSink(), name="sink")
    bridged.attach(watcher := RecordingSink(), name="watcher")
    client = Client(bridged, far_side)
    async with bridged:
        await client.post()
        await bridged.flush()
    assert names(watcher) == [
        "HTTP Request: POST / 200",
        "a line from a thread",
        "a line of structlog",
        "http.called",
    ]


@pytest.mark.proves("D14")
async def test_lines_of_handlers_are_the_programs_also_of_one_that_a_sink_attached(
    bridged: Bus,
) -> None:
    class Attaching(RecordingSink):
        async def write(self, batch: Sequence[AnyRecord]) -> None:
            await super().write(batch)
            if len(self.batches) == 1:
                bridged.on("numbered", name="late")(handle)

    def handle(record: AnyRecord) -> None:
        CLIENT.info("handled %d", record.event.n)

    bridged.attach(watcher := RecordingSink(), name="watcher", select="log*")
    bridged.attach(Attaching(), name="attaching", select=Numbered, batch=ONE_BY_ONE)
    async with bridged:
        bridged.emit(Numbered(n=1))
        await settled()
        bridged.emit(Numbered(n=2))
        await bridged.flush()
    assert names(watcher) == ["handled 2"]


@pytest.mark.proves("fault-16", "D14")
async def test_a_failing_sink_and_what_is_said_of_it_stop_after_one_hop() -> None:
    async with Rig() as rig:
        root, handler = logging.getLogger(), LoggingHandler(rig.bus)
        root.addHandler(handler)
        try:
            failing = ScriptedSink(then=_log_and_fail)
            await rig.attach(failing, batch=ONE_BY_ONE)
            await rig.emit(1)
            for _ in range(60):
                await rig.after(1.0)
            events = {id(r.event): r.event for b in failing.attempts for r in b}
            assert [type(event) for event in events.values()] == [Numbered]
            assert rig.stats().offered == 1
        finally:
            root.removeHandler(handler)


async def _log_and_fail(sink: ScriptedSink, batch: Sequence[AnyRecord]) -> None:
    CLIENT.warning("could not send %d", len(batch))
    await steps.fail(OSError("down"))(sink, batch)


async def test_it_tells_what_runs_for_a_sink_from_what_does_not() -> None:
    seen: dict[str, bool] = {}

    class Asking(RecordingSink):
        async def start(self) -> None:
            seen["start"] = eventbus.in_sink()

        async def write(self, batch: Sequence[AnyRecord]) -> None:
            seen["write"] = eventbus.in_sink()

        async def aclose(self) -> None:
            seen["aclose"] = eventbus.in_sink()

    async with Rig() as rig:
        await rig.attach(Asking())
        await rig.emit(1)
        seen["outside"] = eventbus.in_sink()
    assert seen == {"start": True, "write": True, "outside": False, "aclose": True}
