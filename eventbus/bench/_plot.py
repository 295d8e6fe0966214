"""How results look as pictures: bars from matplotlib, on light or dark pages."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import msgspec

from eventbus.bench._figures import Row
from eventbus.bench._results import Results

# Any in this module: matplotlib, which need not be there, nor where types are checked.

LIBRARY: Final = "matplotlib"


WIDEST: Final = 2.0
"""The longest bar of a row with a bound, as a multiple of it."""


class Look(msgspec.Struct, frozen=True):
    """The colours of a page, as ``#rrggbb``.

    Args:
        text: Letters and lines.
        plain: A bar that is not special.
        special: A bar that is.
        bad: A bar that should be shorter.
    """

    text: str
    plain: str
    special: str
    bad: str


LIGHT: Final = Look("#1f2328", "#afb8c1", "#0969da", "#cf222e")
DARK: Final = Look("#e6edf3", "#6e7681", "#4493f8", "#f85149")


class Bar(msgspec.Struct, frozen=True):
    """One bar.

    Args:
        label: What stands before it.
        length: How long it is.
        note: What stands behind it.
        colour: ``"plain"``, ``"special"`` or ``"bad"``.
        mark: Where on it something is marked, if anywhere.
    """

    label: str
    length: float
    note: str
    colour: str = "plain"
    mark: float | None = None


class Chart(msgspec.Struct, frozen=True):
    """Bars below each other.

    Args:
        title: What they say.
        axis: What their length is.
        bars: From the top.
        line: Where a line stands across all bars; ``None`` is nowhere, and each step
            of the axis is ten times as long.
    """

    title: str
    axis: str
    bars: Sequence[Bar]
    line: float | None = None


def is_possible() -> bool:
    """Return whether matplotlib is installed."""
    return find_spec(LIBRARY) is not None


def bounds_chart(results: Results) -> Chart:
    """Return how much of its bound each row takes up."""
    bars = [_bound_bar(row) for row in results.rows if row.bound and not row.skipped]
    return Chart(
        "What eventbus costs, as a share of what it may cost",
        f"1 is the bound, the dot is the aim; shorter is better, {WIDEST:g} or more "
        "is drawn alike",
        bars,
        line=1.0,
    )


def _bound_bar(row: Row) -> Bar:
    assert row.bound is not None
    bound, ratio = row.bound, row.ratio.median
    less = bound.relation == "<="
    return Bar(
        row.what,
        min(WIDEST, ratio / bound.must if less else bound.must / ratio),
        f"{ratio:,.2f} {row.unit}",
        "bad" if row.verdict == "missed" else "special",
        bound.aim / bound.must if less else bound.must / bound.aim,
    )


def draw(chart: Chart, path: Path, look: Look = LIGHT) -> None:
    """Write *chart* to *path*; the end of its name says the format.

    Raises:
        ImportError: matplotlib is not installed.
        OSError: *path* cannot be written.
    """
    matplotlib: Any = import_module(LIBRARY)
    matplotlib.use("agg")
    pyplot: Any = import_module(f"{LIBRARY}.pyplot")
    settings = {"svg.fonttype": "none", "svg.hashsalt": "eventbus", "font.size": 9}
    with matplotlib.rc_context(settings):
        figure, axes = pyplot.subplots(figsize=(9, 0.9 + 0.26 * len(chart.bars)))
        _fill(axes, chart, look)
        metadata = {"Date": None} if path.suffix == ".svg" else None
        figure.savefig(path, transparent=True, bbox_inches="tight", metadata=metadata)
        pyplot.close(figure)


def _fill(axes: Any, chart: Chart, look: Look) -> None:
    places = range(len(chart.bars))
    lengths = [bar.length for bar in chart.bars]
    colours = [getattr(look, bar.colour) for bar in chart.bars]
    drawn = axes.barh(places, lengths, color=colours, height=0.7)
    axes.set_yticks(places, [bar.label for bar in chart.bars])
    axes.invert_yaxis()
    axes.margins(y=0.01)
    notes = [bar.note for bar in chart.bars]
    if chart.line is None:
        axes.set_xscale("log")
        axes.bar_label(drawn, notes, padding=4, color=look.text)
    else:
        axes.set_xlim(0, WIDEST)
        axes.axvline(chart.line, color=look.text, linewidth=1, linestyle=":")
        for place, note in enumerate(notes):
            axes.text(WIDEST * 1.01, place, note, color=look.text, va="center")
    for place, bar in enumerate(chart.bars):
        if bar.mark is not None:
            axes.plot(bar.mark, place, "o", color=look.text, markersize=3)
    _colour(axes, chart, look.text)


def _colour(axes: Any, chart: Chart, colour: str) -> None:
    axes.set_title(chart.title, color=colour, loc="left")
    axes.set_xlabel(chart.axis, color=colour)
    axes.tick_params(colors=colour)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.spines["bottom"].set_color(colour)
