"""What a person is told of recorded sessions, held to the recordings themselves."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from eventbus import Event, Record
from eventbus_schemas import (
    ApiRequest,
    CallCancelled,
    McpToolCallResult,
    SessionDigest,
    SseEvent,
    ThreadFailed,
    ThreadStarted,
    ThreadStopped,
    TokenUsage,
    ToolResult,
    TurnAborted,
    TurnCompleted,
    TurnFailed,
    TurnStarted,
    UserPrompt,
    WebsocketConnect,
    WebsocketEvent,
    WebsocketRequest,
    read_codex_exec,
    read_codex_rollout,
)
from eventbus_schemas._digest import MAX_SESSIONS
from eventbus_schemas._session_sums import MAX_JOINED

RECORDINGS = Path(__file__).parents[2] / "examples" / "recordings"


def digest_of(*paths: Path) -> SessionDigest:
    digest = SessionDigest()
    for path in paths:
        stored = path.stem.startswith("rollout")
        reader = read_codex_rollout if stored else read_codex_exec
        readings = reader(path.read_bytes().splitlines(), path=path.name)
        digest.take([one for one in readings if isinstance(one, Record)])
    return digest


def payloads(path: Path) -> Iterator[Any]:
    for line in path.read_text(encoding="utf-8").splitlines():
        yield json.loads(line)["payload"]


def record(event: Event, time_unix_nano: int = 0, session: str = "a") -> Record[Any]:
    bound = {"gen_ai.conversation.id": session}
    return Record(event, time_unix_nano=time_unix_nano, attributes=bound)


def told(events: Iterable[Event]) -> dict[str, Any]:
    digest = SessionDigest()
    digest.take([record(event) for event in events])
    return digest.as_json()


@pytest.mark.parametrize("name", ["rollout-small.jsonl", "rollout-large.jsonl"])
def test_sums_are_those_of_the_recording(name: str) -> None:
    said = digest_of(RECORDINGS / name).as_json()
    lines = list(payloads(RECORDINGS / name))
    calls = ("function_call", "custom_tool_call", "local_shell_call")
    assert said["tool_calls"] == sum(one.get("type") in calls for one in lines)
    assert said["turns"] == sum(one.get("type") == "user_message" for one in lines)
    aborted = sum(one.get("type") == "turn_aborted" for one in lines)
    assert said["turns_aborted"] == aborted
    totals = [
        one["info"]["total_token_usage"]
        for one in lines
        if one.get("type") == "token_count" and one.get("info")
    ]
    assert said["tokens"] == {
        "input": totals[-1]["input_tokens"],
        "cached_input": totals[-1]["cached_input_tokens"],
        "output": totals[-1]["output_tokens"],
    }


def test_lines_for_a_person() -> None:
    assert list(digest_of(RECORDINGS / "rollout-large.jsonl").lines()) == [
        "1 session of 48 min 2 s: 13 turns (4 aborted), "
        "123 tool calls (12 failed; slowest: shell, 4.9 s).",
        "7,494,343 tokens in, 97 % of them cached; 99,678 out.",
    ]
    assert list(digest_of(RECORDINGS / "exec-stream-output-2.jsonl").lines()) == [
        "1 session: 1 turn, 1 tool call.",
        "6,040 tokens in, 83 % of them cached; 129 out.",
    ]


def test_sessions_of_several_recordings_add_up_whatever_each_tells_of() -> None:
    names = "rollout-small", "rollout-large", "exec-stream-output-2"
    paths = [RECORDINGS / f"{name}.jsonl" for name in names]
    assert list(digest_of(*paths).lines()) == [
        "3 sessions of 50 min 56 s: 15 turns (4 aborted), "
        "158 tool calls (12 failed; slowest: shell, 4.9 s).",
        "8,037,217 tokens in, 97 % of them cached; 106,461 out.",
    ]


def test_sessions_beyond_the_bound_count_as_one() -> None:
    digest = SessionDigest()
    ids = range(MAX_SESSIONS + 2)
    digest.take([record(TurnStarted(), session=str(one)) for one in ids])
    said = digest.as_json()
    assert (said["sessions"], said["turns"]) == (MAX_SESSIONS + 1, MAX_SESSIONS + 2)


def test_what_has_no_id_is_a_session_of_its_own() -> None:
    digest = SessionDigest()
    digest.take([record(TurnStarted()), Record(TurnStarted()), Record(TurnStarted())])
    assert (digest.as_json()["sessions"], digest.as_json()["turns"]) == (2, 3)


def test_where_nothing_was_told_nothing_is_said() -> None:
    digest = SessionDigest()
    digest.take([])
    assert list(digest.lines()) == []
    assert digest.as_json() == {}


def test_tokens_that_are_told_twice_count_once() -> None:
    used = TokenUsage(input_tokens=10, cached_input_tokens=4, output_tokens=2)
    answer = SseEvent(outcome="completed", input_tokens=10, output_tokens=2)
    turn = TurnCompleted(input_tokens=10, output_tokens=2)
    finest = {"input": 10, "cached_input": 4, "output": 2}
    coarser = {"input": 10, "cached_input": 0, "output": 2}
    assert told([turn, answer, used])["tokens"] == finest
    assert told([turn, answer])["tokens"] == coarser
    assert told([turn])["tokens"] == coarser
    assert "tokens" not in told([TokenUsage(), TurnCompleted()])
    received = {"input": 0, "cached_input": 0, "output": 2}
    assert told([TokenUsage(output_tokens=2)])["tokens"] == received


def test_each_turn_has_the_tokens_that_its_finest_events_tell() -> None:
    used = TokenUsage(input_tokens=1, output_tokens=1, turn_id="a")
    events = [
        used,
        TurnCompleted(input_tokens=1, output_tokens=1, turn_id="a"),
        TurnCompleted(input_tokens=100, output_tokens=10, turn_id="b"),
    ]
    both = {"input": 101, "cached_input": 0, "output": 11}
    assert told(events)["tokens"] == both
    assert told(reversed(events))["tokens"] == both
    of_uses = {"input": 6, "cached_input": 0, "output": 3}
    untold = TokenUsage(input_tokens=5, output_tokens=2)
    assert told([*events, untold])["tokens"] == of_uses
    assert told([untold, *events])["tokens"] == of_uses


def test_turns_long_past_keep_their_tokens() -> None:
    turns = [str(one) for one in range(3 * MAX_JOINED)]
    events: list[Event] = []
    for turn in turns:
        events.append(TurnCompleted(input_tokens=7, turn_id=turn))
        events.append(TokenUsage(input_tokens=2, turn_id=turn))
    assert told(events)["tokens"]["input"] == 2 * len(turns)


def test_a_call_that_was_cancelled_is_one() -> None:
    digest = SessionDigest()
    cut = CallCancelled(operation="tool_call", duration_ms=5.0, call_id="1")
    other = CallCancelled(operation="request", duration_ms=5.0)
    digest.take([record(cut), record(other)])
    assert digest.as_json()["tool_calls_cancelled"] == 1
    (line,) = digest.lines()
    assert line == "1 session: 0 turns, 1 tool call (1 cancelled)."


def test_calls_over_mcp_count_as_calls_and_once() -> None:
    failed = McpToolCallResult.of("search", success=False, duration_ms=90.0)
    named = McpToolCallResult.of("fetch", success=False, call_id="1")
    again = ToolResult.of("fetch", success=True, call_id="1")
    said = told([failed, named])
    assert (said["tool_calls"], said["tool_calls_failed"]) == (2, 2)
    assert said["slowest_tool_call"]["tool_name"] == "search"
    said = told([failed, named, again])
    assert (said["tool_calls"], said["tool_calls_failed"]) == (2, 1)
    said = told([again, failed, named])
    assert (said["tool_calls"], said["tool_calls_failed"]) == (2, 1)
    many = [
        McpToolCallResult.of("fetch", success=False, call_id=str(one))
        for one in range(2 * MAX_JOINED)
    ]
    said = told(many)
    assert (said["tool_calls"], said["tool_calls_failed"]) == (len(many), len(many))


def test_a_call_over_mcp_is_known_by_its_end_until_64_others_came_to_theirs() -> None:
    ends = [
        ToolResult.of("fetch", success=True, call_id=str(one))
        for one in range(MAX_JOINED)
    ]
    cut_off = CallCancelled(operation="tool_call", duration_ms=1.0, call_id="x")
    first = McpToolCallResult.of("fetch", success=False, call_id="0")
    over_mcp = McpToolCallResult.of("fetch", success=False, call_id="x")
    said = told([*ends, ends[0], first])
    assert said["tool_calls"] == len(ends) + 1
    assert told([*ends, cut_off, first])["tool_calls"] == len(ends) + 2
    assert told([*ends, ends[0], cut_off, first])["tool_calls"] == len(ends) + 2
    assert told([cut_off, over_mcp])["tool_calls"] == 1


def test_threads_alone_are_told_of() -> None:
    digest = SessionDigest()
    begun = ThreadStarted.from_text("hello")
    ends = [ThreadStopped.of("ok"), ThreadStopped.of("error")]
    failed = ThreadFailed.from_text("no")
    digest.take([record(one) for one in (begun, *ends, failed)])
    (line,) = digest.lines()
    assert line == "1 session: 3 threads (2 failed), 0 turns, 0 tool calls."
    assert digest.as_json()["threads"] == 3
    assert digest.as_json()["threads_failed"] == 2


def test_turns_are_those_that_started_else_the_prompts() -> None:
    prompt = UserPrompt.from_text("hello")
    assert told([prompt, prompt])["turns"] == 2
    assert told([prompt, prompt, TurnStarted()])["turns"] == 1
    assert told([prompt, TurnAborted(), TurnAborted()])["turns"] == 2


def test_what_failed_is_counted_by_what_it_was() -> None:
    said = told(
        [
            TurnFailed.from_text("no"),
            TurnAborted(),
            ApiRequest(success=False, duration_ms=1.0),
            ApiRequest(success=True, duration_ms=1.0),
            SseEvent.failed("broken"),
            SseEvent.failed("unread", outcome="parse_failed"),
            ToolResult.of("shell", success=False, duration_ms=20.0),
            ToolResult.of("edit", success=True, duration_ms=30.0),
            ToolResult.of("edit", success=True),
        ]
    )
    assert said == {
        "sessions": 1,
        "turns": 2,
        "turns_failed": 1,
        "turns_aborted": 1,
        "tool_calls": 3,
        "tool_calls_failed": 1,
        "tool_calls_cancelled": 0,
        "requests_failed": 1,
        "streams_failed": 2,
        "slowest_tool_call": {"tool_name": "edit", "seconds": 0.03},
    }


def test_failures_beside_turns_and_tools_have_a_line() -> None:
    digest = SessionDigest()
    failed = ApiRequest(success=False, duration_ms=1.0)
    digest.take([record(failed), record(failed), record(SseEvent.failed("no"))])
    assert list(digest.lines())[-1] == "Failed: 2 requests, 1 answer."


def test_what_failed_over_a_websocket_is_counted_and_its_close_is_no_failure() -> None:
    sent = WebsocketRequest(success=True, duration_ms=1.0)
    last = WebsocketEvent(success=True, duration_ms=1.0, kind="response.completed")
    ended = WebsocketEvent.failed("closed by the server", duration_ms=1.0)
    failed = WebsocketEvent.failed("no", kind="response.failed", duration_ms=1.0)
    counts = {
        (0, 0): [sent, last, ended],
        (0, 1): [sent, ended, ended],
        (0, 2): [sent, failed, ended, failed],
        (1, 0): [WebsocketRequest(success=False, duration_ms=1.0), ended],
        (2, 1): [
            *(WebsocketConnect(success=False, duration_ms=1.0),) * 2,
            *(sent, last, sent, ended),
        ],
    }
    for (requests, streams), events in counts.items():
        said = told(events)
        assert (said["requests_failed"], said["streams_failed"]) == (requests, streams)


def test_time_is_from_the_first_record_to_the_last_whatever_their_order() -> None:
    digest = SessionDigest()
    started = [
        record(TurnStarted(), time) for time in (5 * 10**9, 2 * 10**9, 3 * 10**9)
    ]
    digest.take(started)
    assert digest.as_json()["seconds"] == 3.0


@pytest.mark.parametrize(
    ("milliseconds", "words"),
    [
        (0.4, "0 ms"),
        (999.4, "999 ms"),
        (1_000.0, "1.0 s"),
        (119_940.0, "119.9 s"),
        (120_000.0, "2 min 0 s"),
        (3_599_400.0, "59 min 59 s"),
        (3_600_000.0, "1 h 0 min"),
    ],
)
def test_durations_are_told_as_a_person_would(milliseconds: float, words: str) -> None:
    digest = SessionDigest()
    result = ToolResult.of("shell", success=True, duration_ms=milliseconds)
    digest.take([record(result)])
    (line,) = digest.lines()
    assert line == f"1 session: 0 turns, 1 tool call (slowest: shell, {words})."


def test_sessions_are_told_apart_by_their_ids() -> None:
    digest = SessionDigest()
    digest.take([record(TurnStarted(), session=one) for one in "abac"])
    assert digest.as_json()["sessions"] == 3
    (line,) = digest.lines()
    assert line == "3 sessions: 4 turns, 0 tool calls."
