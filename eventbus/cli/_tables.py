"""How a table looks: drawn by rich on a terminal, in plain columns elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Literal, TextIO

import msgspec

from eventbus._visible import visible_lines
from eventbus.cli._terminal import console, put, say

if TYPE_CHECKING:
    from rich.table import Table as RichTable

Style = Literal["", "bold", "dim", "green", "yellow", "red", "cyan"]


class Cell(msgspec.Struct, frozen=True):
    """What stands in one place of a table.

    Args:
        text: The text, which may have several lines.
        style: How it stands out, where colours do.
    """

    text: str
    style: Style = ""


class Column(msgspec.Struct, frozen=True):
    """One column.

    Args:
        title: Its head.
        is_number: Whether it is aligned on the right.
        may_wrap: Whether a long text goes on below, on a narrow terminal.
    """

    title: str
    is_number: bool = False
    may_wrap: bool = False


class Table(msgspec.Struct, frozen=True):
    """Rows of cells under columns.

    Args:
        columns: The columns.
        rows: As many cells each as there are columns.
    """

    columns: Sequence[Column]
    rows: Sequence[Sequence[Cell]]


def number(count: int) -> str:
    """Return *count* with its thousands apart."""
    return f"{count:,}"


def show(table: Table, stream: TextIO | None) -> None:
    """Write *table* to *stream*, set off by blanks; ``None`` is nowhere."""
    if stream is None:
        return
    drawn = console(stream)
    if drawn is not None:
        drawn.print(_rich(table))
        return
    write = say if stream is sys.stderr else put
    for line in ("", *plain(table), ""):
        write(line)


def plain(table: Table) -> Iterator[str]:
    """Yield the lines of *table*, two blanks between its columns."""
    heads = [[column.title] for column in table.columns]
    rows = [
        [visible_lines(cell.text).split("\n") for cell in row] for row in table.rows
    ]
    widths = [
        max(len(line) for row in [heads, *rows] for line in row[index])
        for index in range(len(table.columns))
    ]
    for row in [heads, *rows]:
        for level in range(max(map(len, row))):
            cells = (
                _aligned(lines[level] if level < len(lines) else "", column, width)
                for lines, column, width in zip(row, table.columns, widths, strict=True)
            )
            yield "  ".join(cells).rstrip()


def _aligned(text: str, column: Column, width: int) -> str:
    return text.rjust(width) if column.is_number else text.ljust(width)


def _rich(table: Table) -> RichTable:
    from rich import box
    from rich.table import Table as RichTable
    from rich.text import Text

    drawn = RichTable(box=box.SIMPLE_HEAD, pad_edge=False, header_style="bold")
    for column in table.columns:
        drawn.add_column(
            column.title,
            justify="right" if column.is_number else "left",
            no_wrap=not column.may_wrap,
        )
    for row in table.rows:
        texts = [visible_lines(cell.text) for cell in row]
        styles = [cell.style for cell in row]
        drawn.add_row(*map(Text, texts, styles))
    return drawn
