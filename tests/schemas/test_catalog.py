"""What holds for every event type of the agent catalog."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

import eventbus_schemas
from eventbus import EventType
from eventbus_schemas import agent_catalog

TYPES = list(agent_catalog)
CONTENT = {"prompt", "response", "text", "arguments", "output", "paths"}
LENGTHS = {"paths": ("files_added", "files_updated", "files_deleted")}


def example(known: EventType) -> Any:
    required = {
        "success": True,
        "duration_ms": 1.0,
        "tool_name": "x",
        "outcome": "completed",
    }
    fields = {f.name: required[f.name] for f in known.fields if f.required}
    return known.cls(**fields)


def test_names_of_the_catalog_are_these() -> None:
    assert [known.name for known in agent_catalog] == [
        "agent.agent_response",
        "agent.api_request",
        "agent.conversation_starts",
        "agent.file_change",
        "agent.rate_limits",
        "agent.reasoning",
        "agent.sse_event",
        "agent.token_usage",
        "agent.tool_result",
        "agent.turn_aborted",
        "agent.turn_completed",
        "agent.turn_context",
        "agent.turn_failed",
        "agent.turn_started",
        "agent.user_prompt",
    ]


@pytest.mark.parametrize("known", TYPES, ids=lambda known: known.name)
def test_event_type_is_importable_from_the_package(known: EventType) -> None:
    assert getattr(eventbus_schemas, known.cls.__name__) is known.cls


@pytest.mark.parametrize("known", TYPES, ids=lambda known: known.name)
def test_no_field_can_change_after_emit(known: EventType) -> None:
    assert known.mutable_fields == ()


@pytest.mark.parametrize("known", TYPES, ids=lambda known: known.name)
def test_content_is_sensitive_and_its_size_stands_beside_it(known: EventType) -> None:
    names = {field.name for field in known.fields}
    for field in names & CONTENT:
        assert field in known.sensitive_fields
        assert names >= set(LENGTHS.get(field, (f"{field}_length",)))


@pytest.mark.parametrize("known", TYPES, ids=lambda known: known.name)
def test_no_label_is_sensitive(known: EventType) -> None:
    assert not [field for field in known.fields if field.label and field.sensitive]


@pytest.mark.parametrize("known", TYPES, ids=lambda known: known.name)
def test_unit_stands_on_every_length_in_milliseconds_and_tokens(
    known: EventType,
) -> None:
    units = {field.name: field.unit for field in known.fields}
    for name, unit in units.items():
        if name.endswith("_ms"):
            assert unit == "ms"
        if name.endswith("_tokens") and not name.startswith("session"):
            assert unit == "{token}"
        if name.endswith("_length"):
            assert unit == ("{character}" if name == "prompt_length" else "By")


@pytest.mark.parametrize("known", TYPES, ids=lambda known: known.name)
@pytest.mark.parametrize("codec", [msgspec.json, msgspec.msgpack])
def test_event_survives_encoding(known: EventType, codec: Any) -> None:
    event = example(known)
    assert codec.decode(codec.encode(event), type=known.cls) == event


@pytest.mark.parametrize("name", eventbus_schemas.__dict__)
def test_what_the_package_offers_has_a_docstring(name: str) -> None:
    offered = getattr(eventbus_schemas, name)
    if not name.startswith("_"):
        assert offered.__doc__
