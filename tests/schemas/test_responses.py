"""How much of an answer an event keeps."""

from __future__ import annotations

import pytest

from eventbus_schemas import AgentResponse
from eventbus_schemas._responses import MAX_RESPONSE_BYTES


@pytest.mark.proves("B16")
@pytest.mark.parametrize("character", ["a", "é", "€", "😀"])
@pytest.mark.parametrize("shift", range(4))
def test_long_response_is_cut_at_65536_bytes_between_two_characters(
    character: str, shift: int
) -> None:
    text = "x" * shift + character * 65_537
    event = AgentResponse.from_text(text)
    kept, width = len(event.response.encode()), len(character.encode())
    assert text.startswith(event.response)
    assert 65_536 - width < kept <= 65_536
    assert event.response_length == shift + 65_537 * width
    assert event.response_truncated


def test_response_of_exactly_the_limit_is_whole() -> None:
    text = "é" * (MAX_RESPONSE_BYTES // 2)
    event = AgentResponse.from_text(text)
    assert (event.response, event.response_length) == (text, 65_536)
    assert not event.response_truncated


def test_response_of_one_byte_more_is_cut() -> None:
    event = AgentResponse.from_text("é" * (MAX_RESPONSE_BYTES // 2) + "a")
    assert (len(event.response.encode()), event.response_length) == (65_536, 65_537)
    assert event.response_truncated


@pytest.mark.proves("B16")
def test_response_of_an_agent_s_agent_says_who_began_it() -> None:
    told = {
        "turn_id": "t",
        "item_id": "i",
        "parent_conversation_id": "c",
        "parent_turn_id": "p",
        "root_turn_id": "r",
        "initiating_agent_path": "main/search",
    }
    event = AgentResponse.from_text("Done.", agent_type="subagent", **told)
    assert {name: getattr(event, name) for name in told} == told
    alone = AgentResponse.from_text("Done.", agent_type="main")
    assert {getattr(alone, name) for name in told} == {None}
