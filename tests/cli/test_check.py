from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest

from tests.cli._command import Command
from tests.config._installed import SINK, Site


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "eventbus.toml"


def test_a_file_in_order_is_told_with_where_each_value_came_from(
    eventbus: Command, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_SERVICE_NAME", "checkout")
    path.write_text('[sinks.console]\nformat = "json"\n')
    done = eventbus("check", path, "--set", "sinks.console.stream=stderr")
    assert (done.status, done.err) == (0, "")
    lines = {
        line.split()[0]: line.split()[1:] for line in done.out.splitlines() if line
    }
    assert lines['$.bus.resource."service.name"'] == [
        '"checkout"',
        "environment",
        "OTEL_SERVICE_NAME",
    ]
    assert lines["$.sinks.console.format"] == ['"json"', f"{path}:2"]
    assert lines["$.sinks.console.stream"] == ['"stderr"', "argument"]
    assert lines["$.sinks.console.content"] == ['"redacted"', "default"]
    assert done.out.endswith(f"{path} is in order: 1 sink.\n")


def test_mistakes_are_told_in_the_order_of_the_file_with_their_lines(
    eventbus: Command, path: Path
) -> None:
    path.write_text(
        "[sinks.jsonl]\n[sinks.console]\n"
        "sampler = { ratio = 1.5 }\nbuffer = { max_events = 0 }\n"
    )
    done = eventbus("check", path)
    assert done.status == 1
    assert done.out == ""
    assert done.err.splitlines() == [
        f"{path}:1: Required key 'path' is missing - at `$.sinks.jsonl.path`",
        f"{path}:3: Expected `float` between 0 and 1, got 1.5 - at "
        "`$.sinks.console.sampler.ratio`",
        f"{path}:4: Expected `int` >= 1, got 0 - at "
        "`$.sinks.console.buffer.max_events`",
    ]


def test_a_mistake_in_an_argument_is_not_told_as_a_line_of_the_file(
    eventbus: Command, path: Path
) -> None:
    path.write_text("[sinks.console]\nsampler = { ratio = 0.5 }\nbuffer = 5\n")
    sets = ("sinks.console.sampler.ratio=2", "sinks.consol.format=json")
    options = [option for text in sets for option in ("--set", text)]
    done = eventbus("check", path, *options)
    assert done.err.splitlines() == [
        "argument: No sink 'consol' is installed (installed: console, jsonl, "
        "logging, otlp). Did you mean 'console'? - at `$.sinks.consol`",
        "argument: Expected `float` between 0 and 1, got 2 - at "
        "`$.sinks.console.sampler.ratio`",
        f"{path}:3: Expected a table, got 5 - at `$.sinks.console.buffer`",
    ]
    run = eventbus("run", path, "--input", path, *options)
    assert run.status == 2
    assert [line.removeprefix("eventbus: ") for line in run.err.splitlines()] == (
        done.err.splitlines()
    )


def test_a_table_of_settings_fits_an_ordinary_terminal(
    eventbus: Command, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    path.write_text(
        '[sinks.console]\nselect = ["agent.*", "!agent.sse*"]\n'
        '[sinks.audit]\ntype = "console"\n'
    )
    lines = eventbus("check", path).out.splitlines()
    assert lines[1].split() == ["setting", "value", "from"]
    table = [line for line in lines if not line.startswith(str(path))]
    assert max(map(len, table)) <= 80


def test_a_file_that_is_no_toml_fails_the_check(eventbus: Command, path: Path) -> None:
    path.write_text("[sinks.console\n")
    done = eventbus("check", path)
    assert done.status == 1
    assert "is not TOML: " in done.err
    assert "(at line 1, column 15)" in done.err


def test_a_missing_file_is_wrong_usage(eventbus: Command, path: Path) -> None:
    done = eventbus("check", path)
    assert done.status == 2
    assert done.err == f"eventbus: Cannot read '{path}': No such file or directory\n"


def test_without_a_file_it_is_wrong_usage(eventbus: Command) -> None:
    assert eventbus("check").status == 2


@pytest.mark.proves("F9")
def test_a_check_is_strict_about_every_sink(
    eventbus: Command, site: Site, path: Path
) -> None:
    site.sink(
        "fake", "fake_checked", SINK + "\n    def __init__(self, s):\n        1/0\n"
    )
    path.write_text("[sinks.console]\n[sinks.fake]\n")
    done = eventbus("check", path)
    assert done.status == 1
    assert done.err == (
        f"{path}: Sink 'fake' refuses its settings: ZeroDivisionError: division by "
        "zero - at `$.sinks.fake`\n"
    )


def test_every_named_sink_is_loaded_and_none_is_started(
    eventbus: Command, site: Site, path: Path
) -> None:
    starting = SINK.replace("async def start(self):\n        pass", "start = None")
    started = SINK.replace(
        "    async def start(self):\n        pass",
        "    async def start(self):\n        raise SystemExit('started')",
    )
    site.sink("fake", "fake_unstarted", started)
    path.write_text("[sinks.fake]\n")
    assert eventbus("check", path).status == 0
    site.sink("none", "fake_no_sink", starting)
    path.write_text("[sinks.none]\n")
    assert "must be a sink" in eventbus("check", path).err


@pytest.mark.proves("F5")
def test_no_secret_is_shown(
    eventbus: Command, site: Site, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CANARY", "hunter2")
    site.sink("fake", "fake_secretive")
    path.write_text('[sinks.fake]\napi_key = "hunter2"\ntopic = "${CANARY}"\n')
    for arguments in ([path], [path, "--json"]):
        done = eventbus("check", *arguments)
        assert done.status == 0
        assert "hunter2" not in done.out + done.err
        assert "[REDACTED]" in done.out


def test_a_sink_that_is_left_out_is_told(eventbus: Command, path: Path) -> None:
    path.write_text("[sinks.console]\nenabled = false\n")
    done = eventbus("check", path)
    (line,) = [line for line in done.out.splitlines() if line.startswith("Sink")]
    assert line == f"Sink 'console' is not attached: enabled = false ({path}:2)."


def test_what_is_ignored_is_told(
    eventbus: Command, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "oops")
    path.write_text("")
    done = eventbus("check", path)
    assert done.status == 0
    assert done.err == (
        "Warning: OTEL_RESOURCE_ATTRIBUTES is ignored: pair 1 has no '='\n"
    )


def test_json_says_the_same_to_machines(eventbus: Command, path: Path) -> None:
    path.write_text("[sinks.console]\n")
    said = eventbus("check", path, "--json").json
    assert said["valid"] is True
    assert said["problems"] == []
    assert said["sinks"] == {"console": "console"}
    assert {
        "place": "$.sinks.console.format",
        "value": '"text"',
        "origin": "default",
    } in said["settings"]


def test_json_has_every_mistake(eventbus: Command, path: Path) -> None:
    path.write_text("[sinks.jsonl]\n")
    done = eventbus("check", path, "--json")
    assert done.status == 1
    assert done.json["valid"] is False
    assert done.json["problems"] == [
        f"{path}:1: Required key 'path' is missing - at `$.sinks.jsonl.path`"
    ]


def test_the_schema_is_printed_for_editors(eventbus: Command, site: Site) -> None:
    site.sink("fake", "fake_schematic")
    done = eventbus("check", "--schema")
    assert done.status == 0
    schema = json.loads(done.out)
    jsonschema.Draft202012Validator.check_schema(schema)
    assert {"console", "jsonl", "logging", "fake"} <= set(
        schema["properties"]["sinks"]["properties"]
    )


def test_a_sink_that_does_not_load_is_left_out_of_the_schema_with_a_line(
    eventbus: Command, site: Site
) -> None:
    site.sink("bad", "fake_unschematic", "1/0")
    done = eventbus("check", "--schema")
    assert done.status == 0
    assert done.err.startswith("Left out of the schema: Sink 'bad' does not load")
    assert "bad" not in json.loads(done.out)["properties"]["sinks"]["properties"]


def test_a_directory_is_wrong_usage_as_a_missing_file_is(
    eventbus: Command, tmp_path: Path
) -> None:
    done = eventbus("check", tmp_path)
    assert done.status == 2
    assert done.err == f"eventbus: Cannot read '{tmp_path}': Is a directory\n"


def test_with_json_a_file_that_cannot_be_read_is_an_object_too(
    eventbus: Command, path: Path
) -> None:
    done = eventbus("check", path, "--json")
    assert done.status == 2
    problem = f"Cannot read '{path}': No such file or directory"
    assert done.json == {"valid": False, "problems": [problem]}


def test_a_key_of_5000_parts_is_one_line(eventbus: Command, path: Path) -> None:
    path.write_text(f"[sinks.console]\n{'.'.join(['a'] * 5000)} = 1\n")
    done = eventbus("check", path)
    assert done.status == 1
    assert done.err == (
        f"{path}:1: Nested too deeply: expected at most 64 levels - at "
        "`$.sinks.console`\n"
    )


def test_a_file_s_name_cannot_forge_a_line(eventbus: Command, tmp_path: Path) -> None:
    path = tmp_path / "a\nall is well\x1b[2K.toml"
    path.write_text("[sinks.console]\n")
    done = eventbus("check", path)
    assert "a\\nall is well\\x1b[2K.toml is in order: 1 sink.\n" in done.out
    assert "\x1b" not in done.out


def test_a_sink_whose_write_is_no_coroutine_function_fails_the_check(
    eventbus: Command, site: Site, path: Path
) -> None:
    site.sink("fake", "fake_sync", SINK.replace("async def write", "def write"))
    path.write_text("[sinks.fake]\n")
    done = eventbus("check", path)
    assert done.status == 1
    assert (
        "Sink 'fake' must have a write that is a coroutine function (async def), "
        "got a plain one"
    ) in done.err
