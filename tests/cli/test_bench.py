from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from eventbus.bench import PARTS, Part, Results, from_json, measure
from eventbus.bench._contest import run_one
from eventbus.cli import _command_bench
from tests.cli import _contenders
from tests.cli._command import Command

Run = Callable[..., None]


@pytest.fixture
def parts(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Lets the command measure contenders with these names."""

    def use(*names: str) -> None:
        monkeypatch.setattr(_command_bench, "PARTS", (_contenders.part(*names),))

    return use


def measured(part: Part, *, rounds: int = 1) -> Results:
    return measure([part], tell=lambda text: None, rounds=rounds)


def test_it_worked_when_every_bound_holds(eventbus: Command, parts: Run) -> None:
    parts("fast")
    done = eventbus("bench", "--quick")
    assert done.status == 0
    assert "aim reached" in done.out
    assert "1 of 1 bounds hold." in done.out


def test_it_failed_when_a_bound_is_missed(eventbus: Command, parts: Run) -> None:
    parts("slow", "fast")
    done = eventbus("bench", "--quick")
    assert done.status == 1
    missed = next(line for line in done.out.splitlines() if "cost of slow" in line)
    words = " ".join(missed.split())
    assert words == "cost of slow 3.00 C 3.00 to 3.00 <= 2 <= 1 MISSED 30.0 ns"
    assert "1 of 2 bounds hold." in done.out


def test_a_short_round_says_that_it_says_little(eventbus: Command, parts: Run) -> None:
    parts("fast")
    assert "without --quick" in eventbus("bench", "--quick").out
    assert "without --quick" not in eventbus("bench").out


def test_a_contender_that_fails_is_named_with_its_reason(
    eventbus: Command, parts: Run
) -> None:
    parts("failing")
    done = eventbus("bench", "--quick")
    assert done.status == 1
    assert done.err.splitlines()[-1] == (
        "eventbus: 'failing' ended with status 1: RuntimeError: the sink lost an event"
    )


def test_a_peer_that_is_absent_or_fails_is_skipped_with_the_reason() -> None:
    results = measured(_contenders.part("absent", "failing", "fast", may_fail=True))
    absent, failing, fast = results.rows
    assert absent.skipped == "not installed (No module named 'peer')"
    assert failing.skipped.endswith("RuntimeError: the sink lost an event")
    assert (fast.skipped, fast.verdict) == ("", "aim")
    assert (absent.verdict, failing.verdict) == ("", "")


def test_a_file_of_json_has_the_machine_and_every_round(
    eventbus: Command, parts: Run, tmp_path: Path
) -> None:
    parts("slow")
    path = tmp_path / "bench.json"
    eventbus("bench", "--json", path)
    results = from_json(path.read_bytes())
    assert {"python", "cores", "eventbus", "msgspec", "anyio"} <= set(results.machine)
    assert results.rows[0].ratio.samples == (3.0,) * 7
    assert results.rows[0].verdict == "missed"
    assert b'"verdict": "missed"' in path.read_bytes()


def test_a_plot_needs_matplotlib_and_says_so_before_anything_runs(
    eventbus: Command, parts: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    parts("failing")
    monkeypatch.setattr(_command_bench, "is_possible", lambda: False)
    done = eventbus("bench", "--plot", tmp_path / "plot.svg")
    assert done.status == 2
    assert done.err == (
        "eventbus: --plot needs matplotlib, which is not installed. "
        "Try: pip install matplotlib\n"
    )


def test_a_file_that_cannot_be_written_is_refused_before_anything_runs(
    eventbus: Command, parts: Run, tmp_path: Path
) -> None:
    parts("failing")
    folder = tmp_path / "missing"
    done = eventbus("bench", "--json", folder / "bench.json")
    assert done.status == 2
    assert done.err == f"eventbus: --json: there is no folder {str(folder)!r}\n"


def test_each_contender_has_a_process_and_rounds_take_turns(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    notes = tmp_path / "notes"
    monkeypatch.setenv(_contenders.NOTES, str(notes))
    measured(_contenders.part("slow", "fast"), rounds=3)
    names, processes = zip(
        *(s.split() for s in notes.read_text().splitlines()), strict=True
    )
    assert names == ("slow", "fast") * 3
    assert len(set(processes)) == 6


def test_a_use_of_the_bus_does_not_load_its_benchmarks() -> None:
    code = "import sys, eventbus; print('eventbus.bench' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert done.stdout.strip() == b"False"


CONTENDERS = [(part.module, name) for part in PARTS for name in part.contenders]


@pytest.mark.parametrize(("module", "name"), CONTENDERS)
def test_a_contender_of_the_suite_runs(module: str, name: str) -> None:
    assert '"skipped":""' in run_one(module, name, 0.001)


def test_rows_of_the_suite_are_told_apart_by_what_they_measure() -> None:
    assert len({part.title for part in PARTS}) == len(PARTS)
