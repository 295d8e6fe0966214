"""The command line as the whole of a process collects cycles less often."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

_PROGRAM = """
import gc, json, sys
gc.set_threshold({young}, 10, 10)
sys.argv = ["eventbus", *{arguments}]
from eventbus.cli import program
try:
    status = program()
except SystemExit as stop:
    status = stop.code
print(json.dumps([status, gc.get_threshold()[0], gc.get_freeze_count() > 0]))
"""


def after_a_program(*arguments: str, young: int = 700) -> tuple[int, int, bool]:
    """Return its status, the first threshold, and whether what lives is left alone."""
    text = _PROGRAM.format(young=young, arguments=list(arguments))
    done = subprocess.run(
        [sys.executable, "-c", text], capture_output=True, text=True, check=True
    )
    status, threshold, frozen = json.loads(done.stdout.splitlines()[-1])
    return status, threshold, frozen


def test_it_looks_for_cycles_after_ten_thousand_objects_and_not_at_the_end() -> None:
    assert after_a_program("sinks") == (0, 10_000, True)


def test_it_says_its_status_however_it_ends() -> None:
    assert after_a_program("check", "/no/such/file.toml") == (2, 10_000, True)


@pytest.mark.parametrize("young", [0, 50_000])
def test_who_collects_never_or_seldom_goes_on_so(young: int) -> None:
    assert after_a_program("sinks", young=young)[1] == young
