"""What is told of a session and its turns: how they start, stand and end."""

from __future__ import annotations

from typing import Annotated, Literal

from eventbus import Attribute, Event, Label, Sensitive, Unit
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


class TurnContext(Event, tag="agent.turn_context", metrics=SESSION_METRICS, gc=False):
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


class TurnStarted(Event, tag="agent.turn_started", metrics=SESSION_METRICS, gc=False):
    """The agent began to work on a prompt.

    Args:
        turn_id: The turn, where it has a name.
    """

    turn_id: str | None = None


class TurnCompleted(
    Event,
    tag="agent.turn_completed",
    metrics=counted_with(
        tokens_of(
            "agent.turn_completed",
            *("input", "cached_input", "output", "reasoning_output"),
        )
    ),
    gc=False,
):
    """The agent came to the end of a turn.

    Args:
        turn_id: The turn, where it has a name.
        model: The model asked for.
        input_tokens: Tokens sent, the cached ones included.
        cached_input_tokens: Those of them that the provider had at hand.
        output_tokens: Tokens that came back, reasoning included.
        reasoning_output_tokens: Those of them that were reasoning.
    """

    turn_id: str | None = None
    model: Model = None
    input_tokens: InputTokens = None
    cached_input_tokens: CachedTokens = None
    output_tokens: OutputTokens = None
    reasoning_output_tokens: ReasoningTokens = None


class TurnFailed(
    Event, tag="agent.turn_failed", metrics=SESSION_METRICS, severity="error", gc=False
):
    """A turn ended with an error.

    Args:
        turn_id: The turn, where it has a name.
        error_message: The error, in the words of whoever raised it.
        error_message_length: Its length.
    """

    turn_id: str | None = None
    error_message: Annotated[str, Sensitive, Attribute("error.message")] = ""
    error_message_length: Annotated[int, Unit("By")] = 0

    @classmethod
    def from_text(cls, error_message: str, *, turn_id: str | None = None) -> TurnFailed:
        """Make one with the length that belongs to *error_message*."""
        return cls(
            turn_id=turn_id,
            error_message=error_message,
            error_message_length=byte_length(error_message),
        )


class TurnAborted(
    Event, tag="agent.turn_aborted", metrics=SESSION_METRICS, severity="warn", gc=False
):
    """A turn was ended from outside.

    Args:
        turn_id: The turn, where it has a name.
        reason: Why; what is not in the set is ``"other"``.
    """

    turn_id: str | None = None
    reason: Annotated[AbortReason, Label] = "other"
