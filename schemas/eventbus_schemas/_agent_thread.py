"""A thread of a session: told when it starts, and told once how it ended."""

from __future__ import annotations

from asyncio import CancelledError
from typing import Any, Final, TypedDict, TypeVar

from msgspec.structs import replace

from eventbus_schemas._agent_session import Session
from eventbus_schemas._stretch import Stretch, words_of
from eventbus_schemas._threads import (
    OfThread,
    ThreadEnd,
    ThreadFailed,
    ThreadStarted,
    ThreadStopped,
)

E = TypeVar("E", bound=OfThread)

_IDS: Final = ("thread_id", "turn_id")


class ThreadFacts(TypedDict, total=False):
    """What a thread's start and its end have in common: fields of both events."""

    thread_id: str
    turn_id: str
    workflow: str
    group: str
    source: str
    trace_name: str
    trace_sensitive: bool
    tracing_disabled: bool
    previous_response_id: str


class Thread(Stretch):
    """A session within one run over its conversation; made by :meth:`Session.thread`.

    A context manager, entered once: ``agent.thread_started`` where it begins, and where
    it ends exactly one of ``agent.thread_stopped`` and ``agent.thread_failed``, with
    the time between. An exception makes it failed and goes on. One that is cancelled
    has the result ``"cancelled"``, one whose generator is left ``"early_exit"``.
    """

    def __init__(self, session: Session, input: str, facts: ThreadFacts) -> None:
        """Begin nothing yet."""
        self._facts: dict[str, Any] = {**facts}  # Any: fields of several types
        ids = {name: one for name, one in self._facts.items() if name in _IDS}
        super().__init__(session, ids)
        self._input = input
        self._ending = ThreadStopped.of("ok")

    def stopped(self, result: ThreadEnd, error_message: str | None = None) -> None:
        """Let the thread end with *result*; *error_message* is content."""
        self._ending = ThreadStopped.of(result, error_message=error_message)

    def learned(
        self, *, thread_id: str | None = None, turn_id: str | None = None
    ) -> None:
        """Let the end have ids that were not known where the thread began."""
        for name, one in (("thread_id", thread_id), ("turn_id", turn_id)):
            if one is not None:
                self._facts[name] = one

    def _start(self) -> ThreadStarted:
        return self._of_thread(ThreadStarted.from_text(self._input))

    def _end(self, error: BaseException | None, duration_ms: float) -> OfThread:
        ending = self._how(error)
        return self._of_thread(replace(ending, duration_ms=duration_ms))

    def _how(self, error: BaseException | None) -> ThreadStopped | ThreadFailed:
        match error:
            case None:
                return self._ending
            case Exception():
                return ThreadFailed.from_text(words_of(error))
            case CancelledError():
                return ThreadStopped.of("cancelled")
            case _:
                return ThreadStopped.of("early_exit")

    def _of_thread(self, event: E) -> E:
        return replace(event, span_token=self.token, **self._facts)
