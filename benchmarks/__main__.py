"""Runs every benchmark, prints the tables and writes what they say.

``python -m benchmarks [--quick] [--rounds N] [--only TEXT]`` measures, prints, and
writes ``.benchmarks/latest.json``. With ``--compare`` it then looks for what became
worse; ``--store-baseline`` keeps this run to compare with. ``--read`` measures nothing
and takes the latest run instead, and so does ``--write-docs``, which writes its tables
and pictures into the documentation.

Exit status: 0 all bounds hold, 1 one was missed or something became worse, 2 wrong
usage.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import msgspec

from benchmarks import _running
from benchmarks._compare import Baseline, compare
from benchmarks._docs import write_docs
from benchmarks.agent import _hooking, _reading, _telling
from benchmarks.otlp import _blocking, _collecting, _down, _encode, _sending
from benchmarks.peers import _tables
from eventbus.bench import (
    PARTS,
    ROUNDS,
    ContestError,
    Part,
    Results,
    as_json,
    from_json,
    measure,
)
from eventbus.cli._bench_tables import show_results

LATEST = Path(".benchmarks/latest.json")
BASELINE = Path("benchmarks/baseline.json")
_OTLP = (
    _sending.PART,
    _encode.PART,
    _collecting.PART,
    _blocking.PART,
    _down.PART,
)
_AGENT = (_telling.PART, _reading.PART, _hooking.PART)
ALL: tuple[Part, ...] = (*PARTS, _running.PART, *_OTLP, *_AGENT, *_tables.PARTS)


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what is asked for; return the exit status."""
    options = _parsed(arguments)
    try:
        results = _read(options.json) if _reads(options) else _measured(options)
    except ContestError as error:
        print(error, file=sys.stderr)
        return 1
    if options.write_docs:
        write_docs(results)
        return 0
    show_results(results)
    worse = _compared(options, results) if options.compare else []
    if options.store_baseline:
        options.store_baseline.write_bytes(Baseline.of(results).as_json())
        print(f"{options.store_baseline} has this run to compare with")
    return int(bool(results.missed or worse))


def _parsed(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    add = parser.add_argument
    add(
        "--quick",
        action="store_true",
        help="one short round of each, which says little",
    )
    add("--rounds", type=int, default=ROUNDS, metavar="N", help="of each contender")
    add("--only", metavar="TEXT", help="only the tables whose titles have it")
    add("--json", type=Path, default=LATEST, metavar="FILE")
    add("--read", action="store_true", help="do not measure; read the file of --json")
    add("--compare", type=Path, metavar="FILE", help=f"such as {BASELINE}")
    add("--store-baseline", type=Path, metavar="FILE", help=f"such as {BASELINE}")
    add("--write-docs", action="store_true", help="from the file of --json")
    options = parser.parse_args(arguments)
    if options.quick and (options.compare or options.store_baseline):
        parser.error("--quick says too little to compare with or by")
    if _reads(options) and not options.json.exists():
        parser.error(f"there is no {options.json} yet: measure first")
    if options.compare and not options.compare.exists():
        parser.error(f"there is no {options.compare}: store one with --store-baseline")
    return options


def _reads(options: argparse.Namespace) -> bool:
    return bool(options.read or options.write_docs)


def _read(path: Path) -> Results:
    return from_json(path.read_bytes())


def _measured(options: argparse.Namespace) -> Results:
    parts = [part for part in ALL if (options.only or "").lower() in part.title.lower()]
    libraries = _tables.LIBRARIES
    results = measure(
        parts,
        tell=_tell,
        rounds=options.rounds,
        quick=options.quick,
        libraries=libraries,
    )
    options.json.parent.mkdir(parents=True, exist_ok=True)
    options.json.write_bytes(as_json(results))
    return results


def _tell(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _compared(options: argparse.Namespace, results: Results) -> list[str]:
    baseline = msgspec.json.decode(options.compare.read_bytes(), type=Baseline)
    titles = {part.title for part in results.parts}
    is_whole = titles >= {part.title for part in ALL}
    worse = compare(results, baseline, is_whole=is_whole)
    print("\n".join(worse) or f"Nothing became worse than in {options.compare}.")
    return worse


if __name__ == "__main__":
    raise SystemExit(main())
