"""A stretch of a session: told when it starts, and told once how it ended."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from contextlib import ExitStack, suppress
from random import getrandbits
from types import TracebackType
from typing import Self

from eventbus import Event, trace_context
from eventbus.trace_context import TraceContext
from eventbus_schemas._agent_session import Session
from eventbus_schemas._emits import Attributes

_monotonic = time.monotonic


class Stretch(Session, ABC):
    """A session within a stretch of it that has a start, and one end.

    A context manager, entered once. What is emitted inside is part of its span, in
    tasks begun inside too; after it, the span that was current before is current again.

    Args:
        session: What it is a stretch of.
        defaults: What its events have beyond the session's.

    Attributes:
        token: The span's id, 16 hexadecimal digits: the start and the end share it.
    """

    def __init__(self, session: Session, defaults: Attributes) -> None:
        """Begin nothing yet."""
        self._know(
            session._source, session.attributes, {**session.defaults, **defaults}
        )
        self.token = f"{getrandbits(64) or 1:016x}"
        self._began = 0.0
        self._inside = ExitStack()
        self._around: TraceContext | None = None

    def __enter__(self) -> Self:
        """Tell of the start."""
        outer = trace_context.current()
        inner = self._within(outer)
        self._around = inner if outer is None else outer
        with trace_context.attach(self._around):
            self._tell(self._start())
        self._began = _monotonic()
        self._inside.enter_context(trace_context.attach(inner))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Tell of the end; an exception goes on."""
        with suppress(ValueError):  # a generator that another task closes: not its own
            self._inside.close()
        with trace_context.attach(self._around):
            self._tell(self._end(error, (_monotonic() - self._began) * 1000))

    @abstractmethod
    def _start(self) -> Event:
        """Return what tells of the start."""

    @abstractmethod
    def _end(self, error: BaseException | None, duration_ms: float) -> Event:
        """Return what tells of the end, after *error* or of its own accord."""

    def _tell(self, event: Event) -> None:
        self.emitter(type(event))(event)

    def _within(self, outer: TraceContext | None) -> TraceContext:
        if outer is None:
            return TraceContext(f"{getrandbits(128) or 1:032x}", self.token, 1)
        return TraceContext(
            outer.trace_id, self.token, outer.trace_flags, outer.tracestate
        )


def words_of(error: BaseException) -> str:
    """Return the kind of *error*, and what it says of itself."""
    try:
        said = str(error)
    except Exception:  # noqa: BLE001 - the error's own code
        said = "(it cannot be shown)"
    return f"{type(error).__name__}: {said}" if said else type(error).__name__
