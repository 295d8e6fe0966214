"""Names of hosts that cannot be found, move, or take for ever to be looked up."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable
from typing import Any

import pytest

from eventbus import Unavailable
from eventbus.testing import OtlpCollector, replies, settled
from eventbus_otlp._resolver import Resolver, _result
from tests.otlp._collector import ids_of, port_of
from tests.otlp._sinks import ids, open_sink, pings

pytestmark = pytest.mark.proves("fault-70")

NAME = "collector.test"
Ask = Callable[[], list[str]]
Names = Callable[[Ask], None]


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> Names:
    """Lets a test say which addresses the system finds for a name of its own."""
    real = socket.getaddrinfo

    def install(ask: Ask) -> None:
        def answer(host: Any, port: Any, *args: Any, **options: Any) -> Any:
            if host != NAME:
                return real(host, port, *args, **options)
            return [
                found
                for address in ask()
                for found in real(address, port, type=socket.SOCK_STREAM)
            ]

        monkeypatch.setattr(socket, "getaddrinfo", answer)

    return install


def unknown() -> list[str]:
    raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")


def url(port: int) -> str:
    return f"http://{NAME}:{port}"


async def test_a_name_that_is_not_known_may_be_known_later(names: Names) -> None:
    known: list[str] = []
    names(lambda: known or unknown())
    async with (
        OtlpCollector() as server,
        open_sink(url(port_of(server.url))) as sink,
    ):
        with pytest.raises(Unavailable, match=f"{NAME}:.*Name or service not"):
            await sink.write(pings(1))
        known.append("127.0.0.1")
        await sink.write(pings(1))
    assert ids_of(server) == ids(1)


async def test_a_name_that_moves_is_followed_with_the_next_connection(
    names: Names,
) -> None:
    places = ["127.0.0.1"]
    names(lambda: places)
    async with OtlpCollector() as first:
        port = port_of(first.url)
        async with (
            OtlpCollector(host="127.0.0.2", port=port) as second,
            open_sink(url(port)) as sink,
        ):
            await sink.write(pings(1))
            places[:] = ["127.0.0.2"]
            first.will(replies.last)
            await sink.write(pings(2))
            await first.end_of(0)
            await sink.write(pings(3))
    assert (ids_of(first), ids_of(second)) == (ids(1, 2), ids(3))


async def test_one_living_address_among_eight_is_enough(names: Names) -> None:
    names(lambda: [*(f"127.0.0.{n}" for n in range(2, 9)), "127.0.0.1"])
    async with (
        OtlpCollector() as server,
        open_sink(url(port_of(server.url))) as sink,
    ):
        await sink.write(pings(1))
    assert ids_of(server) == ids(1)


async def test_a_name_may_have_addresses_of_the_new_kind_alone(names: Names) -> None:
    try:
        running = OtlpCollector(host="::1")
        server = await running.__aenter__()
    except OSError:
        pytest.skip("this machine has no IPv6")
    names(lambda: ["::1"])
    try:
        async with open_sink(url(port_of(server.url))) as sink:
            await sink.write(pings(1))
        assert ids_of(server) == ids(1)
    finally:
        await running.__aexit__(None, None, None)


async def test_lookups_that_hang_hold_one_thread_and_nobody_else(names: Names) -> None:
    began, answer = threading.Event(), threading.Event()

    def slow() -> list[str]:
        began.set()
        answer.wait()
        return ["127.0.0.1"]

    names(slow)
    async with (
        OtlpCollector() as server,
        open_sink(url(port_of(server.url))) as sink,
    ):
        for n in range(20):
            call = asyncio.create_task(sink.write(pings(n)))
            await asyncio.to_thread(began.wait)
            call.cancel()
            await asyncio.wait([call])
        assert _lookups() == 1
        answer.set()
        await sink.write(pings(20))
    assert ids_of(server) == ids(20)


async def test_a_lookup_that_hangs_is_not_waited_for_at_the_end(names: Names) -> None:
    began, answer = threading.Event(), threading.Event()

    def slow() -> list[str]:
        began.set()
        answer.wait()
        return ["127.0.0.1"]

    names(slow)
    async with open_sink(url(1)) as sink:
        call = asyncio.create_task(sink.write(pings(1)))
        await asyncio.to_thread(began.wait)
        call.cancel()
        await asyncio.wait([call])
    assert asyncio.all_tasks() == {asyncio.current_task()}
    answer.set()


def _lookups() -> int:
    names = (thread.name for thread in threading.enumerate())
    return sum(name.startswith("eventbus look up") for name in names)


async def test_who_gives_up_takes_no_answer_from_who_waits_too(names: Names) -> None:
    gate, asked = threading.Event(), list[int]()

    def ask() -> list[str]:
        asked.append(1)
        gate.wait(20)
        return ["127.0.0.1"]

    names(ask)
    resolver = Resolver()
    first, second = (
        asyncio.create_task(resolver.resolve(NAME, 80, socket.AF_UNSPEC))
        for _ in range(2)
    )
    await settled()
    first.cancel()
    await asyncio.wait([first])
    gate.set()
    assert [found["host"] for found in await second] == ["127.0.0.1"]
    assert asked == [1]
    await resolver.close()


def test_an_address_of_one_interface_keeps_its_name() -> None:
    place = ("fe80::1", 80, 0, 2)
    address = (socket.AF_INET6, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", place)
    assert _result(NAME, address)["host"] == "fe80::1%2"
