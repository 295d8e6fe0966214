"""How the token counts and limits of a stored session become fields of events."""

from __future__ import annotations

from typing import Final, TypeVar

from msgspec.structs import replace

from eventbus_schemas._blank import blank
from eventbus_schemas._codex_rollout_lines import Limits, TokenInfo, Window
from eventbus_schemas._usage import AccountLimits, RateLimits, TokenUsage

E = TypeVar("E", bound=AccountLimits)

_NO_WINDOW: Final = Window()
_NO_TOKENS: Final = blank(TokenUsage)
_NO_LIMITS: Final = RateLimits()


def token_usage(info: TokenInfo, limits: Limits, *, model: str | None) -> TokenUsage:
    """Return what the last request used, and all so far, with the limits beside it."""
    last, total = info.last_token_usage, info.total_token_usage
    return replace(  # apart: over 14 keywords of a call go through a dict
        _with_limits(_NO_TOKENS, limits),
        model=model,
        input_tokens=last.input_tokens,
        cached_input_tokens=last.cached_input_tokens,
        output_tokens=last.output_tokens,
        reasoning_output_tokens=last.reasoning_output_tokens,
        total_tokens=last.total_tokens,
        session_input_tokens=total.input_tokens,
        session_cached_input_tokens=total.cached_input_tokens,
        session_output_tokens=total.output_tokens,
        session_reasoning_output_tokens=total.reasoning_output_tokens,
        session_total_tokens=total.total_tokens,
        context_window=info.model_context_window,
    )


def rate_limits(limits: Limits) -> RateLimits | None:
    """Return the limits as an event, or ``None`` when none is told."""
    event = _with_limits(_NO_LIMITS, limits)
    return None if event == _NO_LIMITS else event


def _with_limits(event: E, limits: Limits) -> E:
    """Return *event* with *limits*, flat or by window, as the version has them."""
    if limits.primary is None and limits.secondary is None:
        return replace(
            event,
            primary_used_percent=limits.primary_used_percent,
            primary_window_minutes=limits.primary_window_minutes,
            secondary_used_percent=limits.secondary_used_percent,
            secondary_window_minutes=limits.secondary_window_minutes,
            primary_to_secondary_ratio_percent=limits.primary_to_secondary_ratio_percent,
        )
    primary, secondary = limits.primary or _NO_WINDOW, limits.secondary or _NO_WINDOW
    return replace(
        event,
        primary_used_percent=primary.used_percent,
        primary_window_minutes=primary.window_minutes,
        secondary_used_percent=secondary.used_percent,
        secondary_window_minutes=secondary.window_minutes,
    )
