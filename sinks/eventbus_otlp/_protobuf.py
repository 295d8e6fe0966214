"""How the fields of a protobuf message are read, where no schema is needed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

MAX_FIELDS: Final = 1000  # answers have a handful; the rest would only cost time

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_WIDTHS: Final = {_FIXED64: 8, _FIXED32: 4}
_MAX_SHIFT: Final = 63


def fields(message: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Yield the number and the value of each field of *message*, as they come.

    A varint is an unsigned number of 64 bits; all else is bytes.
    See https://protobuf.dev/programming-guides/encoding/.

    Raises:
        ValueError: It is no protobuf message, or has over ``MAX_FIELDS`` fields.
    """
    at = count = 0
    while at < len(message):
        count += 1
        if count > MAX_FIELDS:
            raise ValueError(f"a message of more than {MAX_FIELDS} fields")
        key, at = _varint(message, at)
        value, at = _value(message, at, key & 7)
        yield key >> 3, value


def signed(number: int) -> int:
    """Return what a varint means as int64, or as int32, which is written as wide."""
    return number - (1 << 64) if number >> _MAX_SHIFT else number


def _value(message: bytes, at: int, wire_type: int) -> tuple[int | bytes, int]:
    if wire_type == _VARINT:
        return _varint(message, at)
    if wire_type == _BYTES:
        width, at = _varint(message, at)
    elif wire_type in _WIDTHS:
        width = _WIDTHS[wire_type]
    else:
        raise ValueError(f"wire type {wire_type} at byte {at}")
    end = at + width
    if end > len(message):
        raise ValueError(f"a field of {width} bytes at byte {at} of {len(message)}")
    return message[at:end], end


def _varint(message: bytes, at: int) -> tuple[int, int]:
    number = shift = 0
    while at < len(message) and shift <= _MAX_SHIFT:
        byte = message[at]
        at += 1
        number |= (byte & 0x7F) << shift
        if byte < 0x80:
            return number & ((1 << 64) - 1), at
        shift += 7
    raise ValueError(f"a varint without an end at byte {at} of {len(message)}")
