from __future__ import annotations

import re
import tomllib
from typing import Literal

import msgspec
import pytest

from eventbus import Buffer, ConfigError, Retry
from eventbus._plugins import installed_sinks
from eventbus.cli._options import make_parser
from eventbus.config import load_config
from eventbus.config._problems import Problems
from eventbus.config._reference import descriptions, settings_of, toml
from eventbus.config._secrets import Secrets, SecretText
from eventbus.config._settings import RESERVED
from eventbus.config._values import ValueReader
from eventbus_otlp import OtlpSettings
from tests.config import reference


@pytest.mark.parametrize("name", reference.SETTINGS)
def test_the_page_s_table_is_what_the_code_says(name: str) -> None:
    assert reference.page()[name] == reference.code()[name], (
        "run: python -m tests.config.reference"
    )


@pytest.mark.parametrize("signal", ["logs", "metrics", "traces"])
def test_a_setting_that_a_signal_does_not_have_says_so(signal: str) -> None:
    kinds = {one.name: one.type for one in msgspec.structs.fields(OtlpSettings)}
    known = kinds[signal].__struct_encode_fields__
    rows = [row.split(" | ") for row in reference.page()["otlp_signal"].splitlines()]
    for name, *_, words in rows[2:]:
        told = re.findall(r"Not of (.*)\.", words)
        is_told = f"`otlp.{signal}`" in "".join(told)
        assert is_told is (name.strip("|` ") not in known)


def test_the_page_has_a_table_for_every_sink_of_ours() -> None:
    ours = {one.name for one in installed_sinks() if one.distribution == "eventbus"}
    assert ours <= set(reference.page())


@pytest.mark.proves("F4")
def test_the_precedence_is_one_line_of_the_page() -> None:
    line = "**Precedence: argument, then file, then environment, then default.**"
    assert line in reference.PAGE.read_text(encoding="utf-8").splitlines()


def test_the_page_s_example_loads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("STATE_DIR", raising=False)
    text = reference.PAGE.read_text(encoding="utf-8")
    block = re.search(r"```toml\n(.*?)```", text, re.S)
    assert block is not None
    config = load_config(tomllib.loads(block[1]))
    assert list(config.sinks) == ["console", "audit"]


def test_the_page_names_every_command_and_option() -> None:
    text = reference.PAGE.read_text(encoding="utf-8")
    commands = make_parser()._subparsers
    assert commands is not None
    (choices,) = [action.choices for action in commands._group_actions]
    for name, parser in dict(choices or {}).items():
        assert f"eventbus {name}" in text
        options = set(parser._option_string_actions) - {"-h", "--help"}
        assert {option for option in options if option not in text} == set()


def test_every_setting_has_its_words() -> None:
    for cls in reference.SETTINGS.values():
        silent = [one.name for one in settings_of(cls) if not one.description]
        assert silent == [], cls.__name__


def test_a_setting_is_told_with_type_default_and_words() -> None:
    (first, *_, last) = settings_of(Buffer)[:4]
    assert (first.name, first.type, first.default) == (
        "max_events",
        "`int` >= 1",
        "8192",
    )
    assert first.description == "Most events pending at once."
    assert (last.type, last.default) == ("`float` >= 0 or 'none'", "5.0")


def test_a_default_of_no_value_is_none_where_that_can_be_written() -> None:
    by_name = {one.name: one for one in settings_of(reference.SETTINGS["jsonl"])}
    assert by_name["max_file_bytes"].default == '"none"'
    assert by_name["path"].default == "required"


class Optional(msgspec.Struct):
    """Settings whose words speak of ``None``.

    Args:
        number: ``None`` is no limit.
        text: ``None`` is no name.
    """

    number: int | None = None
    text: str | None = None


def test_none_in_words_is_what_a_file_has_for_it() -> None:
    number, text = settings_of(Optional)
    assert (number.default, number.description) == ('"none"', '`"none"` is no limit.')
    assert (text.default, text.description) == ("unset", "unset is no name.")


class Choices(msgspec.Struct):
    """Settings with a choice called none, and one that may stay open."""

    form: Literal["gzip", "none"] | None = None
    limit: int | msgspec.UnsetType | None = msgspec.UNSET


def test_none_is_a_choice_where_it_is_one() -> None:
    form, limit = settings_of(Choices)
    assert (form.type, form.default) == ("'gzip' or 'none'", "unset")
    assert (limit.type, limit.default) == ("`int` or 'none'", "unset")
    reader = ValueReader(Problems(), Secrets())
    made = reader.struct(Choices, {"form": "none", "limit": "none"}, ())
    assert made == Choices(form="none", limit=None)
    assert reader.struct(Choices, {"form": "zip"}, ()) is None
    assert [str(problem) for problem in reader.problems] == [
        "Expected 'gzip' or 'none', got 'zip'. Did you mean 'gzip'? - at `$.form`"
    ]


def test_severities_are_listed_from_the_least_on() -> None:
    by_name = {one.name: one for one in settings_of(reference.SETTINGS["attachment"])}
    assert by_name["min_severity"].type == (
        "'trace', 'debug', 'info', 'warn', 'error', 'fatal' or 'none'"
    )


TOLD_TWICE = re.compile(r'`"\w+"` or `"\w+"`|\d to \d|Overflow\.')


@pytest.mark.parametrize("name", reference.SETTINGS)
def test_what_a_setting_expects_is_said_by_its_type_alone(name: str) -> None:
    settings = settings_of(reference.SETTINGS[name])
    assert [one.name for one in settings if TOLD_TWICE.search(one.description)] == []


def test_the_range_that_is_told_is_the_range_that_is_accepted() -> None:
    by_name = {one.name: one for one in settings_of(Retry)}
    assert by_name["budget_ratio"].type == "`float` between 0 and 1"
    with pytest.raises(ConfigError, match="Expected `float` between 0 and 1, got 2"):
        load_config({"sinks": {"console": {"retry": {"budget_ratio": 2}}}})


def test_the_reserved_keys_are_those_of_the_page_and_spool() -> None:
    (*rows,) = reference.page()["attachment"].splitlines()[2:]
    assert {"spool", *(row.split("`")[1] for row in rows)} == RESERVED


def test_words_over_several_lines_become_one() -> None:
    words = descriptions(Retry)["budget_ratio"]
    assert words == (
        "Records sent again per record sent fresh, over a minute; beyond it each wait "
        "is `max_seconds`."
    )


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (True, "true"),
        (5, "5"),
        (0.5, "0.5"),
        (None, "unset"),
        (msgspec.UNSET, "unset"),
        ('a"b', '"a\\"b"'),
        ("a\\b", '"a\\\\b"'),
        (SecretText("x"), '"[REDACTED]"'),
        (["a", 1], '["a", 1]'),
        ({"a.b": 1}, '{ "a.b" = 1 }'),
        ({}, "{}"),
        (Buffer(), "{}"),
        (Buffer(max_events=5), "{ max_events = 5 }"),
    ],
)
def test_a_value_is_written_as_toml(value: object, text: str) -> None:
    assert toml(value) == text
