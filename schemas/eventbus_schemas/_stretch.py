"""A stretch of a session: told when it starts, and told once how it ended."""

from __future__ import annotations

import os
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from functools import wraps
from secrets import randbits
from types import TracebackType
from typing import ClassVar, Concatenate, Final, ParamSpec, Self, TypedDict, TypeVar

from eventbus import Event, trace_context
from eventbus._clock import SystemClock
from eventbus._context import bound_over, enter, leave
from eventbus._current_span import bound_at, lend, take_back
from eventbus.trace_context import TraceContext
from eventbus_schemas._agent_session import Session
from eventbus_schemas._closed_sets import open_sets
from eventbus_schemas._emits import Attributes, Emits
from eventbus_schemas._facts import text
from eventbus_schemas._faults import Faults

P = ParamSpec("P")
S = TypeVar("S", bound="Stretch")

_monotonic = time.monotonic

_EMITTING: Final = frozenset(
    name for name, one in vars(Session).items() if isinstance(one, Emits)
)


class SessionFaults(Faults):
    """Counts what was said of stretches that were over."""

    logger = "eventbus.sessions"
    words = "%s %s; nothing is told of it"


_faults: Final = SessionFaults(SystemClock())  # one for the process, as its loggers are


def session_faults() -> Mapping[str, int]:
    """Return how often something was said too late of a turn, thread, call or wait.

    By the qualified name of the method, ``"Turn.completed"``, called after the end was
    told. A forked child starts over.
    """
    return _faults.counts()


def before_its_end(
    method: Callable[Concatenate[S, P], None],
) -> Callable[Concatenate[S, P], None]:
    """Return *method*, of a stretch, so that it is counted when it comes too late."""

    @wraps(method)
    def say(stretch: S, /, *args: P.args, **kwargs: P.kwargs) -> None:
        method(stretch, *args, **kwargs)
        if stretch.is_over:
            _faults.add(method.__qualname__, "was called after its end was told")

    return say


class Stretch(Session, ABC):
    """A session within a stretch of it that has a start, and one end.

    A context manager, entered once. What is emitted inside is part of its span, in
    tasks begun inside too; after it, the span that was current before is current again,
    in whatever order stretches end. One that is dropped without an end is told of as
    left. In the child of a fork the end is not told: it is the parent's.

    Args:
        session: What it is a stretch of.
        defaults: What its events have beyond the session's.
        attributes: What everybody's events have that are emitted inside.
        now: Returns the seconds that its length is measured in, else a monotonic clock.

    Attributes:
        token: The span's id, 16 hexadecimal digits: the start and the end share it.

    Raises:
        RuntimeError: It is entered a second time, or left without having been entered.
        RegistrationError: The bus's catalog cannot take one of its events; then it does
            not begin.
    """

    _tells: ClassVar[tuple[type[Event], ...]]
    """Types of all events that may tell of its start and of its end."""

    def __init__(
        self,
        session: Session,
        defaults: Attributes,
        attributes: Attributes | None = None,
        *,
        now: Callable[[], float] | None = None,
    ) -> None:
        """Begin nothing yet."""
        self._inside_only = attributes or {}
        if attributes:
            session = session.with_attributes(attributes)
        self._know_as(session, {**session.defaults, **defaults})
        self.token = f"{randbits(64) or 1:016x}"
        self._now = now or _monotonic
        self._place: _Place | None = None
        self._around: TraceContext | None = None

    def __enter__(self) -> Self:
        """Tell of the start."""
        if self._place is not None:
            raise RuntimeError(f"a {self._kind} is entered once, this one again")
        for one in self._tells:
            self.emitter(one)  # what cannot be told at its end does not begin
            open_sets(one)  # at the program's end they could not be worked out
        _go_back()
        outer = trace_context.current()
        inner = self._within(outer)
        self._around = inner if outer is None else outer
        with trace_context.attach(self._around):
            self._tell_start()
        self._began = self._now()
        self._process = os.getpid()
        self._place = _Place(inner, self._inside_only)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Tell of the end; an exception goes on."""
        if self._place is None or self.is_over:
            raise RuntimeError(f"this {self._kind} is left without being inside of it")
        self._place.is_over = True
        _go_back()
        if os.getpid() == self._process:
            with trace_context.attach(self._around):
                self._end(error)

    def _end(self, error: BaseException | None) -> None:
        try:
            self._tell_end(error, (self._now() - self._began) * 1000)
        except TypeError:  # an event that a strict bus refuses
            if error is None:
                raise

    def __del__(self) -> None:
        """Tell of the end where nobody did: its generator outlived the loop, say."""
        if getattr(self, "_place", None) is not None and not self.is_over:
            self.__exit__(GeneratorExit, GeneratorExit(), None)

    @property
    def is_over(self) -> bool:
        """Whether its end was told; what is said of it from then on is not."""
        return self._place is not None and self._place.is_over

    @property
    def _kind(self) -> str:
        return type(self).__name__

    @abstractmethod
    def _tell_start(self) -> None:
        """Emit what tells of the start."""

    @abstractmethod
    def _tell_end(self, error: BaseException | None, duration_ms: float) -> None:
        """Emit what tells of the end, after *error* or of its own accord."""

    def _tell(self, event: Event) -> None:
        self.emitter(type(event))(event)

    def _fill_in(self, known: Attributes) -> None:
        """Fill *known* in from now on: methods are made anew."""
        self._know_as(self, {**self.defaults, **known})
        for name in [name for name in vars(self) if name in _EMITTING]:
            delattr(self, name)

    def _within(self, outer: TraceContext | None) -> TraceContext | None:
        if outer is None:
            return TraceContext(f"{randbits(128) or 1:032x}", self.token, 1)
        return TraceContext(
            outer.trace_id, self.token, outer.trace_flags, outer.tracestate
        )


class _Place:
    """Where one is inside of a stretch: what is current there, until it is over."""

    def __init__(self, trace: TraceContext | None, attributes: Attributes) -> None:
        """Make it current."""
        self.is_over = False
        self._lent = lend(trace)
        inside = bound_at(trace)
        if attributes:
            inside = bound_over(inside, attributes)
        self._tokens = _innermost.set(self), enter(inside)

    def leave(self) -> None:
        """Make current again what was.

        Raises:
            ValueError: That was in another context.
            RuntimeError: It is done already.
        """
        place, outside = self._tokens
        _innermost.reset(place)
        leave(outside)
        take_back(self._lent)


_innermost: Final[ContextVar[_Place | None]] = ContextVar("stretch", default=None)


def _go_back() -> None:
    """Make current what was before the stretches that are over, begun in this context.

    Where one outlives another that was begun before it, both are over here at once.
    """
    place = _innermost.get()
    while place is not None and place.is_over:
        try:
            place.leave()
        except (ValueError, RuntimeError):
            return
        place = _innermost.get()


class ExceptionFacts(TypedDict):
    """What an event tells of an exception; its message is content."""

    exception_type: str
    exception_message: str | None


def facts_of(error: BaseException) -> ExceptionFacts:
    """Return what is told of *error* beside how the stretch that it left ended."""
    return {
        "exception_type": kind_of(error),
        "exception_message": _said_by(error) or None,
    }


def kind_of(error: BaseException) -> str:
    """Return the name of the class of *error*, as OpenTelemetry writes it."""
    kind = type(error)
    if kind.__module__ in ("builtins", None):
        return kind.__qualname__
    return f"{kind.__module__}.{kind.__qualname__}"


def words_of(error: BaseException) -> str:
    """Return the kind of *error*, and what it says of itself."""
    said = _said_by(error)
    return f"{type(error).__name__}: {said}" if said else type(error).__name__


def _said_by(error: BaseException) -> str:
    try:
        return text("the error's text", str(error))
    except Exception:  # noqa: BLE001 - the error's own code
        return "(it cannot be shown)"
