"""What it costs to make records of a recorded session.

Nanoseconds a line, over a recording repeated until it has some ten thousand lines,
against msgspec making plain objects of the same lines.
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
REPEATED: Final = 12
TURNS: Final = 5

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


def contender(call: Read) -> Contender:
    """Return what measures *call*, in nanoseconds a line."""

    def contend(effort: Effort) -> Sample:
        lines = RECORDING.read_bytes().splitlines() * REPEATED
        turns: list[float] = []
        for _ in range(effort.of(TURNS)):
            began = time.process_time_ns()
            call(lines)
            turns.append((time.process_time_ns() - began) / len(lines))
        return Sample(statistics.median(turns))

    return contend


_DECODED: Final = "msgspec"
_READ: Final = "codex-rollout"

CONTENDERS: Final[dict[str, Contender]] = {
    _DECODED: contender(decode),
    _READ: contender(read),
}


def rows(found: Mapping[str, Measured]) -> list[Row]:
    """Return what reading costs in terms of decoding."""
    own = found[_READ].value
    return [
        Row(
            what=f"{_READ}, times a plain decode of the same lines",
            ratio=own.against(found[_DECODED].value),
            unit="times",
            figure=own,
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
