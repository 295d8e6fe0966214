"""A setting that is a secret by its type is in no print, encoder or message."""

from __future__ import annotations

import copy
import json
import logging
import pickle
from collections.abc import Callable
from operator import mod
from typing import Any

import msgspec
import pytest

from eventbus import Bus, ConfigError
from eventbus.cli import main
from eventbus.config import Config, Secret, load_config
from eventbus.config._explain import in_force
from eventbus.privacy._known import KnownSecrets
from eventbus_otlp import OtlpSettings
from tests.config._installed import SINK, Site

CANARY = "hunter2-canary"
SECRET = SINK.replace(
    "        topic: str", "        pin: Secret | None = None\n        topic: str", 1
).replace("import msgspec", "import msgspec\nfrom eventbus.config import Secret", 1)


def loaded(site: Site, **table: Any) -> Config:
    site.sink("fake", "fake_with_a_secret", SECRET)
    return load_config({"sinks": {"fake": table}}, environ={"PIN": CANARY})


def pin_of(config: Config) -> Secret:
    settings: Any = config.sinks["fake"].settings
    assert isinstance(settings.pin, Secret)
    return settings.pin


PRINTS: dict[str, Callable[[Any], str]] = {
    "str": str,
    "repr": repr,
    "format": format,
    "f-string": lambda value: f"{value}",
    "padded": lambda value: f"{value:>30}",
    "!r": lambda value: f"{value!r}",
    "%s": lambda value: mod("%s", (value,)),
    "%r": lambda value: mod("%r", (value,)),
    "join": lambda value: " ".join(map(str, [value])),
    "json": lambda value: json.dumps({"pin": value}, default=str),
    "copy": lambda value: f"{copy.copy(value)}{copy.deepcopy([value])}",
}


@pytest.mark.proves("fault-130")
@pytest.mark.parametrize("way", PRINTS)
@pytest.mark.parametrize("pin", ["${PIN}", CANARY, Secret(CANARY)], ids=repr)
def test_a_single_one_is_not_printed(site: Site, pin: Any, way: str) -> None:
    printed = PRINTS[way](pin_of(loaded(site, pin=pin)))
    assert CANARY not in printed
    assert "[REDACTED]" in printed


@pytest.mark.proves("fault-130")
@pytest.mark.parametrize(
    "encode",
    [
        json.dumps,
        pickle.dumps,
        msgspec.json.encode,
        msgspec.msgpack.encode,
        msgspec.to_builtins,
        lambda value: value.__getstate__(),
    ],
)
def test_a_single_one_is_not_encoded(encode: Callable[[Any], Any]) -> None:
    with pytest.raises(TypeError) as caught:
        encode(Secret(CANARY))
    assert CANARY not in str(caught.value)


def test_who_sends_it_reads_it_on_purpose(site: Site) -> None:
    pin = pin_of(loaded(site, pin="${PIN}"))
    assert pin.reveal() == CANARY
    assert type(pin.reveal()) is str
    assert pin == CANARY == pin
    assert pin == Secret(pin)
    assert pin not in ("other", Secret("other"), None)
    assert {pin: 1}[Secret(CANARY)] == 1
    assert [bool(Secret(text)) for text in ("", "x")] == [False, True]


@pytest.mark.parametrize("text", [None, 5, b"x", [CANARY]])
def test_a_secret_is_text(text: Any) -> None:
    with pytest.raises(TypeError, match="A secret must be text, got ") as caught:
        Secret(text)
    assert CANARY not in str(caught.value)


@pytest.mark.proves("fault-130")
def test_no_log_line_has_it(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    pin = pin_of(loaded(site, pin="${PIN}"))
    logging.getLogger("x").warning("entry with %s, %r and %s", pin, pin, {"pin": pin})
    assert CANARY not in caplog.text


@pytest.mark.parametrize(
    ("pin", "said"),
    [
        (5, "Expected `str`, got [REDACTED]"),
        ([CANARY], "Expected `str`, got [REDACTED]"),
        ("${NONE}", "NONE"),
    ],
)
def test_what_is_no_text_is_refused(site: Site, pin: Any, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        loaded(site, pin=pin)
    assert said in str(caught.value)
    assert CANARY not in str(caught.value)


def test_it_may_be_unset(site: Site) -> None:
    settings: Any = loaded(site, pin=None).sinks["fake"].settings
    assert settings.pin is None


REFUSING = (
    SECRET
    + """
    def __init__(self, settings):
        raise ValueError(f"no entry with {settings.pin.reveal()}")
"""
)


@pytest.mark.proves("fault-130")
def test_what_a_sink_says_with_it_is_told_without(site: Site) -> None:
    site.sink("fake", "fake_telling", REFUSING)
    with pytest.raises(ConfigError) as caught:
        Bus.from_config({"sinks": {"fake": {"pin": CANARY}}}, strict=True)
    assert "no entry with [REDACTED]" in str(caught.value)


@pytest.mark.proves("fault-130")
def test_what_its_settings_say_with_it_is_told_without(site: Site) -> None:
    checking = SECRET.replace(
        "        headers: dict[str, str] = {}\n",
        "        headers: dict[str, str] = {}\n\n"
        "        def __post_init__(self):\n"
        '            raise ValueError(f"{self.pin.reveal()} is none")\n',
    )
    site.sink("fake", "fake_judging", checking)
    with pytest.raises(ConfigError, match=r"^\[REDACTED\] is none - at"):
        load_config({"sinks": {"fake": {"pin": CANARY}}})


def test_what_is_in_force_and_the_schema_tell_it_as_hidden_text(
    site: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    told = {one.place: one.value for one in in_force(loaded(site, pin=CANARY))}
    assert told["$.sinks.fake.pin"] == '"[REDACTED]"'
    assert main(["check", "--schema"]) == 0
    schema = json.loads(capsys.readouterr().out)
    pin = schema["$defs"]["sink-fake"]["properties"]["pin"]
    assert {"type": "string"} in pin["anyOf"][0].get("anyOf", pin["anyOf"])
    assert main(["sinks", "fake", "--json"]) == 0
    (fake,) = json.loads(capsys.readouterr().out)["sinks"]
    (pin,) = (one for one in fake["settings"] if one["name"] == "pin")
    assert (pin["type"], pin["default"]) == ("`str`", "unset")


@pytest.mark.proves("fault-130")
def test_headers_and_known_secrets_are_secrets() -> None:
    table = {
        "bus": {"privacy": {"known_secrets": ["${PIN}", ""]}},
        "sinks": {"otlp": {"headers": {"authorization": "Bearer ${PIN}"}}},
    }
    config = load_config(table, environ={"PIN": CANARY})
    settings: Any = config.sinks["otlp"].settings
    said = [*settings.headers.values(), *config.bus.privacy.known_secrets]
    assert [type(one) for one in said] == [Secret] * 3
    assert CANARY not in "".join(map(str, said))
    assert settings.headers["authorization"].reveal() == f"Bearer {CANARY}"
    assert config.bus.privacy.made().known_secrets.replaced(CANARY) == "[REDACTED]"
    assert isinstance(config.bus.privacy.made().known_secrets, KnownSecrets)


def test_headers_may_be_given_as_secrets() -> None:
    given: dict[str, str | Secret] = {
        "authorization": Secret("Bearer x"),
        "x-team": "a",
    }
    settings: Any = OtlpSettings(headers=given)
    assert settings.headers == {"authorization": "Bearer x", "x-team": "a"}
    again: Any = msgspec.structs.replace(settings, timeout_seconds=3.0)
    assert again.headers == settings.headers
