"""What holds for any event of any type of the agent catalog, whatever is in it."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import jsonschema
import msgspec
import pytest
from hypothesis import given, settings

from eventbus import Bus, Event, EventType, Record
from eventbus._decode_line import LineDecoder
from eventbus._encode_line import LineEncoder
from eventbus.cli._event_schema import records_schema
from eventbus.testing import RecordingSink
from eventbus_schemas import agent_catalog

from ._events import EVERYTHING, any_event

# Any in this module: the fields of events hold values of any type.

encoder = LineEncoder()
decoder = LineDecoder(agent_catalog)
REDACTED = "[REDACTED]"
SECRET = "a text that must not leave"


@cache
def validator() -> jsonschema.Draft202012Validator:
    return jsonschema.Draft202012Validator(records_schema(agent_catalog))


def known_as(event: Event) -> EventType:
    known = agent_catalog.get(Record(event).name)
    assert known is not None
    return known


@pytest.mark.proves("B21")
@settings(max_examples=400, deadline=None)
@given(event=any_event)
def test_it_survives_its_line_of_json_without_a_null(event: Event) -> None:
    line = encoder.encode_one(Record(event, id="r-1"))
    assert decoder.decode(line).event == event
    written = json.loads(line)["event"]
    assert None not in written.values()
    absent = {f.name for f in known_as(event).fields if getattr(event, f.name) is None}
    assert not absent & set(written)


@settings(max_examples=200, deadline=None)
@given(event=any_event)
def test_it_survives_messagepack(event: Event) -> None:
    packed = msgspec.msgpack.encode(event)
    assert msgspec.msgpack.decode(packed, type=type(event)) == event


@pytest.mark.proves("B24", "fault-140")
@settings(max_examples=200, deadline=None)
@given(event=any_event)
def test_its_line_is_valid_by_the_exported_schema(event: Event) -> None:
    line = json.loads(encoder.encode_one(Record(event, id="r-1")))
    assert list(validator().iter_errors(line)) == []


def filled(event: Event) -> Event:
    """Return *event* with a secret in every sensitive field."""
    secrets: dict[str, Any] = dict.fromkeys(known_as(event).sensitive_fields, SECRET)
    return msgspec.structs.replace(event, **secrets)


@pytest.mark.parametrize("event", EVERYTHING, ids=lambda one: type(one).__name__)
async def test_an_attachment_gets_no_content_unless_it_asks_for_it(
    event: Event,
) -> None:
    safe, full = RecordingSink(), RecordingSink()
    async with Bus() as bus:
        bus.attach(safe, name="safe")
        bus.attach(full, name="full", content="full")
        bus.emit(filled(event))
    (kept_back,), (told,) = safe.records, full.records
    assert SECRET.encode() not in encoder.encode_one(kept_back)
    assert SECRET not in repr(told.event)
    for field in known_as(event).fields:
        is_content = field.name in known_as(event).sensitive_fields
        expected = REDACTED if is_content else getattr(event, field.name)
        assert getattr(kept_back.event, field.name) == expected
        if is_content:
            assert getattr(told.event, field.name) == SECRET


def test_there_is_an_example_of_each_type() -> None:
    assert {type(event) for event in EVERYTHING} == {one.cls for one in agent_catalog}
