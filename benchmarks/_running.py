"""How fast ``eventbus run`` takes a recording to JSON lines, in lines a second.

Against a plain loop that decodes and encodes each line with msgspec and writes it.
Each contender is a program of its own. The large recording is repeated to 200,000
lines; a file of our own lines is as long. Each program also runs on an empty file:
its start-up, which the row "without start-up" leaves out.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

import msgspec

from eventbus.bench import Bound, Contender, Effort, Figure, Measured, Part, Row, Sample
from eventbus.bench._importing import as_installed

LINES: Final = 200_000
RECORDING: Final = (
    Path(__file__).resolve().parent.parent
    / "examples"
    / "recordings"
    / "rollout-large.jsonl"
)

PLAIN_LOOP: Final = """
import sys, msgspec
with open(sys.argv[1], "rb") as lines, open(sys.argv[2], "wb") as out:
    for line in lines:
        out.write(msgspec.json.encode(msgspec.json.decode(line)) + b"\\n")
"""

CONFIG: Final = """
[sinks.out]
type = "jsonl"
path = "{path}"
"""

WriteLines = Callable[[Path, int], None]
Command = Callable[[Path, Path], list[str]]


def recorded_lines(path: Path, count: int) -> None:
    """Write the large recording, repeated."""
    lines = RECORDING.read_bytes().splitlines(keepends=True)
    with path.open("wb") as out:
        for number in range(count):
            out.write(lines[number % len(lines)])


def own_lines(path: Path, count: int) -> None:
    """Write records in our own form, which the catalog of agent events knows."""
    event = {"tool_name": "shell", "call_id": "c", "duration_ms": 12.5}
    event |= {"success": True, "outcome": "completed", "duration_source": "reported"}
    with path.open("wb") as out:
        for number in range(count):
            record = {
                "id": f"bench-{number:x}",
                "name": "agent.tool_result",
                "time_unix_nano": 1_700_000_000_000_000_000 + number,
                "severity": "info",
                "event": event,
            }
            out.write(msgspec.json.encode(record) + b"\n")


def plain_loop(source: Path, target: Path) -> list[str]:
    """Return the command of the plain loop."""
    return [sys.executable, "-c", PLAIN_LOOP, str(source), str(target)]


def eventbus_run(reader: str) -> Command:
    """Return what makes the command of ``eventbus run`` with *reader*."""

    def command(source: Path, target: Path) -> list[str]:
        config = target.with_suffix(".toml")
        config.write_text(CONFIG.format(path=target))
        run = [sys.executable, "-m", "eventbus", "run", str(config), "--json"]
        return [*run, "--input", str(source), "--reader", reader]

    return command


def timed(command_of: Command, write: WriteLines, count: int = LINES) -> Contender:
    """Return the contender that times a command over *count* lines, in seconds."""

    def contend(effort: Effort) -> Sample:
        del effort  # fewer lines would be another measurement
        with tempfile.TemporaryDirectory() as folder:
            source, target = Path(folder, "in.jsonl"), Path(folder, "out.jsonl")
            command, environment = command_of(source, target), as_installed(folder)
            write(source, 0)
            _seconds(command, environment)  # compiles what it imports
            write(source, count)
            target.unlink(missing_ok=True)
            return Sample(_seconds(command, environment))

    return contend


def _seconds(command: list[str], environment: dict[str, str]) -> float:
    began = time.perf_counter()
    done = subprocess.run(
        command, env=environment, capture_output=True, text=True, check=False
    )
    spent = time.perf_counter() - began
    if done.returncode:
        raise RuntimeError(f"status {done.returncode}: {done.stderr.strip()}")
    return spent


_RECORDING: Final = "recording"
_OWN: Final = "own lines"
_START: Final = "start-up"

CONTENDERS: Final[dict[str, Contender]] = {
    f"plain loop, {_RECORDING}": timed(plain_loop, recorded_lines),
    f"eventbus run, {_RECORDING}": timed(eventbus_run("codex-rollout"), recorded_lines),
    f"plain loop, {_OWN}": timed(plain_loop, own_lines),
    f"eventbus run, {_OWN}": timed(eventbus_run("events"), own_lines),
    f"plain loop, {_START}": timed(plain_loop, own_lines, 0),
    f"eventbus run, {_START}": timed(eventbus_run("events"), own_lines, 0),
}

_SPEED: Final = Bound(">=", 0.5, 0.8)


def rows(found: Mapping[str, Measured]) -> list[Row]:
    """Return shares of the plain loop's speed, and the start-up alone."""
    loop, ours = (found[f"{name}, {_START}"].value for name in _NAMES)
    starts = (loop, ours)
    return [
        *_shares(found, _RECORDING, starts, _SPEED),
        *_shares(found, _OWN, starts, None),
        Row(
            what="start-up of eventbus run, beyond the plain loop's",
            ratio=ours.minus(loop).scaled(1e3),
            unit="ms",
            figure=ours.scaled(1e3),
            figure_unit="ms",
            better="less",
        ),
    ]


_NAMES: Final = ("plain loop", "eventbus run")


def _shares(
    found: Mapping[str, Measured],
    lines: str,
    starts: Sequence[Figure],
    bound: Bound | None,
) -> list[Row]:
    loop, ours = (found[f"{name}, {lines}"].value for name in _NAMES)
    bare_loop, bare_ours = (
        whole.minus(start) for whole, start in zip((loop, ours), starts, strict=True)
    )
    what = f"eventbus run, {lines}, of a plain loop's speed"
    return [
        _share(what, loop, ours, bound),
        _share(f"{what}, without start-up", bare_loop, bare_ours, None),
    ]


def _share(what: str, loop: Figure, ours: Figure, bound: Bound | None) -> Row:
    lines = Figure((float(LINES),) * len(ours.samples))
    return Row(
        what=what,
        ratio=loop.against(ours),
        unit="times",
        figure=lines.against(ours),
        figure_unit="lines/s",
        bound=bound,
        better="more",
    )


PART: Final = Part(
    title="The command line on recorded sessions",
    module=__name__,
    contenders=tuple(CONTENDERS),
    rows=rows,
)
