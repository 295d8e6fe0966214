"""How long texts are, and where they may be cut."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eventbus_schemas._texts import byte_length, cut_at_bytes, line_count


@pytest.mark.parametrize(
    ("text", "length"),
    [("", 0), ("abc", 3), ("é", 2), ("€", 3), ("😀", 4), ("\ud800", 3)],
)
def test_length_is_in_bytes_of_utf8(text: str, length: int) -> None:
    assert byte_length(text) == length


@pytest.mark.parametrize(
    ("text", "count"), [("", 0), ("a", 1), ("a\n", 1), ("a\nb", 2), ("\n\n", 2)]
)
def test_last_line_break_begins_no_line(text: str, count: int) -> None:
    assert line_count(text) == count


@pytest.mark.parametrize("max_bytes", [0, 1, 2, 3])
def test_character_that_does_not_fit_whole_is_left_out(max_bytes: int) -> None:
    assert cut_at_bytes("😀a", max_bytes) == ""


@given(st.text(max_size=40), st.integers(0, 100))
@settings(max_examples=150, deadline=None)
def test_cut_is_the_longest_beginning_that_fits(text: str, max_bytes: int) -> None:
    cut = cut_at_bytes(text, max_bytes)
    assert text.startswith(cut)
    assert byte_length(cut) <= max_bytes
    following = text[len(cut) : len(cut) + 1]
    assert not following or byte_length(cut + following) > max_bytes
