"""How a benchmark measures: one contender per process, rounds interleaved, medians.

A benchmark module has a table ``CONTENDERS`` of functions that return nanoseconds per
event. ``python -m benchmarks.bench_x --contender NAME`` runs one of them, in a process
of its own, and prints one number; :func:`collect` runs all of them, round by round.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from importlib.metadata import version

import msgspec

Contender = Callable[[], float]


class Figure(msgspec.Struct, frozen=True):
    """What the rounds of one contender said, in one unit, in their order."""

    samples: tuple[float, ...]

    @property
    def median(self) -> float:
        """The middle one."""
        return statistics.median(self.samples)

    @property
    def lowest(self) -> float:
        """The least one."""
        return min(self.samples)

    @property
    def highest(self) -> float:
        """The greatest one."""
        return max(self.samples)

    def against(self, other: Figure) -> float:
        """Return the median of the ratios to *other*, round by round.

        A round takes seconds, so both were slowed by the same neighbours.
        """
        pairs = zip(self.samples, other.samples, strict=True)
        return statistics.median(own / theirs for own, theirs in pairs)


class Row(msgspec.Struct, frozen=True):
    """One line of the table: a figure as a ratio, and what it should be.

    Args:
        what: What was measured.
        ratio: Against what ``unit`` says.
        unit: ``"C"``, ``"times"``, …
        bound: ``"<= 8"`` or ``">= 1.5"``; empty when there is none.
        figure: The measured nanoseconds, bytes or events a second.
        figure_unit: Which of them.
    """

    what: str
    ratio: float
    unit: str
    bound: str
    figure: Figure
    figure_unit: str = "ns"

    @property
    def holds(self) -> bool | None:
        """Whether the bound holds; ``None`` when there is none."""
        if not self.bound:
            return None
        relation, number = self.bound.split()
        limit = float(number)
        return self.ratio <= limit if relation == "<=" else self.ratio >= limit


def turn_ns(call: Callable[[object], object], events: Sequence[object]) -> float:
    """Return the nanoseconds of one turn of ``for e in events: f(e)``."""
    began = time.perf_counter_ns()
    for event in events:
        call(event)
    return (time.perf_counter_ns() - began) / len(events)


def collect(
    module: str, contenders: Iterable[str], *, rounds: int
) -> dict[str, Figure]:
    """Run each contender of *module* in a process of its own, *rounds* times."""
    names = list(contenders)
    samples: dict[str, list[float]] = {name: [] for name in names}
    for _ in range(rounds):
        for name in names:
            samples[name].append(_run_one(module, name))
    return {name: Figure(tuple(found)) for name, found in samples.items()}


def _run_one(module: str, name: str) -> float:
    done = subprocess.run(
        [sys.executable, "-m", module, "--contender", name],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    return float(done.stdout)


def run_contender(contenders: Mapping[str, Contender]) -> bool:
    """Run what the command line asks for; return whether it asked for one."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--contender", choices=sorted(contenders))
    name = parser.parse_args().contender
    if name is not None:
        print(contenders[name]())
    return name is not None


def show(title: str, rows: Sequence[Row]) -> None:
    """Print *rows* as a table."""
    print(f"\n{title}")
    width = max(len(row.what) for row in rows)
    for row in rows:
        verdict = {True: "holds", False: "MISSED", None: ""}[row.holds]
        figure = f"{row.figure.median:12,.1f} {row.figure_unit}"
        spread = f"({row.figure.lowest:,.1f} to {row.figure.highest:,.1f})"
        print(
            f"  {row.what:{width}}  {row.ratio:7.2f} {row.unit:6}"
            f"  {row.bound:>8}  {verdict:6}  {figure} {spread}"
        )


def machine() -> dict[str, object]:
    """Return what was measured on, without naming the machine."""
    return {
        "python": platform.python_version(),
        "implementation": platform.python_implementation(),
        "system": platform.system(),
        "processor": platform.machine(),
        "cores": os.cpu_count(),
        "msgspec": version("msgspec"),
        "anyio": version("anyio"),
        "eventbus": version("eventbus"),
    }


def as_json(tables: Mapping[str, Sequence[Row]]) -> str:
    """Return everything measured as one JSON object."""
    return json.dumps(
        {
            "machine": machine(),
            "tables": {
                title: [
                    {**msgspec.to_builtins(row), "holds": row.holds} for row in rows
                ]
                for title, rows in tables.items()
            },
        },
        indent=2,
    )
