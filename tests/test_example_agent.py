"""The example agent: a real process against its model, and a collector beside it."""

from __future__ import annotations

import asyncio
import json
import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from eventbus.testing import OtlpCollector, OtlpLog, OtlpMetric, OtlpPoint, OtlpSpan
from tests._agent_programs import AGENT, ENDS
from tests._program import PATIENCE_SECONDS, SLOWNESS, lines_of

TOKENS = {
    "input": "gen_ai.usage.input_tokens",
    "cached_input": "gen_ai.usage.cache_read.input_tokens",
    "output": "gen_ai.usage.output_tokens",
}
EVENT = re.compile(r"^[0-9:.]+ [A-Z]+ +agent\..*\n?", re.MULTILINE)
CONTENT = {
    "prompt": "What are my notes about?",
    "arguments": "notes.txt",
    "output": "A grey heron",
    "error of a tool": "No such file",
    "refusal": "the user denied it",
    "answer": "I left the draft alone",
}

pytestmark = pytest.mark.timeout(60)
for package in ("httpx", "aiohttp", "opentelemetry.proto"):
    pytest.importorskip(package, reason=f"{package} is not installed: make installs it")


class Run(NamedTuple):
    """What one run of the example left behind."""

    status: int
    said: list[str]
    console: list[str]
    complained: str
    lines: list[dict[str, Any]]
    logs: list[OtlpLog]
    spans: list[OtlpSpan]
    metrics: list[OtlpMetric]

    def of(self, name: str) -> list[OtlpLog]:
        return [log for log in self.logs if log.name == name]

    def named(self, start: str) -> list[OtlpSpan]:
        return [span for span in self.spans if span.name.startswith(start)]

    def points(self, name: str) -> tuple[OtlpPoint, ...]:
        """Return the points of a metric, of which there is one."""
        (metric,) = [one for one in self.metrics if one.name == name]
        return metric.points


async def run_agent(events: Path, **environment: str) -> Run:
    async with OtlpCollector() as collector:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-W", "error", "-m", "agent"),
            cwd=AGENT,
            env={
                **os.environ,
                "AGENT_OTLP": "true",
                "AGENT_EVENTS": str(events),
                "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url,
                **environment,
            },
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        async with asyncio.timeout(PATIENCE_SECONDS):
            said, shown = await process.communicate()
        assert process.returncode is not None
        return Run(
            status=process.returncode,
            said=said.decode().splitlines(),
            console=[line for line in shown.decode().splitlines() if EVENT.match(line)],
            complained=SLOWNESS.sub("", EVENT.sub("", shown.decode())),
            lines=lines_of(events),
            logs=collector.logs,
            spans=collector.spans,
            metrics=collector.metrics,
        )


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return asyncio.run(run_agent(tmp_path_factory.mktemp("agent") / "session.jsonl"))


def test_it_runs_its_three_turns_and_says_what_happens(run: Run) -> None:
    assert (run.status, run.complained) == (0, "")
    assert run.said == [
        "model: Your notes are about a heron by the river.",
        "model: They are two lines; I left the draft alone.",
        "model: Once upon a",
    ]
    names = [line.split()[2] for line in run.console]
    assert names == [
        line["name"] for line in run.lines if line["name"] != "agent.sse_event"
    ]


@pytest.mark.proves("H15")
def test_tools_are_as_many_in_the_file_the_logs_the_spans_and_the_metrics(
    run: Run,
) -> None:
    in_file = Counter(
        (line["event"]["tool_name"], line["event"]["success"])
        for line in run.lines
        if line["name"] == "agent.tool_result"
    )
    assert in_file == {
        ("list_files", True): 1,
        ("read_file", True): 1,
        ("read_file", False): 1,
        ("run_command", True): 1,
        ("run_command", False): 1,
    }
    spans = run.named("execute_tool ")
    assert Counter(map(tool_of, run.of("agent.tool_result"))) == in_file
    assert Counter(map(tool_of, spans)) == in_file
    counted = Counter[tuple[str, bool]]()
    for point in run.points("agent.tool_result"):
        counted[tool_of(point)] += int(point.value or 0)
    assert counted == in_file
    for span in spans:
        assert span.name == f"execute_tool {span.attributes['gen_ai.tool.name']}"
        assert span.status == ("ok" if span.attributes["success"] else "error")


def tool_of(one: OtlpLog | OtlpSpan | OtlpPoint) -> tuple[str, bool]:
    return one.attributes["gen_ai.tool.name"], one.attributes["success"]


@pytest.mark.proves("H15")
def test_tokens_of_the_events_are_the_sums_of_the_histograms(run: Run) -> None:
    pieces = tokens_told(run.of("agent.sse_event"))
    assert pieces == {"input": 7500, "cached_input": 2100, "output": 141}
    assert tokens_counted(run, "agent.sse_event") == pieces
    assert tokens_told(run.of("agent.turn_completed")) == pieces
    assert tokens_counted(run, "agent.turn_completed") == pieces


def tokens_told(logs: Iterable[OtlpLog]) -> dict[str, int]:
    told = [log.attributes for log in logs]
    return {
        kind: sum(attributes.get(name, 0) for attributes in told)
        for kind, name in TOKENS.items()
    }


def tokens_counted(run: Run, event: str) -> dict[str, float | None]:
    sums = {
        point.attributes["gen_ai.token.type"]: point.sum
        for point in run.points(f"{event}.tokens")
    }
    return {kind: sums[kind] for kind in TOKENS}


@pytest.mark.proves("B7")
def test_the_wait_for_the_first_text_is_told_where_there_is_one(run: Run) -> None:
    name = "time_to_first_token"
    told = [log.attributes.get(f"{name}_ms") for log in run.of("agent.sse_event")]
    waits = [milliseconds for milliseconds in told if milliseconds is not None]
    (point,) = run.points(f"agent.sse_event.{name}")
    assert point.count == len(waits) == 2
    assert point.sum == pytest.approx(sum(waits) / 1_000)


@pytest.mark.proves("J7")
def test_what_happens_in_a_turn_is_below_its_span(run: Run) -> None:
    turns = {span.attributes["turn_id"]: span for span in run.named("turn")}
    assert len(turns) == len(run.named("turn")) == 3
    assert len({turn.trace_id for turn in turns.values()}) == 3
    assert [turn.parent_span_id for turn in turns.values()] == ["", "", ""]
    assert len(run.named("execute_tool ")) == 5
    for tool in run.named("execute_tool "):
        turn = turns[tool.attributes["turn_id"]]
        assert (tool.trace_id, tool.parent_span_id) == (turn.trace_id, turn.span_id)
    inside = [*run.of("agent.api_request"), *run.of("agent.sse_event")]
    for log in inside:
        turn = turns[log.attributes["turn_id"]]
        assert (log.trace_id, log.span_id) == (turn.trace_id, turn.span_id)


@pytest.mark.proves("C3")
def test_every_turn_has_one_end_the_cancelled_one_too(run: Run) -> None:
    starts = [log.attributes for log in run.of("agent.turn_started")]
    ends = [log for log in run.logs if log.name in ENDS]
    assert [end.name for end in ends] == [
        "agent.turn_completed",
        "agent.turn_completed",
        "agent.turn_aborted",
    ]
    for joined in ("turn_id", "span_token"):
        assert [s[joined] for s in starts] == [e.attributes[joined] for e in ends]
    assert ends[2].attributes["reason"] == "interrupted"
    (cut_off,) = run.of("agent.call_cancelled")
    assert cut_off.attributes["operation"] == "sse_poll"
    assert cut_off.attributes["turn_id"] == ends[2].attributes["turn_id"]
    assert [span.status for span in run.named("turn")] == ["ok", "ok", "error"]


@pytest.mark.proves("C3")
def test_every_call_that_began_has_one_end_and_what_was_refused_never_began(
    run: Run,
) -> None:
    starts = [log.attributes["span_token"] for log in run.of("agent.tool_started")]
    results = [log.attributes for log in run.of("agent.tool_result")]
    ends = [one["span_token"] for one in results if "span_token" in one]
    assert starts == ends
    assert len(starts) == 4
    (refused,) = [one for one in results if "span_token" not in one]
    assert refused["outcome"] == "could_not_run"


def test_a_call_that_was_denied_did_not_run(run: Run) -> None:
    decided = {
        log.attributes["gen_ai.tool.call.id"]: log.attributes["outcome"]
        for log in run.of("agent.approval_decided")
    }
    assert sorted(decided.values()) == ["approved", "denied"]
    assert len(run.of("agent.approval_requested")) == 2
    (denied,) = [call for call, outcome in decided.items() if outcome == "denied"]
    (result,) = [
        log.attributes
        for log in run.of("agent.tool_result")
        if log.attributes["gen_ai.tool.call.id"] == denied
    ]
    assert (result["success"], result["outcome"]) == (False, "could_not_run")


def test_a_request_that_is_tried_again_keeps_its_id(run: Run) -> None:
    attempts: dict[str, list[tuple[int, int, bool]]] = {}
    for log in run.of("agent.api_request"):
        told = log.attributes
        attempt = told["attempt"], told["http.response.status_code"], told["success"]
        attempts.setdefault(told["request_id"], []).append(attempt)
    first, *others = attempts.values()
    assert first == [(0, 500, False), (1, 200, True)]
    assert others == [[(0, 200, True)]] * 6
    counted = run.points("agent.api_request")
    assert sum(int(point.value or 0) for point in counted) == 8


@pytest.mark.proves("B22")
def test_turn_request_and_call_are_joined_in_every_signal(run: Run) -> None:
    turn_of = {
        log.attributes["request_id"]: log.attributes["turn_id"]
        for log in run.of("agent.api_request")
    }
    assert len(turn_of) == 7
    assert set(turn_of.values()) == {
        log.attributes["turn_id"] for log in run.of("agent.turn_started")
    }
    for event in ("agent.sse_event", "agent.tool_result", "agent.call_cancelled"):
        for log in run.of(event):
            assert turn_of[log.attributes["request_id"]] == log.attributes["turn_id"]
    results = ids(run.of("agent.tool_result"))
    assert len(set(results)) == 5
    assert ids(run.named("execute_tool ")) == results
    decisions = [one[0] for one in ids(run.of("agent.tool_decision"))]
    assert decisions == [one[0] for one in results]
    conversations = {log.attributes["gen_ai.conversation.id"] for log in run.logs}
    assert len(conversations) == 1
    in_file = [line["id"] for line in run.lines]
    assert in_file == [log.attributes["log.record.uid"] for log in run.logs]


def ids(found: Iterable[OtlpLog | OtlpSpan]) -> list[tuple[str, ...]]:
    names = ("gen_ai.tool.call.id", "turn_id", "request_id")
    return [tuple(one.attributes.get(name, "") for name in names) for one in found]


@pytest.mark.parametrize("what", CONTENT)
def test_what_was_said_leaves_on_no_route(what: str, run: Run) -> None:
    for route in (run.console, run.lines, run.logs, run.spans, run.metrics):
        assert route
        assert CONTENT[what] not in str(route)


@pytest.mark.proves("H15")
def test_a_summary_of_the_file_agrees_too(run: Run, tmp_path: Path) -> None:
    events, config = tmp_path / "session.jsonl", tmp_path / "eventbus.toml"
    events.write_text("".join(f"{json.dumps(line)}\n" for line in run.lines))
    copy = tmp_path / "copy.jsonl"
    config.write_text(f'[sinks.copy]\ntype = "jsonl"\npath = "{copy}"\n')
    done = subprocess.run(
        [sys.executable, "-m", "eventbus", "run", config, "--input", events],
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
    )
    told = done.stdout + done.stderr
    assert "3 turns (1 aborted), 5 tool calls (2 failed; slowest: " in told
    assert "7,500 tokens in, 28 % of them cached; 141 out." in told
    assert "Failed: 1 request." in told


def test_what_was_said_is_there_where_it_is_asked_for(tmp_path: Path) -> None:
    events, config = tmp_path / "session.jsonl", tmp_path / "eventbus.toml"
    config.write_text(
        f"""
        [sinks.session]
        type = "jsonl"
        path = "{events}"
        content = "full"
        """
    )
    run = asyncio.run(run_agent(events, AGENT_EVENTBUS=str(config)))
    for phrase in CONTENT.values():
        assert phrase in str(run.lines)
