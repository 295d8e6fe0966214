"""Events of every type of the agent catalog: one of each by hand, and any at all."""

from __future__ import annotations

from functools import reduce
from operator import or_
from typing import Any

from hypothesis import strategies as st
from msgspec import inspect

from eventbus import Event, EventType
from eventbus_schemas import (
    AgentResponse,
    ApiRequest,
    ApprovalDecided,
    ApprovalRequested,
    AttachmentCleaned,
    AttachmentStaged,
    AuthRecovery,
    CallCancelled,
    ConversationStarts,
    FileChange,
    ItemCompleted,
    McpToolCallResult,
    McpToolCallStarted,
    NetworkPolicyDecision,
    PluginInstallElicitationSent,
    PluginInstallSuggestion,
    RateLimited,
    RateLimits,
    RealtimeAudio,
    RealtimeSessionStarted,
    RealtimeSessionStopped,
    Reasoning,
    SandboxOutcome,
    SseEvent,
    StartupPhase,
    ThreadFailed,
    ThreadStarted,
    ThreadStopped,
    TokenUsage,
    ToolDecision,
    ToolResult,
    ToolStarted,
    TurnAborted,
    TurnCompaction,
    TurnCompleted,
    TurnContext,
    TurnDiffUpdated,
    TurnFailed,
    TurnFirstMessage,
    TurnFirstToken,
    TurnStarted,
    UserPrompt,
    VoiceStageStarted,
    VoiceStageStopped,
    WebsocketConnect,
    WebsocketEvent,
    WebsocketRequest,
    WebsocketTiming,
    agent_catalog,
)

# Any in this module: the fields of events hold values of any type.

TOKENS: dict[str, Any] = {
    "input_tokens": 10,
    "cached_input_tokens": 8,
    "output_tokens": 5,
    "reasoning_output_tokens": 2,
}
DIFF = "--- a/x\n+++ b/x\n@@ -1,2 +1,3 @@\n a\n-b\n+c\n+-- d\n"

EVERYTHING: list[Event] = [
    AgentResponse.from_text("Done.", agent_type="main"),
    ApiRequest(success=True, duration_ms=120.0, status_code=200),
    ApprovalDecided.of("shell", outcome="denied", duration_ms=5.0, reason="no"),
    ApprovalRequested(tool_name="shell", source="policy"),
    AttachmentCleaned(count=1, size_bytes=10, ttl_ms=5.0),
    AttachmentStaged(size_bytes=10, ttl_ms=5.0),
    AuthRecovery.of("reload", "succeeded"),
    CallCancelled(operation="request", duration_ms=1.0),
    ConversationStarts(),
    FileChange(success=True, files_added=1, files_updated=2, files_deleted=3),
    ItemCompleted(item_type="reasoning"),
    McpToolCallResult.of("find", success=False, duration_ms=1.0, error_message="no"),
    McpToolCallStarted.of("find", arguments="{}"),
    NetworkPolicyDecision.of(
        "example.com",
        port=443,
        decision="allow",
        source="decider",
        scope="domain",
        protocol="http",
    ),
    PluginInstallElicitationSent(tool_type="plugin", tool_id="1", tool_name="a"),
    PluginInstallSuggestion(
        tool_type="plugin",
        tool_id="1",
        tool_name="a",
        response_action="accept",
        user_confirmed=True,
        completed=True,
    ),
    RateLimited.of(60_000.0, info="slow down"),
    RateLimits(primary_used_percent=1.0),
    RealtimeAudio(direction="send", size_bytes=10, duration_ms=20.0),
    RealtimeSessionStarted(),
    RealtimeSessionStopped(duration_ms=1.0),
    Reasoning.from_text("Hm."),
    SandboxOutcome(
        tool_name="shell",
        outcome="escalated",
        initial_duration_ms=1.0,
        escalated_duration_ms=2.0,
    ),
    SseEvent.failed("no", kind="response.failed", duration_ms=1.0),
    SseEvent(
        outcome="completed",
        **TOKENS,
        cache_write_tokens=1,
        total_tokens=15,
        time_to_first_token_ms=300.0,
    ),
    StartupPhase(phase="build_tools", duration_ms=1.0),
    ThreadFailed.from_text("boom", duration_ms=1.0),
    ThreadStarted.from_text("Go."),
    ThreadStopped.of("error", duration_ms=1.0, error_message="no"),
    TokenUsage(**TOKENS, total_tokens=15),
    ToolDecision.of("shell", decision="approved", source="user"),
    ToolResult.of("shell", success=True, duration_ms=5.0, arguments="ls", output="a"),
    ToolStarted.of("shell", arguments="ls", metadata="{}"),
    TurnAborted(duration_ms=1.0),
    TurnCompaction.of("completed", tokens_saved=5, compaction="{}"),
    TurnCompleted(
        **TOKENS,
        cache_write_tokens=1,
        total_tokens=15,
        duration_ms=1.0,
        tool_call_count=2,
    ),
    TurnContext(),
    TurnDiffUpdated.from_text(DIFF),
    TurnFailed.from_text("no", duration_ms=1.0),
    TurnFirstMessage(duration_ms=1.0),
    TurnFirstToken(duration_ms=1.0),
    TurnStarted(),
    UserPrompt.from_text("Go."),
    VoiceStageStarted(stage="synthesis"),
    VoiceStageStopped(stage="synthesis", duration_ms=1.0),
    WebsocketConnect(success=True, duration_ms=1.0),
    WebsocketEvent.failed("reset", duration_ms=1.0),
    WebsocketRequest(success=True, duration_ms=1.0),
    WebsocketTiming(
        overhead_ms=1.0,
        inference_ms=2.0,
        engine_iapi_ttft_ms=3.0,
        engine_service_ttft_ms=4.0,
        engine_iapi_tbt_ms=5.0,
        engine_service_tbt_ms=6.0,
    ),
]

_texts = st.text(st.characters(codec="utf-8"), max_size=20)


def of_node(node: inspect.Type) -> st.SearchStrategy[Any]:
    """Return what values of *node* may be."""
    match node:
        case inspect.UnionType():
            return reduce(or_, map(of_node, node.types))
        case inspect.LiteralType():
            return st.sampled_from(node.values)
        case inspect.NoneType():
            return st.none()
        case inspect.BoolType():
            return st.booleans()
        case inspect.IntType():
            return st.integers(-(2**63), 2**63 - 1)
        case inspect.FloatType():
            return st.floats(allow_nan=False)
        case inspect.StrType():
            return _texts
        case _:
            raise NotImplementedError(node)


def events_of(known: EventType) -> st.SearchStrategy[Any]:
    """Return any event of the type *known*."""
    fields = {field.name: of_node(field.node) for field in known.fields}
    return st.builds(known.cls, **fields)


any_event = st.one_of([events_of(known) for known in agent_catalog])
