"""How the token counts and limits of a stored session become fields of events."""

from __future__ import annotations

from typing import Final

from msgspec.structs import replace

from eventbus_schemas._blank import blank
from eventbus_schemas._codex_rollout_lines import Limits, TokenInfo, Window
from eventbus_schemas._usage import RateLimits, TokenUsage

_NO_WINDOW: Final = Window()
_NOTHING_TOLD: Final = RateLimits()


def token_usage(info: TokenInfo, limits: Limits, *, model: str | None) -> TokenUsage:
    """Return what the last request used, and all so far, with the limits beside it."""
    last, total, limits = info.last_token_usage, info.total_token_usage, _flat(limits)
    of_session = replace(  # apart: over 14 keywords of a call go through a dict
        blank(TokenUsage),
        session_input_tokens=total.input_tokens,
        session_cached_input_tokens=total.cached_input_tokens,
        session_output_tokens=total.output_tokens,
        session_reasoning_output_tokens=total.reasoning_output_tokens,
        session_total_tokens=total.total_tokens,
        context_window=info.model_context_window,
    )
    return replace(
        of_session,
        model=model,
        input_tokens=last.input_tokens,
        cached_input_tokens=last.cached_input_tokens,
        output_tokens=last.output_tokens,
        reasoning_output_tokens=last.reasoning_output_tokens,
        total_tokens=last.total_tokens,
        primary_used_percent=limits.primary_used_percent,
        primary_window_minutes=limits.primary_window_minutes,
        secondary_used_percent=limits.secondary_used_percent,
        secondary_window_minutes=limits.secondary_window_minutes,
        primary_to_secondary_ratio_percent=limits.primary_to_secondary_ratio_percent,
    )


def rate_limits(limits: Limits) -> RateLimits | None:
    """Return the limits as an event, or ``None`` when none is told."""
    limits = _flat(limits)
    event = RateLimits(
        primary_used_percent=limits.primary_used_percent,
        primary_window_minutes=limits.primary_window_minutes,
        secondary_used_percent=limits.secondary_used_percent,
        secondary_window_minutes=limits.secondary_window_minutes,
        primary_to_secondary_ratio_percent=limits.primary_to_secondary_ratio_percent,
    )
    return None if event == _NOTHING_TOLD else event


def _flat(limits: Limits) -> Limits:
    if limits.primary is None and limits.secondary is None:
        return limits
    primary, secondary = limits.primary or _NO_WINDOW, limits.secondary or _NO_WINDOW
    return Limits(
        primary_used_percent=primary.used_percent,
        primary_window_minutes=primary.window_minutes,
        secondary_used_percent=secondary.used_percent,
        secondary_window_minutes=secondary.window_minutes,
    )
