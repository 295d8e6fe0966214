"""The examples of ``docs/testing.md`` run as they stand."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import eventbus.testing

pytest_plugins = ["pytester"]

DOCS = Path(__file__).resolve().parent.parent.parent / "docs"
PAGE = (DOCS / "testing.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)

# What a reader of the page has: a program, and a sink of their own.
PROGRAM = """
import aiohttp
import eventbus
from typing import Annotated
from eventbus import Bus, Event, Sensitive, Unavailable
from eventbus.testing import ManualClock, ScriptedSink, check_sink, settled, steps
from eventbus_local import JsonlSettings as MySettings, JsonlSink as MySink

class ToolResult(Event, tag="agent.tool_result"):
    tool_name: str
    success: bool

class Prompt(Event, tag="agent.prompt"):
    length: int
    text: Annotated[str, Sensitive]

class Started(Event):
    pass

emit = eventbus.emitter(ToolResult)

def run_tool(name):
    emit(ToolResult(tool_name=name, success=False))

async def run_agent(client, url):
    call = {"type": "function_call", "call_id": "c1"}
    output = {"type": "function_call_output", "call_id": "c1", "output": "done"}
    for items in ([], [call, output]):
        async with client.post(url, json={"input": items}) as answer:
            await answer.text()
"""
INI = """
[pytest]
asyncio_mode = auto
asyncio_default_fixture_loop_scope = function
filterwarnings = error
"""


def test_each_example_is_a_test_that_passes(pytester: pytest.Pytester) -> None:
    pytester.makeini(INI)
    examples = {f"test_{n}": PROGRAM + block for n, block in enumerate(BLOCKS)}
    pytester.makepyfile(**examples)
    done = pytester.runpytest_subprocess("-p", "no:cacheprovider", "-q")
    done.assert_outcomes(passed=len(BLOCKS))


def test_every_part_of_the_kit_is_on_the_page() -> None:
    beside = {"FarSide", "SinkReport", "SinkViolation", "Tally"}  # of check_sink
    assert len(BLOCKS) >= 10
    values = {"OtlpLog", "OtlpMetric", "OtlpPoint", "OtlpRequest", "OtlpSpan"}
    given = {"BusEvents", "Handshake", "RecordedRequest", "RequestRecorder"}
    named = set(eventbus.testing.__all__) - beside - values - given
    assert [name for name in sorted(named) if name not in PAGE] == []
