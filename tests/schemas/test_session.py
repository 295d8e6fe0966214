"""What is told of a session when it starts."""

from __future__ import annotations

import pytest

from eventbus_schemas import ConversationStarts

FIELDS = {
    "provider_name",
    "auth_env_openai_api_key_present",
    "auth_env_codex_api_key_present",
    "auth_env_codex_api_key_enabled",
    "auth_env_provider_key_name",
    "auth_env_provider_key_present",
    "auth_env_refresh_token_url_override_present",
    "reasoning_effort",
    "reasoning_summary",
    "context_window",
    "auto_compact_token_limit",
    "approval_policy",
    "sandbox_policy",
    "mcp_servers",
    "mcp_server_count",
}


@pytest.mark.proves("B4")
def test_start_of_a_conversation_has_a_field_for_all_that_is_told_of_it() -> None:
    assert set(ConversationStarts.__struct_fields__) >= FIELDS


@pytest.mark.proves("B4", "B21")
def test_what_is_not_told_of_a_start_is_absent() -> None:
    event = ConversationStarts()
    assert {getattr(event, name) for name in event.__struct_fields__} == {None}
