from __future__ import annotations

import json
import tomllib
from typing import Any

import jsonschema
import pytest

from eventbus import ConfigError, load_config
from eventbus.config._schema import config_schema
from eventbus.config._sink_class import sink_class
from tests.config._installed import Site

EXAMPLE = """
[bus]
resource = { "service.name" = "checkout", "deployment.environment.name" = "dev" }
close_timeout_seconds = "${CLOSE:-5}"

[sinks.console]
format = "json"

[sinks.audit]
type = "jsonl"
path = "audit.jsonl"
select = ["agent.*"]
sampler = { ratio = 0.1, keep = ["*.failed"] }
buffer = { max_events = 10000, overflow = "drop_oldest", wait_timeout_seconds = "none" }
dead_letters = { type = "jsonl", path = "dead.jsonl" }
max_file_bytes = "${MAX:-1000}"
keep_files = "none"
enabled = true
"""

Validator = jsonschema.Draft202012Validator


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    names = ("console", "jsonl", "logging")
    return config_schema([sink_class(name) for name in names])


def test_the_schema_is_one(schema: dict[str, Any]) -> None:
    Validator.check_schema(schema)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"


def test_a_file_that_loads_is_valid(schema: dict[str, Any]) -> None:
    tree = tomllib.loads(EXAMPLE)
    load_config(tree)
    assert list(Validator(schema).iter_errors(tree)) == []


@pytest.mark.parametrize(
    "text",
    [
        "[bos]",
        "[bus]\nstrict = 1",
        "[bus]\nresourse = {}",
        "[sinks.consle]",
        "[sinks.console]\nfromat = 'json'",
        "[sinks.console]\nformat = 'xml'",
        "[sinks.jsonl]",
        "[sinks.a]\ntype = 'jsonl'\npath = 5",
        "[sinks.console]\nbuffer = { max_events = 0 }",
        "[sinks.console]\nbuffer = { overflow = 'drop' }",
        "[sinks.console]\nsampler = { ratio = 1.5 }",
        "[sinks.console]\nspool = 'x'",
        "[sinks.console]\ndead_letters = { path = 'x' }",
        "[sinks.console]\nbuffer = { wait_timeout_seconds = 'never' }",
    ],
)
def test_a_file_that_does_not_load_is_not_valid(
    schema: dict[str, Any], text: str
) -> None:
    tree = tomllib.loads(text)
    with pytest.raises(ConfigError):
        load_config(tree)
    assert not Validator(schema).is_valid(tree)


def test_the_schema_says_what_each_setting_means(schema: dict[str, Any]) -> None:
    jsonl = schema["$defs"]["sink-jsonl"]
    assert jsonl["required"] == ["path"]
    assert jsonl["properties"]["path"]["description"].startswith("The file;")
    assert jsonl["properties"]["select"]["description"].startswith("Globs on event")
    buffer = schema["$defs"]["Buffer"]["properties"]["max_events"]
    assert buffer["default"] == 8192
    assert buffer["description"] == "Most events pending at once."


def test_the_schema_knows_a_stranger_s_sink(site: Site) -> None:
    site.sink("fake", "fake_schema")
    schema = config_schema([sink_class("fake")])
    Validator(schema).validate({"sinks": {"fake": {"port": 1, "content": "full"}}})
    assert not Validator(schema).is_valid({"sinks": {"fake": {"port": "x"}}})


def test_the_schema_is_the_same_bytes_each_time() -> None:
    one, other = (config_schema([sink_class("jsonl")]) for _ in range(2))
    assert json.dumps(one) == json.dumps(other)


def test_dead_letters_may_be_none(schema: dict[str, Any]) -> None:
    file = tomllib.loads("[sinks.console]\ndead_letters = 'none'")
    Validator(schema).validate(file)
    assert load_config(file).sinks["console"].dead_letters is None


@pytest.mark.parametrize(
    ("text", "is_valid"),
    [
        ('sinks.console = "none"', True),
        ('sinks.audit = "none"', True),
        ('sinks.console.dead_letters = "none"', True),
        ('sinks.console = "off"', False),
        ('sinks.audit = "off"', False),
    ],
)
def test_none_stands_for_a_sink_that_is_off(
    schema: dict[str, Any], text: str, is_valid: bool
) -> None:
    errors = list(Validator(schema).iter_errors(tomllib.loads(text)))
    assert (errors == []) is is_valid


def test_without_any_sink_it_is_a_schema_too() -> None:
    schema = config_schema([])
    Validator.check_schema(schema)
    assert list(Validator(schema).iter_errors({"bus": {"strict": True}})) == []
    assert list(Validator(schema).iter_errors({"sinks": {"a": {"type": "console"}}}))
