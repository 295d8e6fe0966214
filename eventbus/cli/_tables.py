"""How a table looks: columns where they fit, and below that one value a line.

The layout is the same everywhere; on a terminal rich adds the colours.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from textwrap import wrap
from typing import TYPE_CHECKING, Final, Literal

import msgspec

from eventbus._visible import visible_lines
from eventbus.cli._terminal import console, put, say, width_of

if TYPE_CHECKING:
    from rich.text import Text

Style = Literal["", "bold", "dim", "green", "yellow", "red", "cyan", "bold underline"]
Write = Callable[[str], object]

_GAP: Final = "  "
_LEAST_BLOCK_WIDTH: Final = 16


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
        may_wrap: Whether a long text goes on below, where there is little room.
        least_width: In fewer characters its text cannot be read.
    """

    title: str
    is_number: bool = False
    may_wrap: bool = False
    least_width: int = 16


class Table(msgspec.Struct, frozen=True):
    """Rows of cells under columns.

    Args:
        columns: The columns.
        rows: As many cells each as there are columns.
    """

    columns: Sequence[Column]
    rows: Sequence[Sequence[Cell]]


Line = Sequence[Cell]
"""The parts of one line, each with its style."""

_EMPTY: Final[Line] = ()


def number(count: int) -> str:
    """Return *count* with its thousands apart."""
    return f"{count:,}"


def show(table: Table, write: Write) -> None:
    """Write *table* with ``put`` or ``say``, set off by blanks."""
    stream = sys.stderr if write is say else sys.stdout
    lines = laid_out(table, width_of(stream))
    drawn = console(stream)
    for line in (_EMPTY, *lines, _EMPTY):
        if drawn is None:
            write(plain(line))
        else:
            drawn.print(_coloured(line), soft_wrap=True)


def put_prose(text: str) -> None:
    """Write *text* on as many lines of the standard output as it takes."""
    width = width_of(sys.stdout)
    for line in [text] if width is None else _words(text, width):
        put(line)


def _words(text: str, width: int) -> list[str]:
    return wrap(text, width, break_long_words=False, break_on_hyphens=False)


def plain(line: Line) -> str:
    """Return *line* without its styles."""
    return "".join(part.text for part in line).rstrip()


def _coloured(line: Line) -> Text:
    from rich.text import Text

    return Text.assemble(*((part.text, part.style) for part in line))


def laid_out(table: Table, width: int | None) -> Iterator[Line]:
    """Yield the lines of *table*, none longer than *width* if that can be.

    Args:
        table: Columns with two blanks between them; where they do not fit, each row
            becomes a block with a line a value.
        width: In characters; ``None`` is as wide as it takes.
    """
    table = Table(table.columns, [list(map(_visible, row)) for row in table.rows])
    widths = _widths(table, width)
    if widths is None:
        return _blocks(table, width or 0)
    return _columns(table, widths)


def _visible(cell: Cell) -> Cell:
    return Cell(visible_lines(cell.text), cell.style)


def _widths(table: Table, width: int | None) -> list[int] | None:
    """Return how wide each column is, or ``None`` when they do not fit."""
    natural = [
        max(map(len, [column.title, *_lines_below(table, index)]))
        for index, column in enumerate(table.columns)
    ]
    room = sum(natural) if width is None else width - len(_GAP) * (len(natural) - 1)
    wrapping = [i for i, column in enumerate(table.columns) if column.may_wrap]
    room -= sum(natural) - sum(natural[i] for i in wrapping)
    if room < sum(min(natural[i], table.columns[i].least_width) for i in wrapping):
        return None
    for left, index in zip(
        range(len(wrapping), 0, -1),
        sorted(wrapping, key=natural.__getitem__),
        strict=True,
    ):
        natural[index] = min(natural[index], room // left)
        room -= natural[index]
    return natural


def _lines_below(table: Table, index: int) -> Iterator[str]:
    for row in table.rows:
        yield from row[index].text.split("\n")


def _columns(table: Table, widths: Sequence[int]) -> Iterator[Line]:
    heads = [Cell(column.title, "bold underline") for column in table.columns]
    for row in [heads, *table.rows]:
        cells = [
            _wrapped(cell.text, width) for cell, width in zip(row, widths, strict=True)
        ]
        for level in range(max(map(len, cells))):
            texts = (lines[level] if level < len(lines) else "" for lines in cells)
            places = zip(texts, row, table.columns, widths, strict=True)
            yield _spaced([_aligned(*place) for place in places])


def _wrapped(text: str, width: int) -> list[str]:
    lines = [
        wrap(line, max(width, 1), break_on_hyphens=False) for line in text.split("\n")
    ]
    return [part for line in lines for part in line or [""]]


def _aligned(text: str, cell: Cell, column: Column, width: int) -> Cell:
    padded = text.rjust(width) if column.is_number else text.ljust(width)
    return Cell(padded, cell.style)


def _spaced(cells: Sequence[Cell]) -> Line:
    return [part for cell in cells for part in (Cell(_GAP, _gap_style(cell)), cell)][1:]


def _gap_style(cell: Cell) -> Style:
    return "bold underline" if cell.style == "bold underline" else ""


def _blocks(table: Table, width: int) -> Iterator[Line]:
    """Yield each row as a block: its first cell, and the others indented below."""
    for index, (first, *others) in enumerate(table.rows):
        if index:
            yield _EMPTY
        yield from ([Cell(line, first.style)] for line in first.text.split("\n"))
        for column, cell in zip(table.columns[1:], others, strict=True):
            if cell.text:
                yield from _value(column.title, cell, width)


def _value(title: str, cell: Cell, width: int) -> Iterator[Line]:
    label = f"{_GAP}{title}: " if title else _GAP
    first, *rest = cell.text.split("\n")
    room = max(width, _LEAST_BLOCK_WIDTH)
    start, *more = _in_block(first, room, label)
    yield [Cell(label, "dim"), Cell(start.removeprefix(label), cell.style)]
    more += [part for line in rest for part in _in_block(line, room)]
    yield from ([Cell(line, cell.style)] for line in more)


def _in_block(text: str, width: int, label: str = 2 * _GAP) -> list[str]:
    """Return *text* on lines of *width*; a long word stays whole, to be copied."""
    return wrap(
        text,
        width,
        initial_indent=label,
        subsequent_indent=2 * _GAP,
        break_long_words=False,
        break_on_hyphens=False,
    ) or [label]
