"""``eventbus bench``: what the bus costs on this machine, against its bounds."""

from __future__ import annotations

import argparse
from pathlib import Path

from eventbus.bench import PARTS, ContestError, Results, as_json, measure
from eventbus.bench._plot import bounds_chart, draw, is_possible
from eventbus.cli._account import FAILED, OK
from eventbus.cli._bench_tables import show_results
from eventbus.cli._terminal import say
from eventbus.cli._usage import UsageError


def bench(arguments: argparse.Namespace) -> int:
    """Measure, show, write what was asked for; return the exit status."""
    _check_targets(arguments.json, arguments.plot)
    try:
        results = measure(PARTS, tell=say, quick=arguments.quick)
        show_results(results)
        _write(results, arguments.json, arguments.plot)
    except (ContestError, OSError) as error:
        say(f"eventbus: {error}")
        return FAILED
    return FAILED if results.missed else OK


def _check_targets(json: Path | None, plot: Path | None) -> None:
    """Refuse what could not be written in the end, before minutes are spent."""
    if plot is not None and not is_possible():
        raise UsageError(
            "--plot needs matplotlib, which is not installed. "
            "Try: pip install matplotlib"
        )
    for option, path in (("--json", json), ("--plot", plot)):
        if path is not None and not path.parent.is_dir():
            raise UsageError(f"{option}: there is no folder {str(path.parent)!r}")


def _write(results: Results, json: Path | None, plot: Path | None) -> None:
    if json is not None:
        json.write_bytes(as_json(results))
    if plot is not None:
        draw(bounds_chart(results), plot)
