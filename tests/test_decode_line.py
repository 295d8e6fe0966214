from __future__ import annotations

import enum
import json
import math
from typing import Annotated, Any, Literal

import msgspec
import pytest
from msgspec import Meta

from eventbus import Catalog, DecodeError, Event, Label, Record, Sensitive
from eventbus._decode_line import LineDecoder, UnknownEventError
from eventbus._encode_line import LineEncoder


class Mode(enum.Enum):
    AUTO = "auto"


class Usage(msgspec.Struct, frozen=True):
    tokens: int
    share: float = 0.0


class RunStep(msgspec.Struct, frozen=True, tag="run"):
    n: int


class StopStep(msgspec.Struct, frozen=True, tag="stop"): ...


class ToolResult(Event, tag="agent.tool_result", version=2):
    tool_name: Annotated[str, Label]
    duration_ms: float = 0.0
    tokens: int | None = 5
    mode: Mode = Mode.AUTO
    kind: Literal["a", "b"] = "a"
    short: Annotated[str, Meta(max_length=3)] = ""
    usage: Usage | None = None
    choice: int | msgspec.UnsetType | None = msgspec.UNSET
    password: Annotated[str, Sensitive] = ""
    pin: Annotated[str, Sensitive, Meta(max_length=4)] = ""
    counts: dict[str, int] = msgspec.field(default_factory=dict)
    by_number: dict[int, int] = msgspec.field(default_factory=dict)
    steps: list[RunStep | StopStep] = msgspec.field(default_factory=list)
    pair: tuple[int, int] = (0, 0)
    few: Annotated[list[str], Meta(max_length=2)] = msgspec.field(default_factory=list)


class Floats(Event, tag="floats"):
    either: float | str = 0.0
    several: list[float] = msgspec.field(default_factory=list)
    pair: tuple[int, float] = (0, 0.0)
    by_name: dict[str, float | None] = msgspec.field(default_factory=dict)
    nested: Usage | None = None


class Guarded(Event, tag="guarded"):
    value: int

    def __post_init__(self) -> None:
        if self.value < 0:
            raise ValueError(f"secret {self.value}")


decoder = LineDecoder(Catalog([ToolResult, Floats, Guarded]))


def line(event: Any = None, **fields: Any) -> bytes:
    whole = {"name": "agent.tool_result", "event": event or {"tool_name": "shell"}}
    return json.dumps({**whole, **fields}).encode()


def test_the_least_line_leaves_to_the_bus_what_the_bus_is_to_say() -> None:
    assert decoder.decode(line()) == Record(
        ToolResult(tool_name="shell", tokens=None), schema_version=1
    )


def test_the_time_it_was_observed_is_the_time_it_happened_unless_it_says() -> None:
    record = decoder.decode(line(time_unix_nano=1795247063541164823))
    assert record.observed_time_unix_nano == 1795247063541164823


@pytest.mark.proves("B21")
def test_an_absent_optional_is_none_and_not_its_default() -> None:
    assert decoder.decode(line()).event.tokens is None
    assert decoder.decode(line({"tool_name": "a", "tokens": 5})).event.tokens == 5


def test_none_and_unset_are_told_apart_where_both_are_values() -> None:
    assert decoder.decode(line()).event.choice is msgspec.UNSET
    said = line({"tool_name": "a", "choice": None})
    assert decoder.decode(said).event.choice is None


def test_attributes_cannot_be_changed_after_reading() -> None:
    record = decoder.decode(line(attributes={"a": [1, "b"]}, resource={"c": 1}))
    assert (record.attributes, record.resource) == ({"a": (1, "b")}, {"c": 1})
    with pytest.raises(TypeError, match="cannot be changed"):
        record.attributes["a"] = 2


@pytest.mark.proves("B1")
@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b"", "Input data was truncated"),
        (b"{", "Input data was truncated"),
        (b"nul", "Input data was truncated"),
        (b'{"name":"a"} {}', "JSON is malformed: trailing characters (byte 14)"),
        (b'{"name":"\xff"}', "expected UTF-8, got byte 0xff at 9"),
        ("{}".encode("utf-16"), "expected UTF-8, got byte 0xff at 0"),
        (b"[]", "Expected an object, got an array - at `$`"),
        (b"{}", "Required field 'name' is missing - at `$.name`"),
        (b"[" * 100_000, "Expected `object`, got `array`"),
        (
            b'{"x":' + b"[" * 100_000,
            "the JSON is nested too deeply",
        ),
        (b'{"name":3}', "Expected `str`, got 3 - at `$.name`"),
        (line(schema_version=0), "Expected `int` >= 1, got 0 - at `$.schema_version`"),
        (b'{"name":"guarded"}', "Required field 'event' is missing - at `$.event`"),
        (
            line({"tool_nmae": 1}),
            "Unknown field 'tool_nmae'. Did you mean 'tool_name'? - at "
            "`$.event.tool_nmae`",
        ),
        (line(nmae=1), "Unknown field 'nmae'. Did you mean 'name'? - at `$.nmae`"),
        (
            line({"duration_ms": 1.0}),
            "Required field 'tool_name' is missing - at `$.event.tool_name`",
        ),
        (
            line({"tool_name": "a", "duration_ms": "1"}),
            "Expected `float`, got text of 1 character - at `$.event.duration_ms`",
        ),
        (
            line({"tool_name": "a", "usage": {"tokens": 1.5}}),
            "Expected `int`, got 1.5 - at `$.event.usage.tokens`",
        ),
        (line(weight=0), "Expected `float` > 0, got 0 - at `$.weight`"),
        (
            line(time_unix_nano=2**63),
            "Expected `int` between 0 and 9223372036854775807, got "
            "9223372036854775808 - at `$.time_unix_nano`",
        ),
        (
            line(time_unix_nano="12"),
            "Expected `int` between 0 and 9223372036854775807, got '12' - at "
            "`$.time_unix_nano`",
        ),
        (
            line(trace_id="A" * 4),
            "Expected `str` matching `^[0-9a-f]{32}\\Z`, got 'AAAA' - at `$.trace_id`",
        ),
        (
            line(trace_flags=256),
            "Expected `int` between 0 and 255, got 256 - at `$.trace_flags`",
        ),
        (
            line(severity="wran"),
            "Expected 'trace', 'debug', 'info', 'warn', 'error' or 'fatal', got "
            "'wran'. Did you mean 'warn'? - at `$.severity`",
        ),
        (
            line(attributes={"a": 1, "http.route": {"b": 1}}),
            "Expected `str`, `bool`, `int`, `float` or an array, got an object - at "
            '`$.attributes."http.route"`',
        ),
        (
            line(attributes={"a": [1, None]}),
            "Expected `str`, `bool`, `int` or `float`, got null - at "
            "`$.attributes.a[1]`",
        ),
        (
            line().replace(b'"shell"}', b'"shell"}, "weight": 1e999'),
            "Number out of range - at `$.weight`",
        ),
    ],
)
def test_what_is_no_record_is_refused_with_what_was_expected_and_where(
    text: bytes, reason: str
) -> None:
    with pytest.raises(DecodeError) as caught:
        decoder.decode(text)
    assert str(caught.value) == reason


@pytest.mark.parametrize(
    ("event", "reason"),
    [
        (
            {"mode": "aut"},
            "Expected 'auto', got 'aut'. Did you mean 'auto'? - at `$.event.mode`",
        ),
        ({"kind": "c"}, "Expected 'a' or 'b', got 'c' - at `$.event.kind`"),
        ({"kind": 5}, "Expected 'a' or 'b', got 5 - at `$.event.kind`"),
        (
            {"short": "abcd"},
            "Expected `str` of at most 3 characters, got 'abcd' - at `$.event.short`",
        ),
        (
            {"usage": {}},
            "Required field 'tokens' is missing - at `$.event.usage.tokens`",
        ),
        ({"usage": [1]}, "Expected an object, got an array - at `$.event.usage`"),
        (
            {"counts": {"a b": 1, "c d": None}},
            'Expected `int`, got null - at `$.event.counts."c d"`',
        ),
        (
            {"by_number": {"1": 1, "x": 1}},
            "Expected a key that is `int` - at `$.event.by_number.x`",
        ),
        (
            {"steps": [{"type": "run", "n": 1}, {"type": "stpo"}]},
            "Expected 'run' or 'stop', got 'stpo' - at `$.event.steps[1].type`",
        ),
        (
            {"steps": [{}]},
            "Required field 'type' is missing - at `$.event.steps[0].type`",
        ),
        (
            {"steps": [{"type": "run", "n": None}]},
            "Expected `int`, got null - at `$.event.steps[0].n`",
        ),
        ({"pair": [1]}, "Expected an array of 2 items, got 1 - at `$.event.pair`"),
        (
            {"pair": [1, "a"]},
            "Expected `int`, got text of 1 character - at `$.event.pair[1]`",
        ),
        (
            {"few": ["a", "b", "c"]},
            "Expected an array of at most 2 items, got 3 - at `$.event.few`",
        ),
    ],
)
def test_what_is_wrong_inside_an_event_is_told_with_its_place_in_the_line(
    event: dict[str, Any], reason: str
) -> None:
    with pytest.raises(DecodeError) as caught:
        decoder.decode(line({"tool_name": "a", **event}))
    assert str(caught.value) == reason


@pytest.mark.parametrize(
    ("event", "reason"),
    [
        ({"tokens": "s3cret"}, "Expected `int`, got text of 6 characters"),
        ({"password": 12345}, "Expected `str`, got [REDACTED]"),
        ({"pin": "s3cret"}, "Expected `str` of at most 4 characters, got [REDACTED]"),
    ],
)
def test_a_refusal_repeats_no_sensitive_field_and_no_text_out_of_its_place(
    event: dict[str, Any], reason: str
) -> None:
    ((name, _),) = event.items()
    with pytest.raises(DecodeError) as caught:
        decoder.decode(line({"tool_name": "a", **event}))
    assert str(caught.value) == f"{reason} - at `$.event.{name}`"


def test_text_instead_of_a_line_is_not_repeated() -> None:
    with pytest.raises(DecodeError) as caught:
        decoder.decode(b'"s3cret"')
    assert str(caught.value) == "Expected an object, got text of 6 characters - at `$`"


def test_an_array_of_the_wrong_length_is_refused_where_floats_may_be_words() -> None:
    with pytest.raises(DecodeError) as caught:
        decoder.decode(line({"pair": [1, 2.0, 3]}, name="floats"))
    assert str(caught.value) == (
        "Expected an array of 2 items, got 3 - at `$.event.pair`"
    )


def test_an_event_that_refuses_itself_is_a_refusal_without_its_words() -> None:
    with pytest.raises(DecodeError) as caught:
        decoder.decode(line({"value": -7}, name="guarded"))
    assert str(caught.value) == (
        "event type 'guarded' refused the values itself (ValueError) - at `$.event`"
    )


def test_a_refusal_is_one_line_of_bounded_length() -> None:
    with pytest.raises(DecodeError) as caught:
        decoder.decode(line({"a\n\x1b[31m" + "b" * 1000: 1}))
    text = str(caught.value)
    assert text.startswith("Unknown field 'a\\n\\x1b[31mbbb")
    assert text.endswith('bbb…"`')
    assert "\n" not in text
    assert len(text) < 350


@pytest.mark.proves("B1")
def test_a_newer_schema_version_is_refused_by_name_and_number() -> None:
    with pytest.raises(DecodeError) as caught:
        decoder.decode(line({"whatever": 1}, schema_version=3))
    assert str(caught.value) == (
        "expected schema version <= 2 of event 'agent.tool_result', got 3: "
        "a newer release declared it - at `$.schema_version`"
    )


def test_an_unknown_event_is_told_apart_by_its_name() -> None:
    with pytest.raises(UnknownEventError) as caught:
        decoder.decode(b'{"name":"agent.tool_resul"}')
    assert caught.value.name == "agent.tool_resul"
    assert str(caught.value) == (
        "no event type 'agent.tool_resul' in the catalog - at `$.name`"
    )


def test_an_event_type_is_known_as_soon_as_the_catalog_knows_it() -> None:
    catalog = Catalog()
    growing = LineDecoder(catalog)
    with pytest.raises(UnknownEventError):
        growing.decode(line())
    catalog.register(ToolResult)
    assert growing.decode(line()).name == "agent.tool_result"


@pytest.mark.proves("fault-1")
def test_the_words_for_numbers_that_are_none_are_read_as_numbers() -> None:
    event = Floats(
        either="NaN",
        several=[math.inf, 1.0],
        pair=(1, -math.inf),
        by_name={"a": math.inf, "b": None},
        nested=Usage(tokens=1, share=math.inf),
    )
    written = LineEncoder().encode_one(Record(event))
    assert decoder.decode(written).event == event


def test_a_word_for_a_number_is_no_integer() -> None:
    with pytest.raises(DecodeError) as caught:
        decoder.decode(line({"tool_name": "a", "tokens": "NaN"}))
    assert str(caught.value) == (
        "Expected `int`, got text of 3 characters - at `$.event.tokens`"
    )
