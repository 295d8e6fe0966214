"""Event types of every kind of field, and records of them at random."""

from __future__ import annotations

import enum
import math
import random
from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, UnsetType

from eventbus import Attribute, Event, Label, Record, Unit


class Colour(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Mixed(Event, tag="test.mixed", severity="warn"):
    """Ten attributes of mixed types."""

    tool: Annotated[str, Label, Attribute("gen_ai.tool.name")]
    call_id: str
    duration_ms: Annotated[float, Unit("ms")]
    success: Annotated[bool, Label]
    exit_code: int
    output_length: int
    model: Annotated[str, Label]
    kind: Literal["local", "remote"]
    ratio: float
    error: str | None = None


class Loose(Event, tag="test.loose", rename="camel"):
    """Fields of any type, and one that may be unset."""

    first_value: Any = None
    second_value: Any = None
    whole: int | UnsetType = UNSET


class Said(Event, tag="test.said", body="message"):
    """An event with a body."""

    message: str | None
    speaker: str = "agent"


class Bare(Event, tag="test.bare"):
    """An event without a field."""


class Inner(msgspec.Struct):
    name: str
    size: int | None = None


TRACE_ID = "0af7651916cd43dd8448eb211c80319c"
SPAN_ID = "b7ad6b7169203331"

_TEXTS = ("", "shell", "é", "line\nfeed \0 \u2028 \ufeff \u202e", "𝄞" * 40, "x" * 300)
_NUMBERS = (0, 1, -1, 127, 128, 1023, 1024, 2**21, -(2**63), 2**63 - 1, 2**63, 10**30)
_FLOATS = (0.0, -0.0, 1.5, 1e300, 5e-324, math.nan, math.inf, -math.inf)
_RESOURCES = (None, {"service.name": "relayed", "ports": (80, 443)}, {})
_SEVERITIES = ("trace", "debug", "info", "warn", "error", "fatal")


def random_value(draw: random.Random, depth: int = 3) -> Any:
    """Return a value of any kind that OTLP has a word for."""
    kind = draw.randrange(10 if depth else 7)
    match kind:
        case 0 | 1:
            return draw.choice(_TEXTS)
        case 2:
            return draw.choice(_NUMBERS)
        case 3:
            return draw.getrandbits(draw.randrange(1, 70)) * draw.choice((1, -1))
        case 4:
            return draw.choice(_FLOATS) if draw.random() < 0.5 else draw.random()
        case 5:
            return draw.choice((True, False, None))
        case 6:
            return draw.randbytes(draw.randrange(5))
        case 7:
            size = draw.randrange(4)
            return tuple(random_value(draw, depth - 1) for _ in range(size))
        case _:
            keys = draw.sample(_TEXTS, draw.randrange(4))
            return {key: random_value(draw, depth - 1) for key in keys}


def random_event(draw: random.Random) -> Event:
    """Return an event of one of the types above."""
    match draw.randrange(6):
        case 0:
            return Bare()
        case 1:
            return Said(message=draw.choice((None, *_TEXTS)))
        case 2:
            return Loose(
                first_value=random_value(draw),
                second_value=random_value(draw),
                whole=draw.choice((UNSET, 0, 5, 2**40)),
            )
        case _:
            return Mixed(
                tool=draw.choice(_TEXTS),
                call_id=f"call-{draw.randrange(10**9)}",
                duration_ms=draw.choice((*_FLOATS, 3)),
                success=draw.random() < 0.5,
                exit_code=draw.choice(_NUMBERS),
                output_length=draw.randrange(10**6),
                model=draw.choice(_TEXTS),
                kind=draw.choice(("local", "remote")),
                ratio=draw.random(),
                error=draw.choice((None, *_TEXTS)),
            )


def random_record(draw: random.Random, number: int) -> Record[Any]:
    """Return a record with or without each of its parts; its ids are valid."""
    traced = draw.random() < 0.5
    return Record(
        random_event(draw),
        id=draw.choice(("", f"id-{number:x}")),
        time_unix_nano=draw.choice((0, 1, 1_795_247_063_541_164_823, 2**64 - 1)),
        observed_time_unix_nano=draw.randrange(2**64),
        severity=draw.choice(_SEVERITIES),  # type: ignore[arg-type]
        attributes=random_bound(draw),
        resource=draw.choice(_RESOURCES),
        trace_id=f"{draw.randrange(1, 2**128):032x}" if traced else None,
        span_id=f"{draw.randrange(1, 2**64):016x}" if draw.random() < 0.7 else None,
        trace_flags=draw.choice((0, 1, 3)),
        weight=draw.choice((1.0, 1, 10.0, 2.5)),
        dropped_attributes_count=draw.choice((0, 0, 3, 2**32 - 1)),
    )


def random_bound(draw: random.Random) -> dict[str, Any]:
    """Return bound attributes, some with names of fields."""
    names = draw.sample(("user", "gen_ai.tool.name", "call_id", "é", ""), 3)
    kept = names[: draw.randrange(4)]
    return {name: draw.choice(("x", "é", True, 7, 1.5, ("a", "b"))) for name in kept}
