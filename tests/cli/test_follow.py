"""A file that others write to, rotate and cut, at moments that the test chooses."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from eventbus.cli._follow import REMEMBERED_BYTES, FollowedFile, is_followed
from eventbus.cli._input import Lines
from eventbus.cli._stream import BLOCK_BYTES, InputError

Act = Callable[[], object]


class Cue(threading.Event):
    """Stands for the wish to stop; each wait for it lets the next act happen."""

    def __init__(self, *acts: Act) -> None:
        super().__init__()
        self._acts = list(acts)

    def wait(self, timeout: float | None = None) -> bool:
        if self._acts:
            self._acts.pop(0)()
        else:
            self.set()
        return self.is_set()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "log.jsonl"


def append(path: Path, text: str) -> Act:
    def act() -> None:
        with path.open("a") as file:
            file.write(text)

    return act


def cut_and_write(path: Path, text: str) -> Act:
    """Do what copytruncate does, and what a program then appends."""

    def act() -> None:
        with path.open("r+") as file:
            file.truncate(0)
        append(path, text)()

    return act


def rotate(path: Path, text: str) -> None:
    path.rename(path.with_suffix(".1"))
    path.write_text(text)


def nothing() -> None: ...


def followed(path: Path, *acts: Act) -> list[bytes]:
    cue = Cue(*acts)
    blocks = FollowedFile(str(path), cue, lambda: None)
    try:
        return list(Lines(blocks, "log", cue))
    finally:
        blocks.close()


def test_it_begins_at_the_beginning_and_goes_on_as_the_file_grows(path: Path) -> None:
    path.write_text("a\n")
    assert followed(path, append(path, "b\nc\n"), append(path, "d\n")) == [
        b"a",
        b"b",
        b"c",
        b"d",
    ]


def test_a_line_is_held_until_its_line_feed_is_there(path: Path) -> None:
    path.write_text("a\nhal")
    assert followed(path, append(path, "f"), append(path, "!\n")) == [b"a", b"half!"]


def test_a_line_that_never_ends_is_none(path: Path) -> None:
    path.write_text("a\nhalf")
    assert followed(path) == [b"a"]


def test_a_file_that_is_not_there_yet_is_waited_for(path: Path) -> None:
    assert followed(path, lambda: None, append(path, "a\n")) == [b"a"]


def test_a_file_that_is_renamed_away_is_read_to_its_end_before_its_successor(
    path: Path,
) -> None:
    path.write_text("a\n")

    def end_and_rotate() -> None:
        append(path, "b\nlast")()
        rotate(path, "c\n")

    assert followed(path, end_and_rotate, nothing, nothing, append(path, "d\n")) == [
        b"a",
        b"b",
        b"last",
        b"c",
        b"d",
    ]


def test_a_writer_that_goes_over_to_the_successor_late_loses_nothing(
    path: Path,
) -> None:
    path.write_text("a\n")
    moved = path.with_suffix(".1")
    goes = partial(rotate, path, "c\n")
    acts = (goes, append(moved, "b\n"), append(moved, "late\n"), nothing, nothing)
    assert followed(path, *acts) == [b"a", b"b", b"late", b"c"]


def test_a_successor_that_begins_as_the_file_did_is_read_from_its_beginning(
    path: Path,
) -> None:
    path.write_text("a\nb\n")
    act = partial(rotate, path, "a\nb\nc\n")
    assert followed(path, act, nothing) == [b"a", b"b", b"a", b"b", b"c"]


def test_a_file_that_is_removed_and_made_again_is_read_from_its_beginning(
    path: Path,
) -> None:
    path.write_text("a\nb\n")

    def make_again() -> None:
        path.unlink()
        path.write_text("c\nd\ne\n")

    assert followed(path, make_again, nothing) == [b"a", b"b", b"c", b"d", b"e"]


def test_what_was_written_between_the_last_read_and_the_rename_is_read(
    path: Path,
) -> None:
    path.write_text("a\n")

    class Late(FollowedFile):
        def _is_replaced(self, descriptor: int) -> bool:
            if path.stat().st_size == 2:  # once, after a read that found nothing
                append(path, "late\n")()
                rotate(path, "successor\n")
            return super()._is_replaced(descriptor)

    cue = Cue(nothing, nothing, nothing)
    blocks = Late(str(path), cue, lambda: None)
    assert list(Lines(blocks, "log", cue)) == [b"a", b"late", b"successor"]
    blocks.close()


def test_between_a_rename_and_the_successor_nothing_happens(path: Path) -> None:
    path.write_text("a\n")
    moved = path.with_suffix(".1")
    acts = (
        lambda: path.rename(moved),
        append(moved, "b\n"),
        lambda: path.write_text("c\n"),
        nothing,
    )
    assert followed(path, *acts) == [b"a", b"b", b"c"]


def test_a_file_that_became_shorter_is_read_from_its_beginning(path: Path) -> None:
    path.write_text("first\nsecond\nhal")
    assert followed(path, lambda: path.write_text("a\n"), append(path, "b\n")) == [
        b"first",
        b"second",
        b"hal",
        b"a",
        b"b",
    ]


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("first\nother\n", id="as-long-as-before"),
        pytest.param("one\ntwo\nthree\nfour\n", id="longer-than-before"),
        pytest.param("x" * 5000 + "\nlast\n", id="much-longer"),
    ],
)
def test_a_file_that_was_cut_and_grew_back_is_read_from_its_beginning(
    path: Path, text: str
) -> None:
    path.write_text("first\nsecond\n")
    before = [b"first", b"second"]
    expected = before + [line.encode() for line in text.splitlines()]
    assert followed(path, cut_and_write(path, text)) == expected


def test_a_long_file_that_was_cut_and_grew_back_is_read_from_its_beginning(
    path: Path,
) -> None:
    old, new = (
        [f"{word} {n} {'.' * n}".encode() for n in range(100)] for word in ("a", "b")
    )
    path.write_bytes(b"".join(line + b"\n" for line in old))
    assert path.stat().st_size > 4 * REMEMBERED_BYTES
    again = b"".join(line + b"\n" for line in new).decode()
    assert followed(path, cut_and_write(path, again)) == old + new


def test_a_half_line_before_a_cut_is_a_line_of_its_own(path: Path) -> None:
    path.write_text("first\nhal")
    assert followed(path, cut_and_write(path, "whole line\nnext\n")) == [
        b"first",
        b"hal",
        b"whole line",
        b"next",
    ]


def test_a_file_that_only_grows_is_read_once(path: Path) -> None:
    path.write_text("same\n" * 1000)
    acts = [append(path, "same\n" * 500)] * 4
    assert followed(path, *acts) == [b"same"] * 3000


def test_a_file_longer_than_a_block_is_read_whole(path: Path) -> None:
    lines = [f"line {n}".encode() for n in range(100_000)]
    path.write_bytes(b"".join(line + b"\n" for line in lines))
    assert path.stat().st_size > 3 * BLOCK_BYTES
    assert followed(path) == lines


def test_a_file_that_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="Is a directory"):
        followed(tmp_path)


def test_a_path_that_can_never_be_a_file_is_an_error(path: Path) -> None:
    path.write_text("")
    with pytest.raises(InputError, match="Not a directory"):
        followed(path / "log")


def test_before_each_wait_it_is_said(path: Path) -> None:
    path.write_text("a\n")
    waits: list[int] = []
    cue = Cue(lambda: None)
    blocks = FollowedFile(str(path), cue, lambda: waits.append(1))
    assert list(Lines(blocks, "log", cue)) == [b"a"]
    blocks.close()
    assert len(waits) == 2


def stopped(path: Path) -> FollowedFile:
    """Return a follower that has read what was there, and was stopped."""
    cue = Cue()
    blocks = FollowedFile(str(path), cue, lambda: None)
    list(Lines(blocks, "log", cue))
    return blocks


@pytest.mark.parametrize(
    ("act", "has_more"),
    [
        (nothing, False),
        (lambda path: append(path, "b\n")(), True),
        (lambda path: cut_and_write(path, "b\nc\nd\n")(), True),
        (lambda path: cut_and_write(path, "")(), False),
        (lambda path: rotate(path, "b\n"), True),
        (lambda path: rotate(path, ""), False),
        (lambda path: path.unlink(), False),
        (lambda path: (cut_and_write(path, "")(), rotate(path, "b\n")), True),
    ],
    ids=[
        "same",
        "grown",
        "cut-and-grown",
        "cut",
        "replaced",
        "emptied",
        "removed",
        "cut-and-replaced",
    ],
)
def test_what_came_after_the_stop_is_left_and_known(
    path: Path, act: Callable[..., object], has_more: bool
) -> None:
    path.write_text("a\n")
    blocks = stopped(path)
    act() if act is nothing else act(path)
    assert blocks.has_more() is has_more
    blocks.close()


def test_a_file_that_appears_after_the_stop_is_left_and_known(path: Path) -> None:
    blocks = stopped(path)
    assert not blocks.has_more()
    path.write_text("a\n")
    assert blocks.has_more()
    blocks.close()


@pytest.mark.skipif(os.name != "posix", reason="named pipes of POSIX")
def test_a_pipe_is_read_as_it_comes_and_not_followed(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "file").touch()
    names = ("pipe", "file", "missing", "")
    assert [is_followed(str(tmp_path / name)) for name in names] == [
        False,
        True,
        True,
        True,
    ]
    assert not is_followed("-")
    assert not is_followed(os.devnull)
