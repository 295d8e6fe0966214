"""How fast ``eventbus run`` takes a recording to JSON lines, in lines a second.

Against a plain loop that decodes and encodes each line with msgspec and writes it.
The large recording is repeated to 50,000 lines; a file of our own lines is as long.
Each contender is a program of its own, measured whole, start-up included.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import msgspec

from benchmarks._measure import Contender, Row, collect, run_contender, show

LINES = 50_000
RECORDING = (
    Path(__file__).resolve().parent.parent
    / "examples"
    / "recordings"
    / "rollout-large.jsonl"
)

PLAIN_LOOP = """
import sys, msgspec
with open(sys.argv[1], "rb") as lines, open(sys.argv[2], "wb") as out:
    for line in lines:
        out.write(msgspec.json.encode(msgspec.json.decode(line)) + b"\\n")
"""

CONFIG = """
[sinks.out]
type = "jsonl"
path = "{path}"
"""


def recorded_lines(path: Path) -> None:
    """Write the large recording, repeated."""
    lines = RECORDING.read_bytes().splitlines(keepends=True)
    with path.open("wb") as out:
        for number in range(LINES):
            out.write(lines[number % len(lines)])


def own_lines(path: Path) -> None:
    """Write records in our own form, which the catalog of agent events knows."""
    event = {"tool_name": "shell", "call_id": "c", "duration_ms": 12.5}
    event |= {"success": True, "outcome": "completed", "duration_source": "reported"}
    with path.open("wb") as out:
        for number in range(LINES):
            record = {
                "id": f"bench-{number:x}",
                "name": "agent.tool_result",
                "time_unix_nano": 1_700_000_000_000_000_000 + number,
                "severity": "info",
                "event": event,
            }
            out.write(msgspec.json.encode(record) + b"\n")


def timed(command: list[str]) -> float:
    """Run *command* to its end and return lines a second."""
    began = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return LINES / (time.perf_counter() - began)


def plain_loop(write: Callable[[Path], None]) -> Contender:
    """Return the plain loop over what *write* writes."""

    def measure() -> float:
        with tempfile.TemporaryDirectory() as folder:
            source = Path(folder, "in.jsonl")
            write(source)
            target = str(Path(folder, "out.jsonl"))
            return timed([sys.executable, "-c", PLAIN_LOOP, str(source), target])

    return measure


def eventbus_run(write: Callable[[Path], None], reader: str) -> Contender:
    """Return ``eventbus run`` with *reader* over what *write* writes."""

    def measure() -> float:
        with tempfile.TemporaryDirectory() as folder:
            source, config = Path(folder, "in.jsonl"), Path(folder, "eventbus.toml")
            write(source)
            config.write_text(CONFIG.format(path=Path(folder, "out.jsonl")))
            command = [sys.executable, "-m", "eventbus", "run", str(config), "--json"]
            return timed([*command, "--input", str(source), "--reader", reader])

    return measure


CONTENDERS: dict[str, Contender] = {
    "plain loop, recording": plain_loop(recorded_lines),
    "eventbus run, recording": eventbus_run(recorded_lines, "codex-rollout"),
    "plain loop, own lines": plain_loop(own_lines),
    "eventbus run, own lines": eventbus_run(own_lines, "events"),
}


def run(*, rounds: int) -> list[Row]:
    """Measure everything; as a share of the plain loop's speed."""
    found = collect("benchmarks.bench_cli", CONTENDERS, rounds=rounds)
    return [
        Row(
            name,
            figure.against(found[f"plain loop, {name.partition(', ')[2]}"]),
            "times",
            "",
            figure,
            "lines/s",
        )
        for name, figure in found.items()
    ]


if __name__ == "__main__" and not run_contender(CONTENDERS):
    show("The command line on recorded sessions", run(rounds=3))
