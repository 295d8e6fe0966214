"""What a model request used, and what is left to the account."""

from __future__ import annotations

from eventbus import Event
from eventbus_schemas._metrics import SESSION_METRICS, counted_with, tokens_of
from eventbus_schemas._session import (
    CachedTokens,
    InputTokens,
    Model,
    OutputTokens,
    ReasoningTokens,
    Tokens,
)


class AccountLimits(Event, gc=False):
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
    """

    model: Model = None
    input_tokens: InputTokens = None
    cached_input_tokens: CachedTokens = None
    output_tokens: OutputTokens = None
    reasoning_output_tokens: ReasoningTokens = None
    total_tokens: Tokens = None
    session_total_tokens: int | None = None
    context_window: int | None = None


class RateLimits(
    AccountLimits, tag="agent.rate_limits", metrics=SESSION_METRICS, gc=False
):
    """The account's limits were reported without a new use of tokens."""
