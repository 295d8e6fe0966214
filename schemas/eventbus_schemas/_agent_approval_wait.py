"""A wait for an approval: told when it starts, and told once what was decided."""

from __future__ import annotations

from typing import Final, get_args

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
from eventbus_schemas._facts import text
from eventbus_schemas._stretch import Stretch, words_of

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
        super().__init__(session, {} if call_id is None else {"call_id": call_id})
        self.tool_name = tool_name
        self._asks: ApprovalSource | None = source
        self.decided("other")

    def decided(self, outcome: ApprovalOutcome, reason: str | None = None) -> None:
        """Let it be decided so when it ends; *reason* is content."""
        word = text("outcome", outcome)
        self._outcome: ApprovalOutcome = one_of(_OUTCOMES, word, "other")
        self._reason = None if reason is None else text("reason", reason)

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
        if isinstance(error, TimeoutError):
            self.decided("timeout")
        elif error is not None:
            self.decided("other", words_of(error))
        self.approval_decided(
            self.tool_name,
            outcome=self._outcome,
            reason=self._reason,
            duration_ms=duration_ms,
            source=self._asks,
        )
