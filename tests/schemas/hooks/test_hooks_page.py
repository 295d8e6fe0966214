"""The page about hooks runs as it stands, and leaves nothing public out."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

from eventbus_schemas import hooks

PAGE = (Path(__file__).parents[3] / "docs" / "hooks.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
NOT_ON_THE_PAGE = {  # types that annotations name
    "CallCancelled",
    "CallFacts",
    "CancelTelemetry",
    "ConnectTelemetry",
    "DebugContext",
    "Ending",
    "IdleTimeoutError",
    "Operation",
    "SseParser",
    "SsePoll",
    "WebsocketPoll",
}


def test_the_example_runs_and_shows_its_events() -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", BLOCKS[0]],
        capture_output=True,
        text=True,
        timeout=20,
    )
    assert done.stderr == ""
    assert done.returncode == 0
    assert done.stdout.count("agent.api_request") == 1
    assert done.stdout.count("agent.sse_event") == 2
    assert "response.created 28" in done.stdout


@pytest.mark.parametrize("block", BLOCKS)
def test_every_block_is_python(block: str) -> None:
    assert compile(block, "docs/hooks.md", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)


@pytest.mark.parametrize("name", sorted(set(hooks.__all__) - NOT_ON_THE_PAGE))
def test_what_is_public_is_on_the_page(name: str) -> None:
    assert re.search(rf"\b{name}\b", PAGE)


def test_no_name_is_excused_that_is_not_public() -> None:
    assert set(hooks.__all__) >= NOT_ON_THE_PAGE
