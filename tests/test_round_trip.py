"""What was written is what is read."""

from __future__ import annotations

import datetime
import decimal
import enum
import uuid
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eventbus import Attributes, Catalog, Event, Record, Severity
from eventbus._decode_line import LineDecoder
from eventbus._encode_line import LineEncoder
from eventbus._record import AnyRecord
from eventbus._severity import SEVERITIES


class Colour(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Part(msgspec.Struct, frozen=True):
    size: float
    label: str | None = None


class Everything(Event, tag="everything", version=2):
    text: str
    number: int
    ratio: float
    flag: bool
    maybe_text: str | None = None
    maybe_number: int | None = 7
    maybe_ratio: float | None = None
    blob: bytes = b""
    colour: Colour = Colour.RED
    identity: uuid.UUID | None = None
    moment: datetime.datetime | None = None
    price: decimal.Decimal | None = None
    parts: tuple[Part, ...] = ()
    ratios: dict[str, float] = msgspec.field(default_factory=dict)
    numbers: frozenset[int] = frozenset()
    choice: int | msgspec.UnsetType | None = msgspec.UNSET


texts = st.text(st.characters(codec="utf-8"), max_size=20)
floats = st.floats(allow_nan=False)  # NaN is not equal to itself: it has its own test
parts = st.builds(Part, size=floats, label=st.none() | texts)
moments = st.datetimes() | st.datetimes(timezones=st.just(datetime.UTC))
events = st.builds(
    Everything,
    text=texts,
    number=st.integers(-(10**40), 10**40),
    ratio=floats,
    flag=st.booleans(),
    maybe_text=st.none() | texts,
    maybe_number=st.none() | st.integers(),
    maybe_ratio=st.none() | floats,
    blob=st.binary(max_size=20),
    colour=st.sampled_from(Colour),
    identity=st.none() | st.uuids(),
    moment=st.none() | moments,
    price=st.none() | st.decimals(allow_nan=False),
    parts=st.lists(parts, max_size=3).map(tuple),
    ratios=st.dictionaries(texts, floats, max_size=3),
    numbers=st.frozensets(st.integers(), max_size=3),
    choice=st.none() | st.integers() | st.just(msgspec.UNSET),
)
scalars = texts | st.booleans() | st.integers() | st.floats(allow_nan=False)
values = scalars.filter(lambda v: not isinstance(v, float) or abs(v) < 1e300)
attributes = st.dictionaries(
    texts, values | st.lists(values, max_size=3).map(tuple), max_size=3
).map(Attributes)
times = st.integers(1, 2**63 - 1)
trace_ids = st.none() | st.integers(1, 2**128 - 1).map("{:032x}".format)
span_ids = st.none() | st.integers(1, 2**64 - 1).map("{:016x}".format)


def make_record(**fields: Any) -> AnyRecord:
    return Record(**fields)


records = st.builds(
    make_record,
    event=events,
    id=texts,
    time_unix_nano=times,
    observed_time_unix_nano=times,
    severity=st.sampled_from(SEVERITIES),
    attributes=attributes,
    resource=st.none() | attributes.filter(bool),
    trace_id=trace_ids,
    span_id=span_ids,
    parent_span_id=span_ids,
    trace_flags=st.integers(0, 255),
    tracestate=st.none() | texts.filter(bool),
    schema_version=st.integers(1, 2),
    weight=st.floats(1, 1e9),
)

encoder = LineEncoder()
decoder = LineDecoder(Catalog([Everything]))


@pytest.mark.proves("B1", "B21")
@settings(max_examples=150, deadline=None)
@given(record=records)
def test_a_record_survives_its_line(record: AnyRecord) -> None:
    assert decoder.decode(encoder.encode_one(record)) == record


@pytest.mark.proves("B1")
@settings(max_examples=100, deadline=None)
@given(event=events.filter(lambda event: -(2**63) <= event.number < 2**64))
def test_an_event_survives_messagepack(event: Everything) -> None:
    small = msgspec.structs.replace(event, maybe_number=None, numbers=frozenset({1}))
    small = msgspec.structs.replace(small, choice=msgspec.UNSET)
    packed = msgspec.msgpack.encode(small)
    assert msgspec.msgpack.decode(packed, type=Everything) == small


def test_a_nan_is_read_back_as_one() -> None:
    event = Everything(text="", number=0, ratio=float("nan"), flag=True)
    read: Any = decoder.decode(encoder.encode_one(Record(event))).event
    assert read.ratio != read.ratio


@pytest.mark.parametrize("severity", SEVERITIES)
def test_each_severity_is_read_back(severity: Severity) -> None:
    event = Everything(text="", number=0, ratio=0.0, flag=True)
    line = encoder.encode_one(Record(event, severity=severity))
    assert decoder.decode(line).severity == severity
