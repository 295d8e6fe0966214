"""What is bound to the events of a task: attributes, trace context, depth."""

from __future__ import annotations

import contextvars
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from itertools import chain
from typing import Final, ParamSpec, TypeVar

import msgspec

from eventbus._record import (
    MAX_BOUND_ATTRIBUTES,
    NO_ATTRIBUTES,
    Attributes,
    AttributeValue,
)

P = ParamSpec("P")
T = TypeVar("T")


class TraceContext(msgspec.Struct, frozen=True):
    """A place in a trace, as W3C Trace Context has it.

    Args:
        trace_id: 32 lower-case hexadecimal digits, not all zero.
        span_id: 16 lower-case hexadecimal digits, not all zero.
        trace_flags: 0 to 255; 1 is sampled.
        tracestate: The vendors' part, or ``None``.
        remote: Whether it was read from what another process sent.
    """

    trace_id: str
    span_id: str
    trace_flags: int = 0
    tracestate: str | None = None
    remote: bool = False


class Bound(msgspec.Struct, frozen=True, eq=False):
    """What the emitter's context adds to an event: one immutable value per scope."""

    attributes: Attributes = NO_ATTRIBUTES
    trace: TraceContext | None = None
    depth: int = 0
    dropped_attributes_count: int = 0
    drawn_by: object = None
    over: object = None
    """The span of OpenTelemetry's API that was current when *trace* was attached."""


UNBOUND: Final = Bound()

_current: Final[contextvars.ContextVar[Bound | None]] = contextvars.ContextVar(
    "eventbus", default=None
)

current_bound: Final = _current.get
enter: Final = _current.set
leave: Final = _current.reset


@contextmanager
def scope(bound: Bound) -> Generator[None]:
    """Make *bound* current for the block, its tasks and its ``to_thread`` calls."""
    token = enter(bound)
    try:
        yield
    finally:
        leave(token)


_in_sink: Final = contextvars.ContextVar("eventbus sink", default=False)


def in_sink() -> bool:
    """Return whether this code runs for a sink: in one of its calls, or begun by one.

    For what makes events of log lines or of calls over the network: what a sink says
    and sends while it delivers must not become events, which it would deliver again.
    Handlers are code of the program, and no sinks here. It follows the context into
    tasks and :func:`asyncio.to_thread`.
    """
    return _in_sink.get()


def enter_sink(is_sink: bool = True, /) -> None:
    """Let what this task does from now on be a sink's doing, or no sink's."""
    _in_sink.set(is_sink)


@contextmanager
def sink_scope() -> Generator[None]:
    """Let what happens in the block be a sink's doing."""
    token = _in_sink.set(True)
    try:
        yield
    finally:
        _in_sink.reset(token)


def enter_depth(depth: int) -> None:
    """Let what this task emits from now on be caused by events of *depth* - 1."""
    bound = _current.get()
    if bound is None or bound.depth != depth or bound.trace or bound.attributes:
        _current.set(Bound(depth=depth, over=None if bound is None else bound.over))


def enter_span(span: object) -> None:
    """Let *span*, current where this task was begun, have nothing to do with it."""
    if span is not None:
        _current.set(Bound(over=span))


@contextmanager
def bind(
    attributes: Mapping[str, AttributeValue] | None = None, /, **named: AttributeValue
) -> Generator[None]:
    """Bind attributes to every event emitted inside the block.

    They follow the context: into tasks started inside, and into
    :func:`asyncio.to_thread`; :func:`carry` takes them into a thread of one's own. An
    inner block adds to the outer one and wins for a name of both; an event's own field,
    unless it is ``None``, wins over a bound attribute of its name. Of more than 1,024
    the first are kept, and at most ``Limits.max_attributes`` of them reach a record,
    which counts the others in ``dropped_attributes_count``.

    Args:
        attributes: Names that are no Python identifiers (``"gen_ai.agent.id"``).
        **named: Text, numbers, booleans, or tuples of them. They are redacted as
            :class:`eventbus.Privacy` says.
    """
    with scope(bound_over(current_bound(), attributes or {}, named)):
        yield


def bound_over(
    outer: Bound | None,
    attributes: Mapping[str, AttributeValue],
    named: Mapping[str, AttributeValue] = NO_ATTRIBUTES,
) -> Bound:
    """Return *outer* with *attributes*, and *named* over these."""
    outer = outer or UNBOUND
    merged, dropped = _merged(outer.attributes, attributes, named)
    dropped += outer.dropped_attributes_count
    return Bound(merged, outer.trace, outer.depth, dropped, over=outer.over)


def _merged(
    outer: Attributes,
    inner: Mapping[str, AttributeValue],
    named: Mapping[str, AttributeValue],
) -> tuple[Attributes, int]:
    """Return all of them, the later winning, and how many there was no room for."""
    if len(outer) + len(inner) + len(named) <= MAX_BOUND_ATTRIBUTES:
        return Attributes({**outer, **inner, **named}), 0
    kept, dropped = dict(outer), 0
    unnamed = ((name, inner[name]) for name in inner if name not in named)
    for name, value in chain(unnamed, named.items()):
        if name in kept or len(kept) < MAX_BOUND_ATTRIBUTES:
            kept[name] = value
        else:
            dropped += 1
    return Attributes(kept), dropped


def carry(function: Callable[P, T]) -> Callable[P, T]:
    """Return *function* with the context of now, for a thread of one's own.

    ``Thread(target=eventbus.carry(work))`` emits with what is bound where the thread
    was made. The result may be called often and from several threads.
    """
    context = contextvars.copy_context()

    def carried(*args: P.args, **kwargs: P.kwargs) -> T:
        return context.copy().run(function, *args, **kwargs)

    return carried
