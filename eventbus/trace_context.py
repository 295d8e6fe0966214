"""How a W3C trace context is read, written and carried.

https://www.w3.org/TR/trace-context/ is the rule for what is valid.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Mapping, MutableMapping
from contextlib import contextmanager
from typing import Final

import msgspec

from eventbus._context import UNBOUND, TraceContext, current_bound, scope
from eventbus._current_span import capture, current_span

__all__ = ["TraceContext", "attach", "current", "extract", "format", "inject", "parse"]

_PARENT: Final = "traceparent"
_STATE: Final = "tracestate"
_TRACEPARENT: Final = re.compile(
    r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?", re.DOTALL
)
_MEMBER: Final = re.compile(
    r"(?:[a-z][a-z0-9_\-*/]{0,255}|[a-z0-9][a-z0-9_\-*/]{0,240}@[a-z][a-z0-9_\-*/]{0,13})"
    r"=[\x20-\x2b\x2d-\x3c\x3e-\x7e]{0,255}[\x21-\x2b\x2d-\x3c\x3e-\x7e]"
)
_MAX_TRACEPARENT_LENGTH: Final = 512  # a future version may append fields
_MAX_MEMBERS: Final = 32
_MAX_TRACESTATE_LENGTH: Final = 16_447  # 32 members of 513 characters, and commas


def parse(traceparent: str, tracestate: str | None = None) -> TraceContext | None:
    """Return the context that the two headers say, or ``None`` when they say none.

    An invalid *traceparent* makes *tracestate* meaningless; an invalid *tracestate*
    alone is left out. Versions from the future are read as far as version 00 goes.
    What is read is marked ``remote``.
    """
    text = traceparent.strip(" \t")
    match = _TRACEPARENT.fullmatch(text[: _MAX_TRACEPARENT_LENGTH + 1])
    if match is None or len(text) > _MAX_TRACEPARENT_LENGTH:
        return None
    version, trace_id, span_id, flags, rest = match.groups()
    if version == "ff" or (version == "00" and rest) or not int(trace_id, 16):
        return None
    if not int(span_id, 16):
        return None
    return TraceContext(trace_id, span_id, int(flags, 16), _valid(tracestate), True)


def _valid(tracestate: str | None) -> str | None:
    if not tracestate or len(tracestate) > _MAX_TRACESTATE_LENGTH:
        return None
    members = [m for m in (part.strip(" \t") for part in tracestate.split(",")) if m]
    keys = {member.partition("=")[0] for member in members}
    if not 0 < len(members) <= _MAX_MEMBERS or len(keys) < len(members):
        return None
    return ",".join(members) if all(map(_MEMBER.fullmatch, members)) else None


def format(context: TraceContext) -> str:
    """Return *context* as a ``traceparent`` header of version 00."""
    return f"00-{context.trace_id}-{context.span_id}-{context.trace_flags:02x}"


def current() -> TraceContext | None:
    """Return the context that an event emitted here would carry, or ``None``."""
    return (capture()() or UNBOUND).trace


@contextmanager
def attach(context: TraceContext | None) -> Generator[None]:
    """Make *context* current for the block, its tasks and its ``to_thread`` calls."""
    bound = current_bound() or UNBOUND
    with scope(msgspec.structs.replace(bound, trace=context, over=current_span())):
        yield


def extract(headers: Mapping[str, str]) -> TraceContext | None:
    """Return the context that *headers* carry, whatever the case of their names.

    Two ``traceparent`` headers say nothing; several ``tracestate`` headers are one
    list in their order.
    """
    parents = [value for name, value in headers.items() if name.lower() == _PARENT]
    states = [value for name, value in headers.items() if name.lower() == _STATE]
    return parse(parents[0], ",".join(states)) if len(parents) == 1 else None


def inject(headers: MutableMapping[str, str]) -> bool:
    """Make *headers* say the current context; return whether there is one.

    With a context, stale ``traceparent`` and ``tracestate`` headers are replaced or
    removed; without one *headers* stay as they are.
    """
    context = current()
    if context is None:
        return False
    for name in [name for name in headers if name.lower() in (_PARENT, _STATE)]:
        headers.pop(name, None)
    headers[_PARENT] = format(context)
    if context.tracestate:
        headers[_STATE] = context.tracestate
    return True
