"""What values without a JSON word become, and what has no form at all."""

from __future__ import annotations

import dataclasses
import datetime
import decimal
import enum
import fractions
import math
import numbers
import pathlib
import subprocess
import sys
import types
import uuid
from typing import Any

import msgspec
import pytest

from eventbus._json_form import NoJsonForm, json_form, stand_in

encoder = msgspec.json.Encoder(enc_hook=stand_in)


def written(value: Any) -> str:
    """Return the text that a slow look at *value* gives."""
    return encoder.encode(json_form(value)[0]).decode()


class Text(str): ...


class Count(int): ...


class Ratio(float): ...


class Colour(enum.Enum):
    RED = "red"


class Limit(enum.Enum):
    NONE = math.inf


@dataclasses.dataclass
class Point:
    x: float
    label: str


class Usage(msgspec.Struct):
    tokens: int
    cached: int | None = None
    limit: float | None = None


class Pair(msgspec.Struct, array_like=True, tag="pair"):
    left: int | None = None
    right: int | None = None


class Shape(msgspec.Struct, tag="circle", tag_field="kind", rename="camel"):
    half_width: float


class Int64:
    """An integer of a class of its own, as numpy's are."""

    def __int__(self) -> int:
        return 7


class Float32:
    """A number of a class of its own, as numpy's are."""

    def __init__(self, value: float) -> None:
        self._value = value

    def __float__(self) -> float:
        return self._value


numbers.Integral.register(Int64)
numbers.Real.register(Float32)


@pytest.mark.proves("fault-1", "fault-5")
@pytest.mark.parametrize(
    ("value", "text"),
    [
        (math.nan, '"NaN"'),
        (math.inf, '"Infinity"'),
        (-math.inf, '"-Infinity"'),
        (Ratio("nan"), '"NaN"'),
        (Text("shell"), '"shell"'),
        (Count(3), "3"),
        (Ratio(1.5), "1.5"),
        (True, "true"),
        (None, "null"),
        (10**30, "1000000000000000000000000000000"),
        (Colour.RED, '"red"'),
        (Limit.NONE, '"Infinity"'),
        (Point(math.nan, "a"), '{"x":"NaN","label":"a"}'),
        (ValueError("no such tool"), '"ValueError: no such tool"'),
        ({1}, "[1]"),
        (frozenset([math.nan]), '["NaN"]'),
        ((1, "a"), '[1,"a"]'),
        (decimal.Decimal("1.50"), '"1.50"'),
        (fractions.Fraction(1, 4), "0.25"),
        (Int64(), "7"),
        (Float32(0.5), "0.5"),
        (Float32(math.nan), '"NaN"'),
        (datetime.datetime(2026, 1, 2, 3, 4, 5), '"2026-01-02T03:04:05"'),
        (
            datetime.datetime(2026, 1, 2, 3, 4, 5, tzinfo=datetime.UTC),
            '"2026-01-02T03:04:05Z"',
        ),
        (datetime.timedelta(seconds=90), '"PT90S"'),
        (uuid.UUID(int=1), '"00000000-0000-0000-0000-000000000001"'),
        (b"ab", '"YWI="'),
        (bytearray(b"ab"), '"YWI="'),
        (memoryview(b"a-b-")[::2], '"YWI="'),
        (pathlib.PurePosixPath("/tmp/x"), '"/tmp/x"'),
        (types.MappingProxyType({"a": math.nan}), '{"a":"NaN"}'),
        ({Text("key"): 1, 2: 2}, '{"key":1,"2":2}'),
        (msgspec.Raw(b'{"a":\n1}'), '{"a":1}'),
    ],
)
def test_each_value_has_its_documented_form(value: Any, text: str) -> None:
    assert written(value) == text


def test_a_nested_struct_leaves_out_the_none_that_its_class_defaults_to() -> None:
    assert written(Usage(tokens=0, limit=math.nan)) == '{"tokens":0,"limit":"NaN"}'


def test_a_struct_in_array_form_keeps_its_places() -> None:
    assert written(Pair(right=1)) == '["pair",null,1]'


def test_a_struct_keeps_its_tag_and_its_names() -> None:
    assert written(Shape(half_width=1.0)) == '{"kind":"circle","halfWidth":1.0}'


@pytest.mark.proves("fault-3")
def test_a_lone_surrogate_becomes_the_replacement_character() -> None:
    form, sanitized = json_form({"a\udc00": ["b\ud800c"]})
    assert form == {"a\ufffd": ["b\ufffdc"]}
    assert sanitized


def test_a_pair_of_surrogates_becomes_the_character_it_stands_for() -> None:
    assert json_form("\ud83d\ude00") == ("\U0001f600", True)


def test_text_in_order_is_not_called_sanitized() -> None:
    assert json_form(["\U0001f600", "\u2028", "\x00"])[1] is False


class Opaque: ...


class BadText(ValueError):
    def __str__(self) -> str:
        raise RuntimeError("a secret")


class NoText(ValueError):
    def __str__(self) -> Any:
        return 3


def endless() -> list[Any]:
    cycle: list[Any] = []
    cycle.append(cycle)
    return cycle


@pytest.mark.proves("fault-5", "fault-6", "fault-7")
@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (
            {"secret": [1, Opaque()]},
            f"no JSON form for {__name__}.Opaque - at `$[...][1]`",
        ),
        (Opaque, "no JSON form for builtins.type - at `$`"),
        (range(3), "no JSON form for builtins.range - at `$`"),
        ({(1, 2): 3}, "no JSON form for a key of type tuple - at `$`"),
        ({None: 3}, "no JSON form for a key of type NoneType - at `$`"),
        pytest.param(
            10**5000, "an integer of more than 4300 digits - at `$`", id="digits"
        ),
        (
            Usage(tokens=1, limit=BadText()),  # type: ignore[arg-type]
            "the value's own conversion raised RuntimeError - at `$.limit`",
        ),
        pytest.param(
            NoText(), "the value's own conversion raised TypeError - at `$`", id="text"
        ),
        (msgspec.Raw(b"{"), "msgspec.Raw that is not JSON - at `$`"),
    ],
)
def test_what_has_no_form_is_named_by_type_and_place(value: Any, reason: str) -> None:
    with pytest.raises(NoJsonForm) as caught:
        json_form(value)
    assert str(caught.value) == reason


@pytest.mark.proves("fault-7")
def test_a_cycle_is_refused_with_a_short_place() -> None:
    with pytest.raises(NoJsonForm) as caught:
        json_form(endless())
    assert str(caught.value) == (
        f"nested too deeply, or within itself - at `${'[0]' * 11}…`"
    )


DEEP = """
from eventbus._json_form import NoJsonForm, json_form
deep = []
for _ in range(100_000):
    deep = [deep]
try:
    json_form(deep)
except NoJsonForm as error:
    print(str(error)[:19])
"""


@pytest.mark.proves("fault-7")
def test_a_hundred_thousand_levels_end_no_process() -> None:
    child = subprocess.run(
        [sys.executable, "-c", DEEP], capture_output=True, text=True, timeout=20
    )
    assert (child.returncode, child.stdout) == (0, "nested too deeply, \n")
