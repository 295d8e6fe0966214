"""Which event types the agent catalog holds, and which other names they may have."""

from __future__ import annotations

from typing import Final

from eventbus import Catalog
from eventbus_schemas._codex_naming import codex_naming
from eventbus_schemas._prompts import UserPrompt
from eventbus_schemas._requests import ApiRequest
from eventbus_schemas._responses import AgentResponse, Reasoning
from eventbus_schemas._session import (
    ConversationStarts,
    TurnAborted,
    TurnCompleted,
    TurnContext,
    TurnFailed,
    TurnStarted,
)
from eventbus_schemas._stream import SseEvent
from eventbus_schemas._tools import FileChange, ToolResult
from eventbus_schemas._usage import RateLimits, TokenUsage

agent_catalog: Final = Catalog(
    (
        AgentResponse,
        ApiRequest,
        ConversationStarts,
        FileChange,
        RateLimits,
        Reasoning,
        SseEvent,
        TokenUsage,
        ToolResult,
        TurnAborted,
        TurnCompleted,
        TurnContext,
        TurnFailed,
        TurnStarted,
        UserPrompt,
    ),
    name="agent",
    namings={"codex": codex_naming},
)
