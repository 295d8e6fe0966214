from __future__ import annotations

import json

import jsonschema
import pytest

from eventbus import Catalog, Event, Record
from eventbus._encode_line import LineEncoder
from eventbus._plugins import installed_catalog
from eventbus.cli._event_schema import event_schema, records_schema
from tests.cli._command import Command, record_lines

Validator = jsonschema.Draft202012Validator


def test_every_installed_event_type_is_listed(eventbus: Command) -> None:
    done = eventbus("events")
    assert done.status == 0
    listed = {line.split()[0] for line in done.out.splitlines()[2:] if line}
    assert listed == {known.name for known in installed_catalog()}


def test_one_event_type_is_shown_with_its_fields_and_marks(eventbus: Command) -> None:
    done = eventbus("events", "agent.tool_result")
    assert done.out.startswith("agent.tool_result, version 1, severity info\n")
    (line,) = [line for line in done.out.splitlines() if line.startswith("tool_name")]
    assert "label, attribute gen_ai.tool.name" in line


@pytest.mark.parametrize("name", [known.name for known in installed_catalog()])
def test_every_installed_event_type_can_be_shown(eventbus: Command, name: str) -> None:
    done = eventbus("events", name)
    assert (done.status, done.err) == (0, "")


def test_an_unknown_event_type_is_wrong_usage(eventbus: Command) -> None:
    done = eventbus("events", "agent.tool_reslt")
    assert done.status == 2
    assert done.err == (
        "eventbus: No installed catalog has an event 'agent.tool_reslt'. "
        "Did you mean 'agent.tool_result'?\n"
    )


def test_json_says_the_same_to_machines(eventbus: Command) -> None:
    (event,) = eventbus("events", "agent.tool_result", "--json").json["events"]
    assert event["name"] == "agent.tool_result"
    fields = {field["name"]: field for field in event["fields"]}
    assert fields["tool_name"]["label"] is True
    assert fields["duration_ms"]["unit"] == "ms"
    assert fields["output"]["sensitive"] is True


def test_the_schema_takes_the_lines_that_the_reader_takes(eventbus: Command) -> None:
    schema = json.loads(eventbus("events", "--json-schema").out)
    Validator.check_schema(schema)
    for line in record_lines(1).splitlines():
        Validator(schema).validate(json.loads(line))


@pytest.mark.parametrize(
    "line",
    [
        '{"name": "agent.turn_started"}',
        '{"name": "no.such", "event": {}}',
        '{"name": "agent.turn_started", "event": {"nope": 1}}',
        '{"name": "agent.turn_started", "event": {}, "trace_id": "XYZ"}',
        '{"name": "agent.turn_started", "event": {}, "weight": 0}',
        '{"name": "agent.turn_started", "event": {}, "more": 1}',
        '{"name": "agent.turn_started", "event": {}, "severity": null}',
    ],
)
def test_the_schema_refuses_what_is_no_record(line: str) -> None:
    assert not Validator(records_schema(installed_catalog())).is_valid(json.loads(line))


class Inner(Event, tag="test.inner"):
    ratio: float
    names: tuple[str, ...] = ()
    note: str | None = None


def test_an_event_s_line_is_valid_by_its_schema_numbers_json_lacks_included() -> None:
    schema = Validator(records_schema(Catalog([Inner])))
    for event in (Inner(ratio=0.5, note="x"), Inner(ratio=float("nan"), names=("a",))):
        line = LineEncoder().encode_one(Record(event, id="1"))
        assert list(schema.iter_errors(json.loads(line))) == []


def test_one_schema_of_an_event_stands_alone() -> None:
    (known,) = Catalog([Inner])
    schema = records_schema([known])["$defs"]["test.inner"]
    assert schema == event_schema(known)
    own = schema["$defs"]["Inner"]
    assert (own["title"], own["x-severity"]) == ("test.inner", "info")
