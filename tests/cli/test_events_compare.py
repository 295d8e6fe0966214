"""``eventbus events --compare``: what is said of an export of before."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.cli._command import Command, finished, program
from tests.cli._event_types import fields_of

# Any in this module: JSON.


@pytest.fixture
def old(eventbus: Command) -> Any:
    return json.loads(eventbus("events", "--json-schema").out)


def written(tmp_path: Path, document: Any) -> Path:
    path = tmp_path / "old.json"
    path.write_text(json.dumps(document))
    return path


@pytest.mark.proves("fault-139")
def test_with_no_change_nothing_breaks(
    eventbus: Command, tmp_path: Path, old: Any
) -> None:
    done = eventbus("events", "--compare", written(tmp_path, old))
    assert (done.status, done.out, done.err) == (0, "Nothing has changed.\n", "")
    told = eventbus("events", "--compare", written(tmp_path, old), "--json")
    assert told.json == {"breaking": False, "changes": []}


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32"])
def test_an_export_may_be_in_what_a_shell_of_windows_writes(
    eventbus: Command, tmp_path: Path, old: Any, encoding: str
) -> None:
    path = tmp_path / "old.json"
    path.write_text(json.dumps(old), encoding=encoding)
    assert eventbus("events", "--compare", path).status == 0


def test_bytes_that_are_no_text_are_wrong_usage(
    eventbus: Command, tmp_path: Path
) -> None:
    path = tmp_path / "old.json"
    path.write_bytes(b'{"$defs": "\xff"}')
    done = eventbus("events", "--compare", path)
    assert (done.status, done.out) == (2, "")
    assert "got something else: 'utf-8' codec can't decode byte 0xff" in done.err


@pytest.mark.proves("fault-139")
def test_a_breaking_change_is_named_with_event_field_and_rule(
    eventbus: Command, tmp_path: Path, old: Any
) -> None:
    fields = fields_of(old, "agent.tool_result", "ToolResult")
    fields["gone"] = {"type": "string"}
    del fields["sandbox"]
    done = eventbus("events", "--compare", written(tmp_path, old))
    assert (done.status, done.err) == (1, "")
    found = [" ".join(line.split()) for line in done.out.splitlines()[2:-1]]
    assert found == [
        "breaking agent.tool_result version not raised it is still 1",
        "breaking agent.tool_result gone field removed",
        "compatible agent.tool_result sandbox optional field added",
    ]
    told = eventbus("events", "--compare", written(tmp_path, old), "--json")
    assert told.status == 1
    assert told.json["breaking"] is True
    assert told.json["changes"][1] == {
        "event": "agent.tool_result",
        "field": "gone",
        "rule": "field_removed",
        "breaking": True,
    }


@pytest.mark.proves("fault-139")
def test_compatible_changes_are_listed_and_pass(
    eventbus: Command, tmp_path: Path, old: Any
) -> None:
    del old["$defs"]["agent.turn_started"]
    del fields_of(old, "agent.tool_result", "ToolResult")["sandbox"]
    done = eventbus("events", "--compare", written(tmp_path, old))
    assert done.status == 0
    assert [line.split()[0] for line in done.out.splitlines()[2:-1]] == [
        "compatible"
    ] * 2


def test_one_event_is_compared_alone(
    eventbus: Command, tmp_path: Path, old: Any
) -> None:
    fields_of(old, "agent.tool_result", "ToolResult")["gone"] = {"type": "string"}
    path = written(tmp_path, old)
    assert eventbus("events", "agent.turn_started", "--compare", path).status == 0
    assert eventbus("events", "agent.tool_result", "--compare", path).status == 1


def test_old_may_come_from_the_standard_input(old: Any) -> None:
    done = finished(program("events", "--compare", "-"), given=json.dumps(old).encode())
    assert (done.status, done.out) == (0, "Nothing has changed.\n")


BAD = {
    "{": "Input data was truncated",
    "": "Input data was truncated",
    "[]": "expected a table of event types under `$defs`",
    "{}": "expected a table of event types under `$defs`",
    '{"$defs": 5}': "expected a table of event types under `$defs`",
    '{"$defs": {"a": {}}}': "`$defs.a` is no event type: 'properties'",
    '{"$defs": {"a": {"$ref": "#/$defs/b"}}}': "`$defs.a` is no event type: "
    "#/$defs/b leads to no schema",
    '{"$defs": {"a": {"$ref": "#/b"}}, "b": {"properties": {}, "x-version": true}}': (
        "`$defs.a` is no event type: its version must be a whole number, got True"
    ),
    '{"$defs": {"a": {"$ref": "#/$defs/a"}}}': "`$defs.a` is no event type: "
    "#/$defs/a leads to no schema",
}


@pytest.mark.proves("fault-139")
@pytest.mark.parametrize("text", BAD)
def test_what_is_no_export_is_wrong_usage(
    eventbus: Command, tmp_path: Path, text: str
) -> None:
    path = tmp_path / "old.json"
    path.write_text(text)
    done = eventbus("events", "--compare", path)
    assert (done.status, done.out) == (2, "")
    assert done.err == (
        f"eventbus: Cannot compare with {path}: expected what `eventbus events "
        f"--json-schema` prints, got something else: {BAD[text]}\n"
    )


def test_what_is_deep_inside_of_an_export_is_wrong_usage_too(
    eventbus: Command, tmp_path: Path, old: Any
) -> None:
    fields = fields_of(old, "agent.tool_result", "ToolResult")
    fields["sandbox"] = {"type": "array", "items": {"$ref": "#/nowhere"}}
    fields["attempt"] = {"type": "integer", "minimum": "x"}
    done = eventbus("events", "--compare", written(tmp_path, old))
    assert (done.status, done.out) == (2, "")
    assert "got something else" in done.err


def test_what_is_too_deep_is_wrong_usage(
    eventbus: Command, tmp_path: Path, old: Any
) -> None:
    deep: Any = {"type": "integer"}
    for _ in range(430):
        deep = {"anyOf": [deep]}
    fields_of(old, "agent.tool_result", "ToolResult")["attempt"] = deep
    path = tmp_path / "old.json"
    path.write_bytes(msgspec.json.encode(old))
    done = eventbus("events", "--compare", path)
    assert (done.status, done.out) == (2, "")
    assert "got something else: maximum recursion depth exceeded" in done.err


def test_a_file_that_is_not_there_is_wrong_usage(
    eventbus: Command, tmp_path: Path
) -> None:
    done = eventbus("events", "--compare", tmp_path / "no.json")
    assert done.status == 2
    assert done.err.endswith("no.json: No such file or directory\n")
    done = eventbus("events", "--compare", tmp_path)
    assert (done.status, done.err.endswith("Is a directory\n")) == (2, True)
