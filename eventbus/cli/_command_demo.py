"""``eventbus demo``: what a person sees of the simulated application."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Sequence
from typing import Any

from eventbus._stats import BusStats
from eventbus.cli._account import FAILED, OK, stats_as_json
from eventbus.cli._account_text import show_sums
from eventbus.cli._demo import SAMPLED_EVENTS, Demonstration, demonstrate
from eventbus.cli._demo_sinks import CountingSink
from eventbus.cli._tables import Cell, Column, Table, number, show
from eventbus.cli._terminal import put, put_json, say

# Any in this module: JSON.

_INTRODUCTION = """\
A simulated agent application: sessions, tool calls, failures. Four sinks take its
events: a console that shows every fourth session, counts, a sample of one in ten,
and a sink that is too slow, whose buffer drops the oldest.
"""


def demo(arguments: argparse.Namespace) -> int:
    """Simulate, show, and give an account; return the exit status."""
    stream = "stderr" if arguments.json else "stdout"
    tell = say if arguments.json else put
    for line in _INTRODUCTION.split("\n"):
        tell(line)
    shown = asyncio.run(
        demonstrate(
            seconds=arguments.seconds,
            events=arguments.events,
            seed=arguments.seed,
            stream=stream,
        )
    )
    if arguments.json:
        put_json(_as_json(shown))
    else:
        _show(shown)
    balanced = all(one.balanced for one in shown.stats.attachments.values())
    return OK if balanced else FAILED


def _show(shown: Demonstration) -> None:
    emitted = shown.stats.emitted
    put(f"\n{number(emitted)} events in {shown.seconds:.1f} s, counted as metrics are:")
    show(_counts_table(shown.counting), put)
    put(
        f"The sample's weights add up to {number(round(shown.weight))}, "
        f"for {number(emitted)} events: failures are all in it and weigh 1, "
        f"the others weigh {1 / SAMPLED_EVENTS:g}."
    )
    put("\nEvery event is in one place:")
    show_sums(shown.stats, put)
    put(_closing(shown.stats))


def _closing(stats: BusStats) -> str:
    lost = {name: one.lost for name, one in stats.attachments.items() if one.lost}
    if not lost:
        return (
            "No sink lost an event: there were too few for the slow one to fall behind."
        )
    if list(lost) == ["slow"]:
        return (
            "The slow sink dropped events, and says how many; its neighbours lost none."
        )
    return f"Sinks that lost events, and say how many: {', '.join(lost)}."


def _counts_table(counting: CountingSink) -> Table:
    columns = [
        Column("counter"),
        Column("label"),
        Column("events", is_number=True),
        Column("half within", is_number=True),
        Column("95 % within", is_number=True),
    ]
    return Table(columns, [_row(key, counting) for key in sorted(counting.counts)])


def _row(key: str, counting: CountingSink) -> list[Cell]:
    name, _, tool = key.partition(" ")
    durations = sorted(counting.durations_ms.get(key, ()))
    return [
        Cell(name, "bold"),
        Cell(tool),
        Cell(number(counting.counts[key]), "red" if "failed" in name else ""),
        Cell(_share(durations, 0.5)),
        Cell(_share(durations, 0.95)),
    ]


def _share(ordered: Sequence[float], share: float) -> str:
    if not ordered:
        return ""
    return f"{ordered[min(int(len(ordered) * share), len(ordered) - 1)]:,.0f} ms"


def _as_json(shown: Demonstration) -> dict[str, Any]:
    attached = shown.stats.attachments.values()
    return {
        "complete": not any(one.lost or one.pending for one in attached),
        **stats_as_json(shown.stats),
        "counts": dict(sorted(shown.counting.counts.items())),
        "sample_weight": shown.weight,
        "seconds": round(shown.seconds, 6),
    }
