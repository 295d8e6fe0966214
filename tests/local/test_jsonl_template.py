"""A path with placeholders: each record in the file that its values name."""

from __future__ import annotations

import contextlib
import errno
import os
import socket
import stat
from pathlib import Path
from typing import Annotated, Any

import pytest

import eventbus
from eventbus import Bus, Event, Refused, Sensitive, Unavailable
from eventbus_local import JsonlSettings, JsonlSink, _opening

# Any: `jsonl` is the fixture's class, which tests cannot import.

HOSTILE = [
    *("../../etc/x", "/etc/passwd", "..", ".", "a\0b", "CON", "nul", "x" * 300, "~"),
    *("~root", "trailing.", "trailing ", "a\\..\\b", "-rf", "a\nb", "{text}", "%2F.."),
]


async def test_each_record_goes_to_the_file_of_its_value_in_order(
    sessions: Any,
) -> None:
    sink = await sessions.start()
    assert await sink.write(sessions.texts((1, "b"), (2, "a"), (3, "b"))) is None
    assert await sink.write(sessions.texts((4, "a"), (5, "a"))) is None
    await sink.aclose()
    assert sessions.found() == {"a.jsonl": [2, 4, 5], "b.jsonl": [1, 3]}


async def test_records_without_a_line_leave_the_others_to_their_files(
    sessions: Any,
) -> None:
    sink = await sessions.start(path=sessions.directory / "{n}.jsonl")
    odd = sessions.pings(2, text=object())
    outcome = await sink.write([*sessions.pings(1), *odd, *sessions.pings(3)])
    await sink.aclose()
    assert [index for index, _ in outcome.unencodable] == [1]
    assert sessions.found() == {"1.jsonl": [1], "3.jsonl": [3]}


class Said(Event, tag="said"):
    n: int
    words: Annotated[str, Sensitive]


@pytest.mark.parametrize(
    ("content", "name"), [("redacted", "%5BREDACTED%5D"), ("full", "hunter2")]
)
async def test_a_value_is_redacted_before_it_names_a_file(
    jsonl: Any, content: Any, name: str
) -> None:
    path = jsonl.directory / "{service.name}/{conversation_id}" / "{words}.jsonl"
    async with Bus(resource={"service.name": "checkout"}) as bus:
        bus.attach(JsonlSink(JsonlSettings(path=str(path))), content=content)
        with eventbus.bind(conversation_id="c/1"):
            bus.emit(Said(n=1, words="hunter2"))
        bus.emit(Said(n=2, words="hunter2"))
        assert (await bus.flush()).complete
    assert jsonl.found() == {
        f"checkout/_/{name}.jsonl": [2],
        f"checkout/c%2F1/{name}.jsonl": [1],
    }


@pytest.mark.proves("fault-97")
@pytest.mark.parametrize("template", ["{text}", "{text}/{text}.jsonl", "x/y-{text}/z"])
async def test_no_value_leads_out_of_the_directory(
    sessions: Any, template: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (sessions.outside / "beside").touch()
    flags = opening_flags(monkeypatch)
    sink = await sessions.start(path=sessions.directory / template)
    records = sessions.texts(*enumerate(HOSTILE))
    assert await sink.write(records) is None
    await sink.aclose()
    made = [path for path in sessions.outside.rglob("*") if path.name != "beside"]
    root = sessions.directory.resolve()
    assert all(path.resolve().is_relative_to(root) for path in made)
    files = [path for path in made if path.is_file()]
    assert sorted(n for path in files for n in sessions.numbers(path)) == list(
        range(len(HOSTILE))
    )
    assert len(files) == len(HOSTILE)
    modes = {stat.S_IMODE(path.stat().st_mode) for path in made if path.is_dir()}
    assert modes == {0o700}
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}
    assert flags
    assert all(used & os.O_NOFOLLOW and used & os.O_CLOEXEC for used in flags)


def opening_flags(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return the flags of the files that are opened from now on."""
    flags: list[int] = []
    real = os.open

    def noting(path: Any, used: int, *args: Any, **kwargs: Any) -> int:
        if used & os.O_CREAT:
            flags.append(used)
        return real(path, used, *args, **kwargs)

    monkeypatch.setattr(os, "open", noting)
    return flags


def occupy(path: Path, kind: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if kind == "a FIFO":
        os.mkfifo(path)
    elif kind == "a directory":
        path.mkdir()
    elif kind == "a socket":
        with contextlib.chdir(path.parent), socket.socket(socket.AF_UNIX) as bound:
            bound.bind(path.name)
    elif kind == "a device":
        if os.geteuid() != 0:
            pytest.skip("making a device needs root: run this test as root")
        os.mknod(path, stat.S_IFCHR | 0o600, os.makedev(1, 3))
    else:
        path.symlink_to(path.parent.parent / "victim")


@pytest.mark.proves("fault-97")
@pytest.mark.parametrize(
    "kind", ["a FIFO", "a directory", "a socket", "a device", "a symbolic link"]
)
async def test_what_is_no_regular_file_costs_its_own_records_only(
    sessions: Any, kind: str
) -> None:
    victim = sessions.outside / "victim"
    victim.write_bytes(b"untouched\n")
    bad = sessions.directory / "bad.jsonl"
    occupy(bad, kind)
    sink = await sessions.start()
    outcome = await sink.write(sessions.texts((1, "a"), (2, "bad"), (3, "z")))
    await sink.aclose()
    ((index, reason),) = outcome.rejected
    assert index == 1
    assert reason.startswith(f"path must be a regular file, {str(bad)!r} is {kind}")
    assert victim.read_bytes() == b"untouched\n"
    assert sessions.numbers(sessions.directory / "a.jsonl") == [1]
    assert sessions.numbers(sessions.directory / "z.jsonl") == [3]


async def test_what_one_file_refuses_is_counted_and_the_sink_goes_on(
    sessions: Any,
) -> None:
    occupy(sessions.directory / "bad.jsonl", "a directory")
    async with Bus() as bus:
        audit = bus.attach(JsonlSink(JsonlSettings(path=str(sessions.path))))
        for n in range(6):
            bus.emit(sessions.Ping(n=n, text=("bad", "good")[n % 2]))
        await bus.flush()
        stats = bus.stats().attachments[audit.name]
        assert (stats.delivered, stats.rejected, stats.state) == (3, 3, "ready")
    assert sessions.found() == {"good.jsonl": [1, 3, 5]}


def stand_in_for(directory: Path, kind: str, elsewhere: Path) -> None:
    directory.parent.mkdir(parents=True)
    if kind == "a symbolic link":
        elsewhere.mkdir()
        directory.symlink_to(elsewhere)
    else:
        directory.write_bytes(b"")


@pytest.mark.proves("fault-97")
@pytest.mark.parametrize("has_walk", [True, False])
@pytest.mark.parametrize("kind", ["a symbolic link", "a file"])
async def test_a_directory_below_the_first_is_one_and_no_link(
    sessions: Any, kind: str, has_walk: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_opening, "_HAS_WALK", has_walk)
    bad, elsewhere = sessions.directory / "bad", sessions.outside / "elsewhere"
    stand_in_for(bad, kind, elsewhere)
    sink = await sessions.start(path=sessions.directory / "{text}/kept/{n}.jsonl")
    outcome = await sink.write(sessions.texts((1, "bad"), (2, "good")))
    await sink.aclose()
    why = f"path must lead through directories, {str(bad)!r} is {kind}"
    assert outcome.rejected == [(0, why)]
    assert sessions.numbers(sessions.directory / "good/kept/2.jsonl") == [2]
    assert not list(elsewhere.glob("*"))


@pytest.mark.proves("fault-97")
async def test_a_directory_that_became_a_link_is_noticed(sessions: Any) -> None:
    sink = await sessions.start(path=sessions.directory / "{text}/x.jsonl")
    await sink.write(sessions.texts((1, "a")))
    elsewhere = sessions.outside / "elsewhere"
    elsewhere.mkdir()
    (sessions.directory / "a").rename(sessions.outside / "moved")
    (sessions.directory / "a").symlink_to(elsewhere)
    outcome = await sink.write(sessions.texts((2, "a")))
    await sink.aclose()
    assert [index for index, _ in outcome.rejected] == [0]
    assert not list(elsewhere.glob("*"))


@pytest.mark.proves("fault-97")
async def test_links_are_followed_on_demand_but_not_out_of_the_directory(
    sessions: Any,
) -> None:
    (sessions.directory / "real").mkdir(parents=True)
    (sessions.directory / "inside").symlink_to("real")
    (sessions.directory / "out").symlink_to(sessions.outside)
    (sessions.directory / "real/9.jsonl").symlink_to(sessions.outside / "victim")
    path = sessions.directory / "{text}/{n}.jsonl"
    sink = await sessions.start(path=path, follow_symlinks=True)
    outcome = await sink.write(
        sessions.texts((1, "inside"), (2, "out"), (9, "real"), (3, "real"))
    )
    await sink.aclose()
    assert [index for index, _ in outcome.rejected] == [1, 2]
    assert outcome.rejected[0][1] == (
        f"path must stay below {str(sessions.directory)!r}, "
        f"{str(sessions.directory / 'out/2.jsonl')!r} is "
        f"{str(sessions.outside / '2.jsonl')!r}"
    )
    assert sessions.found() == {"real/1.jsonl": [1], "real/3.jsonl": [3]}
    assert list(sessions.outside.glob("*")) == [sessions.directory]


async def test_the_directory_itself_may_be_a_link(sessions: Any) -> None:
    (sessions.outside / "real").mkdir()
    sessions.directory.symlink_to("real")
    sink = await sessions.start(path=sessions.directory / "{text}/x.jsonl")
    assert await sink.write(sessions.texts((1, "a"))) is None
    await sink.aclose()
    assert sessions.numbers(sessions.outside / "real/a/x.jsonl") == [1]


@pytest.mark.proves("fault-97")
async def test_a_path_that_is_too_long_as_a_whole_is_rejected(sessions: Any) -> None:
    template = "/".join(["{text}"] * 25)
    sink = await sessions.start(path=sessions.directory / template)
    outcome = await sink.write(sessions.texts((1, "x" * 300), (2, "y")))
    await sink.aclose()
    ((index, reason),) = outcome.rejected
    assert index == 0
    assert reason.endswith("File name too long")
    assert list(sessions.found().values()) == [[2]]


def forbid(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Let the system refuse to open what ends in *name*."""
    real = os.open

    def refusing(path: Any, *args: Any, **kwargs: Any) -> int:
        if str(path).endswith(name):
            raise PermissionError(errno.EACCES, "Permission denied")
        return real(path, *args, **kwargs)

    monkeypatch.setattr(os, "open", refusing)


@pytest.mark.proves("fault-97")
async def test_a_file_of_somebody_else_costs_its_own_records_only(
    sessions: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    sink = await sessions.start()
    (sessions.directory / "bad.jsonl").touch()
    forbid(monkeypatch, "bad.jsonl")
    outcome = await sink.write(sessions.texts((1, "bad"), (2, "good")))
    await sink.aclose()
    reason = f"{str(sessions.directory / 'bad.jsonl')!r}: Permission denied"
    assert outcome.rejected == [(0, reason)]
    assert sessions.numbers(sessions.directory / "good.jsonl") == [2]


async def test_a_directory_in_which_nothing_can_be_made_keeps_all_records(
    sessions: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    sink = await sessions.start()
    forbid(monkeypatch, "bad.jsonl")
    with pytest.raises(Unavailable, match="Permission denied"):
        await sink.write(sessions.texts((1, "bad"), (2, "good")))
    await sink.aclose()
    assert not any(path.stat().st_size for path in sessions.files())


async def test_the_directory_is_made_at_the_start(sessions: Any) -> None:
    sink = await sessions.start(path=sessions.directory / "a/b/x-{text}.jsonl")
    await sink.aclose()
    assert stat.S_IMODE((sessions.directory / "a/b").stat().st_mode) == 0o700


async def test_a_start_fails_while_the_directory_cannot_be_made(sessions: Any) -> None:
    sessions.directory.touch()
    with pytest.raises(Unavailable, match="sessions': File exists"):
        await sessions.start()


async def test_a_start_fails_while_no_file_can_be_made(
    sessions: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(Unavailable, match="no file can be made in it"):
        await sessions.start()


async def test_a_fixed_path_is_still_refused_for_good(sessions: Any) -> None:
    occupy(sessions.directory / "x.jsonl", "a directory")
    with pytest.raises(Refused) as caught:
        await sessions.start(path=sessions.directory / "x.jsonl")
    assert caught.value.permanent
