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
- ``slug`` is the model's name in the provider's catalog, which a session binds.
- What was decided about a tool is spelled without what stands between words
  (``approvedforsession``), and who decided with capitals (``AutomatedReviewer``).
- An address that is not known is ``unknown``, and no method is ``none``.

Records of events that codex does not send keep their own form: frames and timings of a
WebSocket, which are metrics alone there, answers, for which it has a draft alone, and
what belongs to no log record there, such as the start of a turn. So do attributes that
its events do not have. What codex has metrics of has these in place of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal, Never

from msgspec.structs import replace

from eventbus import EventNaming, Naming
from eventbus_schemas._codex_metrics import CODEX_METRICS

_Names = Mapping[str, str | tuple[str, ...]]
_Types = Mapping[str, Literal["text", "whole", "whole_text"]]

_NONE: Final[Mapping[str, Never]] = {}
_OF_SESSIONS: Final[_Names] = {
    "gen_ai.conversation.id": "conversation.id",
    "gen_ai.request.model": "model",
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
_OF_AUTH: Final[_Names] = {
    "auth_mode": ("auth_mode", "auth.mode"),
    "auth_request_id": "auth.request_id",
    "auth_cf_ray": "auth.cf_ray",
    "auth_error": "auth.error",
    "auth_error_code": "auth.error_code",
}
_OF_TASKS: Final[_Names] = {
    "auth_agent_id": "auth.agent_id",
    "auth_task_id": "auth.task_id",
}
_OF_REQUESTS: Final[_Names] = {
    **_OF_CREDENTIALS,
    **_OF_AUTH,
    **_OF_TASKS,
    "auth_header_attached": "auth.header_attached",
    "auth_header_name": "auth.header_name",
    "auth_retry_after_unauthorized": "auth.retry_after_unauthorized",
    "auth_recovery_mode": "auth.recovery_mode",
    "auth_recovery_phase": "auth.recovery_phase",
}
_OF_TOOLS: Final[_Names] = {
    "gen_ai.tool.name": "tool_name",
    "gen_ai.tool.call.id": "call_id",
}
_OF_OFFERS: Final[_Names] = {
    "tool_type": "plugin_install.tool_type",
    "tool_id": "plugin_install.tool_id",
    "tool_name": "plugin_install.tool_name",
}
_REUSED: Final[_Names] = {"connection_reused": "auth.connection_reused"}
_DURATION: Final[_Types] = {"duration_ms": "whole_text"}
_DURATION_AND_SUCCESS: Final[_Types] = {**_DURATION, "success": "text"}


def _event(
    name: str,
    renamed: _Names = _NONE,
    converted: _Types = _NONE,
    added: Mapping[str, str] = _NONE,
    values: Mapping[str, Mapping[str, str]] = _NONE,
) -> EventNaming:
    return EventNaming(
        name=name,
        renamed={**_OF_SESSIONS, **renamed},
        values=values,
        converted=converted,
        added={"event.name": name, **added},
        timestamp="event.timestamp",
    )


_RECORDS: Final[Mapping[str, EventNaming]] = {
    "agent.conversation_starts": _event(
        "codex.conversation_starts",
        renamed={**_OF_CREDENTIALS, "gen_ai.provider.name": "provider_name"},
    ),
    "agent.api_request": _event(
        "codex.api_request", renamed=_OF_REQUESTS, converted=_DURATION
    ),
    "agent.websocket_connect": _event(
        "codex.websocket_connect",
        renamed={**_OF_REQUESTS, **_REUSED},
        converted=_DURATION_AND_SUCCESS,
    ),
    "agent.websocket_request": _event(
        "codex.websocket_request",
        renamed={**_OF_CREDENTIALS, **_OF_TASKS, **_REUSED},
        converted=_DURATION_AND_SUCCESS,
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
    ),
    "agent.user_prompt": _event(
        "codex.user_prompt", converted={"prompt_length": "text"}
    ),
    "agent.tool_decision": _event(
        "codex.tool_decision",
        renamed=_OF_TOOLS,
        values={
            "decision": {
                "approved_for_session": "approvedforsession",
                "approved_with_amendment": "approvedexecpolicyamendment",
                "approved_with_network_policy_allow": "networkpolicyamendment",
                "denied_with_network_policy_deny": "networkpolicyamendment",
                "timed_out": "timedout",
            },
            "source": {
                "config": "Config",
                "user": "User",
                "automated_reviewer": "AutomatedReviewer",
            },
        },
    ),
    "agent.tool_result": _event(
        "codex.tool_result",
        renamed={
            **_OF_TOOLS,
            "gen_ai.tool.call.arguments": "arguments",
            "gen_ai.tool.call.result": "output",
        },
        converted=_DURATION_AND_SUCCESS,
        added={"mcp_server": "", "mcp_server_origin": ""},
    ),
    "agent.sandbox_outcome": _event(
        "codex.sandbox_outcome",
        renamed=_OF_TOOLS,
        converted={
            "initial_duration_ms": "whole",
            "escalated_duration_ms": "whole",
        },
    ),
    "agent.auth_recovery": _event(
        "codex.auth_recovery",
        renamed={
            **_OF_AUTH,
            "step": "auth.step",
            "outcome": "auth.outcome",
            "reason": "auth.recovery_reason",
            "state_changed": "auth.state_changed",
        },
        values={
            "outcome": {
                "succeeded": "recovery_succeeded",
                "failed_permanent": "recovery_failed_permanent",
                "failed_transient": "recovery_failed_transient",
                "not_run": "recovery_not_run",
            },
        },
    ),
    "agent.startup_phase": _event(
        "codex.startup_phase",
        renamed={"phase": "startup.phase", "status": "startup.status"},
        converted=_DURATION,
    ),
    "agent.turn_first_token": _event("codex.turn_ttft", converted=_DURATION),
    "agent.plugin_install_elicitation_sent": _event(
        "codex.plugin_install_elicitation_sent", renamed=_OF_OFFERS
    ),
    "agent.plugin_install_suggestion": _event(
        "codex.plugin_install_suggestion",
        renamed={
            **_OF_OFFERS,
            "response_action": "plugin_install.response_action",
            "user_confirmed": "plugin_install.user_confirmed",
            "completed": "plugin_install.completed",
        },
    ),
    "agent.network_policy_decision": _event(
        "codex.network_proxy.policy_decision",
        renamed={
            "scope": "network.policy.scope",
            "decision": "network.policy.decision",
            "source": "network.policy.source",
            "reason": "network.policy.reason",
            "protocol": "network.transport.protocol",
            "overridden": "network.policy.override",
        },
        added={"http.request.method": "none", "client.address": "unknown"},
    ),
}


def _with_metrics(event: str) -> EventNaming:
    form = _RECORDS.get(event) or EventNaming()
    known = CODEX_METRICS.get(event)
    if known is None:
        return form
    return replace(form, metrics=known.metrics, labels=known.labels)


codex_naming: Final = Naming(
    resource={
        "deployment.environment.name": ("deployment.environment.name", "env"),
    },
    events={
        event: _with_metrics(event) for event in sorted({*_RECORDS, *CODEX_METRICS})
    },
)
