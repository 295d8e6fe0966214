"""What is told of who was asked, and what was decided."""

from __future__ import annotations

from typing import get_args

import msgspec
import pytest

from eventbus._catalog import describe
from eventbus_schemas import ApprovalDecided, ApprovalRequested, ToolDecision
from eventbus_schemas._approvals import DECISIONS, SOURCES, ApprovalOutcome
from eventbus_schemas._closed_sets import one_of
from eventbus_schemas._codex_naming import codex_naming
from tests.schemas.test_agent_session import Rig
from tests.schemas.test_agent_session import rig as rig


def decision(word: str, source: str = "user") -> tuple[str, str]:
    event = ToolDecision.of("shell", decision=word, source=source)
    return event.decision, event.source


@pytest.mark.proves("B9", "E9")
@pytest.mark.parametrize(
    ("word", "known"),
    [
        ("approved", "approved"),
        ("approvedforsession", "approved_for_session"),
        ("ApprovedForSession", "approved_for_session"),
        ("approved_for_session", "approved_for_session"),
        ("timed_out", "timed_out"),
        ("TimedOut", "timed_out"),
        ("abort", "abort"),
        ("shrugged", "other"),
        ("rm -rf /", "other"),
        ("", "other"),
    ],
)
def test_a_decision_is_a_word_of_a_closed_set_however_it_is_spelled(
    word: str, known: str
) -> None:
    assert decision(word)[0] == known


@pytest.mark.proves("B9", "E9")
@pytest.mark.parametrize(
    ("source", "known"),
    [
        ("Config", "config"),
        ("User", "user"),
        ("AutomatedReviewer", "automated_reviewer"),
        ("automated_reviewer", "automated_reviewer"),
        ("the cat", "other"),
    ],
)
def test_who_decided_is_one_of_a_closed_set_the_reviewer_too(
    source: str, known: str
) -> None:
    assert decision("approved", source)[1] == known


def words_of_codex() -> list[tuple[str, str, str]]:
    """Return the sets whose words codex writes otherwise: event, ours, theirs."""
    return [
        (event, ours, theirs)
        for event, form in codex_naming.events.items()
        for words in form.values.values()
        for ours, theirs in words.items()
    ]


@pytest.mark.proves("B9", "B12")
@pytest.mark.parametrize(("event", "ours", "theirs"), words_of_codex())
async def test_a_word_that_codex_writes_is_taken_for_what_it_means(
    rig: Rig, event: str, ours: str, theirs: str
) -> None:
    session = rig.session()
    if event == "agent.auth_recovery":
        session.auth_recovery("reload", theirs)
    elif ours in SOURCES:
        session.tool_decision("shell", decision="approved", source=theirs)
    else:
        session.tool_decision("shell", decision=theirs, source="user")
    told = (await rig.record()).event
    stands_for_two = theirs == "networkpolicyamendment"
    assert ("other" if stands_for_two else ours) in msgspec.structs.astuple(told)


@pytest.mark.proves("B9")
def test_every_known_word_is_itself() -> None:
    for word in DECISIONS:
        assert decision(word)[0] == word
    for source in SOURCES:
        assert decision("approved", source)[1] == source
    assert one_of(DECISIONS, "OTHER", "abort") == "other"


@pytest.mark.proves("B9")
def test_a_decision_names_tool_and_call_and_has_no_content() -> None:
    known = describe(ToolDecision)
    assert {field.name for field in known.fields} == {
        *("tool_name", "call_id", "decision", "source", "turn_id")
    }
    assert known.sensitive_fields == ()
    event = ToolDecision.of(
        "shell", decision="denied", source="user", call_id="c", turn_id="t"
    )
    assert (event.call_id, event.turn_id) == ("c", "t")


@pytest.mark.proves("B18")
@pytest.mark.parametrize("outcome", get_args(ApprovalOutcome))
def test_the_end_of_a_wait_tells_how_long_it_was_and_how_it_ended(
    outcome: ApprovalOutcome,
) -> None:
    event = ApprovalDecided.of(
        "shell", outcome=outcome, duration_ms=30_000.0, thread_id="th", call_id="c"
    )
    assert (event.outcome, event.duration_ms) == (outcome, 30_000.0)
    assert event.severity == ("info" if outcome == "approved" else "warn")
    assert (event.reason, event.reason_length) == (None, None)


@pytest.mark.proves("B18")
def test_a_denial_keeps_its_reason_as_content() -> None:
    event = ApprovalDecided.of("shell", outcome="denied", reason="não")
    assert (event.reason, event.reason_length) == ("não", 4)
    assert describe(ApprovalDecided).sensitive_fields == ("reason",)


@pytest.mark.proves("B18")
def test_who_is_asked_and_what_is_decided_are_joined_by_the_call() -> None:
    asked = set(ApprovalRequested.__struct_fields__)
    assert asked == {"tool_name", "source", "call_id", "thread_id", "turn_id"}
    assert asked < set(ApprovalDecided.__struct_fields__)
