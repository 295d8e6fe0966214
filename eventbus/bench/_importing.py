"""What ``import eventbus`` takes beyond msgspec and anyio, in a new process."""

from __future__ import annotations

import statistics
import subprocess
import sys
from collections.abc import Mapping
from typing import Final

from eventbus.bench._contest import Contender, Effort, Measured, Part, Sample
from eventbus.bench._figures import Row, at_most

REPEATS: Final = 3

_CODE: Final = """
import time
import anyio, msgspec
began = time.perf_counter()
import eventbus
print((time.perf_counter() - began) * 1e3)
"""


def importing(effort: Effort) -> Sample:
    """Return the milliseconds, the median of some processes."""
    command = [sys.executable, "-c", _CODE]
    found = [
        subprocess.run(command, check=True, capture_output=True)  # noqa: S603 - ours
        for _ in range(effort.of(REPEATS))
    ]
    return Sample(statistics.median(float(done.stdout) for done in found))


CONTENDERS: Final[dict[str, Contender]] = {"import eventbus": importing}


def rows(found: Mapping[str, Measured]) -> list[Row]:
    """Return the one row."""
    value = found["import eventbus"].value
    return [
        Row(
            what="import eventbus, beyond msgspec and anyio",
            ratio=value,
            unit="ms",
            figure=value,
            figure_unit="ms",
            bound=at_most(30, 15),
            better="less",
        )
    ]


PART: Final = Part(
    title="Importing", module=__name__, contenders=tuple(CONTENDERS), rows=rows
)
