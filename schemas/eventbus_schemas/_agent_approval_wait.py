"""A wait for an approval: told when it starts, and told once what was decided."""

from __future__ import annotations

from typing import Final, TypeAlias, get_args

from eventbus.trace_context import TraceContext
from eventbus_schemas._agent_session import Session
from eventbus_schemas._approvals import (
    ApprovalDecided,
    ApprovalOutcome,
    ApprovalRequested,
    ApprovalSource,
)
from eventbus_schemas._cancelled import CallCancelled
from eventbus_schemas._closed_sets import one_of
from eventbus_schemas._facts import text, texts
from eventbus_schemas._stretch import Stretch, before_its_end, words_of

Decided: TypeAlias = tuple[ApprovalOutcome, str | None]

_OUTCOMES: Final[tuple[ApprovalOutcome, ...]] = get_args(ApprovalOutcome)


class ApprovalWait(Stretch):
    """A session while it is asked whether a tool may run; see :meth:`Session.approval`.

    A context manager, entered once: ``agent.approval_requested`` where it begins, and
    where it ends exactly one ``agent.approval_decided``, with the time that was waited.
    A ``TimeoutError`` makes it a timeout, another exception ``"other"`` with the
    exception's words as the reason; both go on. One that is cancelled, interrupted or
    left has ``agent.call_cancelled`` instead, and no decision. Otherwise it is decided
    as was said last, else ``"other"``. It has no span.
    """

    _tells = (ApprovalRequested, ApprovalDecided, CallCancelled)

    def __init__(
        self,
        session: Session,
        tool_name: str,
        *,
        source: ApprovalSource | None,
        call_id: str | None,
    ) -> None:
        """Begin nothing yet."""
        texts(source=source)
        known = {} if call_id is None else texts(call_id=call_id)
        super().__init__(session, known)
        self.tool_name = text("tool_name", tool_name)
        self._asks: ApprovalSource | None = source
        self._decision: Decided = ("other", None)

    @before_its_end
    def decided(self, outcome: ApprovalOutcome, reason: str | None = None) -> None:
        """Let it be decided so when it ends; *reason* is content."""
        word: ApprovalOutcome = one_of(_OUTCOMES, text("outcome", outcome), "other")
        self._decision = word, texts(reason=reason)["reason"]

    def _within(self, outer: TraceContext | None) -> TraceContext | None:
        return outer

    def _tell_start(self) -> None:
        self.approval_requested(tool_name=self.tool_name, source=self._asks)

    def _tell_end(self, error: BaseException | None, duration_ms: float) -> None:
        if error is not None and not isinstance(error, Exception):
            self.call_cancelled(
                operation="approval", duration_ms=duration_ms, tool_name=self.tool_name
            )
            return
        outcome, reason = self._how(error)
        self.approval_decided(
            self.tool_name,
            outcome=outcome,
            reason=reason,
            duration_ms=duration_ms,
            source=self._asks,
        )

    def _how(self, error: BaseException | None) -> Decided:
        if isinstance(error, TimeoutError):
            return "timeout", None
        return self._decision if error is None else ("other", words_of(error))
