from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from eventbus import Unavailable

# Any: `jsonl` is the fixture's class, which tests cannot import.


@pytest.mark.proves("fault-95")
async def test_a_torn_line_is_fenced_off(jsonl: Any) -> None:
    jsonl.path.write_bytes(b'{"id":"b-0","na')
    sink = await jsonl.start()
    assert jsonl.path.read_bytes() == b'{"id":"b-0","na'
    await sink.write(jsonl.pings(1))
    await sink.aclose()
    torn, whole = jsonl.path.read_bytes().splitlines()
    assert (torn, json.loads(whole)["id"]) == (b'{"id":"b-0","na', "b-1")


@pytest.mark.proves("fault-95")
async def test_a_line_that_another_process_tore_meanwhile_is_fenced_off(
    jsonl: Any,
) -> None:
    sink = await jsonl.start()
    await sink.write(jsonl.pings(1))
    with jsonl.path.open("ab") as other:
        other.write(b"torn")
    await sink.write(jsonl.pings(2))
    await sink.aclose()
    assert jsonl.path.read_bytes().splitlines()[1] == b"torn"
    assert jsonl.path.read_bytes().count(b"\n") == 3


@pytest.mark.proves("fault-94")
async def test_what_does_not_fit_is_taken_back_and_written_once_there_is_room(
    jsonl: Any,
) -> None:
    sink = await jsonl.start()
    await sink.write(jsonl.pings(1, 2))
    before = jsonl.path.read_bytes()
    with (
        jsonl.file_size_limit(len(before) + 3 * jsonl.line_bytes + 10),
        pytest.raises(Unavailable, match=r"out\.jsonl': File too large"),
    ):
        await sink.write(jsonl.pings(3, 4, 5, 6, 7))
    assert jsonl.path.read_bytes() == before
    await sink.write(jsonl.pings(3, 4, 5, 6, 7))
    await sink.aclose()
    assert jsonl.numbers() == [1, 2, 3, 4, 5, 6, 7]


@pytest.mark.proves("fault-94")
async def test_a_batch_over_two_files_is_taken_back_from_both(jsonl: Any) -> None:
    sink = await jsonl.start(max_file_bytes=4 * jsonl.line_bytes)
    await sink.write(jsonl.pings(1, 2))
    long = "x" * 5 * jsonl.line_bytes
    batch = [*jsonl.pings(3, 4), *jsonl.pings(5, text=long)]
    with jsonl.file_size_limit(5 * jsonl.line_bytes), pytest.raises(Unavailable):
        await sink.write(batch)
    await sink.write(batch)
    await sink.aclose()
    found = sorted(n for numbers in jsonl.numbers_of(jsonl.files()) for n in numbers)
    assert found == [1, 2, 3, 4, 5]


class Disk:
    """A small file system of its own, in memory."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __enter__(self) -> Path:
        self.path.mkdir()
        mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(self.path)]
        if subprocess.run(mount, capture_output=True).returncode:
            pytest.skip("mounting a small disk needs root: run this test as root")
        return self.path

    def make_read_only(self) -> None:
        subprocess.run(["mount", "-o", "remount,ro", self.path], check=True)

    def __exit__(self, *_: object) -> None:
        subprocess.run(["umount", self.path], check=True)


@pytest.mark.proves("fault-94")
async def test_a_full_disk_is_survived(jsonl: Any) -> None:
    with Disk(jsonl.directory / "disk") as disk:
        path, filler = disk / "out.jsonl", disk / "filler"
        sink = await jsonl.start(path=path, fsync="batch")
        await sink.write(jsonl.pings(1))
        filler.write_bytes(b"x" * 48 * 1024)
        with pytest.raises(Unavailable, match="No space left on device"):
            await sink.write(jsonl.pings(2, text="y" * 32 * 1024))
        assert jsonl.numbers(path) == [1]
        filler.unlink()
        await sink.write(jsonl.pings(2, text="y" * 32 * 1024))
        await sink.aclose()
        assert jsonl.numbers(path) == [1, 2]


@pytest.mark.proves("fault-94")
async def test_a_file_system_that_turned_read_only_is_unavailable(jsonl: Any) -> None:
    disk = Disk(jsonl.directory / "disk")
    with disk as path:
        sink = await jsonl.start(path=path / "out.jsonl")
        await sink.write(jsonl.pings(1))
        await sink.aclose()
        disk.make_read_only()
        with pytest.raises(Unavailable, match="Read-only file system"):
            await jsonl.start(path=path / "out.jsonl")


@pytest.mark.proves("fault-94")
async def test_a_short_write_is_continued(
    jsonl: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = os.write
    sink = await jsonl.start()
    with monkeypatch.context() as patch:
        patch.setattr(os, "write", lambda fd, data: write(fd, bytes(data)[:7]))
        await sink.write(jsonl.pings(1, 2, 3))
    await sink.aclose()
    assert jsonl.numbers() == [1, 2, 3]


@pytest.mark.proves("fault-94")
@pytest.mark.parametrize("code", [errno.EIO, errno.EDQUOT, errno.EROFS, errno.ENOSPC])
@pytest.mark.parametrize("written_bytes", [0, 30])
async def test_a_write_that_fails_midway_leaves_no_line_twice_and_none_torn(
    jsonl: Any, monkeypatch: pytest.MonkeyPatch, code: int, written_bytes: int
) -> None:
    write, sink = os.write, await jsonl.start()
    await sink.write(jsonl.pings(1))
    before = jsonl.path.read_bytes()
    parts = iter([written_bytes] if written_bytes else [])

    def failing(descriptor: int, data: Any) -> int:
        for part in parts:
            return write(descriptor, bytes(data)[:part])
        raise OSError(code, os.strerror(code))

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", failing)
        with pytest.raises(Unavailable, match=os.strerror(code)):
            await sink.write(jsonl.pings(2, 3))
    assert jsonl.path.read_bytes() == before
    await sink.write(jsonl.pings(2, 3))
    await sink.aclose()
    assert jsonl.numbers() == [1, 2, 3]


@pytest.mark.proves("fault-94")
async def test_a_file_that_did_not_reach_the_disk_is_set_aside(
    jsonl: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(_: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    sink = await jsonl.start(fsync="batch")
    await sink.write(jsonl.pings(1))
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", failing)
        with pytest.raises(Unavailable, match="Input/output error"):
            await sink.write(jsonl.pings(2))
    await sink.write(jsonl.pings(2))
    await sink.aclose()
    assert jsonl.numbers() == [2]
    assert jsonl.numbers_of(jsonl.files("out.*Z.jsonl")) == [[1]]


WRITER = """
import asyncio, sys
from eventbus import Event, Record
from eventbus_local import JsonlSink, JsonlSettings

class Ping(Event, tag="ping"):
    n: int
    text: str = ""

async def main(path, name, batches, max_file_bytes):
    sink = JsonlSink(JsonlSettings(path=path, max_file_bytes=max_file_bytes or None))
    await sink.start()
    for batch in range(batches):
        numbers = range(batch * 20, batch * 20 + 20)
        await sink.write(
            [Record(Ping(n=n, text="x" * (n % 97)), id=f"{name}-{n}") for n in numbers]
        )
        print(batch, flush=True)
    await sink.aclose()

asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])))
"""


def start_writer(
    path: Path, name: str, batches: int, max_file_bytes: int = 0
) -> subprocess.Popen[str]:
    arguments = [str(path), name, str(batches), str(max_file_bytes)]
    return subprocess.Popen(
        [sys.executable, "-c", WRITER, *arguments], stdout=subprocess.PIPE, text=True
    )


@pytest.mark.proves("I4", "fault-96")
@pytest.mark.parametrize("max_file_bytes", [0, 20_000])
def test_processes_share_a_file_without_mixing_their_lines(
    jsonl: Any, max_file_bytes: int
) -> None:
    names = ("a", "b", "c")
    children = [start_writer(jsonl.path, name, 40, max_file_bytes) for name in names]
    for child in children:
        child.communicate(timeout=25)
        assert child.returncode == 0
    lines = [line for path in jsonl.files() for line in path.read_bytes().splitlines()]
    expected = [f"{name}-{n}" for name in names for n in range(800)]
    assert sorted(json.loads(line)["id"] for line in lines) == sorted(expected)
    if max_file_bytes:
        assert len(jsonl.files()) > 3
        assert all(p.stat().st_size <= max_file_bytes for p in jsonl.files())


@pytest.mark.proves("I4", "fault-95")
def test_a_killed_writer_loses_nothing_it_had_written_and_tears_one_line_at_most(
    jsonl: Any,
) -> None:
    runs = (3, 11, 40)
    for run, batches in enumerate(runs):
        child = start_writer(jsonl.path, str(run), 100_000)
        assert child.stdout is not None
        for _ in range(batches):
            child.stdout.readline()
        child.send_signal(signal.SIGKILL)
        child.wait(timeout=20)
        child.stdout.close()
    lines = jsonl.path.read_bytes().split(b"\n")
    whole = [line for line in lines if line.endswith(b"}}")]
    assert len([line for line in lines if line]) - len(whole) <= len(runs)
    found = [json.loads(line)["id"] for line in whole]
    assert len(found) == len(set(found))
    acknowledged = {f"{run}-{n}" for run, b in enumerate(runs) for n in range(b * 20)}
    assert acknowledged <= set(found)
