"""What the agent events are called in the telemetry that codex itself sends.

Names and types are those of its log records (``codex-rs/otel`` of
https://github.com/openai/codex), and of its trace events for what log records lack
there: lengths and counts. Where these say something odd, so does this:

- Durations and some counts are text, others numbers; success is text in one event and
  a truth value in another.
- ``tool_token_count`` is the total of all tokens.
- The name is the attribute ``event.name``. The name of OTLP's own field is the same
  here; there it is a line of source code.
- Which credentials were used is ``auth_mode`` of requests within a session and
  ``auth.mode`` of those for models; here it is both.
- ``slug`` is the model too.

Events that codex does not send keep their own form, answers among them, for which it
has a draft alone; so do attributes that its events do not have.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

from eventbus import EventNaming, Naming

_Names = Mapping[str, str | tuple[str, ...]]
_Types = Mapping[str, Literal["text", "whole", "whole_text"]]

_OF_SESSIONS: Final[_Names] = {
    "gen_ai.conversation.id": "conversation.id",
    "gen_ai.request.model": ("model", "slug"),
}
_OF_CREDENTIALS: Final[_Names] = {
    "auth_env_openai_api_key_present": "auth.env_openai_api_key_present",
    "auth_env_codex_api_key_present": "auth.env_codex_api_key_present",
    "auth_env_codex_api_key_enabled": "auth.env_codex_api_key_enabled",
    "auth_env_provider_key_name": "auth.env_provider_key_name",
    "auth_env_provider_key_present": "auth.env_provider_key_present",
    "auth_env_refresh_token_url_override_present": (
        "auth.env_refresh_token_url_override_present"
    ),
}
_DURATION: Final[_Types] = {"duration_ms": "whole_text"}


def _event(
    name: str,
    renamed: _Names,
    converted: _Types,
    added: Mapping[str, str],
) -> EventNaming:
    return EventNaming(
        name=name,
        renamed={**_OF_SESSIONS, **renamed},
        converted=converted,
        added={"event.name": name, **added},
        timestamp="event.timestamp",
    )


codex_naming: Final = Naming(
    resource={
        "deployment.environment.name": ("deployment.environment.name", "env"),
    },
    events={
        "agent.conversation_starts": _event(
            "codex.conversation_starts",
            renamed={**_OF_CREDENTIALS, "gen_ai.provider.name": "provider_name"},
            converted={},
            added={},
        ),
        "agent.api_request": _event(
            "codex.api_request",
            renamed={
                **_OF_CREDENTIALS,
                "auth_mode": ("auth_mode", "auth.mode"),
                "auth_header_attached": "auth.header_attached",
                "auth_header_name": "auth.header_name",
                "auth_retry_after_unauthorized": "auth.retry_after_unauthorized",
                "auth_recovery_mode": "auth.recovery_mode",
                "auth_recovery_phase": "auth.recovery_phase",
                "auth_request_id": "auth.request_id",
                "auth_cf_ray": "auth.cf_ray",
                "auth_error": "auth.error",
                "auth_error_code": "auth.error_code",
                "auth_agent_id": "auth.agent_id",
                "auth_task_id": "auth.task_id",
            },
            converted=_DURATION,
            added={},
        ),
        "agent.sse_event": _event(
            "codex.sse_event",
            renamed={
                "kind": "event.kind",
                "gen_ai.usage.input_tokens": "input_token_count",
                "gen_ai.usage.cache_read.input_tokens": "cached_token_count",
                "cache_write_tokens": "cache_write_token_count",
                "gen_ai.usage.output_tokens": "output_token_count",
                "gen_ai.usage.reasoning.output_tokens": "reasoning_token_count",
                "total_tokens": "tool_token_count",
                "time_to_first_token_ms": "ttft_ms",
                "reasoning_effort": "model_reasoning_effort",
            },
            converted={
                **_DURATION,
                "gen_ai.usage.input_tokens": "text",
                "gen_ai.usage.output_tokens": "text",
                "total_tokens": "text",
                "time_to_first_token_ms": "whole",
            },
            added={},
        ),
        "agent.user_prompt": _event(
            "codex.user_prompt",
            renamed={},
            converted={"prompt_length": "text"},
            added={},
        ),
        "agent.tool_result": _event(
            "codex.tool_result",
            renamed={
                "gen_ai.tool.name": "tool_name",
                "gen_ai.tool.call.id": "call_id",
                "gen_ai.tool.call.arguments": "arguments",
                "gen_ai.tool.call.result": "output",
            },
            converted={**_DURATION, "success": "text"},
            added={"mcp_server": "", "mcp_server_origin": ""},
        ),
    },
)
