from __future__ import annotations

import asyncio
import fcntl
import os
import stat
import threading
from pathlib import Path
from typing import Any

import pytest

from eventbus import Bus, Catalog, Record, Refused, Unavailable
from eventbus._decode_line import LineDecoder
from eventbus_local import JsonlSettings, JsonlSink

# Any: `jsonl` is the fixture's class, which tests cannot import.


async def test_each_record_is_a_line(jsonl: Any) -> None:
    sink = JsonlSink(JsonlSettings(path=str(jsonl.path)))
    await sink.start()
    assert await sink.write(jsonl.pings(1, 2)) is None
    await sink.aclose()
    assert jsonl.path.read_text() == (
        '{"id":"b-1","name":"ping","severity":"info","event":{"n":1,"text":""}}\n'
        '{"id":"b-2","name":"ping","severity":"info","event":{"n":2,"text":""}}\n'
    )


async def test_what_was_written_is_read_back(jsonl: Any) -> None:
    record = Record(
        jsonl.Ping(n=1, text="\u2028\n"),
        id="b-1",
        time_unix_nano=1795247063541164823,
        observed_time_unix_nano=1795247063541164824,
        severity="warn",
        weight=10.0,
        schema_version=1,
    )
    sink = await jsonl.start()
    await sink.write([record])
    await sink.aclose()
    decoder = LineDecoder(Catalog([jsonl.Ping]))
    assert decoder.decode(jsonl.path.read_bytes()) == record


@pytest.mark.parametrize(
    ("settings", "written"),
    [({}, None), ({"write_resource": True}, {"service.name": "checkout"})],
)
async def test_the_resource_of_the_bus_is_written_on_demand(
    jsonl: Any, settings: dict[str, bool], written: dict[str, str] | None
) -> None:
    resource = {"service.name": "checkout"}
    sink = JsonlSink(JsonlSettings(path=str(jsonl.path), **settings))
    async with Bus(resource=resource) as bus:
        bus.attach(sink)
        bus.emit(jsonl.Ping(n=1, text=""))
        await bus.flush()
    decoder = LineDecoder(Catalog([jsonl.Ping]))
    assert decoder.decode(jsonl.path.read_bytes()).resource == written


async def test_what_has_no_line_is_told_and_the_rest_is_written(jsonl: Any) -> None:
    sink = await jsonl.start()
    outcome = await sink.write(
        [
            *jsonl.pings(1),
            *jsonl.pings(2, text=object()),
            *jsonl.pings(3, text="\ud800"),
        ]
    )
    await sink.aclose()
    assert outcome.unencodable == [
        (1, "no JSON form for builtins.object - at `$.event.text`")
    ]
    assert outcome.warned == {"sanitized": 1}
    assert jsonl.numbers() == [1, 3]


async def test_nothing_is_written_for_a_batch_without_lines(jsonl: Any) -> None:
    sink = await jsonl.start()
    await sink.write(jsonl.pings(2, text=object()))
    await sink.aclose()
    assert jsonl.path.read_bytes() == b""


async def test_a_later_run_appends(jsonl: Any) -> None:
    for n in (1, 2):
        sink = await jsonl.start()
        await sink.write(jsonl.pings(n))
        await sink.aclose()
    assert jsonl.numbers() == [1, 2]


@pytest.mark.proves("fault-97")
async def test_what_is_made_belongs_to_the_owner_alone(jsonl: Any) -> None:
    path = jsonl.directory / "a" / "b" / "out.jsonl"
    sink = await jsonl.start(path=path)
    await sink.aclose()
    made = (path, path.parent, path.parent.parent)
    assert [stat.S_IMODE(p.stat().st_mode) for p in made] == [0o600, 0o700, 0o700]


async def test_the_home_directory_has_its_sign(
    jsonl: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(jsonl.directory))
    sink = await jsonl.start(path="~/out.jsonl")
    await sink.aclose()
    assert jsonl.path.exists()


async def test_a_path_is_where_it_was_when_the_sink_was_made(
    jsonl: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(jsonl.directory)
    sink = await jsonl.start(path="out.jsonl")
    monkeypatch.chdir("/")
    await sink.write(jsonl.pings(1))
    await sink.aclose()
    assert jsonl.numbers() == [1]


def make(path: Path, kind: str) -> None:
    if kind == "a FIFO":
        os.mkfifo(path)
    elif kind == "a directory":
        path.mkdir()
    else:
        (path.parent / "target").touch()
        path.symlink_to(path.parent / "target")


@pytest.mark.proves("fault-97")
@pytest.mark.parametrize("kind", ["a FIFO", "a directory", "a symbolic link"])
async def test_a_path_that_is_no_regular_file_is_refused_for_good(
    jsonl: Any, kind: str
) -> None:
    make(jsonl.path, kind)
    with pytest.raises(Refused) as caught:
        await jsonl.start()
    assert caught.value.permanent
    assert str(caught.value).startswith(
        f"path must be a regular file, {str(jsonl.path)!r} is {kind}"
    )


@pytest.mark.proves("fault-97")
async def test_a_device_is_refused(jsonl: Any) -> None:
    with pytest.raises(Refused, match="'/dev/full' is a device"):
        await jsonl.start(path="/dev/full")


async def test_a_link_is_followed_when_that_is_allowed(jsonl: Any) -> None:
    make(jsonl.path, "a symbolic link")
    sink = await jsonl.start(follow_symlinks=True, max_file_bytes=jsonl.line_bytes)
    await sink.write(jsonl.pings(1, 2))
    await sink.aclose()
    assert jsonl.path.is_symlink()
    assert jsonl.numbers_of(jsonl.files("target*")) == [[2], [1]]


@pytest.mark.proves("fault-97")
async def test_a_name_that_is_too_long_is_unavailable_with_its_reason(
    jsonl: Any,
) -> None:
    with pytest.raises(Unavailable, match="File name too long"):
        await jsonl.start(path=jsonl.directory / ("x" * 300))


@pytest.mark.proves("fault-96")
async def test_another_writer_has_its_turn_first(jsonl: Any) -> None:
    sink = await jsonl.start()
    with jsonl.path.open("ab", buffering=0) as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        waiting = asyncio.create_task(sink.write(jsonl.pings(1)))
        for _ in range(100):
            await asyncio.sleep(0)
        assert jsonl.path.read_bytes() == b""
        other.write(b"{}\n")
    await waiting
    await sink.aclose()
    assert jsonl.path.read_bytes().startswith(b'{}\n{"id":"b-1"')


async def test_a_closed_file_is_not_opened_again_by_an_attempt_that_was_left(
    jsonl: Any,
) -> None:
    sink = await jsonl.start()
    await sink.aclose()
    with pytest.raises(Unavailable, match="is closed"):
        await sink.write(jsonl.pings(1))


async def test_files_are_written_outside_the_loop(jsonl: Any) -> None:
    seen: list[int] = []

    class Telling(os.PathLike[str]):
        def __fspath__(self) -> str:
            seen.append(threading.get_ident())
            return "x"

    sink = await jsonl.start()
    await sink.write(jsonl.pings(1, text=Telling()))
    await sink.aclose()
    assert seen
    assert threading.get_ident() not in seen
