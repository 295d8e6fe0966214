from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from eventbus.cli._stream import BLOCK_BYTES, InputError, Stream

pytestmark = pytest.mark.skipif(os.name != "posix", reason="pipes of POSIX")


class Rig:
    """A stream over a pipe, and how often it was about to wait."""

    def __init__(self, path: Path) -> None:
        os.mkfifo(path)
        self.stopped = threading.Event()
        self.waits = 0
        self.on_wait = lambda: None
        self.stream = Stream(str(path), self.stopped, self.waiting)
        self.writing = os.open(path, os.O_WRONLY)

    def waiting(self) -> None:
        self.waits += 1
        self.on_wait()


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    rig = Rig(tmp_path / "pipe")
    yield rig
    rig.stream.close()


def test_what_is_there_is_read_without_a_wait(rig: Rig) -> None:
    os.write(rig.writing, b"abc")
    assert rig.stream.next() == b"abc"
    assert rig.waits == 0


def test_before_a_wait_it_is_said(rig: Rig) -> None:
    rig.on_wait = lambda: os.write(rig.writing, b"later")
    assert rig.stream.next() == b"later"
    assert rig.waits == 1


def test_a_stop_ends_the_wait(rig: Rig) -> None:
    rig.on_wait = rig.stopped.set
    assert rig.stream.next() == b""
    assert not rig.stream.is_over


def test_the_writer_s_end_is_the_end(rig: Rig) -> None:
    os.close(rig.writing)
    assert rig.stream.next() == b""
    assert rig.stream.is_over
    assert not rig.stream.has_more()


def test_a_stop_leaves_what_is_there(rig: Rig) -> None:
    os.write(rig.writing, b"abc")
    rig.stopped.set()
    assert rig.stream.next() == b""
    assert rig.stream.has_more()


def test_a_pipe_that_is_read_to_its_present_end_has_no_more(rig: Rig) -> None:
    os.write(rig.writing, b"abc")
    rig.stream.next()
    rig.stopped.set()
    assert not rig.stream.has_more()


def test_a_file_is_read_in_blocks_and_its_size_is_known(tmp_path: Path) -> None:
    path = tmp_path / "in"
    path.write_bytes(b"x" * (BLOCK_BYTES + 1))
    stream = Stream(str(path), threading.Event(), lambda: None)
    assert stream.size_bytes == BLOCK_BYTES + 1
    assert [len(stream.next() or b"") for _ in range(3)] == [BLOCK_BYTES, 1, 0]
    assert stream.is_over
    stream.close()


def test_a_stop_in_the_middle_of_a_file_leaves_the_rest(tmp_path: Path) -> None:
    path = tmp_path / "in"
    path.write_bytes(b"x" * (BLOCK_BYTES + 1))
    stopped = threading.Event()
    stream = Stream(str(path), stopped, lambda: None)
    stream.next()
    stopped.set()
    assert stream.next() == b""
    assert stream.has_more()
    stream.close()


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        Stream(str(tmp_path / "no"), threading.Event(), lambda: None)
    assert str(caught.value) == f"Cannot open {tmp_path}/no: No such file or directory"


def test_a_process_without_a_standard_input_says_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "stdin", None)
    with pytest.raises(InputError, match="Cannot open stdin: "):
        Stream("-", threading.Event(), lambda: None)
