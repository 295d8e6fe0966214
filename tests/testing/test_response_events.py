"""The streams that builders make, to the byte."""

from __future__ import annotations

import base64
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest

from eventbus.testing import responses

GOLDEN = Path(__file__).parent / "golden"


@pytest.mark.proves("L1")
def test_a_stream_of_each_event_is_the_golden_one_to_the_byte() -> None:
    built = responses.sse(
        [
            responses.ev_response_created("r1"),
            responses.ev_assistant_message("m1", 'Grüße, "welt"\n'),
            responses.ev_function_call("c1", "shell", '{"command":["ls"]}'),
            responses.ev_custom_tool_call("c2", "edit", "a b"),
            responses.ev_local_shell_call("c3", "completed", ["echo", "hi"]),
            responses.ev_apply_patch_custom_tool_call("c4", "*** Begin Patch"),
            responses.ev_apply_patch_function_call("c5", "*** Begin\nPatch"),
            responses.ev_completed("r1"),
            responses.ev_completed_with_tokens("r2", 42),
            {"type": "keepalive"},
        ]
    )
    assert built.encode() == (GOLDEN / "responses.sse").read_bytes()


@pytest.mark.proves("L1")
def test_a_stream_of_the_further_events_is_the_golden_one_to_the_byte() -> None:
    built = responses.sse(
        [
            responses.ev_model_verification_metadata("r1", ["id"]),
            responses.ev_message_item_added("m1", "He"),
            responses.ev_output_text_delta("llo"),
            responses.ev_reasoning_item_added("t1", ["why"]),
            responses.ev_reasoning_summary_text_delta("w"),
            responses.ev_reasoning_text_delta("h"),
            responses.ev_web_search_call_added_partial("w1", "in_progress"),
            responses.ev_web_search_call_done("w1", "completed", "x"),
            responses.ev_image_generation_call("i1", "completed", "a cat", "Zm9v"),
            responses.ev_function_call_with_namespace("c1", "files", "read", "{}"),
            responses.ev_tool_search_call("c2", {"query": "calendar"}),
            responses.ev_shell_command_call("c3", "ls"),
            responses.ev_shell_command_call_with_args(
                "c4", {"command": "ls", "timeout_ms": 5}
            ),
            responses.ev_apply_patch_shell_command_call_via_heredoc(
                "c5", "*** Begin Patch"
            ),
        ]
    )
    built += responses.sse_failed("r1", "rate_limit", "slow down")
    assert built.encode() == (GOLDEN / "responses_more.sse").read_bytes()


@pytest.mark.proves("L1")
@pytest.mark.parametrize("event", [{}, {"type": ""}, {"type": 1, "data": 2}])
def test_an_event_without_a_type_is_refused_with_its_place(event: object) -> None:
    with pytest.raises(
        ValueError, match=r"events\[1\] must have a type of one line, got"
    ):
        responses.sse([{"type": "ok"}, event])  # type: ignore[list-item]


@pytest.mark.proves("L1")
@pytest.mark.parametrize(
    ("events", "words"),
    [
        (responses.ev_completed("r"), r"events must be a list of events, got \{'type'"),
        ("data: x", "events must be a list of events, got 'data: x'"),
        ([{"type": "ok"}, "x"], r"events\[1\] must be an object, got 'x'"),
    ],
)
def test_what_is_no_list_of_events_is_refused(events: Any, words: str) -> None:
    with pytest.raises(TypeError, match=words):
        responses.sse(events)


def test_a_type_of_two_lines_would_be_two_fields() -> None:
    with pytest.raises(ValueError, match=r"a type of one line, got 'a\\nb'"):
        responses.sse([{"type": "a\nb"}])


@pytest.mark.proves("L1")
def test_tokens_are_told_by_their_parts() -> None:
    event = responses.ev_completed_with_tokens(
        "r1", 100, output_tokens=30, cached_tokens=70, reasoning_tokens=30
    )
    assert event["response"]["usage"] == {
        "input_tokens": 70,
        "input_tokens_details": {"cached_tokens": 70},
        "output_tokens": 30,
        "output_tokens_details": {"reasoning_tokens": 30},
        "total_tokens": 100,
    }
    none = responses.ev_completed_with_tokens("r1", 0, cached_tokens=0)
    assert none["response"]["usage"]["input_tokens_details"] == {"cached_tokens": 0}
    assert none["response"]["usage"]["output_tokens_details"] is None


@pytest.mark.parametrize(
    ("total", "parts", "words"),
    [
        (-1, {}, "total_tokens must be >= 0, got -1"),
        (5, {"output_tokens": 6}, "output_tokens must be between 0 and 5, got 6"),
        (5, {"cached_tokens": 6}, "cached_tokens must be between 0 and 5, got 6"),
        (
            5,
            {"output_tokens": 2, "cached_tokens": 4},
            "cached_tokens must be between 0 and 3, got 4",
        ),
        (5, {"reasoning_tokens": 1}, "reasoning_tokens must be between 0 and 0, got 1"),
        (5, {"cached_tokens": -1}, "cached_tokens must be between 0 and 5, got -1"),
    ],
)
def test_a_part_is_no_larger_than_the_whole(
    total: int, parts: dict[str, int], words: str
) -> None:
    with pytest.raises(ValueError, match=words):
        responses.ev_completed_with_tokens("r1", total, **parts)


def test_a_reasoning_is_encrypted_with_a_fixed_overhead() -> None:
    item = responses.ev_reasoning_item("t1", ["why"], ["a", "bc"])["item"]
    assert len(base64.b64decode(item["encrypted_content"])) == 550 + len("abc")
    assert item["summary"] == [{"type": "summary_text", "text": "why"}]
    assert [part["text"] for part in item["content"]] == ["a", "bc"]
    assert "content" not in responses.ev_reasoning_item("t1", [])["item"]


def test_a_completed_stream_is_created_first() -> None:
    assert responses.sse_completed("r1") == responses.sse(
        [responses.ev_response_created("r1"), responses.ev_completed("r1")]
    )


def test_what_a_user_said_is_an_item_of_input() -> None:
    assert responses.user_message_item("hi") == {
        "type": "message",
        "role": "user",
        "content": [{"type": "input_text", "text": "hi"}],
    }


def test_every_public_name_says_what_it_is() -> None:
    for name in responses.__all__:
        assert name == "ResponseEvent" or getattr(responses, name).__doc__, name


@pytest.mark.parametrize(
    ("build", "words"),
    [
        (
            lambda: responses.ev_function_call("c", "f", cast(str, {"a": 1})),
            "arguments must be JSON in a string, got dict",
        ),
        (
            lambda: responses.ev_function_call_with_namespace(
                "c", "n", "f", cast(str, None)
            ),
            "arguments must be JSON in a string, got NoneType",
        ),
        (
            lambda: responses.ev_local_shell_call("c", "completed", "ls -l"),
            "command must be a list of texts, got str",
        ),
        (
            lambda: responses.ev_reasoning_item("t", "why"),
            "summary must be a list of texts, got str",
        ),
        (
            lambda: responses.ev_reasoning_item("t", [], "why"),
            "raw_content must be a list of texts, got str",
        ),
        (
            lambda: responses.ev_reasoning_item_added("t", "why"),
            "summary must be a list of texts, got str",
        ),
        (
            lambda: responses.ev_model_verification_metadata("r", "cyber"),
            "verifications must be a list of texts, got str",
        ),
    ],
)
def test_what_the_api_would_not_send_is_refused(
    build: Callable[[], object], words: str
) -> None:
    with pytest.raises(TypeError, match=words):
        build()
