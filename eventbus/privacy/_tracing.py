"""Which events may become spans, and which of these may carry content."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from eventbus._event import Event
from eventbus._record import AttributeValue

TRACING_DISABLED: Final = "tracing_disabled"
TRACE_SENSITIVE: Final = "trace_sensitive"


def is_traced(event: Event, attributes: Mapping[str, AttributeValue]) -> bool:
    """Return whether *event*, with what was bound to it, may become a span.

    Not where ``tracing_disabled`` is true, as a field of the event or, where that says
    nothing, as a bound attribute.
    """
    return _said(TRACING_DISABLED, event, attributes) is not True


def traces_content(event: Event, attributes: Mapping[str, AttributeValue]) -> bool:
    """Return whether a span of *event* may carry content, where its sink sends any.

    Not where ``trace_sensitive`` is false, said as in :func:`is_traced`. What is
    content is told by ``EventField.sensitive``.
    """
    return _said(TRACE_SENSITIVE, event, attributes) is not False


def _said(name: str, event: Event, attributes: Mapping[str, AttributeValue]) -> object:
    own = getattr(event, name, None) if name in event.__struct_fields__ else None
    return attributes.get(name) if own is None else own
