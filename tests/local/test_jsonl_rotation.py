from __future__ import annotations

import fcntl
import os
import stat
from pathlib import Path
from typing import Any

import pytest

# Any: `jsonl` is the fixture's class, which tests cannot import.


@pytest.mark.proves("I4", "fault-96")
async def test_no_file_passes_its_bound_and_no_line_is_split(jsonl: Any) -> None:
    sink = await jsonl.start(max_file_bytes=3 * jsonl.line_bytes + 5)
    await sink.write(jsonl.pings(*range(8)))
    await sink.write(jsonl.pings(8, 9))
    await sink.aclose()
    names = (
        "out.20010909T014640.000000000Z.jsonl",
        "out.20010909T014640.000000000Z-1.jsonl",
        "out.20010909T014640.000000000Z-2.jsonl",
        "out.jsonl",
    )
    paths = [jsonl.directory / name for name in names]
    assert jsonl.numbers_of(paths) == [[0, 1, 2], [3, 4, 5], [6, 7, 8], [9]]
    assert len(jsonl.files()) == 4


@pytest.mark.proves("I4")
async def test_a_line_longer_than_a_file_may_be_has_a_file_of_its_own(
    jsonl: Any,
) -> None:
    sink = await jsonl.start(max_file_bytes=100)
    await sink.write([*jsonl.pings(1), *jsonl.pings(2, text="x" * 500)])
    await sink.write(jsonl.pings(3))
    await sink.aclose()
    assert sorted(jsonl.numbers_of(jsonl.files())) == [[1], [2], [3]]


@pytest.mark.proves("I4", "fault-96")
async def test_each_period_has_its_file(jsonl: Any) -> None:
    jsonl.clock.seconds = 1_000_000
    sink = await jsonl.start(rotate_seconds=3600)
    for seconds in (1_000_000, 1_000_100, 1_003_600, 1_018_000, 1_018_001):
        jsonl.clock.seconds = seconds
        await sink.write(jsonl.pings(seconds))
    await sink.aclose()
    assert jsonl.numbers_of(jsonl.files()) == [
        [1_000_000, 1_000_100],
        [1_003_600],
        [1_018_000, 1_018_001],
    ]


@pytest.mark.proves("I4")
async def test_a_file_of_an_earlier_period_is_rotated_by_a_later_run(
    jsonl: Any,
) -> None:
    for seconds in (1_000_000, 1_003_600):
        jsonl.clock.seconds = seconds
        sink = await jsonl.start(rotate_seconds=3600)
        await sink.write(jsonl.pings(seconds))
        await sink.aclose()
        os.utime(jsonl.path, (seconds, seconds))
    assert jsonl.numbers_of(jsonl.files()) == [[1_000_000], [1_003_600]]


@pytest.mark.proves("I4", "fault-96")
async def test_only_the_newest_rotated_files_are_kept(jsonl: Any) -> None:
    sink = await jsonl.start(max_file_bytes=jsonl.line_bytes, keep_files=2)
    for n in range(6):
        jsonl.clock.seconds += 1
        await sink.write(jsonl.pings(n))
    await sink.aclose()
    assert jsonl.numbers_of(jsonl.files()) == [[3], [4], [5]]


@pytest.mark.proves("I4")
async def test_rotated_files_are_compressed_and_counted_all_the_same(
    jsonl: Any,
) -> None:
    (jsonl.directory / "out.other.jsonl").write_text("not ours")
    sink = await jsonl.start(max_file_bytes=jsonl.line_bytes, gzip=True, keep_files=3)
    for n in range(5):
        jsonl.clock.seconds += 1
        await sink.write(jsonl.pings(n))
        await jsonl.tidied(sink)
    await sink.aclose()
    packed = jsonl.files("*.gz")
    assert jsonl.numbers_of(packed) == [[1], [2], [3]]
    assert stat.S_IMODE(packed[0].stat().st_mode) == 0o600
    assert len(jsonl.files()) == 5


@pytest.mark.proves("I4")
async def test_what_a_stop_left_uncompressed_the_next_start_compresses(
    jsonl: Any,
) -> None:
    sink = await jsonl.start(max_file_bytes=jsonl.line_bytes)
    await sink.write(jsonl.pings(1, 2))
    await sink.aclose()
    (left,) = jsonl.files("out.*Z.jsonl")
    left.with_name(f"{left.name}.gz.part").write_bytes(b"torn")
    sink = await jsonl.start(gzip=True)
    await jsonl.tidied(sink)
    await sink.aclose()
    assert jsonl.numbers_of(jsonl.files("*.gz")) == [[1]]
    assert len(jsonl.files()) == 2


async def test_a_compressed_file_keeps_the_time_it_was_last_written(jsonl: Any) -> None:
    sink = await jsonl.start(max_file_bytes=jsonl.line_bytes)
    await sink.write(jsonl.pings(1, 2))
    await sink.aclose()
    (rotated,) = jsonl.files("out.*Z.jsonl")
    os.utime(rotated, (5, 5))
    sink = await jsonl.start(gzip=True)
    await jsonl.tidied(sink)
    await sink.aclose()
    assert jsonl.files("*.gz")[0].stat().st_mtime == 5


async def test_a_rotated_file_that_is_still_held_is_left_for_later(jsonl: Any) -> None:
    sink = await jsonl.start(max_file_bytes=jsonl.line_bytes)
    await sink.write(jsonl.pings(1, 2))
    await sink.aclose()
    (rotated,) = jsonl.files("out.*Z.jsonl")
    with rotated.open("rb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        sink = await jsonl.start(gzip=True)
        await jsonl.tidied(sink)
        await sink.aclose()
    assert jsonl.files("*.gz") == []


LONG = "".join(map(chr, range(32, 127))) * 20_000  # takes a while to compress


async def test_what_is_rotated_during_a_compression_is_compressed_too(
    jsonl: Any,
) -> None:
    sink = await jsonl.start(max_file_bytes=jsonl.line_bytes, gzip=True)
    await sink.write(jsonl.pings(0, text=LONG))
    for n in range(1, 5):
        jsonl.clock.seconds += 1
        await sink.write(jsonl.pings(n))
    await jsonl.tidied(sink)
    await sink.aclose()
    assert jsonl.numbers_of(jsonl.files("*.gz")) == [[0], [1], [2], [3]]


async def test_closing_ends_a_compression_and_leaves_the_file(jsonl: Any) -> None:
    sink = await jsonl.start(max_file_bytes=jsonl.line_bytes, gzip=True)
    await sink.write(jsonl.pings(0, text=LONG))
    await sink.write(jsonl.pings(1))
    await sink.aclose()
    assert sink._tidying.task.done()
    assert jsonl.files("*.part") == []
    found = [*jsonl.files("out.*Z.jsonl"), *jsonl.files("*.gz")]
    assert jsonl.numbers_of(found) == [[0]]


@pytest.mark.proves("fault-99")
async def test_a_file_that_cannot_be_renamed_goes_on_growing(
    jsonl: Any, caplog: pytest.LogCaptureFixture
) -> None:
    path = jsonl.directory / f"{'x' * 240}.jsonl"
    sink = await jsonl.start(path=path, max_file_bytes=jsonl.line_bytes)
    await sink.write(jsonl.pings(1, 2, 3))
    await sink.aclose()
    assert jsonl.numbers(path) == [1, 2, 3]
    assert "keeps growing: it cannot be renamed: File name too long" in caplog.text


def take_away(path: Path, how: str) -> None:
    if how in ("rename", "replace"):
        path.rename(path.with_suffix(".1"))
    else:
        path.unlink()
    if how == "replace":
        path.touch()
    if how == "directory":
        path.parent.rmdir()


@pytest.mark.proves("fault-96")
@pytest.mark.parametrize("how", ["rename", "replace", "delete", "directory"])
async def test_a_file_that_was_taken_away_is_made_again(jsonl: Any, how: str) -> None:
    path = jsonl.directory / "logs" / "out.jsonl"
    sink = await jsonl.start(path=path)
    await sink.write(jsonl.pings(1))
    take_away(path, how)
    await sink.write(jsonl.pings(2))
    await sink.aclose()
    assert jsonl.numbers(path) == [2]
    assert jsonl.numbers_of(jsonl.files("logs/*.1")) in ([], [[1]])


@pytest.mark.proves("fault-96")
async def test_a_file_that_was_copied_and_truncated_goes_on_at_its_beginning(
    jsonl: Any,
) -> None:
    sink = await jsonl.start()
    await sink.write(jsonl.pings(1))
    os.truncate(jsonl.path, 0)
    await sink.write(jsonl.pings(2))
    await sink.aclose()
    assert jsonl.numbers() == [2]
