"""The page about sessions runs as it stands, and its tables say what the code does."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from eventbus import Bus
from eventbus_schemas import Session
from eventbus_schemas._agent_session import ATTRIBUTES
from tests._program import SLOWNESS

PAGE = (Path(__file__).parents[2] / "docs" / "sessions.md").read_text(encoding="utf-8")
EXAMPLE, COPIES = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)


def test_the_example_runs_and_prints_what_the_page_says() -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", EXAMPLE],
        capture_output=True,
        text=True,
        timeout=20,
    )
    assert (SLOWNESS.sub("", done.stderr), done.returncode) == ("", 0)
    names = re.findall(r" (agent\.\w+)", done.stdout)
    assert names == [
        "agent.conversation_starts",
        "agent.turn_started",
        "agent.user_prompt",
        "agent.api_request",
        "agent.approval_requested",
        "agent.approval_decided",
        "agent.tool_started",
        "agent.tool_result",
        "agent.approval_requested",
        "agent.approval_decided",
        "agent.tool_result",
        "agent.turn_completed",
    ]
    assert "Tidy up." not in done.stdout


def test_each_line_of_the_copies_makes_a_session() -> None:
    session = Session(Bus(), conversation_id="c-1")
    for line in COPIES.splitlines():
        assert isinstance(eval(line, {"session": session}), Session)


def test_every_fact_is_in_the_table_with_its_attribute() -> None:
    rows = re.findall(r"^\| `(\w+)`.* \| `([\w.]+)` \|$", PAGE, re.MULTILINE)
    assert dict(rows) == dict(ATTRIBUTES)
