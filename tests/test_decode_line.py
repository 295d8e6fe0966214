from __future__ import annotations

import enum
import json
import math
from typing import Annotated, Any, Literal

import msgspec
import pytest
from msgspec import Meta

from eventbus import Catalog, DecodeError, Event, Label, Record
from eventbus._decode_line import LineDecoder, UnknownEventError
from eventbus._encode_line import LineEncoder


class Mode(enum.Enum):
    AUTO = "auto"


class Usage(msgspec.Struct, frozen=True):
    tokens: int
    share: float = 0.0


class ToolResult(Event, tag="agent.tool_result", version=2):
    tool_name: Annotated[str, Label]
    duration_ms: float = 0.0
    tokens: int | None = 5
    mode: Mode = Mode.AUTO
    kind: Literal["a", "b"] = "a"
    short: Annotated[str, Meta(max_length=3)] = ""
    usage: Usage | None = None
    choice: int | msgspec.UnsetType | None = msgspec.UNSET


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
        (b'{"name":"\xff"}', "expected UTF-8, got another byte at 0"),
        (b"[]", "Expected `object`, got `array`"),
        (b"{}", "Object missing required field `name`"),
        (b"[" * 100_000, "Expected `object`, got `array`"),
        (
            b'{"x":' + b"[" * 100_000,
            "the JSON is nested too deeply",
        ),
        (b'{"name":3}', "Expected `str`, got `int` - at `$.name`"),
        (line(schema_version=0), "Expected `int` >= 1 - at `$.schema_version`"),
        (b'{"name":"guarded"}', "Object missing required field `event`"),
        (line({"a": 1}), "Object contains unknown field `a` - at `$.event`"),
        (line(nmae=1), "Object contains unknown field `nmae`"),
        (
            line({"duration_ms": 1.0}),
            "Object missing required field `tool_name` - at `$.event`",
        ),
        (
            line({"tool_name": "a", "duration_ms": "1"}),
            "Expected `float`, got `str` - at `$.event.duration_ms`",
        ),
        (
            line({"tool_name": "a", "usage": {"tokens": 1.5}}),
            "Expected `int`, got `float` - at `$.event.usage.tokens`",
        ),
        (line(weight=0), "Expected `float` > 0.0 - at `$.weight`"),
        (line(time_unix_nano=-1), "Expected `int` >= 0 - at `$.time_unix_nano`"),
        (
            line(time_unix_nano=2**63),
            "Expected `int` <= 9223372036854775807 - at `$.time_unix_nano`",
        ),
        (
            line(trace_id="A" * 32),
            "Expected `str` matching regex '^[0-9a-f]{32}\\\\Z' - at `$.trace_id`",
        ),
        (line(trace_flags=256), "Expected `int` <= 255 - at `$.trace_flags`"),
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
        ({"mode": "s3cret"}, "Invalid enum value - at `$.event.mode`"),
        ({"kind": "s3cret"}, "Invalid enum value - at `$.event.kind`"),
        (
            {"tokens": "s3cret"},
            "Expected `int | null`, got `str` - at `$.event.tokens`",
        ),
        ({"short": "s3cret"}, "Expected `str` of length <= 3 - at `$.event.short`"),
    ],
)
def test_a_refusal_repeats_no_value(event: dict[str, Any], reason: str) -> None:
    with pytest.raises(DecodeError) as caught:
        decoder.decode(line({"tool_name": "a", **event}))
    assert str(caught.value) == reason


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
    assert text.startswith("Object contains unknown field `a\\n\\x1b[31mbbb")
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
        "Expected `int | null`, got `str` - at `$.event.tokens`"
    )
