"""What a model request used, and what is left to the account."""

from __future__ import annotations

from typing import Annotated

from eventbus import Sensitive, Unit
from eventbus_schemas._agent_event import AgentEvent
from eventbus_schemas._metrics import SESSION_METRICS, counted_with, tokens_of
from eventbus_schemas._session import (
    CachedTokens,
    InputTokens,
    Model,
    OutputTokens,
    ReasoningTokens,
    Tokens,
)
from eventbus_schemas._texts import byte_length
from eventbus_schemas._turn_ids import OfRequest


class AccountLimits(AgentEvent, gc=False):
    """How far the account's limits are used up; a base of events.

    Args:
        primary_used_percent: Use of the shorter window, 0 to 100.
        primary_window_minutes: Length of the shorter window.
        secondary_used_percent: Use of the longer window, 0 to 100.
        secondary_window_minutes: Length of the longer window.
        primary_to_secondary_ratio_percent: The shorter window's limit in percent of
            the longer one's.
    """

    primary_used_percent: float | None = None
    primary_window_minutes: int | None = None
    secondary_used_percent: float | None = None
    secondary_window_minutes: int | None = None
    primary_to_secondary_ratio_percent: float | None = None


class TokenUsage(
    AccountLimits,
    tag="agent.token_usage",
    metrics=counted_with(
        tokens_of(
            "agent.token_usage",
            *("input", "cached_input", "output", "reasoning_output", "total"),
        )
    ),
    gc=False,
):
    """One model request used tokens: the sum over a session is what it used.

    Args:
        model: The model asked for.
        input_tokens: Tokens sent, the cached ones included.
        cached_input_tokens: Those of them that the provider had at hand.
        output_tokens: Tokens that came back, reasoning included.
        reasoning_output_tokens: Those of them that were reasoning.
        total_tokens: Tokens sent and come back.
        session_total_tokens: The session's total so far, as the agent counts it.
        context_window: Tokens the model can take in.
        session_input_tokens: All tokens sent so far in the session.
        session_cached_input_tokens: Those of them that the provider had at hand.
        session_output_tokens: All tokens that came back so far in the session.
        session_reasoning_output_tokens: Those of them that were reasoning.
        thread_id: The conversation, where it has a name of its own.
        turn_id: The turn it belongs to.
        request_id: The request, as this program calls it.
        attempt: Of the request, from 0; absent when nobody counts.
        workflow: What the thread is part of, as the caller calls it.
        group: Which threads belong together, as the caller calls it.
        trace_name: The caller's own name for the trace.
        previous_response_id: The response that the thread goes on from.
    """

    model: Model = None
    input_tokens: InputTokens = None
    cached_input_tokens: CachedTokens = None
    output_tokens: OutputTokens = None
    reasoning_output_tokens: ReasoningTokens = None
    total_tokens: Tokens = None
    session_total_tokens: int | None = None
    context_window: int | None = None
    session_input_tokens: int | None = None
    session_cached_input_tokens: int | None = None
    session_output_tokens: int | None = None
    session_reasoning_output_tokens: int | None = None
    thread_id: str | None = None
    turn_id: str | None = None
    request_id: str | None = None
    attempt: int | None = None
    workflow: str | None = None
    group: str | None = None
    trace_name: str | None = None
    previous_response_id: str | None = None


class RateLimits(
    AccountLimits, tag="agent.rate_limits", metrics=SESSION_METRICS, gc=False
):
    """The account's limits were reported without a new use of tokens."""


class RateLimited(
    OfRequest,
    tag="agent.rate_limited",
    metrics=SESSION_METRICS,
    severity="warn",
    gc=False,
):
    """The provider refused a request for now, and it is waited before the next try.

    Args:
        delay_ms: How long.
        attempt: Which attempt was refused, from 0; 1 is the first retry.
        info: What the provider said.
        info_length: Length of ``info``.
    """

    delay_ms: Annotated[float, Unit("ms")]
    attempt: int = 0
    info: Annotated[str | None, Sensitive] = None
    info_length: Annotated[int | None, Unit("By")] = None

    @classmethod
    def of(
        cls,
        delay_ms: float,
        *,
        attempt: int = 0,
        info: str | None = None,
        turn_id: str | None = None,
        request_id: str | None = None,
    ) -> RateLimited:
        """Make one with the length that belongs to *info*."""
        return cls(
            delay_ms=delay_ms,
            attempt=attempt,
            info=info,
            info_length=None if info is None else byte_length(info),
            turn_id=turn_id,
            request_id=request_id,
        )
