"""What a person sees of benchmarks: a table for each part, and the machine."""

from __future__ import annotations

from typing import Final

from eventbus.bench import PartResult, Results, Row
from eventbus.cli._tables import Cell, Column, Table, show
from eventbus.cli._terminal import put

_COLUMNS: Final = (
    Column("what", may_wrap=True, least_width=30),
    Column("median", is_number=True),
    Column("lowest to highest", is_number=True),
    Column("must", is_number=True),
    Column("aim", is_number=True),
    Column("bound"),
    Column("measured", is_number=True),
)

_VERDICTS: Final[dict[str, Cell]] = {
    "": Cell(""),
    "aim": Cell("aim reached", "green"),
    "must": Cell("holds"),
    "missed": Cell("MISSED", "red"),
}


def show_results(results: Results) -> None:
    """Print everything."""
    put(", ".join(f"{k} {v}" for k, v in results.machine.items() if v is not None))
    for part in results.parts:
        show_part(part)
    put(closing(results))


def show_part(part: PartResult) -> None:
    """Print one table."""
    put(f"\n{part.title}")
    show(Table(_COLUMNS, [_cells(row) for row in part.rows]), put)


def closing(results: Results) -> str:
    """Return what it comes to, in a sentence."""
    bounded = [row for row in results.rows if row.verdict]
    what = f"{len(bounded) - len(results.missed)} of {len(bounded)} bounds hold."
    if results.quick:
        return f"{what} One short round says little: run it without --quick."
    return what


def _cells(row: Row) -> list[Cell]:
    if row.skipped:
        empty = (Cell(""),) * 4
        reason = Cell(row.skipped, "dim")
        return [Cell(row.what), Cell("skipped", "dim"), *empty, reason]
    ratio, figure = row.ratio, row.figure
    must = aim = ""
    if row.bound is not None:
        must = f"{row.bound.relation} {row.bound.must:g}"
        aim = f"{row.bound.relation} {row.bound.aim:g}"
    return [
        Cell(row.what),
        Cell(f"{ratio.median:,.2f} {row.unit}"),
        Cell(f"{ratio.lowest:,.2f} to {ratio.highest:,.2f}"),
        Cell(must),
        Cell(aim),
        _VERDICTS[row.verdict],
        Cell(f"{figure.median:,.1f} {row.figure_unit}"),
    ]
