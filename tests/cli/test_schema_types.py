"""Which types of two schemas take each other's values."""

from __future__ import annotations

from eventbus.cli._schema_types import Types
from tests.cli._event_types import Node, WideNode, exported, made


def test_a_cycle_that_differs_deep_down_is_no_match() -> None:
    wide, narrow = exported(made(a=WideNode)), exported(made(a=Node))
    place = {"$ref": "#/$defs/thing/$defs/Thing"}
    assert Types(wide, narrow).takes(place, place)
    assert not Types(narrow, wide).takes(place, place)


def test_a_part_that_did_not_match_once_does_not_the_next_time() -> None:
    defs = {"wide": {"type": "integer"}, "narrow": {"type": "string"}}
    wide = {"type": "object", "properties": {"p": {"$ref": "#/wide"}}}
    narrow = {"type": "object", "properties": {"p": {"$ref": "#/narrow"}}}
    twice = {"anyOf": [wide, {**wide}]}
    assert not Types(defs, defs).takes(twice, narrow)
    assert Types(defs, defs).takes(twice, {**wide})
