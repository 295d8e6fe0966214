"""How contenders are run: each in a process of its own, round by round.

A part of the suite is a module with a table of contenders, and a function that makes
rows of what they said. In a round every contender runs once, so whatever slows the
machine for a while slows all of them.
"""

from __future__ import annotations

import importlib
import subprocess
import sys
from collections.abc import Callable, Mapping
from typing import Final

import msgspec

from eventbus.bench._figures import Figure, Row

TIMEOUT_SECONDS: Final = 300.0
_REASON_LENGTH: Final = 160


class ContestError(Exception):
    """A contender failed, or did not end in time; the text says which and why."""


class Effort(msgspec.Struct, frozen=True):
    """How much a contender repeats its work.

    Args:
        share: Of what it takes for figures that can be compared.
    """

    share: float = 1.0

    def of(self, count: int) -> int:
        """Return *count* repetitions or fewer, at least one."""
        return max(1, round(count * self.share))


class Sample(msgspec.Struct, frozen=True):
    """What a contender says of one round.

    Args:
        value: Nanoseconds per event, or what its part says.
        c: Nanoseconds of what it is set against, in the same process and turn by turn:
            an empty call over the same events, unless its part says otherwise.
        skipped: Why nothing could be measured: a library that is not installed.
    """

    value: float
    c: float | None = None
    skipped: str = ""


Contender = Callable[[Effort], Sample]


class Measured(msgspec.Struct, frozen=True):
    """What all rounds of one contender said.

    Args:
        value: Nanoseconds per event, or what its part says.
        c: Nanoseconds of what it is set against, where the contender measured that.
        skipped: Why there is nothing.
    """

    value: Figure
    c: Figure | None = None
    skipped: str = ""

    @property
    def in_c(self) -> Figure:
        """The value as a multiple of :attr:`c`, round by round."""
        assert self.c is not None
        return self.value.against(self.c)


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """One table of the suite.

    Args:
        title: Its heading.
        module: The module whose ``CONTENDERS`` run, importable in another process.
        contenders: Their names, in the order of a round.
        rows: Makes the rows of what they said.
        max_rounds: As many rounds are enough; ``None`` is no limit.
        may_fail: Whether a contender that fails is shown as skipped: others' code.
    """

    title: str
    module: str
    contenders: tuple[str, ...]
    rows: Callable[[Mapping[str, Measured]], list[Row]]
    max_rounds: int | None = None
    may_fail: bool = False


def collect(
    part: Part, *, rounds: int, effort: Effort, tell: Callable[[str], object]
) -> dict[str, Measured]:
    """Run each contender of *part* in a process of its own, *rounds* times.

    Args:
        part: What runs.
        rounds: How often; fewer where ``part.max_rounds`` says so.
        effort: How much each one repeats.
        tell: Is told what happens, a line for each round.

    Raises:
        ContestError: A contender failed, and the part does not allow for it.
    """
    rounds = min(rounds, part.max_rounds or rounds)
    found: dict[str, list[Sample]] = {name: [] for name in part.contenders}
    for number in range(1, rounds + 1):
        tell(f"{part.title}: round {number} of {rounds}")
        for name, samples in found.items():
            if not any(sample.skipped for sample in samples):
                samples.append(_run(part, name, effort))
    return {name: _measured(samples) for name, samples in found.items()}


def _measured(samples: list[Sample]) -> Measured:
    reason = next((sample.skipped for sample in samples if sample.skipped), "")
    if reason:
        return Measured(Figure(()), skipped=reason)
    yardsticks = [sample.c for sample in samples if sample.c is not None]
    c = Figure(tuple(yardsticks)) if yardsticks else None
    return Measured(Figure(tuple(sample.value for sample in samples)), c)


def _run(part: Part, name: str, effort: Effort) -> Sample:
    try:
        return _in_own_process(part.module, name, effort)
    except ContestError as error:
        if part.may_fail:
            return Sample(0.0, skipped=str(error))
        raise


def _in_own_process(module: str, name: str, effort: Effort) -> Sample:
    command = [sys.executable, "-m", "eventbus.bench", module, name, str(effort.share)]
    try:
        done = subprocess.run(  # noqa: S603 - this very program
            command, capture_output=True, text=True, timeout=TIMEOUT_SECONDS
        )
    except subprocess.TimeoutExpired:
        text = f"{name!r} did not end within {TIMEOUT_SECONDS:g} s"
        raise ContestError(text) from None
    if done.returncode:
        lines = done.stderr.strip().splitlines() or ["no reason given"]
        text = f"{name!r} ended with status {done.returncode}: {lines[-1]}"
        raise ContestError(text[:_REASON_LENGTH])
    return msgspec.json.decode(done.stdout.splitlines()[-1], type=Sample)


def run_one(module: str, name: str, share: float) -> str:
    """Return what a contender says, as one line of JSON; for its own process."""
    contenders: Mapping[str, Contender] = importlib.import_module(module).CONTENDERS
    try:
        sample = contenders[name](Effort(share))
    except ImportError as error:
        sample = Sample(0.0, skipped=f"not installed ({error})"[:_REASON_LENGTH])
    return msgspec.json.encode(sample).decode()
