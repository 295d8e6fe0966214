"""How the pieces of a stream are classified."""

from __future__ import annotations

import pytest

from eventbus_schemas import SseEvent, classify_sse

COMPLETED = (
    '{"response":{"service_tier":"flex","usage":{"input_tokens":10,'
    '"input_tokens_details":{"cached_tokens":0},"output_tokens":5,"total_tokens":15}}}'
)


def classified(kind: str, data: str) -> SseEvent:
    return classify_sse(kind, data, duration_ms=2.5)


@pytest.mark.proves("B7")
@pytest.mark.parametrize(
    ("kind", "data"),
    [
        ("response.created", "{}"),
        ("response.output_text.delta", '{"delta":"x"}'),
        ("response.output_item.done", '{"item":{"type":"message"}}'),
        ("message", "[DONE]"),
        ("message", "5"),
    ],
)
def test_json_and_the_end_mark_are_progress(kind: str, data: str) -> None:
    assert classified(kind, data) == SseEvent(
        outcome="progress", kind=kind, duration_ms=2.5
    )


@pytest.mark.proves("B7")
@pytest.mark.parametrize(
    ("kind", "data", "message"),
    [
        ("response.failed", '{"error":5}', '{"error":5}'),
        ("response.failed", "[DONE]", "[DONE]"),
        (
            "response.output_item.done",
            '{"item":{}}',
            "failed to parse response.output_item.done",
        ),
        (
            "response.output_item.done",
            "no",
            "failed to parse response.output_item.done",
        ),
        ("response.created", "no", "Input data was truncated"),
    ],
)
def test_failure_keeps_its_words_and_their_length(
    kind: str, data: str, message: str
) -> None:
    assert classified(kind, data) == SseEvent(
        outcome="failed",
        kind=kind,
        duration_ms=2.5,
        error_message=message,
        error_message_length=len(message),
        severity="warn",
    )


@pytest.mark.proves("B7", "B21")
def test_completion_has_token_counts_and_no_duration() -> None:
    assert classified("response.completed", COMPLETED) == SseEvent(
        outcome="completed",
        kind="response.completed",
        input_tokens=10,
        cached_input_tokens=0,
        output_tokens=5,
        reasoning_output_tokens=None,
        total_tokens=15,
        service_tier="flex",
    )


def test_completion_without_usage_has_no_token_counts() -> None:
    event = classified("response.completed", '{"response":{}}')
    assert (event.outcome, event.input_tokens) == ("completed", None)


@pytest.mark.proves("B7")
@pytest.mark.parametrize("data", ["no", "{}", '{"response":{"usage":{}}}'])
def test_completion_that_cannot_be_read_is_its_own_failure(data: str) -> None:
    event = classified("response.completed", data)
    assert (event.outcome, event.kind) == ("parse_failed", "response.completed")
    assert (event.duration_ms, event.severity) == (None, "warn")


@pytest.mark.proves("B7")
@pytest.mark.parametrize(
    ("sent", "received", "parts"),
    [
        (
            '{"cached_tokens":4,"cache_write_tokens":6}',
            '{"reasoning_tokens":3}',
            (4, 6, 3),
        ),
        ('{"cache_write_tokens":0}', "{}", (None, 0, None)),
        ("null", "null", (None, None, None)),
    ],
)
def test_what_is_not_told_of_tokens_is_absent_and_none_is_0(
    sent: str, received: str, parts: tuple[int | None, ...]
) -> None:
    usage = (
        f'{{"input_tokens":10,"input_tokens_details":{sent},'
        f'"output_tokens":5,"output_tokens_details":{received},"total_tokens":15}}'
    )
    event = classified("response.completed", f'{{"response":{{"usage":{usage}}}}}')
    found = (event.cached_input_tokens, event.cache_write_tokens)
    assert (*found, event.reasoning_output_tokens) == parts


@pytest.mark.proves("B7")
def test_stream_that_breaks_has_no_kind() -> None:
    event = SseEvent.failed("idle timeout waiting for SSE", duration_ms=300.0)
    assert (event.outcome, event.kind, event.duration_ms) == ("failed", None, 300.0)
    assert event.error_message == "idle timeout waiting for SSE"


def test_data_that_no_encoding_holds_is_a_failure() -> None:
    event = classified("response.created", '"\ud800"')
    assert (event.outcome, event.severity) == ("failed", "warn")


def test_data_nested_too_deep_is_a_failure() -> None:
    assert classified("response.created", "[" * 100_000).outcome == "failed"
