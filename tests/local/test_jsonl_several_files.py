"""What holds for one file holds for each of several, and for all of a batch."""

from __future__ import annotations

import asyncio
import errno
import fcntl
import os
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from eventbus import Unavailable
from eventbus_local import _line_file

# Any: `sessions` is the fixture's class, which tests cannot import.


@pytest.mark.proves("fault-94")
@pytest.mark.parametrize("settings", [{}, {"max_file_bytes": 300}])
async def test_what_one_file_cannot_take_is_taken_back_from_all(
    sessions: Any, settings: Any
) -> None:
    sink = await sessions.start(**settings)
    await sink.write(sessions.texts((1, "a"), (2, "b")))
    before = {path: path.read_bytes() for path in sessions.files()}
    long = "b" * 2000
    records = sessions.texts((3, "a"), (4, "b"), (5, "c"), (6, "a"), (7, long))
    with (
        sessions.file_size_limit(1000),
        pytest.raises(Unavailable, match="File too large"),
    ):
        await sink.write(records)
    after = {path: path.read_bytes() for path in sessions.files()}
    assert {path: data for path, data in after.items() if data} == before
    await sink.write(records)
    await sink.aclose()
    numbers = sorted(n for path in sessions.files() for n in sessions.numbers(path))
    assert numbers == [1, 2, 3, 4, 5, 6, 7]


@pytest.mark.proves("fault-94")
async def test_a_file_that_did_not_reach_the_disk_takes_the_batch_with_it(
    sessions: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    sink = await sessions.start(fsync="batch")
    await sink.write(sessions.texts((1, "a"), (2, "b")))
    inode = (sessions.directory / "b.jsonl").stat().st_ino
    real = os.fsync

    def failing(descriptor: int) -> None:
        if os.fstat(descriptor).st_ino == inode:
            raise OSError(errno.EIO, "Input/output error")
        real(descriptor)

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", failing)
        with pytest.raises(Unavailable, match=r"b\.jsonl': Input/output error"):
            await sink.write(sessions.texts((3, "a"), (4, "b")))
    await sink.write(sessions.texts((3, "a"), (4, "b")))
    await sink.aclose()
    rotated = "b.20010909T014640.000000000Z.jsonl"
    assert sessions.found() == {"a.jsonl": [1, 3], "b.jsonl": [4], rotated: [2]}


@pytest.mark.proves("fault-96")
async def test_the_files_of_a_batch_are_locked_in_one_order(
    sessions: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    locked: list[str] = []
    real = _line_file.lock
    monkeypatch.setattr(
        _line_file, "lock", lambda fd, path: (locked.append(path), real(fd, path))
    )
    sink = await sessions.start()
    await sink.write(sessions.texts((1, "b"), (2, "c"), (3, "a")))
    await sink.aclose()
    assert [Path(path).stem for path in locked] == ["a", "b", "c"]


class Rival:
    """Another process, which takes a path as soon as its file is renamed."""

    def __init__(self, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.path = path
        self.held: list[int] = []
        self.is_waited_for = threading.Event()
        self.rename, self.lock = os.rename, _line_file.lock
        monkeypatch.setattr(os, "rename", self.renaming)
        monkeypatch.setattr(_line_file, "lock", self.locking)

    def renaming(self, old: str, new: str) -> None:
        self.rename(old, new)
        if old == str(self.path) and not self.held:
            self.held.append(os.open(old, os.O_RDWR | os.O_CREAT))
            fcntl.flock(self.held[0], fcntl.LOCK_EX)

    def locking(self, descriptor: int, path: str) -> None:
        if path == str(self.path) and self.held:
            self.is_waited_for.set()
        self.lock(descriptor, path)

    def write(self, line: bytes) -> None:
        os.write(self.held[0], line)
        os.close(self.held[0])


@pytest.mark.proves("fault-96")
async def test_nothing_is_held_while_another_process_has_what_follows_a_rotated_file(
    sessions: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    sink = await sessions.start(max_file_bytes=400, keep_files=9)
    await sink.write(sessions.texts((1, "a"), (2, "b"), (3, "z")))
    rival = Rival(sessions.directory / "b.jsonl", monkeypatch)
    records = sessions.texts((4, "a"), *((n, "b") for n in range(5, 11)), (11, "z"))
    writing = asyncio.create_task(sink.write(records))
    assert await asyncio.to_thread(rival.is_waited_for.wait, 10)
    with (sessions.directory / "z.jsonl").open("ab") as last:
        fcntl.flock(last, fcntl.LOCK_EX | fcntl.LOCK_NB)
    assert sessions.numbers(sessions.directory / "a.jsonl") == [1]
    rival.write(b'{"event":{"n":0}}\n')
    await writing
    await sink.aclose()
    stamp = "20010909T014640.000000000Z"
    assert sessions.found() == {
        "a.jsonl": [1, 4],
        f"b.{stamp}.jsonl": [2],
        f"b.{stamp}-1.jsonl": [0, 5, 6, 7, 8, 9],
        "b.jsonl": [10],
        "z.jsonl": [3, 11],
    }


@pytest.mark.proves("fault-96")
async def test_each_file_rotates_by_itself(sessions: Any) -> None:
    two = 2 * (sessions.line_bytes + 1)
    sink = await sessions.start(max_file_bytes=two, keep_files=1)
    for n in range(0, 9, 3):
        sessions.clock.seconds += 1
        await sink.write(sessions.texts((n, "a"), (n + 1, "a"), (n + 2, "b")))
    await sink.aclose()
    assert sessions.found() == {
        "a.20010909T014643.000000000Z.jsonl": [3, 4],
        "a.jsonl": [6, 7],
        "b.20010909T014643.000000000Z.jsonl": [2, 5],
        "b.jsonl": [8],
    }


@pytest.mark.proves("I4")
async def test_what_rotated_is_compressed_and_counted_for_each_file(
    sessions: Any,
) -> None:
    sink = await sessions.start(
        path=sessions.directory / "{text}/x.jsonl",
        max_file_bytes=1,
        gzip=True,
        keep_files=2,
    )
    for n in range(4):
        sessions.clock.seconds += 1
        await sink.write(sessions.texts((n, "a"), (10 + n, "b")))
        await sessions.tidied(sink)
    await sink.aclose()
    for directory, numbers in (("a", [[1], [2], [3]]), ("b", [[11], [12], [13]])):
        paths = sorted((sessions.directory / directory).iterdir())
        assert [path.suffix for path in paths] == [".gz", ".gz", ".jsonl"]
        assert sessions.numbers_of(paths) == numbers


@pytest.mark.proves("I4")
async def test_what_a_stop_left_uncompressed_is_found_below_the_directory(
    sessions: Any,
) -> None:
    path = sessions.directory / "{text}/x-{text}.jsonl"
    sink = await sessions.start(path=path, max_file_bytes=1)
    await sink.write(sessions.texts((1, "a"), (2, "a"), (3, "b"), (4, "b")))
    await sink.aclose()
    stamp = "20010909T014640.000000000Z"
    others = [f"a/y.{stamp}.jsonl", f"x-a.{stamp}.jsonl", f"a/b/x-a.{stamp}.jsonl"]
    for other in others:
        (sessions.directory / other).parent.mkdir(exist_ok=True)
        (sessions.directory / other).write_bytes(b"not ours\n")
    outside = sessions.outside / "outside"
    outside.mkdir()
    (outside / f"x-a.{stamp}.jsonl").write_bytes(b"not ours\n")
    (sessions.directory / "link").symlink_to(outside)
    sink = await sessions.start(path=path, gzip=True)
    await sessions.tidied(sink)
    await sink.aclose()
    packed = sorted(sessions.outside.rglob("*.gz"))
    assert sessions.numbers_of(packed) == [[1], [3]]


@pytest.mark.proves("fault-97")
async def test_the_longest_name_leaves_room_for_what_rotation_adds(
    sessions: Any, caplog: pytest.LogCaptureFixture
) -> None:
    sink = await sessions.start(
        path=sessions.directory / "{text}/{text}", max_file_bytes=1, gzip=True
    )
    for n in range(3):
        await sink.write(sessions.texts((n, "x" * 300)))
        await sessions.tidied(sink)
    await sink.aclose()
    paths = sorted(sessions.directory.rglob("*~*/*~*"))
    assert sorted(sessions.numbers_of(paths)) == [[0], [1], [2]]
    assert [path.suffix for path in paths].count(".gz") == 2
    assert caplog.text == ""


@pytest.mark.proves("fault-97")
async def test_no_value_can_name_a_rotated_file(sessions: Any) -> None:
    rotated = "a.20010909T014640.000000000Z"
    sink = await sessions.start(max_file_bytes=1, keep_files=0)
    await sink.write(sessions.texts((1, "a"), (2, rotated)))
    await sink.write(sessions.texts((3, "a")))
    await sink.aclose()
    assert sorted(sessions.found().values()) == [[2], [3]]


@pytest.mark.proves("fault-96")
async def test_a_file_that_was_taken_away_is_made_again_beside_the_others(
    sessions: Any,
) -> None:
    sink = await sessions.start(path=sessions.directory / "{text}/x.jsonl")
    await sink.write(sessions.texts((1, "a"), (2, "b")))
    (sessions.directory / "a/x.jsonl").rename(sessions.outside / "moved")
    (sessions.directory / "a").rmdir()
    await sink.write(sessions.texts((3, "a"), (4, "b")))
    await sink.aclose()
    assert sessions.found() == {"a/x.jsonl": [3], "b/x.jsonl": [2, 4]}


@pytest.mark.proves("fault-95")
async def test_a_torn_line_is_fenced_off_in_each_file(sessions: Any) -> None:
    sessions.directory.mkdir()
    (sessions.directory / "a.jsonl").write_bytes(b"torn")
    sink = await sessions.start()
    await sink.write(sessions.texts((1, "a"), (2, "b")))
    await sink.aclose()
    torn, whole = (sessions.directory / "a.jsonl").read_bytes().splitlines()
    assert (torn, whole.startswith(b'{"id":"b-1"')) == (b"torn", True)
    assert sessions.numbers(sessions.directory / "b.jsonl") == [2]


async def test_two_sinks_take_turns_at_the_same_files(sessions: Any) -> None:
    sinks = [await sessions.start(max_file_bytes=2000) for _ in range(2)]
    names = ["a", "b", "c"]

    async def fill(sink: Any, start: int, names: Sequence[str]) -> None:
        for n in range(start, start + 60, 3):
            numbers = range(n, n + 3)
            await sink.write(sessions.texts(*zip(numbers, names, strict=True)))

    await asyncio.gather(fill(sinks[0], 0, names), fill(sinks[1], 100, names[::-1]))
    for sink in sinks:
        await sink.aclose()
    numbers = sorted(n for path in sessions.files() for n in sessions.numbers(path))
    assert numbers == [*range(60), *range(100, 160)]
