"""The current span of OpenTelemetry's API, read and set where a program uses that API.

Nothing here imports it: until somebody else has, no span can be current.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any, Final

from msgspec.structs import replace

from eventbus._context import UNBOUND, Bound, TraceContext, current_bound

Capture = Callable[[], Bound | None]

_API: Final = "opentelemetry.trace"
_CONTEXT: Final = "opentelemetry.context"


def capture() -> Capture:
    """Return what says what is bound, with or without a look at OpenTelemetry."""
    return bound_with_span if _API in sys.modules else current_bound


def current_span() -> Any:
    """Return the current span of OpenTelemetry's API; ``None`` is none.

    Any: a class of a package that need not be there.
    """
    api = sys.modules.get(_API)
    try:
        span = api.get_current_span()  # type: ignore[union-attr]
    except Exception:  # noqa: BLE001 - not there, half imported, or of a stranger's
        return None
    return None if span is api.INVALID_SPAN else span  # type: ignore[union-attr]


def lend(trace: TraceContext | None) -> Any:
    """Make *trace* current for OpenTelemetry's API too: spans begun there lie below it.

    Returns what :func:`take_back` is given; ``None`` where nothing was made current.

    Any: what the API calls a token.
    """
    api, contexts = sys.modules.get(_API), sys.modules.get(_CONTEXT)
    if api is None or contexts is None or trace is None:
        return None
    try:
        state = api.TraceState.from_header([trace.tracestate or ""])
        place = api.SpanContext(
            int(trace.trace_id, 16),
            int(trace.span_id, 16),
            trace.remote,
            api.TraceFlags(trace.trace_flags),
            state,
        )
        return contexts.attach(api.set_span_in_context(api.NonRecordingSpan(place)))
    except Exception:  # noqa: BLE001 - half imported, or of a stranger's
        return None


def bound_at(trace: TraceContext | None) -> Bound:
    """Return what is bound here, with *trace* as the place, over the current span."""
    return replace(current_bound() or UNBOUND, trace=trace, over=current_span())


def take_back(token: Any) -> None:
    """Make current for OpenTelemetry's API again what :func:`lend` found."""
    if token is not None:
        sys.modules[_CONTEXT].detach(token)


Found = tuple[Bound | None, object, Bound | None]


class _Latest:
    """What was found last: one span is current for many events."""

    __slots__ = ("found",)

    def __init__(self) -> None:
        self.found: Found = (None, None, None)


_latest: Final = _Latest()  # a cache, the same for every bus


def bound_with_span() -> Bound | None:
    """Return what is bound here, with the place in a trace of the current span.

    A context that was attached while that span was current already is the newer one,
    and stays.
    """
    bound, span = current_bound(), current_span()
    if span is None or (bound is not None and bound.over is span):
        return bound
    known, its_span, found = _latest.found
    if known is not bound or its_span is not span:
        found = _within(bound, span)
        _latest.found = bound, span, found
    return found


def _within(bound: Bound | None, span: Any) -> Bound | None:
    # Any: a span of whatever implementation.
    try:
        place = span.get_span_context()
        if not place.is_valid:
            return bound
        trace = TraceContext(
            f"{place.trace_id:032x}",
            f"{place.span_id:016x}",
            int(place.trace_flags),
            place.trace_state.to_header() or None,
            bool(place.is_remote),
        )
    except Exception:  # noqa: BLE001 - an emit never raises because of a span
        return bound
    return replace(bound or UNBOUND, trace=trace)
