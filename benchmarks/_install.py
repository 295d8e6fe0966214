"""Installs what the benchmarks compare with, one by one where not all can be had.

Run by ``make bench`` with the Python of its own environment. A library that cannot be
installed is said and left out; its rows are then shown as skipped.
"""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PIP = (sys.executable, "-m", "pip", "install", "-q", "-c", "constraints.txt")


def main() -> None:
    """Install the group ``bench``, or as much of it as there is."""
    if _installed("--group", "bench"):
        return
    groups = tomllib.loads((ROOT / "pyproject.toml").read_text())["dependency-groups"]
    for requirement in groups["bench"]:
        if not _installed(requirement):
            print(f"{requirement} cannot be installed: its rows will be skipped")


def _installed(*what: str) -> bool:
    return subprocess.run([*PIP, *what], cwd=ROOT, check=False).returncode == 0


if __name__ == "__main__":
    main()
