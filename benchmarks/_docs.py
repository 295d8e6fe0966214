"""What the documentation says of the latest run: written between its two markers."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from benchmarks._pictures import Picture, as_html, draw_all, pictures
from benchmarks.peers._tables import OURS, PEERS
from eventbus.bench import PartResult, Results, Row

ROOT: Final = Path(__file__).resolve().parent.parent
PAGE: Final = ROOT / "docs" / "benchmarks.md"
README: Final = ROOT / "README.md"
FOLDER: Final = ROOT / "docs" / "benchmarks"
BEGIN: Final = "<!-- written by python -m benchmarks --write-docs -->"
END: Final = "<!-- up to here -->"

_IN_README: Final = ("bounds", "peers-one-consumer")
_HEADLINES: Final = frozenset(
    {
        "emit",
        "emitter of one type",
        "emit, nobody selects it",
        "emit, sampled out at 1 %",
        "await publish, with room",
        "emit, 30 sinks against 1",
        "1 batch sink, tuned, faster than Q",
        "3 batch sinks, tuned, faster than Q",
        "lossless under backpressure, faster than await Queue.put",
        "from another thread, faster than call_soon_threadsafe per event",
        "latency of one event on an idle bus, against Q",
        "emit p99, one of five hangs, against five that answer",
        "pending in the ingress",
        "pending in a buffer",
        "import eventbus, beyond msgspec and anyio",
        "eventbus run, recording, of a plain loop's speed",
    }
)
_WHOLE: Final = ("OTLP", "Agent sessions")  # parts whose every bound is told
_VERDICTS: Final = {"": "", "aim": "aim", "must": "holds", "missed": "**missed**"}


def write_docs(results: Results) -> None:
    """Write the tables into the page and the README, and the pictures beside them.

    Raises:
        ValueError: A page has no markers.
    """
    shown = pictures(results)
    draw_all(shown, FOLDER)
    replace_between(PAGE, page_text(results, shown))
    replace_between(README, readme_text(results, shown))


def replace_between(path: Path, text: str) -> None:
    """Write *text* between the two markers of *path*.

    Raises:
        ValueError: There is not one of each, in their order.
    """
    before, begin, rest = path.read_text(encoding="utf-8").partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"{path} lacks the marker {BEGIN if not begin else END!r}")
    whole = f"{before}{BEGIN}\n\n{text}\n\n{END}{after}"
    path.write_text(whole, encoding="utf-8")


def page_text(results: Results, shown: list[Picture]) -> str:
    """Return everything that was measured."""
    known = (f"{name} {value}" for name, value in results.machine.items() if value)
    parts = [f"Measured on: {', '.join(known)}."]
    if shown:
        parts.append("\n\n".join(as_html(one, "benchmarks") for one in shown))
    parts += (f"### {part.title}\n\n{table(part)}" for part in results.parts)
    parts.append(f"### Who leads us\n\n{leaders_text(results)}")
    parts.append(f"### How the peers were set up\n\n{settings_table()}")
    return "\n\n".join(parts)


def settings_table() -> str:
    """Return what was configured for each peer, and what it does otherwise."""
    lines = ["| peer | at its best settings | otherwise than here |", "|---|---|---|"]
    lines += [f"| {peer.name} | {peer.setting} | {peer.differs} |" for peer in PEERS]
    return "\n".join(lines)


def readme_text(results: Results, shown: list[Picture]) -> str:
    """Return the rows that say most and those missed, two pictures, who leads us."""
    bounded = [row for row in results.rows if row.bound]
    whole = [p.rows for p in results.parts if p.title.startswith(_WHOLE)]
    headlines = {row.what for rows in whole for row in rows} | _HEADLINES
    told = [r for r in bounded if r.what in headlines or r.verdict == "missed"]
    short = [as_html(one, "docs/benchmarks") for one in shown if one.name in _IN_README]
    lines = ["| what | measured | must | aim |", "|---|---|---|---|"]
    lines += [_line(row, ("what", "ratio", "must", "aim")) for row in told]
    held = sum(row.verdict != "missed" for row in bounded)
    count = (
        f"Of {len(bounded)} rows with a bound {held} hold theirs; the others are here."
    )
    return "\n\n".join(["\n".join(lines), count, *short, leaders_text(results)])


def table(part: PartResult) -> str:
    """Return *part* as a table in Markdown."""
    columns = ["what", "ratio", "spread", "figure"]
    if any(row.bound for row in part.rows):
        columns += ["must", "aim", "bound"]
    heads = {"ratio": "median", "figure": "measured"}
    lines = [
        "| " + " | ".join(heads.get(c, c) for c in columns) + " |",
        "|" + "---|" * len(columns),
        *(_line(row, columns) for row in part.rows),
    ]
    return "\n".join(lines)


def _line(row: Row, columns: list[str] | tuple[str, ...]) -> str:
    if row.skipped:
        cells = [row.what, f"skipped: {row.skipped}"]
        return "| " + " | ".join(cells + [""] * (len(columns) - 2)) + " |"
    values = _cells(row)
    return "| " + " | ".join(values[column] for column in columns) + " |"


def _cells(row: Row) -> dict[str, str]:
    sign = {"<=": "≤", ">=": "≥"}
    bound = row.bound
    return {
        "what": row.what,
        "ratio": f"{row.ratio.median:,.2f} {row.unit}",
        "spread": f"{row.ratio.lowest:,.2f} to {row.ratio.highest:,.2f}",
        "figure": f"{row.figure.median:,.1f} {row.figure_unit}",
        "must": f"{sign[bound.relation]} {bound.must:g}" if bound else "",
        "aim": f"{sign[bound.relation]} {bound.aim:g}" if bound else "",
        "bound": _VERDICTS[row.verdict],
    }


def leaders_text(results: Results) -> str:
    """Return who is faster than we are in which table, and why."""
    lines = [
        f"- {row.what}, {_subject(part)}: {ahead:.1f} times as fast as eventbus; "
        f"{_REASONS[row.what]}."
        for part in results.parts
        for row, ahead in leaders(part)
    ]
    if not lines:
        return "No peer that was measured is faster in any of these tables."
    return "\n".join(["Peers that are faster, and why:", "", *lines])


def leaders(part: PartResult) -> list[tuple[Row, float]]:
    """Return the peers of a table that are faster than we are, and how many times."""
    ours = next((row for row in part.rows if row.what == OURS), None)
    if ours is None:
        return []
    ahead = [
        (row, ours.ratio.median / row.ratio.median)
        for row in part.rows
        if not row.skipped
    ]
    return [(row, times) for row, times in ahead if times > 1]


_REASONS: Final = {peer.name: peer.differs for peer in PEERS}


def _subject(part: PartResult) -> str:
    return part.title.partition(" (")[0].removeprefix("Peers: ")
