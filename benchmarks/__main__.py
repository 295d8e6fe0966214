"""Runs every benchmark, prints its table and writes one JSON file.

``python -m benchmarks [--quick] [--json FILE]``; by default the file is
``.benchmarks/latest.json``. Exits 1 when a bound does not hold.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from benchmarks import bench_cli, bench_delivery, bench_emit, bench_memory
from benchmarks._measure import Row, as_json, machine, show

TABLES = {
    "Handing over one event (C: an empty call)": (bench_emit, 7),
    "Delivering one event (Q: asyncio.Queue)": (bench_delivery, 7),
    "Memory of one pending event": (bench_memory, 1),
    "The command line on recorded sessions": (bench_cli, 3),
}


def main() -> int:
    """Run what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one round of each")
    parser.add_argument("--json", type=Path, default=Path(".benchmarks/latest.json"))
    options = parser.parse_args()
    print(", ".join(f"{name} {value}" for name, value in machine().items()))
    tables: dict[str, list[Row]] = {}
    for title, (module, rounds) in TABLES.items():
        tables[title] = module.run(rounds=1 if options.quick else rounds)
        show(title, tables[title])
    options.json.parent.mkdir(parents=True, exist_ok=True)
    options.json.write_text(as_json(tables) + "\n")
    print(f"\nwritten to {options.json}")
    return int(any(row.holds is False for rows in tables.values() for row in rows))


if __name__ == "__main__":
    raise SystemExit(main())
