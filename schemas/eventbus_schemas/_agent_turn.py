"""A turn of a session: told when it starts, and told once how it ended."""

from __future__ import annotations

from typing import Final, TypedDict, Unpack, get_args

from msgspec.structs import replace

from eventbus_schemas._agent_session import Session
from eventbus_schemas._closed_sets import one_of
from eventbus_schemas._facts import known_facts, text
from eventbus_schemas._session import (
    AbortReason,
    OfTurnEnd,
    TurnAborted,
    TurnCompleted,
    TurnFailed,
    TurnStarted,
)
from eventbus_schemas._stretch import Stretch, before_its_end, kind_of, words_of

_REASONS: Final[tuple[AbortReason, ...]] = get_args(AbortReason)


class TurnFacts(TypedDict, total=False):
    """What may be told of a completed turn: fields of :class:`TurnCompleted`."""

    input_tokens: int
    cached_input_tokens: int
    cache_write_tokens: int
    output_tokens: int
    reasoning_output_tokens: int
    total_tokens: int
    tool_call_count: int
    network_proxy_active: bool
    temporary_memory: bool
    memory_enabled: bool
    memory_configured: bool
    memory_read_allowed: bool
    memory_cited: bool


class Turn(Stretch):
    """A session within one of its turns; made by :meth:`Session.turn`.

    A context manager, entered once: ``agent.turn_started`` where it begins, and where
    it ends exactly one of ``agent.turn_completed``, ``agent.turn_failed`` and
    ``agent.turn_aborted``, with the time between. An exception makes it failed, a
    cancellation aborted; both go on. Otherwise it ended as was said last, else it is
    completed.

    Every event made inside that has a ``turn_id`` gets the turn's.
    """

    _tells = (TurnStarted, TurnCompleted, TurnFailed, TurnAborted)

    def __init__(self, session: Session, turn_id: str) -> None:
        """Begin nothing yet."""
        super().__init__(session, {"turn_id": turn_id})
        self.turn_id = turn_id
        self._ending: OfTurnEnd = TurnCompleted(model=session.defaults.get("model"))

    @before_its_end
    def completed(self, **facts: Unpack[TurnFacts]) -> None:
        """Let the turn be completed when it ends, with *facts*.

        Raises:
            TypeError: There is one that no turn has, or one of another type.
        """
        known = known_facts(TurnFacts, facts)
        self._ending = TurnCompleted(model=self.defaults.get("model"), **known)

    @before_its_end
    def failed(self, error_message: str) -> None:
        """Let the turn be failed when it ends, with *error_message*: content."""
        self._ending = TurnFailed.from_text(text("error_message", error_message))

    @before_its_end
    def aborted(self, reason: AbortReason) -> None:
        """Let the turn be aborted when it ends, for *reason*, else ``"other"``."""
        self._ending = TurnAborted(
            reason=one_of(_REASONS, text("reason", reason), "other")
        )

    def _tell_start(self) -> None:
        self._tell(TurnStarted(turn_id=self.turn_id, span_token=self.token))

    def _tell_end(self, error: BaseException | None, duration_ms: float) -> None:
        if isinstance(error, Exception):
            failed = TurnFailed.from_text(words_of(error))
            self._ending = replace(failed, exception_type=kind_of(error))
        elif error is not None:  # cancelled, interrupted, or its generator was left
            self._ending = TurnAborted(reason="interrupted")
        self._tell(
            replace(
                self._ending,
                turn_id=self.turn_id,
                span_token=self.token,
                duration_ms=duration_ms,
            )
        )
