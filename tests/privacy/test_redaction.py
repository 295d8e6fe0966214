"""Secrets are replaced once, before any buffer, wherever they stand in an event."""

from __future__ import annotations

import dataclasses
import logging
from collections import OrderedDict, UserList, UserString
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Annotated, Any, Literal

import msgspec
import pytest

from eventbus import (
    Bus,
    Coalesce,
    Event,
    KnownSecrets,
    Privacy,
    Refused,
    Retry,
    Sensitive,
    Unavailable,
    bind,
)
from eventbus._record import AnyRecord
from eventbus._window import event_of
from eventbus.privacy._key_names import KeyNames
from eventbus.privacy._known import NO_KNOWN_SECRETS
from eventbus.privacy._nested import Nested
from eventbus.privacy._scanner import Scanner
from eventbus.sampling import KeepIf
from eventbus.testing import RecordingSink, ScriptedSink, steps
from tests._sealed import Observer

HIDDEN = "[REDACTED]"
LEAK = "sk-0123456789"


class Text(str):
    """Text of a kind of its own."""

    __slots__ = ()


def noted(note: str) -> Exception:
    error = ValueError("fine")
    error.add_note(note)
    return error


def caused(cause: Exception | None, context: Exception | None = None) -> Exception:
    error = ValueError("fine")
    error.__cause__, error.__context__ = cause, context
    return error


NESTED = Nested(Scanner(KeyNames(), NO_KNOWN_SECRETS, by_form=True))


class Inner(msgspec.Struct, frozen=True):
    password: str = ""
    note: str = ""
    count: int = 0


@dataclasses.dataclass(frozen=True)
class Data:
    note: str
    client_secret: str = "x"


class Free(Event, tag="test.free"):
    text: str = ""


class Searched(Event, tag="test.searched", scan=True):
    text: str = ""
    choice: Literal["sk-0123456789", "b"] = "b"


class Child(Searched, tag="test.child"):
    more: str = ""


class Spared(Searched, tag="test.spared", scan=False):
    more: str = ""


class Marked(Event, tag="test.marked"):
    text: str = ""
    prompt: Annotated[str, Sensitive] = ""


class Named(Event, tag="test.named"):
    text: str | None = None
    api_key: str = ""
    tokens: int = 0
    credentials: dict[str, str] = msgspec.field(default_factory=dict[str, str])


class Tabled(Event, tag="test.tabled"):
    text: str = ""
    table: dict[str, Any] = msgspec.field(default_factory=dict[str, Any])
    anything: Any = None


class Loose(Event, tag="test.loose"):
    anything: Any = None


class Failing(Mapping[str, str]):
    """A table that cannot be looked at."""

    def __getitem__(self, key: str) -> str:
        raise ZeroDivisionError

    __iter__ = __len__ = __getitem__  # type: ignore[assignment]


async def seen(
    *events: Event, privacy: Privacy | None = None, **options: Any
) -> RecordingSink:
    sink = RecordingSink()
    async with Bus(privacy=privacy) as bus:
        bus.attach(sink, **options)
        for event in events:
            bus.emit(event)
        report = await bus.flush()
    assert report.complete
    return sink


DEEP: list[tuple[Any, Any]] = [
    ({"a": {"Api-Key": "x", "n": 1}}, {"a": {"Api-Key": HIDDEN, "n": 1}}),
    ({"password": 12345, "tokens": 3}, {"password": HIDDEN, "tokens": 3}),
    ({"secret": True, "token": None, "x": ""}, None),
    ({"credentials": ["a", {"b": "c"}]}, {"credentials": [HIDDEN, {"b": HIDDEN}]}),
    ({f"is {LEAK}": 1, f"is {LEAK} ": 2}, {f"is {HIDDEN}": 1, f"is {HIDDEN} ": 2}),
    ({f"{LEAK}": 1, f"{LEAK}1": 2}, {HIDDEN: 1, f"{HIDDEN}2": 2}),
    ([LEAK, ("a", LEAK), {LEAK}], [HIDDEN, ("a", HIDDEN), {HIDDEN}]),
    (f"https://h/?access_token={LEAK}", f"https://h/?access_token={HIDDEN}"),
    (b"token=abc \xff", b"token=[REDACTED] \xff"),
    ({"password": b"abc"}, {"password": HIDDEN.encode()}),
    (msgspec.Raw(b'{"token": "a"}'), msgspec.Raw(b'{"token": "[REDACTED]"}')),
    (ValueError(LEAK), f"ValueError: {HIDDEN}"),
    (ValueError("fine"), None),
    (noted(LEAK), "ValueError: fine"),
    (noted("harmless"), None),
    (caused(ValueError(LEAK)), "ValueError: fine"),
    (caused(None, ValueError(LEAK)), "ValueError: fine"),
    (caused(ValueError("fine"), ValueError("fine")), None),
    (
        ValueError("a", {"password": "b c"}),
        "ValueError: ('a', {'password': '[REDACTED]'})",
    ),
    (
        ExceptionGroup("several", [OSError(LEAK)]),
        "ExceptionGroup: several (1 sub-exception)",
    ),
    (UserList([LEAK]), f"['{HIDDEN}']"),
    (UserList(["fine"]), None),
    (SimpleNamespace(password="a b"), f"namespace(password='{HIDDEN}')"),
    ({"token": UserString("x"), "n": object}, {"token": HIDDEN, "n": object}),
    ({Text(LEAK): 1, b"api_key": "x"}, {HIDDEN: 1, b"api_key": HIDDEN}),
    ({("a", LEAK): 1, ("a", f"{LEAK}9"): 2}, {("a", HIDDEN): 2}),
    ({("a", LEAK): 1, LEAK.encode(): 2}, {("a", HIDDEN): 1, HIDDEN.encode(): 2}),
    ({Text("password"): "x", ("token",): "y"}, {"password": HIDDEN, ("token",): "y"}),
    (Path("/home/x/token=abc"), "/home/x/token=[REDACTED]"),
    (Inner(password="x", count=1), Inner(password=HIDDEN, count=1)),
    (Data(LEAK), Data(HIDDEN, HIDDEN)),
    (OrderedDict(token="x"), {"token": HIDDEN}),
    ([1, 2.5, None, True, {"n": (1, 2)}, Inner(note="fine")], None),
]


@pytest.mark.proves("fault-131")
@pytest.mark.parametrize(("value", "cleaned"), DEEP)
def test_a_secret_is_found_at_any_depth_and_what_has_none_is_the_same_object(
    value: Any, cleaned: Any
) -> None:
    found = NESTED.cleaned(value)
    if cleaned is None:
        assert found is value
    else:
        assert found == cleaned
        assert type(found) is type(cleaned)


def test_what_holds_itself_is_refused_with_a_secret_and_parts_are_seen_once() -> None:
    circle: list[Any] = []
    circle.append(circle)
    assert NESTED.cleaned(circle) is circle  # no sink will write it
    circle.append(LEAK)
    with pytest.raises(ValueError, match="holds itself"):
        NESTED.cleaned(circle)
    bomb: Any = [LEAK]
    for _ in range(100):
        bomb = [bomb, bomb]
    found = NESTED.cleaned(bomb)
    for _ in range(100):
        assert found[0] is found[1]
        found = found[0]
    assert found == [HIDDEN]


@pytest.mark.parametrize(
    ("event", "scan", "cleaned"),
    [
        (Free(text=LEAK), "sensitive", None),
        (Free(text=LEAK), "all", Free(text=HIDDEN)),
        (
            Searched(text=LEAK, choice=LEAK),
            "sensitive",
            Searched(text=HIDDEN, choice=LEAK),
        ),
        (Child(more=LEAK), "sensitive", Child(more=HIDDEN)),
        (Spared(more=LEAK), "sensitive", None),
        (Marked(text=LEAK), "sensitive", Marked(text=HIDDEN)),
        (Marked(text=LEAK, prompt="x"), "off", Marked(text=LEAK, prompt=HIDDEN)),
        (Named(text=LEAK, tokens=3), "sensitive", Named(text=HIDDEN, tokens=3)),
        (
            Named(text=LEAK, api_key="x", credentials={"a": "b"}),
            "off",
            Named(text=LEAK, api_key=HIDDEN, credentials={"a": HIDDEN}),
        ),
        (Tabled(text=LEAK), "sensitive", Tabled(text=HIDDEN)),
        (
            Tabled(text=LEAK, table={"token": "a", "b": LEAK}),
            "off",
            Tabled(text=LEAK, table={"token": HIDDEN, "b": LEAK}),
        ),
        (Tabled(anything=[LEAK]), "sensitive", Tabled(anything=[HIDDEN])),
        (Loose(anything={"token": LEAK}), "sensitive", None),
        (
            Loose(anything={"token": LEAK}),
            "all",
            Loose(anything={"token": HIDDEN}),
        ),
    ],
)
async def test_which_types_are_searched_follows_from_their_fields_or_a_word(
    event: Event, scan: Any, cleaned: Event | None
) -> None:
    sink = await seen(event, privacy=Privacy(scan=scan), content="redacted")
    assert sink.events == [event if cleaned is None else cleaned]
    if cleaned is None and not isinstance(event, Loose):  # which is copied anyway
        assert sink.events[0] is event


class Fleeting(Mapping[str, list[str]]):
    """A table whose values are made when they are asked for."""

    def __init__(self, **texts: str) -> None:
        self._texts = texts

    def __getitem__(self, key: str) -> list[str]:
        return [self._texts[key]]

    def __iter__(self) -> Iterator[str]:
        return iter(self._texts)

    def __len__(self) -> int:
        return len(self._texts)


def test_values_that_are_gone_at_once_are_not_taken_for_each_other() -> None:
    table = Fleeting(a=LEAK, b="sk-abcdefghi b", c=f"c {LEAK}", d="d")
    cleaned = {"a": [HIDDEN], "b": [f"{HIDDEN} b"], "c": [f"c {HIDDEN}"], "d": ["d"]}
    assert NESTED.cleaned(table) == cleaned


async def test_a_bus_knows_other_names_of_secrets() -> None:
    privacy = Privacy(key_names=("text",), safe_key_names=("api_key",))
    sink = await seen(Named(text="x", api_key="y"), privacy=privacy)
    assert sink.events == [Named(text=HIDDEN, api_key="y")]


async def test_a_field_s_own_mark_says_more_than_its_name() -> None:
    class Login(Event, tag="test.login"):
        password: Annotated[str, Sensitive]

    sink = await seen(Login(password="plain"), content="full")
    assert sink.events == [Login(password="plain")]
    sink = await seen(Login(password=LEAK), content="full")
    assert sink.events == [Login(password=HIDDEN)]


@pytest.mark.proves("E8", "fault-131")
async def test_no_buffer_sampler_or_observer_sees_it_and_the_caller_s_stays() -> None:
    looked: list[str] = []

    def look(records: Sequence[AnyRecord]) -> None:
        looked.extend(repr([r.event.text, dict(r.attributes)]) for r in records)

    event = Marked(text=f"a {LEAK} b", prompt="p")
    bus = Bus()  # nothing is delivered before the start
    bus.attach(Observer(look), name="observer")
    held = bus.attach(RecordingSink(), name="held", content="full")
    with bind(note=LEAK, api_key="x"):
        bus.emit(event)
    bus._engine.work()
    windows = [chunk.window for chunk in held.buffer.chunks]
    kept = repr([[event_of(w.items[0]), w.contexts[0]] for w in windows])
    assert LEAK not in kept
    assert "a [REDACTED] b" in kept
    assert LEAK not in "".join(looked)
    assert len(looked) == 1
    assert event == Marked(text=f"a {LEAK} b", prompt="p")
    await bus.aclose()


@pytest.mark.proves("E8")
async def test_whoever_looks_at_records_of_a_bus_sees_them_redacted() -> None:
    """Samplers, handlers, subscriptions, retries, dead letters and summaries."""
    looked: dict[str, list[str]] = {}

    def look(who: str, record: AnyRecord) -> bool:
        values = {n: getattr(record.event, n) for n in record.event.__struct_fields__}
        looked.setdefault(who, []).append(repr([values, dict(record.attributes)]))
        return True

    failing = ScriptedSink(steps.fail(Unavailable("no")), then=steps.fail(Refused("")))
    letters, summed = RecordingSink(), RecordingSink()
    async with Bus() as bus, bus.subscribe("test.*") as records:
        bus.on(Marked)(partial(look, "handler"))
        bus.on(Marked, threaded=True)(partial(look, "thread"))
        bus.attach(RecordingSink(), sampler=KeepIf(partial(look, "sampler")))
        bus.attach(
            failing,
            retry=Retry(initial_seconds=0.001),
            dead_letters=letters,
            content="full",
        )
        bus.attach(summed, coalesce=Coalesce(by=("text",)), content="full")
        with bind({"note": LEAK, "api_key": LEAK}):
            for _ in range(3):
                bus.emit(Marked(text=f"a {LEAK} b", prompt=LEAK))
        await bus.flush()
        async for record in records:
            look("subscription", record)
            break
    for who, seen_records in (
        ("attempts", [r for batch in failing.attempts for r in batch]),
        ("letters", letters.records),
        ("summaries", summed.records),
    ):
        for record in seen_records:
            look(who, record)
    assert len(looked) == 7
    for who, said in looked.items():
        assert LEAK not in "".join(said), who
        assert HIDDEN in said[0], who


@pytest.mark.proves("fault-131")
async def test_what_cannot_be_looked_at_is_replaced_and_the_event_goes_on(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.WARNING, "eventbus")
    sink = RecordingSink()
    async with Bus() as bus:
        bus.attach(sink)
        failing = Tabled(text="fine")
        msgspec.structs.force_setattr(failing, "table", Failing())
        bus.emit(failing)
        bus.emit(Tabled(text=LEAK, anything={"a": 1}))
        await bus.flush()
        stats = bus.stats()
    assert sink.events == [
        Tabled(text="fine", table={}),
        Tabled(text=HIDDEN, anything={"a": 1}),
    ]
    assert stats.warned["redactor_error"] == 1
    assert "could not be searched" in caplog.text


@pytest.mark.proves("E7")
async def test_texts_of_errors_have_no_secrets_also_where_they_are_cut_off(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.WARNING, "eventbus")
    secret, letters = "correct horse battery staple", RecordingSink()
    words = f"{LEAK} {secret} {'.' * 200}{secret}"
    privacy = Privacy(known_secrets=KnownSecrets([secret]))
    async with Bus(privacy=privacy) as bus:
        sink = ScriptedSink(steps.reject(0, reason=words), steps.fail(OSError(words)))
        kept = bus.attach(sink, dead_letters=letters)
        bus.emit(Free())
        bus.emit(Free())
        await bus.flush()
        kept.health.degrade(words[:256])
        said = repr([bus.stats(), caplog.text, letters.records])
    assert LEAK not in said
    assert "correct" not in said
    assert HIDDEN in said


def test_an_event_prints_without_secrets() -> None:
    events = [
        Marked(text=LEAK, prompt="prompt"),
        Named(api_key="key-value"),
        Tabled(table={"token": "tok-value"}),
    ]
    said = repr(events) + str(events)
    for secret in (LEAK, "'prompt'", "key-value", "tok-value"):
        assert secret not in said
    assert repr(Free(text="fine")) == "Free(text='fine')"
