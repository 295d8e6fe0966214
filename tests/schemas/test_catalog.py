"""What holds for every event type of the agent catalog."""

from __future__ import annotations

import pytest

import eventbus_schemas
from eventbus import EventType
from eventbus_schemas import agent_catalog

TYPES = list(agent_catalog)
SIZES = {
    "paths": ("files_added", "files_updated", "files_deleted"),
    "mcp_servers": ("mcp_server_count",),
    "sandbox_warnings": ("sandbox_warning_count",),
    "exception_message": ("output_length",),  # the output is its kind and it
}
NAMES = {  # of few letters: what they are is content, how long they are says nothing
    *("mcp_server", "mcp_server_origin", "name", "source", "working_directory"),
    *("server_address", "client_address", "auth_error"),
}
ERRORS_TOLD_BY_TYPE = {"agent.api_request", "agent.websocket_connect"} | {
    "agent.websocket_request"
}


def test_names_of_the_catalog_are_these() -> None:
    assert [known.name for known in agent_catalog] == [
        "agent.agent_response",
        "agent.api_request",
        "agent.approval_decided",
        "agent.approval_requested",
        "agent.attachment_cleaned",
        "agent.attachment_staged",
        "agent.auth_recovery",
        "agent.call_cancelled",
        "agent.conversation_starts",
        "agent.file_change",
        "agent.item_completed",
        "agent.mcp_tool_call_result",
        "agent.mcp_tool_call_started",
        "agent.network_policy_decision",
        "agent.plugin_install_elicitation_sent",
        "agent.plugin_install_suggestion",
        "agent.rate_limited",
        "agent.rate_limits",
        "agent.realtime_audio",
        "agent.realtime_session_started",
        "agent.realtime_session_stopped",
        "agent.reasoning",
        "agent.sandbox_outcome",
        "agent.sse_event",
        "agent.startup_phase",
        "agent.thread_failed",
        "agent.thread_started",
        "agent.thread_stopped",
        "agent.token_usage",
        "agent.tool_decision",
        "agent.tool_result",
        "agent.tool_started",
        "agent.turn_aborted",
        "agent.turn_compaction",
        "agent.turn_completed",
        "agent.turn_context",
        "agent.turn_diff_updated",
        "agent.turn_failed",
        "agent.turn_first_message",
        "agent.turn_first_token",
        "agent.turn_started",
        "agent.user_prompt",
        "agent.voice_stage_started",
        "agent.voice_stage_stopped",
        "agent.websocket_connect",
        "agent.websocket_event",
        "agent.websocket_request",
        "agent.websocket_timing",
    ]


@pytest.mark.parametrize("known", TYPES, ids=lambda known: known.name)
def test_event_type_is_importable_from_the_package(known: EventType) -> None:
    assert getattr(eventbus_schemas, known.cls.__name__) is known.cls


@pytest.mark.parametrize("known", TYPES, ids=lambda known: known.name)
def test_no_field_can_change_after_emit(known: EventType) -> None:
    assert known.mutable_fields == ()


@pytest.mark.parametrize("known", TYPES, ids=lambda known: known.name)
def test_the_size_of_content_stands_beside_it(known: EventType) -> None:
    names = {field.name for field in known.fields}
    for field in {*known.sensitive_fields} - NAMES:
        if field == "error_message" and known.name in ERRORS_TOLD_BY_TYPE:
            assert "error_type" in names
        else:
            assert names >= set(SIZES.get(field, (f"{field}_length",)))


@pytest.mark.parametrize("known", TYPES, ids=lambda known: known.name)
def test_what_has_a_length_is_content(known: EventType) -> None:
    for field in known.fields:
        content, _, is_length = field.name.rpartition("_length")
        if is_length == "" and content:
            assert content in known.sensitive_fields


@pytest.mark.parametrize("known", TYPES, ids=lambda known: known.name)
def test_no_label_is_sensitive(known: EventType) -> None:
    assert not [field for field in known.fields if field.label and field.sensitive]


@pytest.mark.parametrize("known", TYPES, ids=lambda known: known.name)
def test_unit_stands_on_every_length_in_milliseconds_and_tokens(
    known: EventType,
) -> None:
    units = {field.name: field.unit for field in known.fields}
    for name, unit in units.items():
        if name.endswith("_ms"):
            assert unit == "ms"
        if name.endswith("_tokens") and not name.startswith("session"):
            assert unit == "{token}"
        if name.endswith("_length"):
            assert unit == ("{character}" if name == "prompt_length" else "By")


COMPLETIONS = {
    "agent.api_request": {"turn_id", "request_id", "attempt"},
    "agent.sse_event": {"turn_id", "request_id", "attempt"},
    "agent.token_usage": {"turn_id", "request_id", "attempt"},
    "agent.tool_result": {"turn_id", "request_id", "attempt"},
    "agent.websocket_connect": {"turn_id", "request_id", "attempt"},
    "agent.websocket_request": {"turn_id", "request_id", "attempt"},
    "agent.websocket_event": {"turn_id", "request_id"},
    "agent.websocket_timing": {"turn_id", "request_id"},
    "agent.rate_limited": {"turn_id", "request_id", "attempt"},
    "agent.turn_first_token": {"turn_id", "request_id"},
    "agent.agent_response": {"turn_id"},
    "agent.mcp_tool_call_result": {"turn_id", "attempt"},
}


@pytest.mark.proves("B22")
@pytest.mark.parametrize("name", COMPLETIONS)
def test_what_ends_something_can_be_joined_to_it(name: str) -> None:
    known = agent_catalog.get(name)
    assert known is not None
    assert {field.name for field in known.fields} >= COMPLETIONS[name]


@pytest.mark.parametrize("name", eventbus_schemas.__dict__)
def test_what_the_package_offers_has_a_docstring(name: str) -> None:
    offered = getattr(eventbus_schemas, name)
    if not name.startswith("_"):
        assert offered.__doc__
