"""What each line of a stored session becomes, on lines written by hand."""

from __future__ import annotations

from typing import Any

import pytest

from eventbus import Skipped
from eventbus_schemas import (
    RateLimits,
    Reasoning,
    TokenUsage,
    ToolResult,
    TurnAborted,
    TurnContext,
    UserPrompt,
)

from ._lines import (
    AT_UNIX_NANO,
    broken,
    call,
    command_output,
    events,
    item,
    line,
    meta,
    output,
    records,
    rollout,
    shown,
    skipped,
)


def result(*lines: bytes) -> ToolResult:
    (event,) = events(rollout(*lines))
    assert isinstance(event, ToolResult)
    return event


def tokens(total: int, **last: int) -> dict[str, object]:
    return {"total_token_usage": {"total_tokens": total}, "last_token_usage": last}


@pytest.mark.parametrize(
    ("text", "unix_nano"),
    [
        ("2025-09-25T01:22:20.083Z", AT_UNIX_NANO),
        ("2025-09-25T03:22:20.083+02:00", AT_UNIX_NANO),
        ("2025-09-25T01:22:20.083001Z", AT_UNIX_NANO + 1_000),
        ("2025-09-25T01:22:20Z", AT_UNIX_NANO - 83_000_000),
        ("2262-04-11T23:47:16.854775Z", 9_223_372_036_854_775_000),
        ("1970-01-01T00:00:00.001Z", 1_000_000),
    ],
)
def test_time_is_exact(text: str, unix_nano: int) -> None:
    (record,) = records(rollout(shown("agent_message", message="x", at=text)))
    assert record.time_unix_nano == unix_nano


@pytest.mark.parametrize(
    "text",
    [
        "1970-01-01T00:00:00Z",
        "1969-12-31T23:59:59Z",
        "2262-04-11T23:47:17Z",
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-14:00",
    ],
)
def test_time_out_of_range_is_broken(text: str) -> None:
    (fault,) = broken(rollout(shown("agent_message", message="x", at=text)))
    assert fault.reason == (
        f"expected a time from 1970 to 2262, got the year {int(text[:4])} "
        "- at `$.timestamp`"
    )


def test_call_and_output_become_one_result_at_the_output_s_line_and_time() -> None:
    (record,) = records(
        rollout(
            meta("s-1"),
            call("c-1", arguments='{"command":["ls"]}', at="2025-09-25T01:22:20Z"),
            output("c-1", command_output("é\n", seconds=0.3)),
        )
    )[1:]
    assert record.event == ToolResult(
        tool_name="shell",
        success=True,
        duration_ms=300.0,
        duration_source="reported",
        exit_code=0,
        call_id="c-1",
        arguments='{"command":["ls"]}',
        arguments_length=18,
        output="é\n",
        output_length=3,
        output_line_count=1,
    )
    assert (record.time_unix_nano, record.id) == (AT_UNIX_NANO, "s-1:3")


def test_outputs_find_their_calls_in_any_order() -> None:
    readings = events(
        rollout(call("a", name="x"), call("b", name="y"), output("b"), output("a"))
    )
    assert [(e.tool_name, e.call_id) for e in readings] == [("y", "b"), ("x", "a")]


def test_failed_command_is_a_warning_with_its_exit_status() -> None:
    event = result(call("c"), output("c", command_output("", exit_code=2)))
    assert (event.success, event.exit_code, event.severity) == (False, 2, "warn")


def test_without_a_reported_duration_the_time_between_the_lines_counts() -> None:
    event = result(
        call("c", name="update_plan", at="2025-09-25T01:22:20.083Z"),
        output("c", "done", at="2025-09-25T01:22:21.583Z"),
    )
    assert (event.duration_ms, event.duration_source) == (1_500.0, "timestamps")


@pytest.mark.proves("B21")
def test_an_output_before_its_call_has_no_duration_instead_of_zero() -> None:
    event = result(
        call("c", name="update_plan", at="2025-09-25T01:22:21Z"),
        output("c", "done", at="2025-09-25T01:22:20Z"),
    )
    assert (event.duration_ms, event.duration_source) == (None, None)


def test_call_without_output_is_a_result_without_output_at_the_call_s_time() -> None:
    (record,) = records(rollout(meta("s-1"), call("c", arguments="abc")))[1:]
    assert record.event == ToolResult(
        tool_name="shell",
        success=False,
        outcome="no_output",
        call_id="c",
        arguments="abc",
        arguments_length=3,
        severity="warn",
    )
    assert (record.time_unix_nano, record.id) == (AT_UNIX_NANO, "s-1:2")


def test_call_left_open_belongs_to_its_own_session() -> None:
    conversations = [
        (record.name, record.attributes["gen_ai.conversation.id"])
        for record in records(rollout(meta("s-1"), call("c"), meta("s-2")))
    ]
    assert conversations == [
        ("agent.conversation_starts", "s-1"),
        ("agent.tool_result", "s-1"),
        ("agent.conversation_starts", "s-2"),
    ]


def test_output_without_a_call_is_broken() -> None:
    (fault,) = broken(rollout(output("c")))
    assert fault.reason == (
        "expected the output of a call that waits for it, got one whose call is not "
        "there or has its output - at `$.payload.call_id`"
    )


def test_second_output_of_a_call_is_broken_and_counts_no_second_result() -> None:
    readings = rollout(call("c"), output("c"), output("c"))
    assert len(records(readings)) == 1
    assert [fault.line for fault in broken(readings)] == [3]


def test_second_call_of_one_id_is_broken_while_the_first_waits() -> None:
    readings = rollout(call("c", name="first"), call("c", name="second"), output("c"))
    (fault,) = broken(readings)
    assert (fault.line, fault.reason) == (
        2,
        "expected a call with an id of its own, got one whose id belongs to a call "
        "that still waits for its output",
    )
    assert [event.tool_name for event in events(readings)] == ["first"]


def test_tool_with_text_input_is_joined_like_any_other() -> None:
    event = result(
        item("custom_tool_call", call_id="c", name="apply_patch", input="*** Begin"),
        item("custom_tool_call_output", call_id="c", output="ok"),
    )
    assert (event.tool_name, event.arguments, event.output) == (
        "apply_patch",
        "*** Begin",
        "ok",
    )


def test_built_in_shell_is_joined_like_any_other() -> None:
    event = result(
        item("local_shell_call", call_id="c", action={"command": ["ls"]}),
        output("c", command_output("")),
    )
    assert (event.tool_name, event.arguments) == ("local_shell", '{"command":["ls"]}')


def test_output_in_parts_is_joined_by_line_breaks() -> None:
    parts = [{"type": "input_text", "text": "a"}, {"type": "input_text", "text": "b"}]
    assert result(call("c", name="view"), output("c", parts)).output == "a\nb"


def test_an_image_in_an_output_adds_no_line() -> None:
    image = {"type": "input_image", "image_url": "data:,"}
    parts = [image, {"type": "input_text", "text": "a"}, image]
    event = result(call("c", name="view_image"), output("c", parts))
    assert (event.output, event.output_length, event.output_line_count) == ("a", 1, 1)


def test_tokens_told_twice_are_counted_once() -> None:
    limits = {"primary_used_percent": 7.5}
    usage = tokens(10, input_tokens=8, output_tokens=2)
    readings = rollout(
        shown("token_count", info=usage),
        shown("token_count", info=usage),
        shown("token_count", info=usage, rate_limits=limits),
        shown("token_count", info=tokens(15, input_tokens=5)),
    )
    assert [type(event) for event in events(readings)] == [
        TokenUsage,
        RateLimits,
        TokenUsage,
    ]
    assert [skip.kind for skip in skipped(readings)] == [
        "event_msg.token_count.repeated"
    ]


WINDOW = {"used_percent": 12.5, "window_minutes": 300, "resets_at": 5}
PRIMARY = {"primary_window_minutes": 300}
SECONDARY = {"secondary_window_minutes": 300}


@pytest.mark.parametrize(
    ("told", "limits"),
    [
        ({"primary": WINDOW}, {"primary_used_percent": 12.5, **PRIMARY}),
        ({"secondary": WINDOW}, {"secondary_used_percent": 12.5, **SECONDARY}),
        (
            {"primary": WINDOW, "secondary": {"used_percent": 1}},
            {"primary_used_percent": 12.5, "secondary_used_percent": 1.0, **PRIMARY},
        ),
        (PRIMARY, PRIMARY),
    ],
)
def test_limits_without_tokens_are_an_event_of_their_own(
    told: dict[str, Any], limits: dict[str, Any]
) -> None:
    # Any: limits in either form, and fields of the event.
    readings = rollout(shown("token_count", info=None, rate_limits=told))
    assert events(readings) == [RateLimits(**limits)]


@pytest.mark.proves("B21")
def test_tokens_that_are_zero_differ_from_tokens_not_told() -> None:
    (event,) = events(rollout(shown("token_count", info=tokens(0, input_tokens=0))))
    assert isinstance(event, TokenUsage)
    assert (event.input_tokens, event.output_tokens) == (0, None)


def test_usage_names_the_model_of_the_last_turn_context() -> None:
    (_, usage) = events(
        rollout(
            line("turn_context", {"model": "m-1"}),
            shown("token_count", info=tokens(1, input_tokens=1)),
        )
    )
    assert isinstance(usage, TokenUsage)
    assert usage.model == "m-1"


@pytest.mark.parametrize(
    ("given", "sandbox"),
    [
        ({"mode": "read-only"}, "read-only"),
        ({"type": "workspace-write"}, "workspace-write"),
        ({"mode": "made-up"}, "other"),
        ({}, "other"),
        (None, None),
    ],
)
def test_sandbox_policy_is_one_of_few(
    given: dict[str, str] | None, sandbox: str | None
) -> None:
    payload = {"sandbox_policy": given, "approval_policy": "sometimes"}
    (event,) = events(rollout(line("turn_context", payload)))
    assert isinstance(event, TurnContext)
    assert (event.sandbox_policy, event.approval_policy) == (sandbox, "other")


def test_a_context_is_told_as_each_line_has_it() -> None:
    given = [{"cwd": "/a"}, {"cwd": "/a"}, {"cwd": "/b"}, {}, {"cwd": "/a"}]
    found = events(rollout(*(line("turn_context", one) for one in given)))
    assert [one.working_directory for one in found if isinstance(one, TurnContext)] == [
        *("/a", "/a", "/b", None, "/a")
    ]


@pytest.mark.parametrize(
    ("given", "reason"), [("interrupted", "interrupted"), ("a whim", "other")]
)
def test_reason_of_an_abort_is_one_of_few(given: str, reason: str) -> None:
    (event,) = events(rollout(shown("turn_aborted", reason=given)))
    assert event == TurnAborted(reason=reason)  # type: ignore[arg-type]  # the claim


def test_what_the_model_is_told_again_is_no_second_event() -> None:
    readings = rollout(
        shown("agent_reasoning", text="a"),
        item("reasoning", summary=[{"type": "summary_text", "text": "a"}]),
        shown("user_message", message="b", kind="plain"),
        item("message", role="user", content=[{"type": "input_text", "text": "b"}]),
    )
    assert events(readings) == [
        Reasoning.from_text("a"),
        UserPrompt(prompt="b", prompt_length=1),
    ]
    assert skipped(readings) == [
        Skipped("response_item.reasoning", "rollout.jsonl", 2),
        Skipped("response_item.message", "rollout.jsonl", 4),
    ]


def test_what_the_agent_tells_the_model_is_no_prompt() -> None:
    readings = rollout(shown("user_message", message="x", kind="environment_context"))
    assert events(readings) == []
    assert [skip.kind for skip in skipped(readings)] == [
        "event_msg.user_message.environment_context"
    ]


def test_images_of_a_prompt_are_counted() -> None:
    (event,) = events(
        rollout(shown("user_message", message="x", images=["a", "b"], local_images=[]))
    )
    assert isinstance(event, UserPrompt)
    assert (event.image_input_count, event.local_image_input_count) == (2, 0)


def test_without_a_session_line_records_have_no_ids_and_no_conversation() -> None:
    (record,) = records(rollout(shown("agent_message", message="x")))
    assert (record.id, dict(record.attributes)) == ("", {})


def test_records_share_their_attributes_until_the_model_changes() -> None:
    same, other = ({"model": name} for name in ("m-1", "m-2"))
    _, first, second, third = records(
        rollout(meta(), *(line("turn_context", model) for model in (same, same, other)))
    )
    assert first.attributes is second.attributes
    assert third.attributes["gen_ai.request.model"] == "m-2"


def test_next_session_begins_without_model_and_totals_of_the_one_before() -> None:
    usage = shown("token_count", info=tokens(10, input_tokens=10))
    *_, last = records(
        rollout(
            meta("s-1"), line("turn_context", {"model": "m"}), usage, meta("s-2"), usage
        )
    )
    assert last.event == TokenUsage(input_tokens=10, session_total_tokens=10)
    assert dict(last.attributes) == {"gen_ai.conversation.id": "s-2"}
