from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from eventbus.cli._pump import BATCH_READINGS, Pump, Sources
from eventbus.cli._stream import InputError
from eventbus.cli._tally import Tally


class Rig:
    """A pump whose batches the test keeps."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.tally = Tally(lambda line: None)
        self.batches: list[list[Any]] = []
        self.stop = threading.Event()
        self.pump = Pump(self.tally, self.batches.append)

    def path(self, name: str, text: str) -> str:
        path = self.directory / name
        path.write_text(text)
        return str(path)

    def run(self, *paths: str, transform: Any = None) -> list[Any]:
        self.pump.run(Sources(paths), transform or each_line, self.stop)
        return [reading for batch in self.batches for reading in batch]


def each_line(lines: Iterable[bytes], path: str) -> Iterator[str]:
    for line in lines:
        yield f"{Path(path).name}:{line.decode()[:9]}"


@pytest.fixture
def rig(tmp_path: Path) -> Rig:
    return Rig(tmp_path)


def test_every_input_is_read_in_its_turn_under_its_own_name(rig: Rig) -> None:
    paths = rig.path("one", "a\nb\n"), rig.path("two", "c\n")
    assert rig.run(*paths) == ["one:a", "one:b", "two:c"]
    assert (rig.tally.lines, rig.tally.read_bytes) == (3, 6)
    assert not rig.tally.unread


def test_a_batch_leaves_when_it_is_full(rig: Rig) -> None:
    rig.run(rig.path("one", "a\n" * (BATCH_READINGS + 1)))
    assert [len(batch) for batch in rig.batches] == [BATCH_READINGS, 1]


def test_long_lines_make_small_batches(rig: Rig) -> None:
    rig.run(rig.path("one", f"{'x' * 600_000}\n" * 6))
    assert all(len(batch) <= 2 for batch in rig.batches)


def test_a_batch_leaves_before_a_wait_for_more(rig: Rig) -> None:
    def transform(lines: Any, path: str) -> Iterator[str]:
        yield "first"
        rig.pump.flush()  # as a stream does before it waits
        assert rig.batches == [["first"]]
        yield "second"

    assert rig.run(rig.path("one", ""), transform=transform) == ["first", "second"]


def test_nothing_is_handed_over_where_there_is_nothing(rig: Rig) -> None:
    rig.run(rig.path("one", ""))
    assert rig.batches == []


def test_a_reader_that_raises_is_told_with_its_place_after_what_it_read(
    rig: Rig,
) -> None:
    def transform(lines: Any, path: str) -> Iterator[str]:
        yield next(iter(lines)).decode()
        raise LookupError("oh")

    path = rig.path("one", "a\nb\n")
    with pytest.raises(InputError, match=f"The reader failed at {path}:1: LookupError"):
        rig.run(path, transform=transform)
    assert rig.batches == [["a"]]


def test_a_missing_input_is_an_error_after_the_ones_before_it(rig: Rig) -> None:
    with pytest.raises(InputError, match="Cannot open"):
        rig.run(rig.path("one", "a\n"), str(rig.directory / "none"))
    assert rig.batches == [["one:a"]]


def test_a_stop_leaves_the_inputs_that_are_left_and_says_so(rig: Rig) -> None:
    rig.stop.set()
    assert rig.run(rig.path("one", "a\n")) == []
    assert rig.tally.unread


def test_a_stop_at_the_end_of_the_last_input_leaves_nothing(rig: Rig) -> None:
    def transform(lines: Any, path: str) -> Iterator[str]:
        yield from each_line(lines, path)
        rig.stop.set()

    rig.run(rig.path("one", "a\n"), transform=transform)
    assert not rig.tally.unread
