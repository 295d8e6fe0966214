"""More files than may be open at once."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import fcntl
import json
import os
import resource
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from eventbus import Bus, Retry, TooLarge, Unavailable
from eventbus._verdict import progress_of
from eventbus_local import JsonlSettings, JsonlSink, _line_file, _line_files

# Any: `jsonl` is the fixture's class, which tests cannot import.

MAX_DESCRIPTOR = 1024
pytestmark = pytest.mark.skipif(
    not os.path.exists("/proc/self/fd"),
    reason="what is open is known from /proc: run on Linux",
)


def descriptors() -> dict[int, str]:
    """Return what this process has open, and open nothing for it."""
    found: dict[int, str] = {}
    for number in range(MAX_DESCRIPTOR):
        with contextlib.suppress(FileNotFoundError):
            found[number] = os.readlink(f"/proc/self/fd/{number}")
    return found


def open_files(directory: Path) -> set[str]:
    """Return the names of the files below *directory* that this process has open."""
    targets = map(Path, descriptors().values())
    return {target.stem for target in targets if target.is_relative_to(directory)}


@contextlib.contextmanager
def descriptors_left(count: int) -> Iterator[None]:
    """Let this process open *count* files more than it has open."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    taken = descriptors()
    free = [n for n in range(MAX_DESCRIPTOR) if n not in taken]
    resource.setrlimit(resource.RLIMIT_NOFILE, (free[count], before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


async def start(jsonl: Any, **settings: Any) -> Any:
    return await jsonl.start(path=jsonl.directory / "{text}.jsonl", **settings)


def batch(jsonl: Any, names: str, first: int = 0) -> list[Any]:
    pairs = enumerate(names, start=first)
    return [record for n, name in pairs for record in jsonl.pings(n, text=name)]


@pytest.mark.proves("fault-98")
async def test_no_more_files_stay_open_than_are_allowed(jsonl: Any) -> None:
    sink = await start(jsonl, max_open_files=3)
    for n, name in enumerate("abcdea"):
        await sink.write(batch(jsonl, name, n))
        assert len(open_files(jsonl.directory)) == min(n + 1, 3)
    await sink.aclose()
    assert open_files(jsonl.directory) == set()
    assert jsonl.numbers_of(jsonl.files()) == [[0, 5], [1], [2], [3], [4]]


@pytest.mark.proves("fault-98")
async def test_the_file_used_least_recently_is_closed(jsonl: Any) -> None:
    sink = await start(jsonl, max_open_files=3)
    await sink.write(batch(jsonl, "abc"))
    await sink.write(batch(jsonl, "a", 3))
    await sink.write(batch(jsonl, "d", 4))
    assert open_files(jsonl.directory) == {"a", "c", "d"}
    await sink.write(batch(jsonl, "cef", 5))
    assert open_files(jsonl.directory) == {"c", "e", "f"}
    await sink.aclose()


@pytest.mark.proves("fault-98")
async def test_sixty_four_files_stay_open_by_default(jsonl: Any) -> None:
    sink = await start(jsonl)
    for start_at in (0, 64):
        names = "".join(chr(0x4E00 + start_at + n) for n in range(64))
        await sink.write(batch(jsonl, names, start_at))
    assert len(open_files(jsonl.directory)) == 64
    await sink.aclose()
    assert len(jsonl.files()) == 128


async def test_a_close_leaves_the_files_to_the_attempt_that_still_runs(
    jsonl: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_line_files, "TURN_SECONDS", 0)
    waits, real = threading.Event(), _line_file.lock
    sink = await start(jsonl)
    await sink.write(batch(jsonl, "a"))
    monkeypatch.setattr(_line_file, "lock", lambda *where: (waits.set(), real(*where)))
    with (jsonl.directory / "a.jsonl").open("ab") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        writing = asyncio.create_task(sink.write(batch(jsonl, "a", 1)))
        assert await asyncio.to_thread(waits.wait, 10)
        writing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await writing
        with pytest.raises(Unavailable, match="the write before is still running"):
            await sink.write(batch(jsonl, "b", 2))
        await sink.aclose()
    assert await asyncio.to_thread(sink._files._turn.acquire, timeout=10)
    assert open_files(jsonl.directory) == set()
    assert jsonl.numbers_of(jsonl.files()) == [[0, 1]]


async def test_a_file_that_is_refused_does_not_stay_open(jsonl: Any) -> None:
    (jsonl.directory / "bad.jsonl").mkdir()
    sink = await start(jsonl, max_open_files=2)
    bad = jsonl.pings(1, text="bad")
    await sink.write([*bad, *batch(jsonl, "a")])
    await sink.write(batch(jsonl, "b", 2))
    assert open_files(jsonl.directory) == {"a", "b"}
    await sink.aclose()


@pytest.mark.proves("fault-98")
async def test_a_batch_for_more_files_is_written_in_parts(
    jsonl: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    sink = await start(jsonl, max_open_files=3)
    opened = opening(monkeypatch, jsonl.directory)
    assert await sink.write(batch(jsonl, "abcdabccd")) is None
    assert opened == [1, 2, 3, 3, 3]
    await sink.aclose()
    assert jsonl.numbers_of(jsonl.files()) == [[0, 4], [1, 5], [2, 6, 7], [3, 8]]


def opening(monkeypatch: pytest.MonkeyPatch, directory: Path) -> list[int]:
    """Return how many files are open after each opening from now on."""
    counts: list[int] = []
    real = os.open

    def noting(*args: Any, **kwargs: Any) -> int:
        descriptor = real(*args, **kwargs)
        counts.append(len(open_files(directory)))
        return descriptor

    monkeypatch.setattr(os, "open", noting)
    return counts


async def start_by_number(jsonl: Any, **settings: Any) -> Any:
    path = jsonl.directory / "{n}.jsonl"
    return await jsonl.start(path=path, max_open_files=2, **settings)


@pytest.mark.proves("fault-94", "fault-98")
@pytest.mark.parametrize("settings", [{}, {"fsync": "batch"}])
async def test_what_a_batch_had_written_before_it_failed_is_not_sent_again(
    jsonl: Any, settings: Any
) -> None:
    (jsonl.directory / "1.jsonl").mkdir()
    long = jsonl.pings(3, text="x" * 1000)
    records = [*jsonl.pings(0, 1, 2), *long, *jsonl.pings(4, 5)]
    sink = await start_by_number(jsonl, **settings)
    with (
        jsonl.file_size_limit(500),
        pytest.raises(Unavailable, match="File too lar") as told,
    ):
        await sink.write(records)
    done = progress_of(told.value)
    assert (done.count, list(done.rejected)) == (2, [1])
    assert [path.name for path in jsonl.files() if path.stat().st_size] == [
        "0.jsonl",
        "1.jsonl",
    ]
    await sink.write(records[done.count :])
    await sink.aclose()
    files = [path for path in jsonl.files() if path.is_file()]
    assert jsonl.numbers_of(files) == [[0], [2], [3], [4], [5]]


@pytest.mark.proves("fault-98")
async def test_a_bus_sends_no_record_twice_that_one_of_many_files_had(
    jsonl: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = JsonlSettings(path=str(jsonl.directory / "{n}.jsonl"), max_open_files=2)
    forbid_space(monkeypatch, b'"n":7,', times=3)
    async with Bus() as bus:
        retry = Retry(initial_seconds=0.001, max_seconds=0.001)
        audit = bus.attach(JsonlSink(settings), retry=retry)
        for n in range(10):
            bus.emit(jsonl.Ping(n=n))
        assert (await bus.flush()).complete
        stats = bus.stats().attachments[audit.name]
        assert (stats.delivered, stats.possible_duplicates) == (10, 0)
        assert stats.errors == {"Unavailable": 3}
    assert jsonl.numbers_of(jsonl.files()) == [[n] for n in range(10)]


def forbid_space(monkeypatch: pytest.MonkeyPatch, line: bytes, *, times: int) -> None:
    """Let the disk be full so many times for what contains *line*."""
    real = os.write
    left = iter(range(times))

    def full(descriptor: int, data: bytes) -> int:
        if line in bytes(data) and next(left, None) is not None:
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(descriptor, data)

    monkeypatch.setattr(os, "write", full)


async def test_parts_are_as_exact_as_the_whole_or_the_batch_is_split(
    jsonl: Any,
) -> None:
    sink = await start_by_number(jsonl)
    odd = jsonl.pings(1, text=object())
    with pytest.raises(TooLarge, match="for more than 2 files, and not all of its re"):
        await sink.write([*jsonl.pings(0), *odd, *jsonl.pings(2)])
    assert jsonl.files() == []
    outcome = await sink.write([*jsonl.pings(0), *odd])
    await sink.aclose()
    assert [index for index, _ in outcome.unencodable] == [1]


@pytest.mark.proves("fault-98")
async def test_what_is_for_too_many_files_arrives_whole_and_in_order(
    jsonl: Any,
) -> None:
    path = jsonl.directory / "{text}.jsonl"
    async with Bus() as bus:
        sink = JsonlSink(JsonlSettings(path=str(path), max_open_files=3))
        audit = bus.attach(sink)
        for n in range(400):
            bus.emit(jsonl.Ping(n=n, text=f"s{n * 7 % 40}"))
        assert (await bus.flush()).complete
        stats = bus.stats().attachments[audit.name]
        assert (stats.delivered, stats.possible_duplicates) == (400, 0)
        assert len(open_files(jsonl.directory)) <= 3
    numbers = jsonl.numbers_of(jsonl.files())
    assert numbers == [sorted(own) for own in numbers]
    assert sorted(n for own in numbers for n in own) == list(range(400))
    assert len(numbers) == 40


@pytest.mark.proves("fault-98")
@pytest.mark.parametrize("left", [1, 2, 5])
async def test_files_are_closed_when_the_process_can_open_no_more(
    jsonl: Any, left: int
) -> None:
    sink = await start(jsonl)
    await sink.write(batch(jsonl, "x"))
    with descriptors_left(left - 1):
        for n, name in enumerate("abcdefgabcdefg"):
            await sink.write(batch(jsonl, name, n))
            assert 0 < len(open_files(jsonl.directory)) <= left
    await sink.aclose()
    numbers = {p.stem: jsonl.numbers(p) for p in jsonl.files()}
    assert numbers == {"x": [0]} | {c: [n, n + 7] for n, c in enumerate("abcdefg")}


@pytest.mark.proves("fault-98")
async def test_a_batch_for_more_files_than_the_process_can_open_is_split_unwritten(
    jsonl: Any,
) -> None:
    sink = await start(jsonl)
    with descriptors_left(3), pytest.raises(TooLarge, match="Too many open files"):
        await sink.write(batch(jsonl, "abcd"))
    assert all(path.stat().st_size == 0 for path in jsonl.files())
    await sink.write(batch(jsonl, "ab"))
    await sink.aclose()
    assert jsonl.numbers_of(jsonl.files("[ab].jsonl")) == [[0], [1]]


@pytest.mark.proves("fault-98")
async def test_one_record_waits_when_the_process_can_open_no_file_at_all(
    jsonl: Any,
) -> None:
    sink = await start(jsonl)
    with descriptors_left(0), pytest.raises(Unavailable, match="Too many open files"):
        await sink.write(batch(jsonl, "a"))
    await sink.write(batch(jsonl, "ab"))
    assert open_files(jsonl.directory) == {"b"}
    await sink.aclose()
    assert jsonl.numbers_of(jsonl.files()) == [[0], [1]]


@pytest.mark.proves("fault-98")
async def test_one_record_waits_when_its_file_rotates_with_nothing_left(
    jsonl: Any,
) -> None:
    sink = await start(jsonl, max_file_bytes=1)
    await sink.write(batch(jsonl, "a"))
    with descriptors_left(0):
        with pytest.raises(Unavailable, match="Too many open files"):
            await sink.write(batch(jsonl, "a", 1))
        await sink.write(batch(jsonl, "a", 1))
    await sink.aclose()
    assert jsonl.numbers_of(jsonl.files()) == [[0], [1]]


@pytest.mark.proves("fault-98")
async def test_a_file_that_rotates_too_often_for_the_process_is_split_unwritten(
    jsonl: Any,
) -> None:
    sink = await start(jsonl, max_file_bytes=1)
    await sink.write(batch(jsonl, "a"))
    with descriptors_left(2):
        with pytest.raises(TooLarge, match="Too many open files"):
            await sink.write(batch(jsonl, "aaaaa", 1))
        for n in range(1, 6):
            await sink.write(batch(jsonl, "a", n))
    await sink.aclose()
    numbers = sorted(n for own in jsonl.numbers_of(jsonl.files()) for n in own)
    assert numbers == list(range(6))


@pytest.mark.proves("fault-98")
async def test_half_as_many_files_stay_open_for_a_minute_after_there_were_too_many(
    jsonl: Any,
) -> None:
    sink = await start(jsonl)
    await sink.write(batch(jsonl, "abcdef"))
    with descriptors_left(0):
        await sink.write(batch(jsonl, "g"))
    assert open_files(jsonl.directory) == {"e", "f", "g"}
    jsonl.clock.seconds += 59
    await sink.write(batch(jsonl, "abcd"))
    assert len(open_files(jsonl.directory)) <= 3
    jsonl.clock.seconds += 1
    await sink.write(batch(jsonl, "abcd"))
    await sink.write(batch(jsonl, "efgh"))
    assert len(open_files(jsonl.directory)) == 8
    await sink.aclose()


MANY = """
import asyncio, json, resource, sys

import msgspec

from eventbus import Bus, Event
from eventbus_local import JsonlSettings, JsonlSink, _line_file, _line_files

class Ping(Event, tag="ping"):
    n: int
    session: str

async def main():
    settings = msgspec.convert(json.loads(sys.argv[1]), JsonlSettings)
    resource.setrlimit(resource.RLIMIT_NOFILE, (20, 20))
    async with Bus() as bus:
        audit = bus.attach(JsonlSink(settings), batch=None)
        for n in range(3000):
            await bus.publish(Ping(n=n, session=f"s{n * 17 % 250}"))
        report = await bus.flush(timeout_seconds=20)
        stats = bus.stats().attachments[audit.name]
    print(report.complete, stats.delivered, stats.possible_duplicates, stats.state)

asyncio.run(main())
"""


@pytest.mark.proves("fault-98")
@pytest.mark.parametrize(
    "settings", [{}, {"max_file_bytes": 400, "keep_files": 100}, {"fsync": "batch"}]
)
def test_two_hundred_and_fifty_files_are_written_with_twenty_descriptors(
    jsonl: Any, settings: dict[str, Any]
) -> None:
    path = str(jsonl.directory / "by/{session}.jsonl")
    arguments = json.dumps({"path": path, **settings})
    child = subprocess.run(
        [sys.executable, "-c", MANY, arguments], capture_output=True, timeout=28
    )
    assert child.stdout.decode().split() == ["True", "3000", "0", "ready"], child.stderr
    by_session: dict[str, list[int]] = {}
    for file in sorted((jsonl.directory / "by").iterdir(), key=rotated_first):
        by_session.setdefault(file.name.split(".")[0], []).extend(jsonl.numbers(file))
    assert by_session == {
        f"s{s}": [n for n in range(3000) if n * 17 % 250 == s] for s in range(250)
    }


def rotated_first(path: Path) -> tuple[bool, str, int]:
    """Order the files of one path by age."""
    _, *stamp = path.name.removesuffix(".jsonl").split(".", maxsplit=1)
    time, _, number = (stamp or [""])[0].partition("-")
    return (not stamp, time, int(number or 0))
