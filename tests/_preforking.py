"""A server whose master makes bus and socket, and forks two workers that serve.

python tests/_preforking.py PATH
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import sys

import eventbus
from eventbus import Bus, Event
from eventbus_local import JsonlSettings, JsonlSink

REQUESTS = 40


class Step(Event, tag="work.step"):
    n: int
    pid: int


bus = Bus()
emit = bus.emitter(Step)


async def serve(listening: socket.socket) -> None:
    ended = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)

    async def answer(
        reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        n = int(await reader.readline())
        assert emit(Step(n=n, pid=os.getpid()))
        writer.write(b"done")
        writer.close()

    async with bus, await asyncio.start_server(answer, sock=listening):
        await ended.wait()


async def ask(address: tuple[str, int], n: int) -> bytes:
    reader, writer = await asyncio.open_connection(*address)
    writer.write(b"%d\n" % n)
    answer = await reader.read()
    writer.close()
    return answer


def work(listening: socket.socket) -> None:
    try:
        asyncio.run(serve(listening))
    finally:
        os._exit(1 if sys.exc_info()[0] else 0)


def main() -> None:
    bus.attach(JsonlSink(JsonlSettings(path=sys.argv[1])))
    # A socket each: with one, the quicker worker could have all the requests.
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]
    with eventbus.run_in_thread(bus):
        emit(Step(n=1000, pid=os.getpid()))
        workers = []
        for listening in sockets:
            pid = os.fork()
            if not pid:
                work(listening)
            workers.append(pid)
        emit(Step(n=1001, pid=os.getpid()))
        answers = [
            asyncio.run(ask(sockets[n % 2].getsockname(), n)) for n in range(REQUESTS)
        ]
        for pid in workers:
            os.kill(pid, signal.SIGTERM)
        statuses = [os.waitpid(pid, 0)[1] for pid in workers]
    sys.stdout.write(
        json.dumps({"answers": answers.count(b"done"), "statuses": statuses})
    )


main()
