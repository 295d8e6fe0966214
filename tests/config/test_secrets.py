from __future__ import annotations

import copy
import pickle
import traceback
from pathlib import Path
from typing import Any

import pytest

from eventbus import Bus, ConfigError
from eventbus.config import Config, load_config
from eventbus.config._attach import bus_of
from eventbus.config._explain import in_force
from eventbus.config._secrets import SecretText, is_secret_name, scrubbed
from tests.config._installed import SINK, Site

CANARY = "hunter2-canary"


def loaded(site: Site, **table: Any) -> Config:
    site.sink("fake", "fake_secret")
    return load_config({"sinks": {"fake": table}}, environ={"PASSWORD": CANARY})


@pytest.mark.parametrize(
    "name",
    [
        "sasl_plain_password",
        "password",
        "secret",
        "client-secret",
        "accessToken",
        "api_key",
        "client_private_key",
        "x-api-key",
        "Authorization",
        "headers",
    ],
)
def test_a_name_that_looks_like_a_secret_is_one(name: str) -> None:
    assert is_secret_name(name)


@pytest.mark.parametrize(
    "name", ["key", "topic", "max_tokens", "keys", "monkey", "path", "tokenizer"]
)
def test_a_name_that_only_sounds_like_one_is_none(name: str) -> None:
    assert not is_secret_name(name)


@pytest.mark.proves("F5")
def test_settings_from_the_environment_are_not_in_any_repr(site: Site) -> None:
    config = loaded(site, topic="${PASSWORD}", servers=["x", "${PASSWORD}"])
    sink = config.sinks["fake"]
    for shown in (
        config,
        sink,
        sink.settings,
        config.bus,
        [sink.settings],
        config.sinks,
    ):
        assert CANARY not in repr(shown)
        assert CANARY not in f"{shown}"
    assert "topic='[REDACTED]'" in repr(sink.settings)


def test_settings_whose_name_says_secret_are_not_in_any_repr(site: Site) -> None:
    config = loaded(site, api_key=CANARY, headers={"x-app": CANARY})
    assert CANARY not in repr(config.sinks["fake"].settings)


def test_the_sink_gets_the_secret_itself(site: Site) -> None:
    settings: Any = loaded(site, topic="${PASSWORD}").sinks["fake"].settings
    assert settings.topic == CANARY
    assert str(settings.topic) == CANARY
    assert settings.topic.encode() == CANARY.encode()


def test_a_resource_from_the_environment_is_hidden_in_print_and_plain_in_use() -> None:
    table = {"bus": {"resource": {"env": "${PASSWORD}", "n": 1}}}
    config = load_config(table, environ={"PASSWORD": CANARY})
    assert CANARY not in repr(config.bus)
    assert config.bus.resource["env"] == CANARY
    bus = bus_of(Bus, config)
    assert type(bus.resource["env"]) is str
    assert bus.resource["env"] == CANARY


def test_what_is_in_force_is_told_without_secrets(site: Site) -> None:
    config = loaded(site, topic="${PASSWORD}", api_key=CANARY, headers={"a": CANARY})
    said = list(in_force(config))
    assert CANARY not in repr(said)
    assert {one.place for one in said if "REDACTED" in one.value} == {
        "$.sinks.fake.topic",
        "$.sinks.fake.api_key",
        "$.sinks.fake.headers.a",
    }


@pytest.mark.parametrize(
    "table",
    [
        {"port": "${PASSWORD}"},
        {"api_key": ["${PASSWORD}"]},
        {"api_key": [CANARY]},
        {"headers": CANARY},
        {"servers": "${PASSWORD}"},
        {"min_severity": "${PASSWORD}"},
        {"sampler": {"ratio": "${PASSWORD}"}},
        {"buffer": "${PASSWORD}"},
    ],
)
def test_no_error_repeats_a_secret(site: Site, table: dict[str, Any]) -> None:
    with pytest.raises(ConfigError) as caught:
        loaded(site, **table)
    assert CANARY not in "".join(traceback.format_exception(caught.value))


def test_a_default_in_the_file_is_hidden_as_the_variable_would_be(site: Site) -> None:
    config = loaded(site, topic="${UNSET:-from-the-file}")
    assert "from-the-file" not in repr(config.sinks["fake"].settings)


REFUSING = (
    SINK
    + """
    def __init__(self, settings):
        raise ValueError(f"no entry with {settings.api_key}, {settings.topic!r}")
"""
)

CHECKING = SINK.replace(
    "        headers: dict[str, str] = {}\n",
    "        headers: dict[str, str] = {}\n\n"
    "        def __post_init__(self):\n"
    '            raise ValueError(f"api_key {self.api_key} is not one")\n',
)


def test_what_a_sink_says_against_its_settings_is_told_without_the_secret(
    site: Site,
) -> None:
    site.sink("fake", "fake_refusing", REFUSING)
    with pytest.raises(ConfigError) as caught:
        Bus.from_config({"sinks": {"fake": {"api_key": CANARY}}}, strict=True)
    assert str(caught.value) == (
        "Sink 'fake' refuses its settings: ValueError: no entry with [REDACTED], "
        "'events' - at `$.sinks.fake`"
    )
    assert CANARY not in "".join(traceback.format_exception(caught.value))


def test_what_settings_say_against_themselves_is_told_without_the_secret(
    site: Site,
) -> None:
    site.sink("fake", "fake_checking", CHECKING)
    with pytest.raises(ConfigError) as caught:
        load_config({"sinks": {"fake": {"api_key": CANARY}}})
    assert str(caught.value) == ("api_key [REDACTED] is not one - at `$.sinks.fake`")


def test_what_settings_say_about_a_variable_s_value_is_told_without_it(
    site: Site,
) -> None:
    site.sink("fake", "fake_saying", CHECKING.replace("api_key", "topic"))
    with pytest.raises(ConfigError, match=r"topic to-\[REDACTED\] is not one"):
        load_config(
            {"sinks": {"fake": {"topic": "to-${PASSWORD}"}}},
            environ={"PASSWORD": CANARY},
        )


def test_secret_text_is_equal_to_the_text_it_holds() -> None:
    assert SecretText("x") == "x"
    assert repr(SecretText("x")) == "'[REDACTED]'"
    assert f"{SecretText('x')!r}" == "'[REDACTED]'"
    assert type(SecretText("x").reveal()) is str
    assert repr(SecretText("x").reveal()) == "'x'"


def test_the_file_s_own_text_is_never_part_of_an_error(tmp_path: Path) -> None:
    path = tmp_path / "eventbus.toml"
    path.write_text(f'[sinks.a]\npassword = "{CANARY}\n')
    with pytest.raises(ConfigError) as caught:
        load_config(path)
    assert CANARY not in str(caught.value)


def test_a_type_from_the_environment_is_not_repeated(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SECRETT", "canary55")
    with pytest.raises(ConfigError) as caught:
        load_config({"sinks": {"a": {"type": "${SECRETT}"}}})
    assert "No sink '[REDACTED]' is installed" in str(caught.value)
    assert "canary55" not in str(caught.value)


@pytest.mark.parametrize(
    ("secret", "text", "scrubbed_text"),
    [
        ("abc", "abcd abc", "[REDACTED]d [REDACTED]"),
        ("ab", "ab", "ab"),
        ("a'b\"c\\d", repr("x a'b\"c\\d"), "'x [REDACTED]'"),
        ("abcdefgh", "got 'abcde… and abcde", "got '[REDACTED]… and abcde"),
        ("abcdefgh", "got 'abc…'", "got 'abc…'"),
        ("  \n  ", "a b", "a b"),
    ],
)
def test_text_is_scrubbed_where_it_is_escaped_or_cut_off(
    secret: str, text: str, scrubbed_text: str
) -> None:
    assert scrubbed(text, [secret]) == scrubbed_text


@pytest.mark.proves("fault-130")
def test_a_part_of_secret_text_prints_like_the_whole() -> None:
    text = SecretText("canary55")
    assert repr([text[:3], text[0], text[::-1]]) == repr(["[REDACTED]"] * 3)
    assert text[:3] == "can"
    assert text[0] == "c"


def test_secret_text_is_not_pickled() -> None:
    with pytest.raises(TypeError, match="secret of a configuration cannot be pickled"):
        pickle.dumps(SecretText("canary55"))


def test_secret_text_is_copied() -> None:
    text = SecretText("canary55")
    assert copy.deepcopy([text])[0] is copy.copy(text) is text


def test_a_resource_from_the_environment_is_not_pickled() -> None:
    config = load_config(
        {"bus": {"resource": {"owner": "${OWNER}"}}}, environ={"OWNER": "canary55"}
    )
    with pytest.raises(TypeError, match="secret of a configuration cannot be pickled"):
        pickle.dumps(config)
    for copied in (copy.copy(config.bus.resource), copy.deepcopy(config)):
        assert "canary55" not in repr(copied)


def test_a_configuration_without_a_secret_is_pickled() -> None:
    config = load_config({"bus": {"resource": {"owner": "us"}}}, environ={})
    assert pickle.loads(pickle.dumps(config)) == config
