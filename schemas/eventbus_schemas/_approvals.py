"""What is told of who was asked whether a tool may run, and what was decided."""

from __future__ import annotations

from typing import Annotated, Final, Literal, get_args

from eventbus import Attribute, Label, Sensitive, Severity, Unit
from eventbus_schemas._closed_sets import one_of
from eventbus_schemas._metrics import SESSION_METRICS
from eventbus_schemas._texts import byte_length
from eventbus_schemas._turn_ids import OfTurn

Decision = Literal[
    "approved",
    "approved_for_session",
    "approved_with_amendment",
    "approved_with_network_policy_allow",
    "denied",
    "denied_with_network_policy_deny",
    "timed_out",
    "abort",
    "other",
]
DecisionSource = Literal["config", "user", "automated_reviewer", "other"]
ApprovalSource = Literal["policy", "user", "other"]
ApprovalOutcome = Literal["approved", "denied", "timeout", "other"]

DECISIONS: Final[tuple[Decision, ...]] = get_args(Decision)
SOURCES: Final[tuple[DecisionSource, ...]] = get_args(DecisionSource)


class ToolDecision(
    OfTurn, tag="agent.tool_decision", metrics=SESSION_METRICS, gc=False
):
    """It was decided whether a tool may run.

    Args:
        tool_name: The tool.
        decision: What was decided; what is not in the set is ``"other"``.
        source: Who decided; who is not in the set is ``"other"``.
        call_id: Joins the decision to the call.
    """

    tool_name: Annotated[str, Label, Attribute("gen_ai.tool.name")]
    decision: Annotated[Decision, Label]
    source: Annotated[DecisionSource, Label] = "other"
    call_id: Annotated[str | None, Attribute("gen_ai.tool.call.id")] = None

    @classmethod
    def of(
        cls,
        tool_name: str,
        *,
        decision: str,
        source: str,
        call_id: str | None = None,
        turn_id: str | None = None,
    ) -> ToolDecision:
        """Make one of words as they come; those that are not known are ``"other"``.

        ``ApprovedForSession``, ``approvedforsession`` and ``approved_for_session`` are
        the same word.
        """
        return cls(
            tool_name=tool_name,
            decision=one_of(DECISIONS, decision, "other"),
            source=one_of(SOURCES, source, "other"),
            call_id=call_id,
            turn_id=turn_id,
        )


class Approval(OfTurn, gc=False):
    """What is asked for when a tool needs an approval; a base of events.

    Args:
        tool_name: The tool.
        source: Whether a rule asks or a person; what is not in the set is ``"other"``.
        call_id: Joins it to the call.
        thread_id: The conversation, where it has a name of its own.
    """

    tool_name: Annotated[str, Label, Attribute("gen_ai.tool.name")]
    source: Annotated[ApprovalSource | None, Label] = None
    call_id: Annotated[str | None, Attribute("gen_ai.tool.call.id")] = None
    thread_id: str | None = None


class ApprovalRequested(
    Approval, tag="agent.approval_requested", metrics=SESSION_METRICS, gc=False
):
    """Somebody is asked whether a tool may run."""


class ApprovalDecided(
    Approval, tag="agent.approval_decided", metrics=SESSION_METRICS, gc=False
):
    """The wait for an approval ended; nothing that was not approved may run.

    Args:
        outcome: How; what is not in the set is ``"other"``.
        duration_ms: How long it was waited for.
        reason: Why it was denied, in somebody's own words.
        reason_length: Length of ``reason``.
        severity: ``"info"`` when it was approved, else ``"warn"``.
    """

    outcome: Annotated[ApprovalOutcome, Label]
    duration_ms: Annotated[float | None, Unit("ms")] = None
    reason: Annotated[str | None, Sensitive] = None
    reason_length: Annotated[int | None, Unit("By")] = None
    severity: Severity = "info"

    @classmethod
    def of(
        cls,
        tool_name: str,
        *,
        outcome: ApprovalOutcome,
        duration_ms: float | None = None,
        reason: str | None = None,
        source: ApprovalSource | None = None,
        call_id: str | None = None,
        thread_id: str | None = None,
        turn_id: str | None = None,
        severity: Severity | None = None,
    ) -> ApprovalDecided:
        """Make one with the length and the severity that belong to it."""
        return cls(
            tool_name=tool_name,
            outcome=outcome,
            duration_ms=duration_ms,
            reason=reason,
            reason_length=None if reason is None else byte_length(reason),
            source=source,
            call_id=call_id,
            thread_id=thread_id,
            turn_id=turn_id,
            severity=severity or ("info" if outcome == "approved" else "warn"),
        )
