"""The pictures of the documentation: each on a light and on a dark page."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import msgspec

from benchmarks.peers._tables import OURS
from eventbus.bench import PartResult, Results
from eventbus.bench._plot import DARK, LIGHT, Bar, Chart, bounds_chart, draw

LOOKS: Final = {"light": LIGHT, "dark": DARK}


class Picture(msgspec.Struct, frozen=True):
    """One picture, in two files.

    Args:
        name: The beginning of their names.
        says: What it says, for those who cannot see it.
        chart: What is drawn.
    """

    name: str
    says: str
    chart: Chart


def pictures(results: Results) -> list[Picture]:
    """Return what can be drawn of *results*."""
    found = {"bounds": bounds_chart(results)}
    for part in results.parts:
        name = _NAMES.get(part.title.partition(" (")[0])
        if name is not None:
            found[name] = peers_chart(part)
    return [Picture(n, chart.title, chart) for n, chart in found.items() if chart.bars]


_NAMES: Final = {
    "Peers: handing over one event": "peers-handing-over",
    "Peers: one event to one consumer": "peers-one-consumer",
    "Peers: one event to three consumers": "peers-three-consumers",
}


def peers_chart(part: PartResult) -> Chart:
    """Return the bars of peers, ours in its own colour."""
    bars = [
        Bar(
            row.what,
            row.figure.median / 1e3,
            f"{row.figure.median / 1e3:,.2f} µs",
            "special" if row.what == OURS else "plain",
        )
        for row in part.rows
        if not row.skipped
    ]
    title = part.title.partition(" (")[0].removeprefix("Peers: ")
    axis = "microseconds an event; shorter is better, each step is ten times as long"
    return Chart(title.capitalize(), axis, bars)


def draw_all(shown: list[Picture], folder: Path) -> None:
    """Write both files of each picture to *folder*."""
    folder.mkdir(parents=True, exist_ok=True)
    for picture in shown:
        for page, look in LOOKS.items():
            draw(picture.chart, folder / f"{picture.name}-{page}.svg", look)


def as_html(picture: Picture, folder: str) -> str:
    """Return what shows *picture* on a page, in the colours of its reader."""
    path = f"{folder}/{picture.name}"
    return "\n".join(
        (
            "<picture>",
            f'<source media="(prefers-color-scheme: dark)" srcset="{path}-dark.svg">',
            f'<img alt="{picture.says}" src="{path}-light.svg">',
            "</picture>",
        )
    )
