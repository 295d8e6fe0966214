"""A session's spans come of its recorded starts and ends as they came of itself."""

from __future__ import annotations

import asyncio
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from eventbus import Bus
from eventbus.testing import OtlpCollector
from eventbus_schemas import Session

pytest.importorskip("aiohttp", reason="aiohttp is not installed: make installs it")
pytest.importorskip("opentelemetry.proto", reason="make installs it")

LIVE = """
[bus]
resource = {{ "service.name" = "agent" }}

[sinks.otlp]
endpoint = "{url}"
signals = ["logs", "traces"]
"""
FILE = """
[sinks.file]
type = "jsonl"
path = "{path}"
write_resource = true
"""


async def session_on(bus: Bus) -> None:
    """Run a session with ends of every kind, one of them in another task."""
    session = Session(bus, conversation_id="c-1", model="m")
    with session.thread("What now?", workflow="w") as thread:
        thread.learned(thread_id="th-1")
        with thread.turn("t-1") as turn:
            await asyncio.gather(*(called(turn, name) for name in ("a", "b")))
            turn.completed(input_tokens=7)
        with suppress(ZeroDivisionError), thread.turn("t-2") as turn:
            with turn.approval("c") as approval:
                approval.decided("denied")
            turn.tool_could_not_run("c", "denied")
            raise ZeroDivisionError
    with suppress(TimeoutError):
        async with asyncio.timeout(0.01):
            with session.turn("t-3") as turn, turn.tool_call("d"):
                await asyncio.Event().wait()
    with session.thread("untold", tracing_disabled=True) as thread, thread.turn():
        thread.tool_result("untold", success=True)


async def called(turn: Session, name: str) -> None:
    with turn.tool_call(name) as call, call.tool_call(f"{name}-within"):
        await asyncio.sleep(0)


async def run_over(config: Path, events: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "eventbus", "run", config, "--input", events),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await process.communicate()
    assert process.returncode == 0, said.decode()


@pytest.mark.proves("J7")
async def test_spans_of_a_recording_are_those_of_the_session(tmp_path: Path) -> None:
    events, live, later = (
        tmp_path / name for name in ("events.jsonl", "live.toml", "later.toml")
    )
    async with OtlpCollector() as first, OtlpCollector() as second:
        live.write_text(LIVE.format(url=first.url) + FILE.format(path=events))
        later.write_text(LIVE.format(url=second.url))
        async with Bus.from_config(live) as bus:
            await session_on(bus)
            assert (await bus.flush()).complete
        await run_over(later, events)
        spans, again = first.spans, second.spans
    assert sorted(again, key=repr) == sorted(spans, key=repr)
    by_id = {span.span_id: span for span in spans}
    assert len(by_id) == len(spans) == 10
    above = {
        (span.name, by_id[span.parent_span_id].name if span.parent_span_id else "")
        for span in spans
    }
    assert above == {
        ("thread", ""),
        ("turn", "thread"),
        ("turn", ""),
        ("execute_tool a", "turn"),
        ("execute_tool a-within", "execute_tool a"),
        ("execute_tool b", "turn"),
        ("execute_tool b-within", "execute_tool b"),
        ("execute_tool c", "turn"),
        ("cancelled tool_call", "turn"),
    }
    statuses = [span.status for span in spans if span.name == "turn"]
    assert statuses == ["ok", "error", "error"]
    (failed,) = [span for span in spans if span.events]
    assert dict(failed.events[0].attributes) == {"exception.type": "ZeroDivisionError"}
    for span in spans:
        parent = by_id.get(span.parent_span_id)
        assert parent is None or parent.trace_id == span.trace_id
