from __future__ import annotations

import io
import re
import sys

import pytest

from eventbus.cli._tables import Cell, Column, Table, laid_out, number, put_prose, show
from eventbus.cli._tables import plain as plain_line
from eventbus.cli._terminal import OutputError, put, say


def plain(table: Table, width: int | None = None) -> list[str]:
    return [plain_line(line) for line in laid_out(table, width)]


def test_numbers_stand_on_the_right_and_words_on_the_left() -> None:
    table = Table(
        [Column("name"), Column("count", is_number=True)],
        [[Cell("a"), Cell("1")], [Cell("long name"), Cell("1,000")]],
    )
    assert plain(table) == [
        "name       count",
        "a              1",
        "long name  1,000",
    ]


def test_a_cell_may_have_several_lines() -> None:
    table = Table([Column("a"), Column("b")], [[Cell("1"), Cell("x\ny")]])
    assert plain(table) == ["a  b", "1  x", "   y"]


def test_a_table_without_rows_has_its_heads() -> None:
    assert plain(Table([Column("a"), Column("b")], [])) == ["a  b"]


def test_thousands_are_set_apart() -> None:
    assert number(1234567) == "1,234,567"


def test_a_cell_cannot_send_a_terminal_sequence() -> None:
    assert plain(Table([Column("a")], [[Cell("x\x1b[2K")]])) == [
        "a",
        "x\\x1b[2K",
    ]


def test_without_a_standard_error_a_table_goes_nowhere(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stderr", None)
    show(Table([Column("a")], []), say)
    assert capsys.readouterr().out == ""


def test_without_a_standard_output_a_table_is_an_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "stdout", None)
    with pytest.raises(OutputError):
        show(Table([Column("a")], []), put)


WORDS = Table(
    [Column("name"), Column("says", may_wrap=True), Column("", may_wrap=True)],
    [
        [Cell("first"), Cell("one two three four"), Cell("and a little more")],
        [Cell("second-name"), Cell(""), Cell("short")],
    ],
)


def test_where_there_is_little_room_running_text_goes_on_below() -> None:
    assert plain(WORDS, 47) == [
        "name         says",
        "first        one two three     and a little",
        "             four              more",
        "second-name                    short",
    ]


def test_a_column_that_needs_little_room_leaves_it_to_the_others() -> None:
    table = Table(
        [Column("long", may_wrap=True), Column("short", may_wrap=True)],
        [[Cell("one two three four five six"), Cell("a b")]],
    )
    assert plain(table, 30) == [
        "long                     short",
        "one two three four five  a b",
        "six",
    ]


def test_a_table_that_fits_is_not_touched() -> None:
    assert plain(WORDS, 50) == plain(WORDS)


def test_where_there_is_no_room_for_columns_each_value_has_a_line() -> None:
    assert plain(WORDS, 46) == [
        "first",
        "  says: one two three four",
        "  and a little more",
        "",
        "second-name",
        "  short",
    ]


def test_a_value_in_a_block_goes_on_indented() -> None:
    assert plain(WORDS, 18) == [
        "first",
        "  says: one two",
        "    three four",
        "  and a little",
        "    more",
        "",
        "second-name",
        "  short",
    ]


def test_a_long_word_in_a_block_stays_whole() -> None:
    table = Table([Column("a"), Column("b")], [[Cell("x"), Cell("y" * 30)]])
    assert plain(table, 20) == ["x", "  b: " + "y" * 30]


def test_a_block_keeps_the_lines_of_a_cell() -> None:
    table = Table([Column("long name"), Column("b")], [[Cell("x\ny"), Cell("1\n2")]])
    assert plain(table, 5) == ["x", "y", "  b: 1", "    2"]


@pytest.mark.parametrize("width", [1, 5, 16, 20, 30, 40, 60, 79, 200])
def test_no_column_is_ever_too_narrow_to_be_read(width: int) -> None:
    lines = plain(WORDS, width)
    assert any("one two" in line for line in lines) or width < 16
    if width >= 16:
        assert max(map(len, lines)) <= width


def test_a_table_without_running_text_becomes_blocks_too() -> None:
    table = Table(
        [Column("sink"), Column("offered", is_number=True)],
        [[Cell("console"), Cell("1,000")]],
    )
    assert plain(table, 16) == ["sink     offered", "console    1,000"]
    assert plain(table, 15) == ["console", "  offered: 1,000"]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("width", [5, 20, 46, 47, 80])
def test_with_and_without_rich_the_lines_are_the_same(
    monkeypatch: pytest.MonkeyPatch, width: int
) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", str(width))
    shown = []
    for is_hidden in (False, True):
        if is_hidden:
            monkeypatch.setitem(sys.modules, "rich.console", None)
        stream = Terminal()
        monkeypatch.setattr(sys, "stdout", stream)
        show(WORDS, put)
        shown.append(stream.getvalue())
    coloured, bare = shown
    assert ("\x1b[" in coloured, "\x1b[" in bare) == (True, False)
    without_colours = re.sub(r"\x1b\[[0-9;]*m", "", coloured)
    assert [line.rstrip() for line in without_colours.split("\n")] == bare.split("\n")


def test_prose_takes_as_many_lines_as_it_needs(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    put_prose("one two three")
    monkeypatch.setenv("COLUMNS", "8")
    put_prose("one two three")
    assert capsys.readouterr().out == "one two three\none two\nthree\n"
