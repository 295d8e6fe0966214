"""``eventbus events``: what is exported."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Annotated, Any, Literal, Optional

import jsonschema
import msgspec
import pytest

from eventbus import Catalog, Event, Label, Record
from eventbus._encode_line import LineEncoder
from eventbus._plugins import installed_catalog
from eventbus.cli._event_asyncapi import asyncapi
from eventbus.cli._event_schema import in_order, records_schema
from tests.cli._command import Command, finished, program, record_lines
from tests.cli._event_types import fields_of

# Any in this module: JSON.


def references(part: Any) -> Iterator[str]:
    if isinstance(part, dict):
        if isinstance(part.get("$ref"), str):
            yield part["$ref"]
        for inner in part.values():
            yield from references(inner)
    elif isinstance(part, list):
        for inner in part:
            yield from references(inner)


def at(document: Any, reference: str) -> Any:
    assert reference.startswith("#/")
    for key in reference[2:].split("/"):
        document = document[key]
    return document


@pytest.mark.proves("B24", "fault-140")
@pytest.mark.parametrize("form", ["--json-schema", "--asyncapi"])
def test_every_process_exports_the_same_bytes(form: str) -> None:
    first, second = (
        finished(program("events", form), PYTHONHASHSEED=seed) for seed in ("1", "2")
    )
    assert (first.status, first.err) == (0, "")
    assert first.out == second.out
    keys = [*json.loads(first.out)]
    assert keys == sorted(keys)


class Tree(msgspec.Struct):
    name: str
    left: Optional[Tree] = None  # noqa: UP045 - a name in text cannot be in a |
    pair: tuple[int, str] = (0, "")


class Forest(Event, tag="test.forest"):
    root: Tree
    more: tuple[Tree, ...] = ()


FOREST: Any = {"root": {"name": "a", "left": {"name": "b", "pair": [1, "x"]}}}


@pytest.mark.proves("fault-140")
def test_a_type_within_itself_is_no_trouble() -> None:
    schema = in_order(records_schema(Catalog([Forest])))
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    assert validator.is_valid({"name": "test.forest", "event": FOREST})
    FOREST["root"]["left"]["left"] = {"name": 5}
    assert not validator.is_valid({"name": "test.forest", "event": FOREST})
    del FOREST["root"]["left"]["left"]


class Plain:
    pass


class Line(msgspec.Struct):
    number: int
    text: str | None = None


class Cells(msgspec.Struct, array_like=True):
    left: int
    right: str | None = None


@dataclass
class Note:
    text: str | None = None


class Odd(Event, tag="test.odd"):
    words: tuple[str | None, ...] = ()
    counts: dict[str, int | None] = msgspec.field(default_factory=dict)
    pair: tuple[int | None, str] = (None, "")
    note: Note | None = None
    line: Line | None = None
    cells: Cells | None = None
    plain: Plain | None = None
    anything: Any = None


ODD = [
    Odd(words=("a", None), counts={"a": None}, anything=[None, {"a": None}]),
    Odd(note=Note(), line=Line(1), cells=Cells(1)),
    Odd(note=Note("a"), line=Line(1, "a"), cells=Cells(1, "a")),
]


@pytest.mark.proves("fault-140")
@pytest.mark.parametrize("event", ODD)
def test_what_is_none_within_a_value_is_valid_as_it_is_written(event: Odd) -> None:
    line = json.loads(LineEncoder().encode_one(Record(event, id="1")))
    schema = in_order(records_schema(Catalog([Odd])))
    jsonschema.Draft202012Validator.check_schema(schema)
    assert list(jsonschema.Draft202012Validator(schema).iter_errors(line)) == []
    document = in_order(asyncapi(Catalog([Odd])))
    payload = document["components"]["messages"]["test.odd"]["payload"]
    validator = jsonschema.Draft7Validator({**document, **payload})
    assert list(validator.iter_errors(line)) == []


class Timed(Event, tag="test.timed"):
    at: datetime
    days: dict[date, time] = msgspec.field(default_factory=dict)
    by_number: dict[int, float] = msgspec.field(default_factory=dict)
    by_part: dict[float, int] = msgspec.field(default_factory=dict)
    by_word: dict[Literal["x", "y"], Line | datetime | None] = msgspec.field(
        default_factory=dict
    )


@pytest.mark.proves("fault-140")
@pytest.mark.parametrize("zone", [None, UTC])
def test_times_and_keys_are_valid_as_they_are_written(zone: Any) -> None:
    at = datetime(2026, 1, 2, 3, 4, tzinfo=zone)
    event = Timed(
        at=at,
        days={at.date(): at.timetz()},
        by_number={-5: 1.5},
        by_part={0.5: 1},
        by_word={"x": Line(1), "y": at},
    )
    line = json.loads(LineEncoder().encode_one(Record(event, id="1")))
    schema = in_order(records_schema(Catalog([Timed])))
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    assert list(validator.iter_errors(line)) == []
    for field, key in (("by_number", "x"), ("by_word", "z")):
        wrong = {**line["event"], field: {key: 1}}
        assert not validator.is_valid({**line, "event": wrong})


class Bounded(Event, tag="test.bounded", rename="camel"):
    long_word: Annotated[str, msgspec.Meta(pattern=r"^a+\Z"), Label] = "a"
    note: str | None = None


@pytest.mark.proves("fault-140")
def test_a_schema_is_in_the_words_of_json_schema_alone() -> None:
    properties = fields_of(
        records_schema(Catalog([Bounded])), "test.bounded", "Bounded"
    )
    assert properties == {
        "longWord": {
            "type": "string",
            "pattern": "^a+$",  # the end of a text in other languages' expressions
            "default": "a",
            "x-label": True,
        },
        "note": {"anyOf": [{"type": "string"}]},
    }


@pytest.mark.proves("fault-140")
def test_the_order_of_fields_changes_no_byte() -> None:
    told: Any = in_order({"b": 1, "a": {"required": ["y", "x"], "c": [{"f": 1}]}})
    assert json.dumps(told) == (
        '{"a": {"c": [{"f": 1}], "required": ["x", "y"]}, "b": 1}'
    )


@pytest.mark.proves("fault-140")
def test_a_line_has_nothing_beside_what_a_record_has() -> None:
    validator = jsonschema.Draft202012Validator(records_schema(Catalog([Bounded])))
    line = {"name": "test.bounded", "event": {}}
    assert validator.is_valid(line)
    assert not validator.is_valid({**line, "nope": 1})
    assert not validator.is_valid({"name": "test.other", "event": {}})


@pytest.mark.proves("fault-140")
def test_whatever_stands_after_the_pair_of_a_tuple_is_refused_in_both_dialects() -> (
    None
):
    known = Catalog([Forest])
    document = in_order(asyncapi(known))
    pair = document["components"]["schemas"]["0.test.forest.Tree"]["properties"]["pair"]
    assert pair["items"] == [{"type": "integer"}, {"type": "string"}]
    assert pair["additionalItems"] is False
    newer = fields_of(records_schema(known), "test.forest", "Tree")["pair"]
    assert (newer["prefixItems"], newer["items"]) == (pair["items"], False)


@pytest.mark.proves("fault-140")
@pytest.mark.parametrize(
    "event",
    [{"note": None}, {"line": {"number": 1, "text": None}}, {"words": [5]}],
)
def test_what_is_left_out_of_a_line_is_never_null(event: dict[str, Any]) -> None:
    schema = records_schema(Catalog([Odd]))
    validator = jsonschema.Draft202012Validator(schema)
    assert validator.is_valid({"name": "test.odd", "event": {}})
    assert not validator.is_valid({"name": "test.odd", "event": event})


@pytest.mark.proves("fault-140")
def test_asyncapi_has_the_parts_that_version_3_asks_for(eventbus: Command) -> None:
    """The published schema of AsyncAPI 3.0.0 is 400 kB; these are its demands here."""
    document = json.loads(eventbus("events", "--asyncapi").out)
    names = [known.name for known in installed_catalog()]
    assert document.keys() == {
        *("asyncapi", "info", "defaultContentType", "channels", "operations"),
        "components",
    }
    assert document["asyncapi"] == "3.0.0"
    assert document["info"].keys() == {"title", "version", "description"}
    (channel,) = document["channels"].values()
    assert channel.keys() == {"address", "description", "messages"}
    (operation,) = document["operations"].values()
    assert operation["action"] == "send"
    assert at(document, operation["channel"]["$ref"]) is channel
    assert sorted(channel["messages"]) == sorted(names)
    for name in names:
        message = at(document, channel["messages"][name]["$ref"])
        assert message["name"] == name
        assert message.keys() == {"name", "title", "summary", "contentType", "payload"}
    key = re.compile(r"[A-Za-z0-9.\-_]+").fullmatch
    for components in document["components"].values():
        assert all(map(key, components))
    for reference in references(document):
        assert isinstance(at(document, reference), dict)
    for schema in document["components"]["schemas"].values():
        jsonschema.Draft7Validator.check_schema(schema)


@pytest.mark.proves("fault-140")
def test_a_line_is_valid_by_its_message_of_asyncapi() -> None:
    document = in_order(asyncapi([*installed_catalog(), *Catalog([Forest])]))

    def validator(name: str) -> Any:
        payload = document["components"]["messages"][name]["payload"]
        return jsonschema.Draft7Validator({**document, **payload})

    for line in record_lines(1).splitlines():
        assert list(validator("agent.turn_started").iter_errors(json.loads(line))) == []
    for event in ({"nope": 1}, {"turn_id": 5}):
        broken = {"name": "agent.turn_started", "event": event}
        assert not validator("agent.turn_started").is_valid(broken)
    grown = {"name": "test.forest", "event": FOREST}
    assert list(validator("test.forest").iter_errors(grown)) == []
    pair = {"name": "a", "pair": [1, 2]}
    assert not validator("test.forest").is_valid(grown | {"event": {"root": pair}})


def test_two_forms_at_once_are_wrong_usage(eventbus: Command) -> None:
    done = eventbus("events", "--asyncapi", "--json-schema")
    assert done.status == 2
    assert "not allowed with argument" in done.err
