"""A million lines go through the command line in flat memory, and none is lost."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
from pathlib import Path

import pytest

LINES = 1_000_000
PEAK_BYTES = 100_000_000


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
    command = [sys.executable, "-m", "eventbus", "run", str(config), "--json"]
    done = subprocess.run(
        [*command, "--input", str(long_input)], capture_output=True, text=True
    )
    account = json.loads(done.stdout)
    assert done.returncode == 0, done.stderr
    assert account["complete"] is True
    assert account["attachments"]["out"]["delivered"] == LINES
    with target.open() as lines:
        assert len({json.loads(line)["id"] for line in lines}) == LINES
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024
    assert peak < PEAK_BYTES
