"""Tasks that open sessions and stretches as they like: nobody gets another's."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eventbus import Bus
from eventbus.testing import RecordingSink
from eventbus_schemas import Session
from tests.schemas._agent_trees import ENDS, STARTS, Node, Walk, nodes


@pytest.mark.proves("C2", "C3", "C4")
@settings(max_examples=30, deadline=None)
@given(st.lists(nodes, min_size=1, max_size=3))
def test_tasks_that_open_stretches_never_mix_them_up(trees: list[Node]) -> None:
    walks, sink = asyncio.run(walked(trees))
    noted = [one for one in sink.records if one.name == "agent.item_completed"]
    told = {words: told for walk in walks for words, told in walk.told.items()}
    assert len(noted) == len(told)
    for record in noted:
        event: Any = record.event
        expected = told[event.item_id]
        assert event.turn_id == expected.turn_id
        assert record.attributes["gen_ai.conversation.id"] == expected.conversation
        assert record.span_id == expected.span_id
    opened = Counter(kind for walk in walks for kind in walk.opened)
    starts = [STARTS[one.name] for one in sink.records if one.name in STARTS]
    assert opened == Counter(starts)
    assert len(starts) == sum(one.name in ENDS for one in sink.records)
    check_pairs(sink)


async def walked(trees: list[Node]) -> tuple[list[Walk], RecordingSink]:
    sink = RecordingSink()
    async with Bus() as bus:
        bus.attach(sink, content="full")
        walks = [
            Walk(Session(bus, conversation_id=f"c{number}"), f"c{number}")
            for number in range(len(trees))
        ]
        await asyncio.gather(
            *(walk.run(tree) for walk, tree in zip(walks, trees, strict=True))
        )
    return walks, sink


def check_pairs(sink: RecordingSink) -> None:
    """Check that each start is followed by its one end."""
    open_ones: Counter[str] = Counter()
    ended: Counter[str] = Counter()
    for record in sink.records:
        token = getattr(record.event, "span_token", None)
        if token is None:
            continue
        if record.name in STARTS:
            open_ones[token] += 1
        else:
            assert open_ones[token] == 1
            ended[token] += 1
    assert ended == open_ones
    assert set(ended.values()) <= {1}
