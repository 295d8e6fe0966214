"""What is told of a WebSocket to the provider."""

from __future__ import annotations

import pytest

from eventbus._catalog import describe
from eventbus_schemas import (
    WebsocketConnect,
    WebsocketEvent,
    WebsocketRequest,
    WebsocketTiming,
    connect_succeeded,
)
from tests.metrics._events import histogram

from .test_metrics import of_events


@pytest.mark.proves("B6")
@pytest.mark.parametrize(
    ("status_code", "error", "success"),
    [
        (101, None, False),
        (200, None, True),
        (None, None, True),
        (None, "reset", False),
        (200, "reset", False),
        (401, None, False),
    ],
)
def test_it_is_open_with_2xx_or_no_status_and_no_error(
    status_code: int | None, error: str | None, success: bool
) -> None:
    assert connect_succeeded(status_code, error=error) is success


@pytest.mark.proves("B6")
def test_opening_it_tells_all_that_a_request_does_and_whether_it_was_open() -> None:
    fields = set(WebsocketConnect.__struct_fields__)
    assert fields >= {
        *("duration_ms", "status_code", "success", "error_message", "endpoint"),
        *("connection_reused", "auth_header_attached", "auth_header_name"),
        *("auth_retry_after_unauthorized", "auth_recovery_mode", "auth_error"),
        *("auth_recovery_phase", "auth_request_id", "auth_cf_ray", "auth_error_code"),
        *("auth_env_openai_api_key_present", "auth_env_provider_key_name"),
        *("auth_agent_id", "auth_task_id"),
    }


@pytest.mark.proves("B6")
def test_sending_tells_no_answer_for_there_is_none() -> None:
    fields = set(WebsocketRequest.__struct_fields__)
    assert fields >= {
        *("duration_ms", "success", "error_message", "connection_reused"),
        *("auth_agent_id", "auth_task_id", "auth_env_codex_api_key_present"),
    }
    assert not fields & {"status_code", "endpoint", "auth_request_id"}


@pytest.mark.proves("B6", "B21")
def test_what_is_not_told_is_absent_and_not_false() -> None:
    event = WebsocketRequest(success=True, duration_ms=1.0)
    assert (event.connection_reused, event.error_message) == (None, None)
    assert WebsocketConnect(success=True, duration_ms=1.0).status_code is None


@pytest.mark.proves("B6")
def test_a_frame_that_failed_keeps_its_words_and_their_length() -> None:
    event = WebsocketEvent.failed("né", duration_ms=2.0)
    assert (event.success, event.kind, event.severity) == (False, "unknown", "warn")
    assert (event.error_message, event.error_message_length) == ("né", 3)
    assert describe(WebsocketEvent).sensitive_fields == ("error_message",)


@pytest.mark.proves("B6", "H7")
def test_frames_and_requests_are_counted_and_timed_by_how_they_went() -> None:
    found = of_events(
        WebsocketRequest(success=True, duration_ms=250.0),
        WebsocketEvent(success=True, duration_ms=40.0, kind="response.created"),
        WebsocketEvent.failed("reset", duration_ms=60.0),
    )
    sent = histogram(found["agent.websocket_request.duration"], success=True)
    assert (sent.count, sent.sum) == (1, 0.25)
    came = histogram(
        found["agent.websocket_event.duration"], success=False, kind="unknown"
    )
    assert (came.count, came.sum) == (1, 0.06)
    labels = [dict(point.attributes) for point in found["agent.websocket_event"].points]
    assert labels == [
        {"success": True, "kind": "response.created"},
        {"success": False, "kind": "unknown"},
    ]


@pytest.mark.proves("B6")
def test_each_part_of_the_provider_s_timing_is_a_metric_and_absent_ones_are_none() -> (
    None
):
    event = WebsocketTiming(inference_ms=450.0, engine_service_tbt_ms=0.0)
    found = of_events(event)
    assert {name for name in found if name != "agent.websocket_timing"} == {
        "agent.websocket_timing.inference",
        "agent.websocket_timing.engine_service_tbt",
    }
    assert len([f for f in describe(WebsocketTiming).fields if f.unit == "ms"]) == 6
