"""Which event types the agent catalog holds, and which other names they may have."""

from __future__ import annotations

from typing import Final

from eventbus import Catalog
from eventbus_schemas._approvals import ApprovalDecided, ApprovalRequested, ToolDecision
from eventbus_schemas._attachments import AttachmentCleaned, AttachmentStaged
from eventbus_schemas._auth import AuthRecovery
from eventbus_schemas._cancelled import CallCancelled
from eventbus_schemas._codex_naming import codex_naming
from eventbus_schemas._codex_sdk_naming import codex_sdk_naming
from eventbus_schemas._digest import SessionDigest
from eventbus_schemas._mcp import McpToolCallResult, McpToolCallStarted
from eventbus_schemas._plugins import (
    PluginInstallElicitationSent,
    PluginInstallSuggestion,
)
from eventbus_schemas._prompts import UserPrompt
from eventbus_schemas._realtime import (
    RealtimeAudio,
    RealtimeSessionStarted,
    RealtimeSessionStopped,
    VoiceStageStarted,
    VoiceStageStopped,
)
from eventbus_schemas._requests import ApiRequest
from eventbus_schemas._responses import AgentResponse, Reasoning
from eventbus_schemas._sandbox import NetworkPolicyDecision, SandboxOutcome
from eventbus_schemas._session import (
    ConversationStarts,
    TurnAborted,
    TurnCompleted,
    TurnContext,
    TurnFailed,
    TurnStarted,
)
from eventbus_schemas._startup import StartupPhase
from eventbus_schemas._stream import SseEvent
from eventbus_schemas._threads import (
    ItemCompleted,
    ThreadFailed,
    ThreadStarted,
    ThreadStopped,
)
from eventbus_schemas._tools import FileChange, ToolResult, ToolStarted
from eventbus_schemas._turn_progress import (
    TurnCompaction,
    TurnDiffUpdated,
    TurnFirstMessage,
    TurnFirstToken,
)
from eventbus_schemas._usage import RateLimited, RateLimits, TokenUsage
from eventbus_schemas._websocket import (
    WebsocketConnect,
    WebsocketEvent,
    WebsocketRequest,
    WebsocketTiming,
)

agent_catalog: Final = Catalog(
    (
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
    ),
    name="agent",
    namings={"codex": codex_naming, "codex_sdk": codex_sdk_naming},
    digests={"agent": SessionDigest},
)
