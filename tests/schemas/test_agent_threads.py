"""What a thread of a session says of itself, and of which turn and thread it is."""

from __future__ import annotations

from typing import Any

import pytest

from eventbus import Event
from eventbus_schemas import (
    ItemCompleted,
    Session,
    TokenUsage,
    TurnCompaction,
    TurnDiffUpdated,
)
from eventbus_schemas._threads import OfThread
from tests.schemas.test_agent_session import Rig
from tests.schemas.test_agent_session import rig as rig

FACTS: Any = {
    "thread_id": "th-1",
    "workflow": "w",
    "group": "g",
    "trace_name": "n",
    "previous_response_id": "r-1",
}
GIVEN: Any = {
    **FACTS,
    "turn_id": "t-1",
    "span_token": "00f067aa0ba902b7",
    "source": "{}",
    "trace_sensitive": False,
    "tracing_disabled": True,
}


def told_by(event: Any, names: Any) -> dict[str, Any]:
    return {name: getattr(event, name) for name in names}


def progress(session: Session, **facts: Any) -> None:
    session.turn_diff_updated("+", **facts)
    session.turn_compaction("started", **facts)
    session.item_completed(item_type="reasoning", **facts)


PROGRESS: list[type[Event]] = [TurnDiffUpdated, TurnCompaction, ItemCompleted]


@pytest.mark.proves("B17")
async def test_what_happens_in_a_thread_has_the_thread_s_facts(rig: Rig) -> None:
    with rig.session().thread("x", **FACTS) as thread, thread.turn("t-1") as turn:
        progress(turn)
        turn.token_usage(input_tokens=1)
    inside = [one.event for one in await rig.records()][2:6]
    assert [type(one) for one in inside] == [*PROGRESS, TokenUsage]
    for event in inside:
        assert told_by(event, FACTS) == FACTS
        assert event.turn_id == "t-1"


@pytest.mark.proves("B17")
async def test_every_fact_of_a_thread_can_be_said_of_its_progress(rig: Rig) -> None:
    assert GIVEN.keys() == set(OfThread.__struct_fields__)
    progress(rig.session(), **GIVEN)
    told = [one.event for one in await rig.records()]
    assert [type(one) for one in told] == PROGRESS
    for event in told:
        assert told_by(event, GIVEN) == GIVEN


@pytest.mark.proves("B22")
@pytest.mark.parametrize("turn_id", [None, "t-2"])
async def test_a_thread_within_a_turn_says_which(rig: Rig, turn_id: str | None) -> None:
    with rig.session().turn("t-1") as turn, turn.thread("x", turn_id=turn_id) as inner:
        inner.token_usage(input_tokens=1)
    _, start, usage, end, _ = [one.event.turn_id for one in await rig.records()]
    assert start == usage == end == (turn_id or "t-1")


async def test_a_thread_without_a_name_yet_has_none_of_another(rig: Rig) -> None:
    with rig.session().thread("x", **FACTS) as outer, outer.thread("y") as inner:
        progress(inner)
    inside = [one.event for one in await rig.records()][1:6]
    for event in inside:
        assert told_by(event, FACTS) == dict.fromkeys(FACTS)
