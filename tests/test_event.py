"""What an event type is, and what a catalog refuses."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
import pytest

from eventbus import (
    Attribute,
    Catalog,
    Event,
    Label,
    RegistrationError,
    Sensitive,
    Severity,
    Span,
    Unit,
)
from eventbus._catalog import describe
from eventbus._event import identity_of


class Started(Event, tag="work.started", severity="debug", version=2):
    name: str


class Named(Event):
    number: int


class HTTPRequestDone(Event):
    number: int


class OddNames(Event, tag="odd.names"):
    type: str
    tag: int
    event: float = 0.0


class Twin(Event, tag="work.started"):
    other: int


class Marked(Event, tag="work.marked"):
    tool: Annotated[str, Label, Attribute("gen_ai.tool.name")]
    took: Annotated[float | None, Unit("ms")] = None
    output: Annotated[str, Sensitive] = ""
    items: list[int] = msgspec.field(default_factory=list)
    pairs: tuple[tuple[str, int], ...] = ()
    severity: Severity | None = None


class PlainStruct(msgspec.Struct):
    number: int


def test_the_class_statement_names_the_event() -> None:
    identity = identity_of(Started)
    assert (identity.name, identity.severity, identity.version) == (
        "work.started",
        "debug",
        2,
    )


def test_without_a_tag_the_name_is_the_class_name_in_snake_case() -> None:
    assert identity_of(Named).name == "named"
    assert identity_of(HTTPRequestDone).name == "http_request_done"


@pytest.mark.proves("B1")
def test_an_event_is_frozen_and_keyword_only_in_every_subclass() -> None:
    class Deeper(Started, tag="work.deeper"):
        more: int

    event = Deeper(name="x", more=1)
    with pytest.raises(AttributeError, match="immutable type: 'Deeper'"):
        event.more = 2  # type: ignore[misc]
    with pytest.raises(TypeError, match="positional"):
        Deeper("x", 1)  # type: ignore[misc]


@pytest.mark.proves("B1")
def test_an_unknown_field_is_refused_at_construction() -> None:
    with pytest.raises(TypeError, match="Unexpected keyword argument 'nmae'"):
        Started(nmae="x")  # type: ignore[call-arg]


@pytest.mark.proves("fault-9")
@pytest.mark.parametrize("option", ["frozen", "kw_only"])
def test_a_type_that_would_not_be_frozen_or_keyword_only_is_refused(
    option: str,
) -> None:
    with pytest.raises(TypeError, match=f"event type Loose must stay {option}=True"):
        type(Event)("Loose", (Event,), {"__module__": __name__}, **{option: False})


def test_any_field_name_is_allowed() -> None:
    event = OddNames(type="a", tag=1)
    assert (event.type, event.tag) == ("a", 1)
    assert msgspec.json.encode(event) == b'{"type":"a","tag":1,"event":0.0}'


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"tag": "no spaces"}, "got 'no spaces'"),
        ({"tag": ""}, "got ''"),
        ({"tag": "x" * 257}, "must be 1 to 256 letters"),
        ({"severity": "loud"}, "severity of event type Bad must be one of"),
        ({"version": 0}, "version of event type Bad must be >= 1, got 0"),
    ],
)
def test_a_class_statement_that_cannot_be_meant_is_refused(
    options: dict[str, Any], message: str
) -> None:
    with pytest.raises(TypeError, match=message):
        type(Event)("Bad", (Event,), {"__module__": __name__}, **options)


def test_marks_are_read_from_the_annotations() -> None:
    fields = {field.name: field for field in describe(Marked).fields}
    assert fields["tool"].label
    assert fields["tool"].attribute == "gen_ai.tool.name"
    assert fields["took"].unit == "ms"
    assert describe(Marked).sensitive_fields == ("output",)
    assert describe(Marked).has_own_severity


def test_a_field_that_could_change_is_known_as_such() -> None:
    assert describe(Marked).mutable_fields == ("items",)


@pytest.mark.proves("fault-11")
def test_two_types_of_one_name_are_refused_with_both_names() -> None:
    catalog = Catalog([Started])
    with pytest.raises(RegistrationError) as caught:
        catalog.register(Twin)
    assert str(caught.value) == (
        "two event types have the name 'work.started': "
        f"{__name__}.Started is registered, {__name__}.Twin is refused"
    )
    assert Twin not in catalog


@pytest.mark.proves("fault-9", "fault-11")
@pytest.mark.parametrize("wrong", [PlainStruct, int, Event, "work.started"])
def test_what_is_no_event_type_is_refused_by_name(wrong: Any) -> None:
    with pytest.raises(RegistrationError) as caught:
        Catalog().register(wrong)
    assert getattr(wrong, "__name__", repr(wrong)) in str(caught.value)


def test_a_mark_on_a_field_it_does_not_fit_is_refused() -> None:
    class Odd(Event, tag="odd.unit"):
        name: Annotated[str, Unit("ms")]

    class Secret(Event, tag="odd.secret"):
        number: Annotated[int, Sensitive]

    with pytest.raises(RegistrationError, match=r"'name' of .*has Unit\('ms'\) but is"):
        describe(Odd)
    with pytest.raises(RegistrationError, match=r"'number' of .*is Sensitive but is"):
        describe(Secret)


def test_registering_twice_changes_nothing() -> None:
    catalog = Catalog([Started, Started])
    assert [known.name for known in catalog] == ["work.started"]
    assert catalog.get("work.started") is catalog.register(Started)
    assert catalog.get("work.nothing") is None


def test_an_event_shows_all_but_what_is_sensitive() -> None:
    event = Marked(tool="shell", output="hunter2", items=[1])
    assert repr(event) == (
        "Marked(tool='shell', took=None, output='[REDACTED]', items=[1], pairs=(), "
        "severity=None)"
    )
    assert ("output", "[REDACTED]") in event.__rich_repr__()
    assert repr(Marked(tool="", output="")).count("REDACTED") == 0
    assert event.output == "hunter2"


def test_a_subclass_has_a_name_of_its_own_and_the_marks_of_its_base() -> None:
    class MarkedMore(Marked):
        more: int = 0

    assert identity_of(MarkedMore).name == "marked_more"
    assert describe(MarkedMore).sensitive_fields == ("output",)
    assert "hunter2" not in repr(MarkedMore(tool="", output="hunter2"))


def test_the_field_that_is_the_body_is_said_in_the_class() -> None:
    class Spoken(Event, body="text"):
        text: str

    assert describe(Spoken).identity.body == "text"
    assert describe(Started).identity.body is None


def test_a_body_that_is_no_field_is_refused() -> None:
    class Silent(Event, body="text"):
        words: str
        loudness: int

    with pytest.raises(
        RegistrationError,
        match=r"event type .*Silent has body='text', which is none of its fields: "
        "words, loudness",
    ):
        describe(Silent)


def test_a_span_names_fields_that_there_are() -> None:
    class Done(Event, span=Span("do {what}", duration="took", ok="fine", id="own")):
        what: str
        took: Annotated[int | None, Unit("us")] = None
        fine: bool = True
        own: str | None = None

    assert describe(Done).identity.span is not None


@pytest.mark.parametrize(
    ("span", "said"),
    [
        (
            Span("do {nothing}", duration="took"),
            "the name 'do {nothing}' with 'nothing'",
        ),
        (Span("do {", duration="took"), "the name 'do {': "),
        (Span("do", duration="nothing"), "duration='nothing', which is none of its"),
        (Span("do", duration="took", ok="nothing"), "ok='nothing', which is none of"),
        (Span("do", duration="took", links="no"), "links='no', which is none of its"),
        (Span("do", duration="took", id="no"), "id='no', which is none of its fields"),
        (Span("do", duration="size"), "duration='size', whose unit is no time"),
        (Span("do", duration="bare"), "duration='bare', whose unit is no time"),
    ],
)
def test_a_span_that_cannot_be_made_is_refused(span: Span, said: str) -> None:
    class Done(Event, span=span):
        took: Annotated[float, Unit("ms")]
        size: Annotated[int, Unit("By")]
        bare: float

    with pytest.raises(
        RegistrationError, match=r"the span of event type .*Done has "
    ) as e:
        describe(Done)
    assert said in str(e.value)
