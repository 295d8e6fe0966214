"""What is told of a session and its turns: how they start, stand and end."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from eventbus import Attribute, Label, Sensitive, Span, Unit
from eventbus.metrics import Histogram
from eventbus_schemas._agent_event import AgentEvent
from eventbus_schemas._auth import AuthEnvironment
from eventbus_schemas._metrics import SESSION_METRICS, counted_with, tokens_of
from eventbus_schemas._texts import byte_length

ApprovalPolicy = Literal["untrusted", "on-failure", "on-request", "never", "other"]
SandboxPolicy = Literal["read-only", "workspace-write", "danger-full-access", "other"]
AbortReason = Literal["interrupted", "replaced", "review_ended", "other"]

Model = Annotated[str | None, Label, Attribute("gen_ai.request.model")]
Tokens = Annotated[int | None, Unit("{token}")]
InputTokens = Annotated[
    int | None, Unit("{token}"), Attribute("gen_ai.usage.input_tokens")
]
CachedTokens = Annotated[
    int | None, Unit("{token}"), Attribute("gen_ai.usage.cache_read.input_tokens")
]
OutputTokens = Annotated[
    int | None, Unit("{token}"), Attribute("gen_ai.usage.output_tokens")
]
ReasoningTokens = Annotated[
    int | None, Unit("{token}"), Attribute("gen_ai.usage.reasoning.output_tokens")
]


class ConversationStarts(
    AuthEnvironment, tag="agent.conversation_starts", metrics=SESSION_METRICS, gc=False
):
    """A session began; its id is the bound attribute ``gen_ai.conversation.id``.

    Args:
        provider_name: Who serves the model.
        model: The model asked for.
        reasoning_effort: How much the model is to think.
        reasoning_summary: How it is to sum its thinking up.
        context_window: Tokens the model can take in.
        auto_compact_token_limit: Tokens at which the history is made shorter.
        approval_policy: When a person is asked.
        sandbox_policy: What commands may touch.
        mcp_servers: Names of the MCP servers, joined with ``", "``.
        mcp_server_count: How many there are.
        working_directory: Where the agent works.
    """

    provider_name: Annotated[str | None, Attribute("gen_ai.provider.name")] = None
    model: Model = None
    reasoning_effort: str | None = None
    reasoning_summary: str | None = None
    context_window: int | None = None
    auto_compact_token_limit: int | None = None
    approval_policy: Annotated[ApprovalPolicy | None, Label] = None
    sandbox_policy: Annotated[SandboxPolicy | None, Label] = None
    mcp_servers: Annotated[str | None, Sensitive] = None
    mcp_server_count: int | None = None
    working_directory: Annotated[str | None, Sensitive] = None


class TurnContext(
    AgentEvent, tag="agent.turn_context", metrics=SESSION_METRICS, gc=False
):
    """What holds from here on in the session.

    Args:
        model: The model asked for.
        reasoning_effort: How much the model is to think.
        reasoning_summary: How it is to sum its thinking up.
        approval_policy: When a person is asked.
        sandbox_policy: What commands may touch.
        working_directory: Where the agent works.
    """

    model: Model = None
    reasoning_effort: str | None = None
    reasoning_summary: str | None = None
    approval_policy: Annotated[ApprovalPolicy | None, Label] = None
    sandbox_policy: Annotated[SandboxPolicy | None, Label] = None
    working_directory: Annotated[str | None, Sensitive] = None


class OfTurnSpan(AgentEvent, gc=False):
    """The start or the end of a turn; a base of events.

    Args:
        turn_id: The turn, where it has a name.
        span_token: 16 hexadecimal digits that the start and its one end have in common.
    """

    turn_id: str | None = None
    span_token: str | None = None


class TurnStarted(
    OfTurnSpan, tag="agent.turn_started", metrics=SESSION_METRICS, gc=False
):
    """The agent began to work on a prompt."""


class OfTurnEnd(OfTurnSpan, gc=False):
    """The end of a turn; a base of events.

    Args:
        success: The turn came to its own end without an error.
        duration_ms: From the turn's start; absent when nobody measured.
    """

    success: bool = True
    duration_ms: Annotated[float | None, Unit("ms")] = None


_TURN: Final = Span("turn", duration="duration_ms", ok="success", id="span_token")


_OF_TURN: Final = ("model", "temporary_memory")


class TurnCompleted(
    OfTurnEnd,
    tag="agent.turn_completed",
    span=_TURN,
    metrics=counted_with(
        Histogram(field="duration_ms", labels=_OF_TURN),
        Histogram(field="tool_call_count", labels=_OF_TURN),
        tokens_of(
            "agent.turn_completed",
            *("input", "cached_input", "cache_write_input"),
            *("output", "reasoning_output", "total"),
            labels=_OF_TURN,
        ),
    ),
    gc=False,
):
    """The agent came to the end of a turn.

    Args:
        model: The model asked for.
        input_tokens: Tokens sent, the cached ones included.
        cached_input_tokens: Those of them that the provider had at hand.
        output_tokens: Tokens that came back, reasoning included.
        reasoning_output_tokens: Those of them that were reasoning.
        cache_write_tokens: Tokens that the provider keeps at hand from now on.
        total_tokens: Tokens sent and come back.
        tool_call_count: How many tools were called.
        network_proxy_active: Tools reached the network through a proxy.
        temporary_memory: What the turn leaves to remember is not kept.
        memory_enabled: The agent has a memory.
        memory_configured: The configuration lets it be used.
        memory_read_allowed: The turn might read it.
        memory_cited: The turn's answer goes back to it.
    """

    model: Model = None
    input_tokens: InputTokens = None
    cached_input_tokens: CachedTokens = None
    output_tokens: OutputTokens = None
    reasoning_output_tokens: ReasoningTokens = None
    cache_write_tokens: Tokens = None
    total_tokens: Tokens = None
    tool_call_count: Annotated[int | None, Unit("{call}")] = None
    network_proxy_active: Annotated[bool | None, Label] = None
    temporary_memory: Annotated[bool | None, Label] = None
    memory_enabled: Annotated[bool | None, Label] = None
    memory_configured: Annotated[bool | None, Label] = None
    memory_read_allowed: Annotated[bool | None, Label] = None
    memory_cited: Annotated[bool | None, Label] = None


class TurnFailed(
    OfTurnEnd,
    tag="agent.turn_failed",
    span=_TURN,
    metrics=SESSION_METRICS,
    severity="error",
    gc=False,
):
    """A turn ended with an error.

    Args:
        error_message: The error, in the words of whoever raised it.
        error_message_length: Its length.
        exception_type: The kind of the exception, where there was one.
    """

    success: bool = False
    error_message: Annotated[str, Sensitive, Attribute("error.message")] = ""
    error_message_length: Annotated[int, Unit("By")] = 0
    exception_type: Annotated[str | None, Attribute("exception.type")] = None

    @classmethod
    def from_text(
        cls,
        error_message: str,
        *,
        turn_id: str | None = None,
        span_token: str | None = None,
        duration_ms: float | None = None,
    ) -> TurnFailed:
        """Make one with the length that belongs to *error_message*."""
        return cls(
            turn_id=turn_id,
            span_token=span_token,
            duration_ms=duration_ms,
            error_message=error_message,
            error_message_length=byte_length(error_message),
        )


class TurnAborted(
    OfTurnEnd,
    tag="agent.turn_aborted",
    span=_TURN,
    metrics=SESSION_METRICS,
    severity="warn",
    gc=False,
):
    """A turn was ended from outside.

    Args:
        reason: Why; what is not in the set is ``"other"``.
    """

    success: bool = False
    reason: Annotated[AbortReason, Label] = "other"
