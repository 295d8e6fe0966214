"""What ``import eventbus`` takes beyond msgspec and anyio, in a new process.

With compiled modules, as an installed package has them: a first import, which is not
measured, compiles them into a folder of its own.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from typing import Final

from eventbus.bench._contest import Contender, Effort, Measured, Part, Sample
from eventbus.bench._figures import Row, at_most

REPEATS: Final = 5

_CODE: Final = """
import time
import anyio, msgspec
began = time.perf_counter()
import eventbus
print((time.perf_counter() - began) * 1e3)
"""


def importing(effort: Effort) -> Sample:
    """Return the milliseconds, the median of some processes."""
    with tempfile.TemporaryDirectory() as folder:
        environment = as_installed(folder)
        _first, *found = (
            _import_ms(environment) for _ in range(1 + effort.of(REPEATS))
        )
    return Sample(statistics.median(found))


def as_installed(folder: str) -> dict[str, str]:
    """Return an environment in which modules are compiled once, into *folder*.

    The first process in it compiles, and should not be measured.
    """
    environment = {**os.environ, "PYTHONPYCACHEPREFIX": folder}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    return environment


def _import_ms(environment: Mapping[str, str]) -> float:
    done = subprocess.run(  # noqa: S603 - our own code
        [sys.executable, "-c", _CODE], env=environment, check=True, capture_output=True
    )
    return float(done.stdout)


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
