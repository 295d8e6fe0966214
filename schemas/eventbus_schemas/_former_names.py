"""What the agent events were called in the telemetry that people come from.

For looking up: what is sent under old names is what a naming says.
"""

from __future__ import annotations

from typing import Final, Literal

import msgspec

Origin = Literal[
    "codex",
    "codex metric",
    "codex span",
    "codex_sdk",
    "codex_sdk span",
    "codex_sdk, documented only",
]


class FormerName(msgspec.Struct, frozen=True):
    """An old name, and what stands in its place.

    Args:
        name: The old name of an event, a metric or a span.
        origin: Whose name it is.
        event: The event now.
        where: What tells it from other events of that name, or which metric or span it
            is.
    """

    name: str
    origin: Origin
    event: str
    where: str = ""


def _all(origin: Origin, *names: tuple[str, str, str]) -> tuple[FormerName, ...]:
    return tuple(
        FormerName(name, origin, f"agent.{event}", where)
        for name, event, where in names
    )


_CODEX: Final = _all(
    "codex",
    ("codex.agent_response", "agent_response", ""),
    ("codex.api_request", "api_request", ""),
    ("codex.auth_recovery", "auth_recovery", ""),
    ("codex.conversation_starts", "conversation_starts", ""),
    ("codex.network_proxy.policy_decision", "network_policy_decision", ""),
    (
        "codex.plugin_install_elicitation_sent",
        "plugin_install_elicitation_sent",
        "",
    ),
    ("codex.plugin_install_suggestion", "plugin_install_suggestion", ""),
    ("codex.sandbox_outcome", "sandbox_outcome", ""),
    ("codex.sse_event", "sse_event", "`outcome` says which of its forms it is"),
    ("codex.startup_phase", "startup_phase", ""),
    ("codex.tool_decision", "tool_decision", ""),
    ("codex.tool_result", "tool_result", ""),
    ("codex.turn_ttft", "turn_first_token", ""),
    ("codex.user_prompt", "user_prompt", ""),
    ("codex.websocket_connect", "websocket_connect", ""),
    ("codex.websocket_event", "websocket_event", "there a metric alone"),
    ("codex.websocket_request", "websocket_request", ""),
)

_METRICS: Final = _all(
    "codex metric",
    ("codex.api_request", "api_request", "`agent.api_request`"),
    ("codex.api_request.duration_ms", "api_request", "`agent.api_request.duration`"),
    (
        "codex.approval.requested",
        "tool_decision",
        "`agent.tool_decision`; `approved` is `decision`",
    ),
    ("codex.mcp.call", "mcp_tool_call_result", "`agent.mcp_tool_call_result`"),
    (
        "codex.mcp.call.duration_ms",
        "mcp_tool_call_result",
        "`agent.mcp_tool_call_result.duration`",
    ),
    (
        "codex.mcp.call.error",
        "mcp_tool_call_result",
        "`agent.mcp_tool_call_result` with `success` false",
    ),
    (
        "codex.plugins.install_elicitation.sent",
        "plugin_install_elicitation_sent",
        "`agent.plugin_install_elicitation_sent`",
    ),
    (
        "codex.plugins.install_suggestion",
        "plugin_install_suggestion",
        "`agent.plugin_install_suggestion`",
    ),
    (
        "codex.responses_api_overhead.duration_ms",
        "websocket_timing",
        "`agent.websocket_timing.overhead`",
    ),
    (
        "codex.responses_api_inference_time.duration_ms",
        "websocket_timing",
        "`agent.websocket_timing.inference`",
    ),
    (
        "codex.responses_api_engine_iapi_ttft.duration_ms",
        "websocket_timing",
        "`agent.websocket_timing.engine_iapi_ttft`",
    ),
    (
        "codex.responses_api_engine_service_ttft.duration_ms",
        "websocket_timing",
        "`agent.websocket_timing.engine_service_ttft`",
    ),
    (
        "codex.responses_api_engine_iapi_tbt.duration_ms",
        "websocket_timing",
        "`agent.websocket_timing.engine_iapi_tbt`",
    ),
    (
        "codex.responses_api_engine_service_tbt.duration_ms",
        "websocket_timing",
        "`agent.websocket_timing.engine_service_tbt`",
    ),
    (
        "codex.sse_event",
        "sse_event",
        "`agent.sse_event`; `success` is `outcome` being `progress` or `completed`",
    ),
    ("codex.sse_event.duration_ms", "sse_event", "`agent.sse_event.duration`"),
    (
        "codex.startup.phase.duration_ms",
        "startup_phase",
        "`agent.startup_phase.duration`",
    ),
    (
        "codex.startup_prewarm.duration_ms",
        "startup_phase",
        "`agent.startup_phase.duration` of a `phase` of its own",
    ),
    ("codex.tool.call", "tool_result", "`agent.tool_result`"),
    ("codex.tool.call.duration_ms", "tool_result", "`agent.tool_result.duration`"),
    ("codex.task.compact", "turn_compaction", "`agent.turn_compaction` by `stage`"),
    ("codex.thread.started", "thread_started", "`agent.thread_started`"),
    (
        "codex.turn.e2e_duration_ms",
        "turn_completed",
        "`agent.turn_completed.duration`",
    ),
    (
        "codex.turn.memory",
        "turn_completed",
        "`agent.turn_completed` by `memory_enabled`, `memory_configured`, "
        "`memory_read_allowed`, `memory_cited`",
    ),
    (
        "codex.turn.network_proxy",
        "turn_completed",
        "`agent.turn_completed` by `network_proxy_active`, `temporary_memory`",
    ),
    (
        "codex.turn.token_usage",
        "turn_completed",
        "`agent.turn_completed.tokens`; `token_type` is `gen_ai.token.type`",
    ),
    (
        "codex.turn.tool.call",
        "turn_completed",
        "`agent.turn_completed.tool_call_count`",
    ),
    (
        "codex.turn.ttfm.duration_ms",
        "turn_first_message",
        "`agent.turn_first_message.duration`",
    ),
    (
        "codex.turn.ttft.duration_ms",
        "turn_first_token",
        "`agent.turn_first_token.duration`",
    ),
    ("codex.websocket.event", "websocket_event", "`agent.websocket_event`"),
    (
        "codex.websocket.event.duration_ms",
        "websocket_event",
        "`agent.websocket_event.duration`",
    ),
    ("codex.websocket.request", "websocket_request", "`agent.websocket_request`"),
    (
        "codex.websocket.request.duration_ms",
        "websocket_request",
        "`agent.websocket_request.duration`",
    ),
)

_SPANS: Final = _all(
    "codex span",
    (
        "handle_responses",
        "sse_event",
        "no span: there is one for each piece of a stream there",
    ),
    ("mcp.tools.call", "mcp_tool_call_result", "`tools/call {tool_name}`"),
    ("session_task.turn", "turn_completed", "`turn`"),
    ("turn", "turn_completed", "`turn`"),
)

_SDK_SPANS: Final = _all(
    "codex_sdk span",
    ("codex.thread", "thread_failed", "`thread`, after an exception"),
    ("codex.thread", "thread_stopped", "`thread`"),
)

_SDK: Final = _all(
    "codex_sdk",
    ("codex.approval.approved", "approval_decided", "`outcome` is `approved`"),
    ("codex.approval.denied", "approval_decided", "`outcome` is `denied`"),
    ("codex.approval.requested", "approval_requested", ""),
    ("codex.approval.timeout", "approval_decided", "`outcome` is `timeout`"),
    ("codex.attachment.cleaned", "attachment_cleaned", ""),
    ("codex.attachment.staged", "attachment_staged", ""),
    ("codex.mcp.tool_call.failure", "mcp_tool_call_result", "`success` is false"),
    ("codex.mcp.tool_call.start", "mcp_tool_call_started", ""),
    ("codex.mcp.tool_call.success", "mcp_tool_call_result", "`success` is true"),
    ("codex.rate_limit.rate_limited", "rate_limited", ""),
    ("codex.realtime.audio.receive", "realtime_audio", "`direction` is `receive`"),
    ("codex.realtime.audio.send", "realtime_audio", "`direction` is `send`"),
    ("codex.realtime.session.start", "realtime_session_started", ""),
    ("codex.realtime.session.stop", "realtime_session_stopped", ""),
    ("codex.thread.exception", "thread_failed", ""),
    ("codex.thread.start", "thread_started", ""),
    ("codex.thread.stop", "thread_stopped", ""),
    ("codex.thread.token_usage.updated", "token_usage", ""),
    ("codex.tool.failure", "tool_result", "`success` is false"),
    ("codex.tool.start", "tool_started", ""),
    ("codex.tool.success", "tool_result", "`success` is true"),
    ("codex.turn.compaction.completed", "turn_compaction", "`stage` is `completed`"),
    ("codex.turn.compaction.failed", "turn_compaction", "`stage` is `failed`"),
    ("codex.turn.compaction.started", "turn_compaction", "`stage` is `started`"),
    ("codex.turn.compaction.unknown", "turn_compaction", "`stage` is `unknown`"),
    ("codex.turn.diff.updated", "turn_diff_updated", ""),
    ("codex.voice.pipeline.start", "voice_stage_started", "`stage` is `pipeline`"),
    ("codex.voice.pipeline.stop", "voice_stage_stopped", "`stage` is `pipeline`"),
    ("codex.voice.synthesis.start", "voice_stage_started", "`stage` is `synthesis`"),
    ("codex.voice.synthesis.stop", "voice_stage_stopped", "`stage` is `synthesis`"),
    (
        "codex.voice.transcription.start",
        "voice_stage_started",
        "`stage` is `transcription`",
    ),
    (
        "codex.voice.transcription.stop",
        "voice_stage_stopped",
        "`stage` is `transcription`",
    ),
)

_SDK_ON_PAPER: Final = _all(
    "codex_sdk, documented only",
    ("codex.item.completed", "item_completed", ""),
    ("codex.turn.completed", "turn_completed", ""),
    ("codex.turn.exception", "turn_failed", ""),
    ("codex.turn.start", "turn_started", ""),
    ("codex.turn.stop", "turn_completed", ""),
)

FORMER_NAMES: Final = (
    *_CODEX,
    *_METRICS,
    *_SPANS,
    *_SDK,
    *_SDK_SPANS,
    *_SDK_ON_PAPER,
)
"""All of them, by origin and name; one may be that of an event and of a metric."""
