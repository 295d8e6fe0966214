"""How a W3C trace context is read, written and carried.

https://www.w3.org/TR/trace-context/ is the rule for what is valid.
"""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Generator, Iterable, Mapping, MutableMapping
from contextlib import contextmanager
from functools import lru_cache
from typing import Any, Final

from eventbus._context import UNBOUND, TraceContext, scope
from eventbus._current_span import bound_at, capture, lend, take_back
from eventbus._tracestate import Tracestate, valid

__all__ = [
    "TraceContext",
    "Tracestate",
    "attach",
    "current",
    "extract",
    "format",
    "from_environ",
    "inject",
    "parse",
]

Header = tuple[str | bytes, str | bytes]
Headers = Mapping[str, str] | Mapping[bytes, bytes] | Iterable[Header]

_PARENT: Final = "traceparent"
_STATE: Final = "tracestate"
_TRACEPARENT: Final = re.compile(
    r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-[\x20-\x7e]*)?"
)
_KNOWN_FLAGS: Final = 0x03  # sampled, and random-trace-id of level 2
_MAX_TRACEPARENT_LENGTH: Final = 512  # a future version may append fields


def parse(traceparent: str, tracestate: str | None = None) -> TraceContext | None:
    """Return the context that the two headers say, or ``None`` when they say none.

    An invalid *traceparent* makes *tracestate* meaningless; an invalid *tracestate*
    alone is left out, which the logger ``eventbus`` warns of once. Versions from the
    future are read as far as version 00 goes. What is read is marked ``remote``.
    """
    text = traceparent.strip(" \t")
    is_short = len(text) <= _MAX_TRACEPARENT_LENGTH
    match = _TRACEPARENT.fullmatch(text) if is_short else None
    if match is None:
        return None
    version, trace_id, span_id, flags, rest = match.groups()
    if version == "ff" or (version == "00" and rest) or not int(trace_id, 16):
        return None
    if not int(span_id, 16):
        return None
    state = valid(tracestate)
    if state is None and (tracestate or "").strip(" \t,"):
        _warn_of_state()
    return TraceContext(trace_id, span_id, int(flags, 16), state, True)


@lru_cache(maxsize=1)
def _warn_of_state() -> None:
    logging.getLogger("eventbus").warning(
        "an invalid tracestate that came with a traceparent is left out; "
        "further ones are, too, without a word"
    )


def format(context: TraceContext) -> str:
    """Return *context* as a ``traceparent`` header of version 00.

    Of its flags are written those that have a meaning there: 1, sampled, and 2, a
    random trace id.
    """
    flags = context.trace_flags & _KNOWN_FLAGS
    return f"00-{context.trace_id}-{context.span_id}-{flags:02x}"


def current() -> TraceContext | None:
    """Return the context that an event emitted here would carry, or ``None``."""
    return (capture()() or UNBOUND).trace


@contextmanager
def attach(context: TraceContext | None) -> Generator[None]:
    """Make *context* current for the block, its tasks and its ``to_thread`` calls.

    Where the program uses OpenTelemetry's API, for that too: spans begun in the block
    lie below *context*.
    """
    lent = lend(context)
    try:
        with scope(bound_at(context)):
            yield
    finally:
        take_back(lent)


def extract(headers: Headers) -> TraceContext | None:
    """Return the context that *headers* carry, whatever the case of their names.

    Two ``traceparent`` headers say nothing; several ``tracestate`` headers are one
    list in their order.

    Args:
        headers: A mapping or pairs, of texts or of bytes, as ASGI's
            ``scope["headers"]``.
    """
    given: Any = headers  # Any: not all that have items() are a Mapping
    pairs: Iterable[Header] = given.items() if hasattr(given, "items") else given
    told = [(_text(name).lower(), value) for name, value in pairs]
    parents = [_text(value) for name, value in told if name == _PARENT]
    states = [_text(value) for name, value in told if name == _STATE]
    return parse(parents[0], ",".join(states)) if len(parents) == 1 else None


def _text(header: str | bytes) -> str:
    return header if isinstance(header, str) else header.decode("latin-1")


def from_environ(environ: Mapping[str, str] = os.environ) -> TraceContext | None:
    """Return the context that ``TRACEPARENT`` and ``TRACESTATE`` say; ``None`` if none.

    For a program that is one step of somebody else's trace: attach it around
    everything. A ``TRACEPARENT`` that is not valid is said once, in a warning of the
    logger ``eventbus``, and ignored.
    """
    parent = environ.get(_PARENT.upper())
    if not parent:
        return None
    context = parse(parent, environ.get(_STATE.upper()))
    if context is None:
        _warn_of(parent)
    return context


@lru_cache(maxsize=16)
def _warn_of(parent: str) -> None:
    logging.getLogger("eventbus").warning(
        "TRACEPARENT is ignored: expected 00-<32 hex>-<16 hex>-<2 hex>, got %.60r",
        parent,
    )


def inject(
    headers: MutableMapping[str, str], tracestate: Tracestate | None = None
) -> bool:
    """Make *headers* say the current context; return whether there is one.

    With a context, stale ``traceparent`` and ``tracestate`` headers are replaced or
    removed; without one *headers* stay as they are.

    Args:
        headers: Of a request that is about to leave.
        tracestate: What this program adds: :attr:`eventbus.Bus.tracestate`.
    """
    context = current()
    if context is None:
        return False
    for name in [name for name in headers if name.lower() in (_PARENT, _STATE)]:
        headers.pop(name, None)
    headers[_PARENT] = format(context)
    state = tracestate.merged(context.tracestate) if tracestate else context.tracestate
    if state:
        headers[_STATE] = state
    return True
