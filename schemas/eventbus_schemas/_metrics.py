"""Which metrics agent events have beyond those that follow from their fields."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from eventbus.metrics import Counter, Histogram, Metrics

SESSION_LABELS: Final = (
    "auth_mode",
    "session_source",
    "originator",
    "gen_ai.request.model",
    "app.version",
)
"""Bound attributes that are labels of every metric of a session, where they are bound.

Each has few values, unlike the id of a session, which is no label.
"""

SESSION_METRICS: Final = Metrics(bound=SESSION_LABELS)

TOKEN_FIELDS: Final[Mapping[str, str]] = {
    "input": "input_tokens",
    "cached_input": "cached_input_tokens",
    "cache_write_input": "cache_write_tokens",
    "output": "output_tokens",
    "reasoning_output": "reasoning_output_tokens",
    "total": "total_tokens",
}


def counted_with(*histograms: Histogram) -> Metrics:
    """Return a counter of the events, and *histograms* for those that would follow."""
    return Metrics(
        defaults=False,
        bound=SESSION_LABELS,
        counters=(Counter(),),
        histograms=histograms,
    )


def tokens_of(
    event_name: str, *token_types: str, labels: tuple[str, ...] | None = None
) -> Histogram:
    """Return one histogram of an event's tokens: a label tells of which type they are.

    The sum over all types means nothing: ``cached_input`` and ``cache_write_input``
    are parts of ``input``, ``reasoning_output`` is one of ``output``, and ``total`` is
    ``input`` and ``output``.

    Args:
        event_name: The event's; the metric is called ``<event>.tokens``.
        token_types: Those that the event has a field for.
        labels: Fields that are its labels; without it, those of the event type.
    """
    return Histogram(
        name=f"{event_name}.tokens",
        fields={one: TOKEN_FIELDS[one] for one in token_types},
        by="gen_ai.token.type",
        labels=labels,
        description=f"Tokens of {event_name} events by type; types overlap.",
    )
