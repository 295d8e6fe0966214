from __future__ import annotations

import asyncio
import errno
import io
import os
import select
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TextIO

import pytest

from eventbus import Refused, Unavailable
from eventbus_local._stream import StreamWriter

MANY = "".join(f"{n:07d} {'x' * 91}\n" for n in range(3000))  # 300,000 bytes


class Pipe:
    """A pipe whose writing end stands as standard output."""

    def __init__(self) -> None:
        self.reading, self.writing = os.pipe()
        self.stream = open(self.writing, "w", encoding="utf-8")  # noqa: SIM115

    def read(self, size: int = 1 << 20) -> bytes:
        return os.read(self.reading, size)

    def read_to(self, size: int) -> bytes:
        data = b""
        while len(data) < size:
            data += self.read()
        return data

    def close_reader(self) -> None:
        if self.reading >= 0:
            os.close(self.reading)
            self.reading = -1

    def close(self) -> None:
        self.close_reader()
        self.stream.close()


@pytest.fixture
def new_pipe(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], Pipe]]:
    """Return what puts a pipe in place, once the test itself runs."""
    pipe = Pipe()

    def put() -> Pipe:
        monkeypatch.setattr(sys, "stdout", pipe.stream)
        return pipe

    yield put
    pipe.close()


def use_as_stdout(monkeypatch: pytest.MonkeyPatch, stream: Any) -> StreamWriter:
    monkeypatch.setattr(sys, "stdout", stream)
    return StreamWriter("stdout")


async def until_full(pipe: Pipe) -> None:
    poll = select.poll()
    poll.register(pipe.writing, select.POLLOUT)
    while poll.poll(0):  # noqa: ASYNC110 - another process could be the writer
        await asyncio.sleep(0)


async def test_text_reaches_a_pipe(new_pipe: Callable[[], Pipe]) -> None:
    pipe = new_pipe()
    await StreamWriter("stdout").write("one\ntwo ü\n")
    assert pipe.read() == "one\ntwo ü\n".encode()


@pytest.mark.proves("fault-93")
async def test_the_stream_is_looked_up_at_each_write(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    first, second = io.StringIO(), io.StringIO()
    writer = use_as_stdout(monkeypatch, first)
    await writer.write("a\n")
    monkeypatch.setattr(sys, "stdout", second)
    await writer.write("b\n")
    assert (first.getvalue(), second.getvalue()) == ("a\n", "b\n")


@pytest.mark.proves("fault-93")
async def test_a_process_without_a_stream_refuses_the_batch(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    writer = use_as_stdout(monkeypatch, None)
    with pytest.raises(Refused, match="this process has no stdout") as caught:
        await writer.write("a\n")
    assert not caught.value.permanent


@pytest.mark.proves("fault-93")
async def test_a_closed_stream_refuses_until_there_is_another(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    closed = io.StringIO()
    closed.close()
    writer = use_as_stdout(monkeypatch, closed)
    with pytest.raises(Refused, match="stdout is closed") as caught:
        await writer.write("a\n")
    assert not caught.value.permanent
    again = io.StringIO()
    monkeypatch.setattr(sys, "stdout", again)
    await writer.write("b\n")
    assert again.getvalue() == "b\n"


@pytest.mark.proves("fault-93")
async def test_a_closed_descriptor_refuses(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    stream = open(tmp_path / "out", "w")  # noqa: SIM115, ASYNC230
    number = stream.fileno()
    spare = os.dup(number)
    os.close(number)
    try:
        with pytest.raises(Refused, match="stdout is closed"):
            await use_as_stdout(monkeypatch, stream).write("a\n")
    finally:
        os.dup2(spare, number)
        os.close(spare)
        stream.close()


@pytest.mark.proves("fault-93")
async def test_a_reader_that_went_away_is_final(new_pipe: Callable[[], Pipe]) -> None:
    pipe = new_pipe()
    pipe.close_reader()
    with pytest.raises(Refused, match="the reader of stdout has gone") as caught:
        await StreamWriter("stdout").write("a\n")
    assert caught.value.permanent


@pytest.mark.proves("fault-93")
@pytest.mark.parametrize("blocking", [True, False])
async def test_more_than_a_pipe_holds_arrives_whole(
    new_pipe: Callable[[], Pipe], blocking: bool
) -> None:
    pipe = new_pipe()
    os.set_blocking(pipe.writing, blocking)
    reading = asyncio.create_task(asyncio.to_thread(pipe.read_to, len(MANY)))
    await StreamWriter("stdout").write(MANY)
    assert (await reading).decode() == MANY


@pytest.mark.proves("fault-93")
@pytest.mark.parametrize("blocking", [True, False])
async def test_a_full_pipe_holds_up_nothing_but_its_own_write(
    new_pipe: Callable[[], Pipe], blocking: bool
) -> None:
    pipe = new_pipe()
    os.set_blocking(pipe.writing, blocking)
    writer = StreamWriter("stdout")
    stuck = asyncio.create_task(writer.write(MANY))
    await until_full(pipe)
    assert not stuck.done()
    stuck.cancel()
    with pytest.raises(asyncio.CancelledError):
        await stuck
    beginning = pipe.read()
    await writer.write("next\n")
    assert MANY.encode().startswith(beginning)
    assert pipe.read().split(b"\n")[-2:] == [b"next", b""]


async def test_a_line_cut_by_a_cancellation_is_ended_before_the_next(
    new_pipe: Callable[[], Pipe],
) -> None:
    pipe = new_pipe()
    writer = StreamWriter("stdout")
    stuck = asyncio.create_task(writer.write("x" * 300_000 + "\n"))
    await until_full(pipe)
    stuck.cancel()
    with pytest.raises(asyncio.CancelledError):
        await stuck
    pipe.read()
    await writer.write("next\n")
    assert pipe.read() == b"\nnext\n"


@pytest.mark.proves("fault-93")
@pytest.mark.parametrize(
    ("encoding", "written"),
    [("ascii", b"\\xfc \\u20ac\n"), ("cp1252", b"\xfc \x80\n"), ("utf-8", None)],
)
async def test_what_an_encoding_lacks_is_escaped(
    monkeypatch: pytest.MonkeyPatch, encoding: str, written: bytes | None
) -> None:
    memory = io.BytesIO()
    stream = io.TextIOWrapper(memory, encoding=encoding, newline="\n")
    await use_as_stdout(monkeypatch, stream).write("ü €\n")
    assert memory.getvalue() == (written or "ü €\n".encode())


@pytest.mark.proves("fault-93")
async def test_what_a_pipes_encoding_lacks_is_escaped(
    new_pipe: Callable[[], Pipe], monkeypatch: pytest.MonkeyPatch
) -> None:
    pipe = new_pipe()
    stream = open(os.dup(pipe.writing), "w", encoding="ascii")  # noqa: SIM115, ASYNC230
    await use_as_stdout(monkeypatch, stream).write("ü\n")
    stream.close()
    assert pipe.read() == b"\\xfc\n"


async def test_a_stand_in_with_a_descriptor_is_asked_to_write(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    class Prefixing(io.TextIOWrapper):
        def write(self, text: str) -> int:
            return super().write(f"> {text}")

    stream: TextIO = Prefixing((tmp_path / "out").open("wb"), encoding="utf-8")
    await use_as_stdout(monkeypatch, stream).write("a\n")
    stream.close()
    assert (tmp_path / "out").read_text() == "> a\n"


async def test_a_full_disk_is_no_reason_to_wait(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stream = open("/dev/full", "w")  # noqa: SIM115, ASYNC230
    with pytest.raises(Refused, match="stdout: No space left on device") as refused:
        await use_as_stdout(monkeypatch, stream).write("a\n")
    assert not refused.value.permanent
    stream.close()


async def test_an_error_of_the_system_is_unavailable(
    new_pipe: Callable[[], Pipe], monkeypatch: pytest.MonkeyPatch
) -> None:
    pipe, write = new_pipe(), os.write

    def refusing(descriptor: int, data: bytes) -> int:
        if descriptor == pipe.writing:
            raise OSError(errno.ENOBUFS, "No buffer space available")
        return write(descriptor, data)

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", refusing)
        with pytest.raises(Unavailable, match="stdout: No buffer space available"):
            await StreamWriter("stdout").write("a\n")


@pytest.mark.proves("fault-93")
async def test_a_pipe_that_takes_nothing_after_all_is_tried_again(
    new_pipe: Callable[[], Pipe], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another process may fill the pipe between the look and the write."""
    pipe = new_pipe()
    write, refusals = os.write, [BlockingIOError(), BlockingIOError()]

    def refusing(descriptor: int, data: bytes) -> int:
        if descriptor == pipe.writing and refusals:
            raise refusals.pop()
        return write(descriptor, data)

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", refusing)
        await StreamWriter("stdout").write("a\n")
    assert pipe.read() == b"a\n"
    assert refusals == []


HEAD = """
import asyncio
from eventbus import Event, Record, Refused
from eventbus_local import ConsoleSink

class Ping(Event):
    n: int

async def main():
    sink = ConsoleSink()
    await sink.start()
    for n in range(100_000):
        try:
            await sink.write([Record(Ping(n=n))] * 100)
        except Refused as error:
            assert error.permanent, error
            break
    await sink.aclose()

asyncio.run(main())
"""


@pytest.mark.proves("fault-93")
def test_a_reader_of_one_line_ends_nothing_but_the_sink() -> None:
    child = subprocess.Popen(
        [sys.executable, "-c", HEAD], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert child.stdout is not None
    assert child.stderr is not None
    assert b"ping" in child.stdout.readline()
    child.stdout.close()
    errors = child.stderr.read()
    child.stderr.close()
    assert (child.wait(timeout=20), errors) == (0, b"")
