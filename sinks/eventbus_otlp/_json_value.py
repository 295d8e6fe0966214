"""How values are written in JSON: ``AnyValue`` and ``KeyValue`` as proto3 says.

https://protobuf.dev/programming-guides/json/, with the exceptions of
https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from eventbus_otlp._plain_value import Plain
from eventbus_otlp._wire import MAX_INT64, MIN_INT64

# Any in this module: what msgspec writes.

_encoder: Final = msgspec.json.Encoder()
_encode_lines: Final = _encoder.encode_lines
to_json: Final = _encoder.encode


def any_value(value: Plain) -> dict[str, Any]:
    """Return the object of an ``AnyValue``."""
    match value:
        case str():
            return {"stringValue": value}
        case bool():
            return {"boolValue": value}
        case int():
            return {"intValue": str(value)}
        case float():
            return {"doubleValue": number(value)}
        case list():
            return {"arrayValue": {"values": list(map(any_value, value))}}
        case dict():
            return {"kvlistValue": {"values": key_values(value)}}
        case bytes():
            return {"bytesValue": value}
        case None:
            return {}


def key_values(table: Mapping[str, Plain]) -> list[dict[str, Any]]:
    """Return an object for each entry of *table*."""
    return [{"key": key, "value": any_value(value)} for key, value in table.items()]


def number(value: float) -> float | str:
    """Return *value*, or its word where JSON has no number for it."""
    if math.isfinite(value):
        return value
    if math.isnan(value):
        return "NaN"
    return "Infinity" if value > 0 else "-Infinity"


class JsonValue:
    """Writes values between *before* and *after*. See :class:`ValueWriter`."""

    def __init__(self, before: bytes, after: bytes) -> None:
        self._before = before
        self._after = after
        self._text = before + b'{"stringValue":'
        self._int = before + b'{"intValue":"'
        self._double = before + b'{"doubleValue":'
        self._truths = (self.one(False), self.one(True))

    def texts(self, values: Sequence[str]) -> list[bytes]:
        """See :class:`ValueWriter`."""
        return self._lines(self._text, values, b"}")

    def ints(self, values: Sequence[int]) -> list[bytes]:
        """See :class:`ValueWriter`."""
        if min(values) < MIN_INT64 or max(values) > MAX_INT64:
            raise OverflowError("a whole number outside of 64 bits")
        return self._lines(self._int, values, b'"}')

    def floats(self, values: Sequence[float]) -> list[bytes]:
        """See :class:`ValueWriter`."""
        if not all(map(math.isfinite, values)):
            raise OverflowError("a number that JSON lacks")
        return self._lines(self._double, values, b"}")

    def bools(self, values: Sequence[bool]) -> list[bytes]:
        """See :class:`ValueWriter`."""
        return list(map(self._truths.__getitem__, values))

    def one(self, value: Plain) -> bytes:
        """See :class:`ValueWriter`."""
        return b"".join((self._before, to_json(any_value(value)), self._after))

    def _lines(self, before: bytes, values: Sequence[Any], after: bytes) -> list[bytes]:
        """Write all *values* at once, as lines, and take them apart again."""
        join, after = b"".join, after + self._after
        lines = _encode_lines(values).split(b"\n")
        del lines[-1]  # nothing: each value ends with a line feed
        return [join((before, line, after)) for line in lines]


class JsonAttribute(JsonValue):
    """Writes values as entries of a list, with a comma before each, the first too."""

    def __init__(self, key: str) -> None:
        super().__init__(b',{"key":' + to_json(key) + b',"value":', b"}")
