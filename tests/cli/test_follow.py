"""A file that others write to, rotate and cut, at moments that the test chooses."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from eventbus.cli._follow import FollowedFile
from eventbus.cli._input import Lines

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

    def rotate() -> None:
        append(path, "b\nlast")()
        path.rename(path.with_suffix(".1"))
        path.write_text("c\n")

    assert followed(path, rotate, append(path, "d\n")) == [
        b"a",
        b"b",
        b"last",
        b"c",
        b"d",
    ]


def test_what_was_written_between_the_last_read_and_the_rename_is_read(
    path: Path,
) -> None:
    path.write_text("a\n")

    class Late(FollowedFile):
        def _is_shorter(self, descriptor: int) -> bool:
            if path.stat().st_size == 2:  # once, after a read that found nothing
                append(path, "late\n")()
                path.rename(path.with_suffix(".1"))
                path.write_text("successor\n")
            return False

    cue = Cue(lambda: None)
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


def test_before_each_wait_it_is_said(path: Path) -> None:
    path.write_text("a\n")
    waits: list[int] = []
    cue = Cue(lambda: None)
    blocks = FollowedFile(str(path), cue, lambda: waits.append(1))
    assert list(Lines(blocks, "log", cue)) == [b"a"]
    blocks.close()
    assert len(waits) == 2


def test_what_came_after_the_stop_is_left_and_known(path: Path) -> None:
    path.write_text("a\n")
    cue = Cue()
    blocks = FollowedFile(str(path), cue, lambda: None)
    assert list(Lines(blocks, "log", cue)) == [b"a"]
    assert not blocks.has_more()
    append(path, "b\n")()
    assert blocks.has_more()
    blocks.close()
    assert not blocks.has_more()
