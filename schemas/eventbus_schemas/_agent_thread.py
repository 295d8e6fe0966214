"""A thread of a session: told when it starts, and told once how it ended."""

from __future__ import annotations

from typing import Any, Final, TypeVar, get_args

from msgspec.structs import replace

from eventbus.privacy import TRACE_SENSITIVE, TRACING_DISABLED
from eventbus_schemas._agent_session import Session
from eventbus_schemas._closed_sets import one_of
from eventbus_schemas._facts import known_facts, text, texts
from eventbus_schemas._stretch import Stretch, before_its_end, kind_of, words_of
from eventbus_schemas._threads import (
    OfThread,
    ThreadEnd,
    ThreadFacts,
    ThreadFailed,
    ThreadStarted,
    ThreadStopped,
)

E = TypeVar("E", bound=OfThread)

_IDS: Final = ("thread_id", "turn_id")
_OF_PROGRESS: Final = ("workflow", "group", "trace_name", "previous_response_id")
_WISHES: Final = (TRACING_DISABLED, TRACE_SENSITIVE)
_ENDS: Final[tuple[ThreadEnd, ...]] = get_args(ThreadEnd)


class Thread(Stretch):
    """A session within one run over its conversation; made by :meth:`Session.thread`.

    A context manager, entered once: ``agent.thread_started`` where it begins, and where
    it ends exactly one of ``agent.thread_stopped`` and ``agent.thread_failed``, with
    the time between. An exception makes it failed and goes on. One that is cancelled or
    interrupted has the result ``"cancelled"``, one whose generator is left
    ``"early_exit"``.

    Every event made inside that has a ``thread_id`` gets the thread's, and one of a
    thread's progress its other facts too, but for its ``source``, which is content.
    ``tracing_disabled`` and ``trace_sensitive`` hold for everything emitted inside.
    """

    _tells = (ThreadStarted, ThreadStopped, ThreadFailed)

    def __init__(self, session: Session, input: str, facts: ThreadFacts) -> None:
        """Begin nothing yet."""
        known = known_facts(ThreadFacts, facts)
        if known.get("turn_id") is None:
            known["turn_id"] = session.defaults.get("turn_id")
        self._facts = known
        own = {name: known.get(name) for name in (*_IDS, *_OF_PROGRESS)}
        super().__init__(session, own, self._told(_WISHES))
        self._input = text("input", input)
        self._ending = ThreadStopped.of("ok")

    @before_its_end
    def stopped(self, result: ThreadEnd, error_message: str | None = None) -> None:
        """Let the thread end with *result*; *error_message* is content."""
        known: ThreadEnd = one_of(_ENDS, text("result", result), "other")
        said = texts(error_message=error_message)
        self._ending = ThreadStopped.of(known, error_message=said["error_message"])

    @before_its_end
    def learned(
        self, *, thread_id: str | None = None, turn_id: str | None = None
    ) -> None:
        """Let the end, and what is emitted until then, have ids not known before.

        Copies of it, and what was begun within it, know those of when they were made.
        """
        for name, one in (("thread_id", thread_id), ("turn_id", turn_id)):
            if one is not None:
                self._facts[name] = text(name, one)
        self._fill_in(self._told(_IDS))

    def _tell_start(self) -> None:
        self._tell(self._of_thread(ThreadStarted.from_text(self._input)))

    def _tell_end(self, error: BaseException | None, duration_ms: float) -> None:
        ending = replace(self._how(error), duration_ms=duration_ms)
        self._tell(self._of_thread(ending))

    def _how(self, error: BaseException | None) -> ThreadStopped | ThreadFailed:
        match error:
            case None:
                return self._ending
            case Exception():
                failed = ThreadFailed.from_text(words_of(error))
                return replace(failed, exception_type=kind_of(error))
            case GeneratorExit():
                return ThreadStopped.of("early_exit")
            case _:
                return ThreadStopped.of("cancelled")

    def _of_thread(self, event: E) -> E:
        return replace(event, span_token=self.token, **self._facts)

    def _told(self, names: tuple[str, ...]) -> dict[str, Any]:
        # Any: fields of several types.
        facts = self._facts
        return {name: facts[name] for name in names if facts.get(name) is not None}
