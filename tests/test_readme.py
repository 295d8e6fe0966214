"""The README's code runs as it stands."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
TARGETS = re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(), re.MULTILINE)


@pytest.mark.parametrize("block", BLOCKS)
def test_a_block_of_code_runs_and_shows_its_event(block: str) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", block],
        capture_output=True,
        text=True,
        timeout=20,
    )
    assert done.stderr == ""
    assert done.returncode == 0
    assert "agent.tool_result" in done.stdout


def test_there_is_code_to_run() -> None:
    assert BLOCKS


def test_every_make_command_named_is_a_target() -> None:
    named = set(re.findall(r"\bmake (\w+)", README))
    assert {"demo", "test", "bench"} <= named
    assert named <= set(TARGETS)


def test_every_link_leads_somewhere() -> None:
    links = re.findall(r"\]\((?!http)([^)#]+)", README)
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_the_ten_lines_are_about_ten() -> None:
    code = BLOCKS[0].split("async def main")[1]
    assert len(code.strip().splitlines()) <= 10


def test_no_placeholder_is_left() -> None:
    assert re.findall(r"^[A-Z_]{4,}$", README, re.MULTILINE) == []


def test_the_demo_leaves_its_lines_where_it_is_run(tmp_path: Path) -> None:
    subprocess.run(
        [
            *(sys.executable, "-m", "eventbus", "run", ROOT / "examples/demo.toml"),
            *("--reader", "codex-rollout"),
            *("--input", ROOT / "examples/recordings/rollout-small.jsonl"),
        ],
        cwd=tmp_path,
        capture_output=True,
        check=True,
        timeout=20,
    )
    lines = (tmp_path / "demo-output" / "session.jsonl").read_text("utf-8")
    assert lines.count("\n") == 139
