"""What a run of the suite comes to: the machine, and the rows of every part."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable, Iterable
from importlib.metadata import PackageNotFoundError, version
from typing import Final

import msgspec

from eventbus.bench._contest import Effort, Part, collect
from eventbus.bench._figures import Row

ROUNDS: Final = 7
QUICK: Final = Effort(0.1)
FULL: Final = Effort()


class PartResult(msgspec.Struct, frozen=True):
    """One table, filled in.

    Args:
        title: Its heading.
        rows: Its lines.
    """

    title: str
    rows: tuple[Row, ...]


class Results(msgspec.Struct, frozen=True):
    """A whole run.

    Args:
        machine: What was measured on, and the versions of what was measured.
        parts: The tables, in order.
        quick: Whether it was one short round, whose figures say little.
    """

    machine: dict[str, str | int | None]
    parts: tuple[PartResult, ...]
    quick: bool = False

    @property
    def rows(self) -> list[Row]:
        """The lines of all tables."""
        return [row for part in self.parts for row in part.rows]

    @property
    def missed(self) -> list[Row]:
        """The lines whose bound does not hold."""
        return [row for row in self.rows if row.verdict == "missed"]


def as_json(results: Results) -> bytes:
    """Return *results* as indented JSON; each row also says its median and verdict."""
    value = msgspec.to_builtins(results)
    for part, told in zip(results.parts, value["parts"], strict=True):
        for row, one in zip(part.rows, told["rows"], strict=True):
            one["verdict"] = row.verdict
            one["median"] = None if row.skipped else row.ratio.median
    return msgspec.json.format(msgspec.json.encode(value), indent=2) + b"\n"


def from_json(text: bytes) -> Results:
    """Return what :func:`as_json` wrote.

    Raises:
        msgspec.ValidationError: *text* is something else.
    """
    return msgspec.json.decode(text, type=Results)


def measure(
    parts: Iterable[Part],
    *,
    tell: Callable[[str], object],
    rounds: int = ROUNDS,
    quick: bool = False,
    libraries: Iterable[str] = (),
) -> Results:
    """Run *parts*, one after the other.

    Args:
        parts: What runs.
        tell: Is told what happens, a line for each round.
        rounds: How often each contender runs.
        quick: One short round instead.
        libraries: Distributions whose versions are noted beside our own.

    Raises:
        ContestError: A contender of ours failed.
    """
    effort = QUICK if quick else FULL
    results: list[PartResult] = []
    for part in parts:
        found = collect(part, rounds=1 if quick else rounds, effort=effort, tell=tell)
        results.append(PartResult(part.title, tuple(part.rows(found))))
    return Results(machine(libraries), tuple(results), quick)


def machine(libraries: Iterable[str]) -> dict[str, str | int | None]:
    """Return what is measured on, without naming the machine."""
    known: dict[str, str | int | None] = {
        "python": platform.python_version(),
        "implementation": platform.python_implementation(),
        "system": platform.system(),
        "processor": platform.machine(),
        "cores": os.cpu_count(),
    }
    ours = ("eventbus", "msgspec", "anyio")
    return known | {name: _version(name) for name in (*ours, *libraries)}


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
