from __future__ import annotations

import pytest

from eventbus.cli._tables import Cell, Column, Table, number, plain, show


def test_numbers_stand_on_the_right_and_words_on_the_left() -> None:
    table = Table(
        [Column("name"), Column("count", is_number=True)],
        [[Cell("a"), Cell("1")], [Cell("long name"), Cell("1,000")]],
    )
    assert list(plain(table)) == [
        "name       count",
        "a              1",
        "long name  1,000",
    ]


def test_a_cell_may_have_several_lines() -> None:
    table = Table([Column("a"), Column("b")], [[Cell("1"), Cell("x\ny")]])
    assert list(plain(table)) == ["a  b", "1  x", "   y"]


def test_a_table_without_rows_has_its_heads() -> None:
    assert list(plain(Table([Column("a"), Column("b")], []))) == ["a  b"]


def test_thousands_are_set_apart() -> None:
    assert number(1234567) == "1,234,567"


def test_a_cell_cannot_send_a_terminal_sequence() -> None:
    assert list(plain(Table([Column("a")], [[Cell("x\x1b[2K")]]))) == [
        "a",
        "x\\x1b[2K",
    ]


def test_a_table_for_nowhere_goes_nowhere(capsys: pytest.CaptureFixture[str]) -> None:
    show(Table([Column("a")], []), None)
    assert capsys.readouterr() == ("", "")
