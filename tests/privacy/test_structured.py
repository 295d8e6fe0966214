"""What stands beside the name of a secret in lists, tuples, enumerations, numbers."""

from __future__ import annotations

import enum
from typing import Any, NamedTuple
from uuid import UUID

import msgspec
import pytest

from eventbus import Bus, Event, KnownSecrets, Privacy
from eventbus._catalog import describe
from eventbus.privacy._key_names import KeyNames
from eventbus.privacy._known import NO_KNOWN_SECRETS
from eventbus.privacy._nested import Nested
from eventbus.privacy._policy import Policies
from eventbus.privacy._scanner import Scanner
from eventbus.testing import RecordingSink

HIDDEN = "[REDACTED]"
NESTED = Nested(Scanner(KeyNames(), NO_KNOWN_SECRETS, by_form=True))


class Login(NamedTuple):
    user: str
    password: str


class Header(NamedTuple):
    name: str
    value: str


class Entry(msgspec.Struct):
    key: str
    value: int


class Choice(enum.Enum):
    MINE = "abc"


class Pin(Event, tag="test.pin"):
    password: int
    token: UUID | None = None
    tokens: int = 0
    is_secret: bool = True


class Headers(Event, tag="test.headers"):
    headers: list[tuple[str, str]]


class Entries(Event, tag="test.entries"):
    entries: list[Entry]


class Plain(Event, tag="test.unmarked"):
    message: str
    parts: tuple[str, ...] = ()
    count: int = 0


CLEANED: list[tuple[Any, Any]] = [
    (
        [("Authorization", "Basic a"), ("X-Api-Key", "abc"), ("Host", "h")],
        [("Authorization", HIDDEN), ("X-Api-Key", HIDDEN), ("Host", "h")],
    ),
    ([["Cookie", "a"], ["Host", "h"]], [["Cookie", HIDDEN], ["Host", "h"]]),
    ((b"authorization", b"a"), (b"authorization", HIDDEN.encode())),
    (["run", "--password", "x", "-v"], ["run", "--password", HIDDEN, "-v"]),
    (["/bin/curl", "-u", "me:x", "h"], ["/bin/curl", "-u", HIDDEN, "h"]),
    (("curl", "-s", "--user", "me:x"), ("curl", "-s", "--user", HIDDEN)),
    (("--token", "x"), ("--token", HIDDEN)),
    (Login("ada", "abc"), Login("ada", HIDDEN)),
    ({"password": Choice.MINE}, {"password": HIDDEN}),
    (
        [{"name": "authorization", "value": "a"}, {"name": "Host", "value": "h"}],
        [{"name": "authorization", "value": HIDDEN}, {"name": "Host", "value": "h"}],
    ),
    (
        {"Value": {"stringValue": "a"}, "Key": b"x-api-key", "n": 1},
        {"Value": {"stringValue": HIDDEN}, "Key": b"x-api-key", "n": 1},
    ),
    (Header("cookie", "a"), Header("cookie", HIDDEN)),
    (Entry(key="cookie", value=5), Entry(key="cookie", value=HIDDEN)),  # type: ignore[arg-type]
    ({"sig": "a", "X-Amz-Signature": "b"}, {"sig": HIDDEN, "X-Amz-Signature": HIDDEN}),
]
ALONE: list[Any] = [
    ["token", "name"],
    {"required": ["password", "email"]},
    [("password", "token"), ("tokens", 5), ("Host", "h")],
    ["--password", "-v", "--token"],
    ["curl", "-u", "me", "-u"],
    ["docker", "-u", "1000:1000"],
    Login("ada", ""),
    {"choice": Choice.MINE, "tokens": 5},
    {"name": "token", "values": "a"},
    {"name": "tokens", "value": 5},
    {"name": ["token"], "value": "a", "key": 5},
    {"name": "token", "value": None},
    Header("Host", "h"),
    {"signature": "f(a)"},
]


@pytest.mark.parametrize(("value", "cleaned"), CLEANED)
def test_what_stands_beside_a_name_is_hidden(value: Any, cleaned: Any) -> None:
    found = NESTED.cleaned(value)
    assert found == cleaned
    assert type(found) is type(value)
    assert NESTED.cleaned(found) == cleaned


@pytest.mark.parametrize("value", ALONE)
def test_names_counts_and_options_without_values_stay(value: Any) -> None:
    assert NESTED.cleaned(value) is value


async def seen(event: Event, privacy: Privacy) -> Any:
    sink = RecordingSink()
    async with Bus(privacy=privacy) as bus:
        bus.attach(sink, content="full")
        bus.emit(event)
    return sink.events[0]


async def test_numbers_and_pairs_in_fields_are_hidden_by_name() -> None:
    event: Any = await seen(Pin(password=1234, token=UUID(int=1), tokens=7), Privacy())
    assert (event.password, event.token, event.tokens) == (HIDDEN, HIDDEN, 7)
    assert event.is_secret is True
    pairs: Any = await seen(Headers(headers=[("X-Api-Key", "abc")]), Privacy())
    assert pairs.headers == [("X-Api-Key", HIDDEN)]
    said = Entries(entries=[Entry(key="api_key", value=1)])
    entries: Any = await seen(said, Privacy(scan="off"))
    assert entries.entries == [Entry(key="api_key", value=HIDDEN)]  # type: ignore[arg-type]


@pytest.mark.parametrize("scan", ["sensitive", "off"])
async def test_known_secrets_are_found_in_every_text_of_every_type(scan: Any) -> None:
    privacy = Privacy(known_secrets=KnownSecrets(["swordfish"]), scan=scan)
    said = Plain(message="a swordfish, token=abc", parts=("swordfish", "b"))
    event: Any = await seen(said, privacy)
    assert event.message == f"a {HIDDEN}, token=abc"  # by form only where scanned
    assert event.parts == (HIDDEN, "b")
    assert not Policies(privacy, list).is_plain(describe(Plain))
    assert Policies(Privacy(scan=scan), list).is_plain(describe(Plain))
