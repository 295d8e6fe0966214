"""What a bus and its configuration take for privacy, and what they refuse."""

from __future__ import annotations

from typing import Any

import pytest

from eventbus import Bus, ConfigError, Event, Privacy, load_config
from eventbus.testing import RecordingSink

SECRET = "swordfish-1"


class Said(Event, tag="test.said"):
    text: str = ""
    patient_number: str = ""
    page_token: str = ""


@pytest.mark.proves("E5", "E7")
async def test_a_configuration_says_what_a_secret_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("KNOWN", SECRET)
    monkeypatch.setenv("NONE", "")
    privacy = {
        "scan": "all",
        "known_secrets": ["${KNOWN}", "${NONE}"],
        "key_names": ["patient_number"],
        "safe_key_names": ["page_token"],
        "sensitive_attributes": ["team"],
    }
    async with Bus.from_config({"bus": {"privacy": privacy}}, strict=True) as bus:
        bus.attach(sink := RecordingSink())
        bus.emit(Said(text=f"is {SECRET}", patient_number="7", page_token="8"))
        await bus.flush()
    hidden = "[REDACTED]"
    assert sink.events == [
        Said(text=f"is {hidden}", patient_number=hidden, page_token="8")
    ]


@pytest.mark.parametrize(
    ("privacy", "words"),
    [
        ({"scan": "some"}, "$.bus.privacy.scan"),
        ({"known_secrets": [f"{SECRET}{n}" for n in range(33)]}, "at most 32 values"),
        ({"known_secrets": [SECRET, "abc"]}, "$.bus.privacy.known_secrets[1]"),
        ({"key_names": ["--"]}, "$.bus.privacy.key_names[0]"),
        ({"known": [SECRET]}, "Expected: key_names, known_secrets"),
    ],
)
def test_a_wrong_setting_is_refused_with_its_place_and_without_values(
    privacy: Any, words: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        load_config({"bus": {"privacy": privacy}})
    assert words in str(caught.value)
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"scan": "some"}, "scan must be one of sensitive, all, off, got 'some'"),
        ({"known_secrets": [SECRET]}, "must be an eventbus.KnownSecrets, got a list"),
        ({"key_names": "token"}, "key_names must be a list, got 'token'"),
        ({"key_names": 5}, "key_names must be a list, got 5"),
        ({"safe_key_names": (1,)}, "safe_key_names[0] must be text, got 1"),
        ({"sensitive_attributes": "a"}, "sensitive_attributes must be a list, got 'a'"),
        ({"sensitive_attributes": ("a", 1)}, "sensitive_attributes[1] must be text"),
        ({"safe_key_names": (" ",)}, "safe_key_names[0] must have a letter or a digit"),
    ],
)
def test_what_cannot_be_used_is_refused(wrong: Any, words: str) -> None:
    with pytest.raises(ValueError, match="must") as caught:
        Privacy(**wrong)
    assert words in str(caught.value)
    assert SECRET not in str(caught.value)


def test_it_is_named_and_does_not_change() -> None:
    with pytest.raises(TypeError):
        Privacy("all")  # type: ignore[misc]
    with pytest.raises(AttributeError):
        Privacy().scan = "off"  # type: ignore[misc]
