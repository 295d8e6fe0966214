"""What it costs to make records of a recorded session.

Nanoseconds of processor time a line, over a recording repeated until it has some two
thousand lines, against msgspec making plain objects of the same lines: turn by turn in
one process, so that both are slowed by the same neighbours.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

import msgspec

from eventbus.bench import Bound, Contender, Effort, Measured, Part, Row, Sample
from eventbus_schemas import read_codex_rollout

RECORDING: Final = Path("examples/recordings/rollout-large.jsonl")
REPEATED: Final = 3
TURNS: Final = 40

Read = Callable[[Sequence[bytes]], object]


def decode(lines: Sequence[bytes]) -> None:
    """Make plain objects of *lines*, one by one."""
    decoded = msgspec.json.Decoder().decode
    for line in lines:
        decoded(line)


def read(lines: Sequence[bytes]) -> None:
    """Make records of *lines*."""
    for _ in read_codex_rollout(lines, path="bench"):
        pass


def turn_ns(call: Read, lines: Sequence[bytes]) -> float:
    """Return what *call* takes for each of *lines*."""
    began = time.process_time_ns()
    call(lines)
    return (time.process_time_ns() - began) / len(lines)


def contend(effort: Effort) -> Sample:
    """Measure reading beside decoding."""
    lines = RECORDING.read_bytes().splitlines() * REPEATED
    plain: list[float] = []
    own: list[float] = []
    for _ in range(effort.of(TURNS)):
        plain.append(turn_ns(decode, lines))
        own.append(turn_ns(read, lines))
    return Sample(statistics.median(own), statistics.median(plain))


_READ: Final = "codex-rollout"

CONTENDERS: Final[dict[str, Contender]] = {_READ: contend}


def rows(found: Mapping[str, Measured]) -> list[Row]:
    """Return what reading costs in terms of decoding."""
    return [
        Row(
            what=f"{_READ}, times a plain decode of the same lines",
            ratio=found[_READ].in_c,
            unit="times",
            figure=found[_READ].value,
            bound=Bound("<=", 2.5, 1.5),
            better="less",
        )
    ]


PART: Final = Part(
    title="Agent sessions: reading a recording",
    module=__name__,
    contenders=tuple(CONTENDERS),
    rows=rows,
)
