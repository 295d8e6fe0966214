"""What the readers make of the recordings that lie in the repository, exactly."""

from __future__ import annotations

from collections import Counter
from typing import Any

import msgspec
import pytest

from eventbus_schemas import (
    AgentResponse,
    ConversationStarts,
    FileChange,
    Reasoning,
    TokenUsage,
    ToolResult,
    TurnCompleted,
    UserPrompt,
)

from ._lines import (
    EXEC_OUTPUTS,
    RECORDINGS,
    ROLLOUTS,
    broken,
    events,
    read_recording,
    recorded,
    records,
    skipped,
)

EVENTS = {
    "rollout-small": {
        "agent.conversation_starts": 1,
        "agent.user_prompt": 1,
        "agent.turn_context": 35,
        "agent.reasoning": 32,
        "agent.token_usage": 35,
        "agent.tool_result": 34,
        "agent.agent_response": 1,
    },
    "rollout-large": {
        "agent.conversation_starts": 1,
        "agent.user_prompt": 13,
        "agent.turn_context": 136,
        "agent.reasoning": 133,
        "agent.token_usage": 132,
        "agent.tool_result": 123,
        "agent.agent_response": 9,
        "agent.turn_aborted": 4,
    },
    "exec-stream-output-1": {
        "agent.conversation_starts": 1,
        "agent.turn_started": 1,
        "agent.reasoning": 1,
        "agent.agent_response": 1,
        "agent.turn_completed": 1,
    },
    "exec-stream-output-2": {
        "agent.conversation_starts": 1,
        "agent.turn_started": 1,
        "agent.reasoning": 1,
        "agent.tool_result": 1,
        "agent.agent_response": 1,
        "agent.turn_completed": 1,
    },
    "exec-stream-output-3": {
        "agent.conversation_starts": 1,
        "agent.turn_started": 1,
        "agent.reasoning": 1,
        "agent.file_change": 1,
        "agent.agent_response": 1,
        "agent.turn_completed": 1,
    },
}
SKIPPED = {
    "rollout-small": {"response_item.message": 3, "response_item.reasoning": 33},
    "rollout-large": {"response_item.message": 24, "response_item.reasoning": 125},
}
LINES = {
    "rollout-small": 209,
    "rollout-large": 823,
    "exec-stream-output-1": 5,
    "exec-stream-output-2": 7,
    "exec-stream-output-3": 6,
}
CALLS_ON_A_LINE_OF_THEIR_OWN = {
    "rollout-small": 34,
    "rollout-large": 123,
    "exec-stream-output-1": 0,
    "exec-stream-output-2": 1,
    "exec-stream-output-3": 0,
}
TOKENS = {  # input, cached input, output, reasoning output, total
    "rollout-small": (536_834, 472_320, 6_654, 4_096, 543_488),
    "rollout-large": (7_494_343, 7_290_112, 99_678, 72_192, 7_594_021),
}
TIMES = {  # first and last, in milliseconds since 1970
    "rollout-small": (1_758_834_734_126, 1_758_834_908_505),
    "rollout-large": (1_758_763_340_083, 1_758_766_221_777),
}
ALL = (*ROLLOUTS, *EXEC_OUTPUTS)


def of_type(name: str, event_type: type[Any]) -> list[Any]:
    return [e for e in events(read_recording(name)) if type(e) is event_type]


def raw_outputs(name: str) -> dict[str, str]:
    payloads = [msgspec.json.decode(line)["payload"] for line in recorded(name)]
    return {
        payload["call_id"]: payload["output"]
        for payload in payloads
        if payload.get("type") == "function_call_output"
    }


@pytest.mark.parametrize("name", ALL)
def test_recording_gives_these_events(name: str) -> None:
    names = Counter(record.name for record in records(read_recording(name)))
    assert names == EVENTS[name]


@pytest.mark.parametrize("name", ALL)
def test_recording_skips_these_kinds(name: str) -> None:
    kinds = Counter(skip.kind for skip in skipped(read_recording(name)))
    assert kinds == SKIPPED.get(name, {})


@pytest.mark.parametrize("name", ALL)
def test_nothing_in_a_recording_is_broken(name: str) -> None:
    assert broken(read_recording(name)) == []


@pytest.mark.parametrize("name", ALL)
def test_every_line_is_accounted_for(name: str) -> None:
    readings = read_recording(name)
    assert len(recorded(name)) == LINES[name]
    assert LINES[name] == (
        len(records(readings))
        + len(skipped(readings))
        + len(broken(readings))
        + CALLS_ON_A_LINE_OF_THEIR_OWN[name]
    )


@pytest.mark.parametrize("name", ROLLOUTS)
def test_tokens_add_up_to_what_the_session_says_at_its_end(name: str) -> None:
    usage = of_type(name, TokenUsage)
    sums = (
        sum(event.input_tokens for event in usage),
        sum(event.cached_input_tokens for event in usage),
        sum(event.output_tokens for event in usage),
        sum(event.reasoning_output_tokens for event in usage),
        sum(event.total_tokens for event in usage),
    )
    assert sums == TOKENS[name]
    last = usage[-1]
    assert TOKENS[name] == (
        last.session_input_tokens,
        last.session_cached_input_tokens,
        last.session_output_tokens,
        last.session_reasoning_output_tokens,
        last.session_total_tokens,
    )


@pytest.mark.parametrize("name", ROLLOUTS)
def test_times_are_the_recording_s_own_to_the_millisecond(name: str) -> None:
    times = [record.time_unix_nano for record in records(read_recording(name))]
    assert (times[0], times[-1]) == tuple(ms * 1_000_000 for ms in TIMES[name])
    assert times == sorted(times)


def test_limits_are_numbers() -> None:
    first = of_type("rollout-large", TokenUsage)[0]
    assert (first.primary_used_percent, first.secondary_used_percent) == (0.0, 0.0)
    assert (first.primary_window_minutes, first.secondary_window_minutes) == (
        299,
        10_079,
    )
    assert first.context_window == 272_000


@pytest.mark.parametrize("name", ROLLOUTS)
def test_a_result_has_the_exit_status_and_duration_that_its_output_reports(
    name: str,
) -> None:
    outputs = raw_outputs(name)
    for result in of_type(name, ToolResult):
        if result.exit_code is None:
            continue
        reported = msgspec.json.decode(outputs[result.call_id])
        assert result.exit_code == reported["metadata"]["exit_code"]
        assert result.duration_ms == reported["metadata"]["duration_seconds"] * 1000
        assert result.duration_source == "reported"
        assert result.output == reported["output"]
        assert result.output_length == len(reported["output"].encode())


def test_results_of_the_large_recording_by_outcome_success_and_exit_code() -> None:
    results = of_type("rollout-large", ToolResult)
    ends = Counter(
        (result.tool_name, result.outcome, result.success, result.exit_code)
        for result in results
    )
    assert ends == {
        ("shell", "completed", True, 0): 108,
        ("shell", "completed", False, 1): 3,
        ("shell", "completed", False, 2): 5,
        ("shell", "could_not_run", False, None): 4,
        ("update_plan", "completed", True, None): 3,
    }
    assert sum(result.duration_ms for result in results) == pytest.approx(25_600.0)


def test_results_of_the_small_recording_all_succeed() -> None:
    results = of_type("rollout-small", ToolResult)
    assert all(result.success and result.exit_code == 0 for result in results)


def test_session_names_its_conversation_version_and_origin() -> None:
    start = records(read_recording("rollout-large"))[0]
    assert isinstance(start.event, ConversationStarts)
    assert start.attributes == {
        "gen_ai.conversation.id": "01997e76-d124-7592-9cac-2ec05abbca08",
        "app.version": "0.40.0",
        "originator": "codex_vscode",
    }


@pytest.mark.parametrize("name", ALL)
def test_every_record_names_its_conversation(name: str) -> None:
    conversations = {
        record.attributes["gen_ai.conversation.id"]
        for record in records(read_recording(name))
    }
    assert len(conversations) == 1


def test_model_is_bound_from_the_first_turn_context_on() -> None:
    readings = records(read_recording("rollout-large"))
    models = [record.attributes.get("gen_ai.request.model") for record in readings]
    assert models == [None] * 2 + ["gpt-5-codex"] * (len(readings) - 2)


@pytest.mark.parametrize("name", ROLLOUTS)
def test_reading_a_session_again_gives_the_same_records(name: str) -> None:
    assert read_recording(name) == read_recording(name)


@pytest.mark.parametrize("name", ROLLOUTS)
def test_ids_are_unique(name: str) -> None:
    ids = [record.id for record in records(read_recording(name))]
    assert len(set(ids)) == len(ids)
    assert "" not in ids


def test_lengths_are_those_of_the_texts() -> None:
    prompts = of_type("rollout-large", UserPrompt)
    assert prompts[0].prompt_length == len(prompts[0].prompt) == 907
    for response in of_type("rollout-large", AgentResponse):
        assert response.response_length == len(response.response.encode())
    for reasoning in of_type("rollout-large", Reasoning):
        assert reasoning.text_length == len(reasoning.text.encode())


def test_command_of_an_exec_output_is_one_result() -> None:
    (result,) = of_type("exec-stream-output-2", ToolResult)
    assert (result.tool_name, result.call_id) == ("command_execution", "item_1")
    assert (result.exit_code, result.success) == (0, True)
    assert (result.arguments, result.arguments_length) == ("xxxx -xx xx", 11)
    assert (result.output_length, result.output_line_count) == (52, 3)
    assert result.duration_ms is None


def test_files_of_an_exec_output_are_counted_by_kind_of_change() -> None:
    (change,) = of_type("exec-stream-output-3", FileChange)
    assert (change.files_added, change.files_updated, change.files_deleted) == (1, 0, 0)
    assert change.paths == "/xxxxxxx/xxx/xxxxx-xxxxxxxx-xxxx/xxxxx.xxx"


@pytest.mark.parametrize(
    ("name", "tokens"),
    [
        ("exec-stream-output-1", (2_946, 0, 7)),
        ("exec-stream-output-2", (6_040, 4_992, 129)),
        ("exec-stream-output-3", (6_008, 4_096, 51)),
    ],
)
@pytest.mark.proves("B21")
def test_turn_of_an_exec_output_has_its_tokens_and_no_others(
    name: str, tokens: tuple[int, int, int]
) -> None:
    (turn,) = of_type(name, TurnCompleted)
    assert (turn.input_tokens, turn.cached_input_tokens, turn.output_tokens) == tokens
    assert turn.reasoning_output_tokens is None


@pytest.mark.parametrize("name", EXEC_OUTPUTS)
def test_exec_output_leaves_times_and_ids_to_the_bus(name: str) -> None:
    for record in records(read_recording(name)):
        assert (record.time_unix_nano, record.id) == (0, "")


def test_recordings_carry_their_licence() -> None:
    note = (RECORDINGS / "README.md").read_text(encoding="utf-8")
    assert "Copyright (c) 2025 Sourceborn" in note
    assert "Permission is hereby granted, free of charge" in note
