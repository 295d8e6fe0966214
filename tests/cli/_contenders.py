"""Contenders whose figures are known, for the command that measures."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from eventbus.bench import Bound, Effort, Measured, Part, Row, Sample

NOTES = "CONTENDERS_NOTES"
"""The environment variable that names the file in which contenders note their turn."""


def _noted(name: str) -> None:
    if path := os.environ.get(NOTES):
        with Path(path).open("a") as notes:
            notes.write(f"{name} {os.getpid()}\n")


def slow(effort: Effort) -> Sample:
    _noted("slow")
    return Sample(30.0, c=10.0)


def fast(effort: Effort) -> Sample:
    _noted("fast")
    return Sample(10.0, c=10.0)


def failing(effort: Effort) -> Sample:
    raise RuntimeError("the sink lost an event")


def absent(effort: Effort) -> Sample:
    raise ModuleNotFoundError("No module named 'peer'")


CONTENDERS = {"slow": slow, "fast": fast, "failing": failing, "absent": absent}


def rows(found: Mapping[str, Measured]) -> list[Row]:
    return [
        Row(
            what=f"cost of {name}",
            ratio=measured.value if measured.skipped else measured.in_c,
            unit="C",
            figure=measured.value,
            bound=Bound("<=", 2, 1),
            better="less",
            skipped=measured.skipped,
        )
        for name, measured in found.items()
    ]


def part(*names: str, may_fail: bool = False) -> Part:
    """Return the part in which the contenders *names* run."""
    return Part(
        title=f"A part of {len(names)}",
        module=__name__,
        contenders=names,
        rows=rows,
        may_fail=may_fail,
    )
