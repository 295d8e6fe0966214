from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from threading import Event

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eventbus._reader import MAX_LINE_BYTES
from eventbus.cli import _input
from eventbus.cli._input import Lines


class Given:
    """Blocks as a test has them; an end that is no end when it only stopped."""

    size_bytes = None

    def __init__(self, blocks: Sequence[bytes | None], *, stops: bool = False) -> None:
        self._blocks = [*blocks, b""]
        self._stops = stops
        self.is_over = False

    def next(self) -> bytes | None:
        block = self._blocks.pop(0)
        self.is_over = block == b"" and not self._stops
        return block

    def has_more(self) -> bool:
        return False

    def close(self) -> None: ...


def lines(*blocks: bytes | None, stops: bool = False) -> list[bytes]:
    return list(Lines(Given(blocks, stops=stops), "in", Event()))


@given(
    st.lists(st.sampled_from([b"a", b"\r", b"\n"]), max_size=40).map(b"".join),
    st.lists(st.integers(1, 9), max_size=30),
)
def test_lines_do_not_depend_on_where_blocks_end(text: bytes, cuts: list[int]) -> None:
    ends = list(accumulate(cuts))
    pieces = [text[a:b] for a, b in zip([0, *ends], [*ends, len(text)], strict=True)]
    whole = text.split(b"\n")
    assert lines(*filter(None, pieces)) == (whole if whole[-1] else whole[:-1])


def test_a_last_line_needs_no_line_feed() -> None:
    assert lines(b"a\nb") == [b"a", b"b"]


def test_a_line_feed_at_the_end_begins_no_line() -> None:
    assert lines(b"a\n", b"\n") == [b"a", b""]


def test_when_reading_only_stopped_the_last_line_is_not_one_yet() -> None:
    assert lines(b"a\nb", stops=True) == [b"a"]


def test_the_half_of_a_line_at_which_reading_stopped_is_known() -> None:
    source = Lines(Given([b"a\nb"], stops=True), "in", Event())
    assert list(source) == [b"a"]
    assert source.have_more()


def test_a_new_beginning_ends_the_line() -> None:
    assert lines(b"a\nhal", None, b"b\n", None, b"c\n") == [b"a", b"hal", b"b", b"c"]


def test_a_byte_order_mark_at_the_beginning_is_nothing() -> None:
    assert lines(b"\xef\xbb\xbfa\n\xef\xbb\xbfb\n") == [b"a", b"\xef\xbb\xbfb"]
    assert lines(b"\xef\xbb\xbf", b"a\n") == [b"a"]


def test_a_line_beyond_the_bound_is_cut_and_the_next_is_whole(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(_input, "MAX_LINE_BYTES", 4)
    assert lines(b"12345678\nab\n") == [b"1234", b"ab"]
    assert lines(b"12345", b"678", b"9\nab\n", b"c") == [b"1234", b"ab", b"c"]
    assert lines(b"12345", b"678") == [b"1234"]


def test_a_line_without_end_is_not_kept_in_memory() -> None:
    block = b"x" * 1_048_576
    (line,) = lines(*[block] * 40)
    assert len(line) == MAX_LINE_BYTES


def test_lines_and_bytes_are_counted() -> None:
    source = Lines(Given([b"a\nb", b"c\n"]), "in", Event())
    assert list(source) == [b"a", b"bc"]
    assert (source.count, source.read_bytes) == (2, 5)


def test_a_stop_ends_the_lines_in_the_middle_of_a_block() -> None:
    stopped = Event()
    source = Lines(Given([b"a\nb\nc\n"], stops=True), "in", stopped)
    reading = iter(source)
    assert next(reading) == b"a"
    stopped.set()
    assert list(reading) == []
    assert source.have_more()
    assert source.count == 1


def test_lines_that_are_read_to_their_end_have_no_more() -> None:
    source = Lines(Given([b"a\n"]), "in", Event())
    assert list(source) == [b"a"]
    assert not source.have_more()
