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
    """Return what the last request used, with the limits reported beside it."""
    last, limits = info.last_token_usage, _flat(limits)
    return replace(
        blank(TokenUsage),
        model=model,
        input_tokens=last.input_tokens,
        cached_input_tokens=last.cached_input_tokens,
        output_tokens=last.output_tokens,
        reasoning_output_tokens=last.reasoning_output_tokens,
        total_tokens=last.total_tokens,
        session_total_tokens=info.total_token_usage.total_tokens,
        context_window=info.model_context_window,
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
