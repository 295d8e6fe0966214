"""A million lines go through the command line in flat memory, and none is lost."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

LINES = 1_000_000
PEAK_KIBIBYTES = 100_000

RUN_AND_SAY_PEAK = """
import re, sys
from eventbus.cli import main
try:
    status = main(sys.argv[1:])
finally:
    print(re.search(r"VmHWM:\\s+(\\d+)", open("/proc/self/status").read())[1])
sys.exit(status)
"""


@pytest.fixture
def long_input(tmp_path: Path) -> Path:
    path = tmp_path / "in.jsonl"
    event = {"model": "m", "input_tokens": 1, "output_tokens": 2}
    with path.open("w") as lines:
        for number in range(LINES):
            record = {
                "id": f"long-{number:x}",
                "name": "agent.token_usage",
                "time_unix_nano": 1_700_000_000_000_000_000 + number,
                "severity": "info",
                "event": event,
            }
            lines.write(json.dumps(record) + "\n")
    return path


@pytest.mark.slow
def test_a_million_lines_cross_in_flat_memory_and_none_is_lost(
    long_input: Path, tmp_path: Path
) -> None:
    target = tmp_path / "out.jsonl"
    config = tmp_path / "eventbus.toml"
    config.write_text(f'[sinks.out]\ntype = "jsonl"\npath = "{target}"\n')
    command = [sys.executable, "-c", RUN_AND_SAY_PEAK, "run", str(config), "--json"]
    done = subprocess.run(
        [*command, "--input", str(long_input)], capture_output=True, text=True
    )
    account_line, peak = done.stdout.splitlines()
    account = json.loads(account_line)
    assert done.returncode == 0, done.stderr
    assert account["complete"] is True
    assert account["attachments"]["out"]["delivered"] == LINES
    with target.open() as lines:
        assert len({json.loads(line)["id"] for line in lines}) == LINES
    assert int(peak) < PEAK_KIBIBYTES
