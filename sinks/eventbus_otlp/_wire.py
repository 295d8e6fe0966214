"""How the parts of a protobuf message are written, in as few steps as Python has.

https://protobuf.dev/programming-guides/encoding/ is the rule.
"""

from __future__ import annotations

from struct import Struct
from typing import Final

VARINT: Final = 0
FIXED64: Final = 1
DELIMITED: Final = 2
FIXED32: Final = 5

MAX_INT64: Final = 2**63 - 1
MIN_INT64: Final = -(2**63)

_UINT64_MASK: Final = 2**64 - 1
_REMEMBERED_LENGTHS: Final = 4096  # of the content of one field

_double: Final = Struct("<d").pack
_fixed64: Final = Struct("<Q").pack
_fixed32: Final = Struct("<I").pack


_SHORT: Final = (
    *(bytes((value,)) for value in range(128)),
    *(bytes((value & 127 | 128, value >> 7)) for value in range(128, 1 << 14)),
)
short_varint: Final = _SHORT.__getitem__
"""Returns a number below :data:`SHORT`, from 0, as a varint; out of a table."""

SHORT: Final = len(_SHORT)


def varint(value: int) -> bytes:
    """Return *value*, from 0 to 2**64 - 1."""
    if value < SHORT:
        return _SHORT[value]
    start = b""
    while value >= SHORT:
        start += bytes((value & 127 | 128, value >> 7 & 127 | 128))
        value >>= 14
    return start + _SHORT[value]


def int64(value: int) -> bytes:
    """Return *value*, from -2**63 to 2**63 - 1, as protobuf's ``int64`` is written."""
    return varint(value if value >= 0 else value & _UINT64_MASK)


def tag(number: int, wire_type: int) -> bytes:
    """Return what comes before the value of field *number*."""
    return varint(number << 3 | wire_type)


def delimited(number: int, content: bytes) -> bytes:
    """Return field *number* with text, bytes or a message, empty ones too."""
    return tag(number, DELIMITED) + varint(len(content)) + content


def text_field(number: int, text: str) -> bytes:
    """Return field *number* with *text*; nothing where there is none."""
    return delimited(number, text.encode()) if text else b""


def varint_field(number: int, value: int) -> bytes:
    """Return field *number* with *value*, from 0 to 2**64 - 1; nothing for 0."""
    return tag(number, VARINT) + varint(value) if value else b""


def fixed64_field(number: int, value: int) -> bytes:
    """Return field *number* with *value*, from 0 to 2**64 - 1; nothing for 0."""
    return tag(number, FIXED64) + _fixed64(value) if value else b""


def fixed32_field(number: int, value: int) -> bytes:
    """Return field *number* with *value*, from 0 to 2**32 - 1; nothing for 0."""
    return tag(number, FIXED32) + _fixed32(value) if value else b""


def double_field(number: int, value: float) -> bytes:
    """Return field *number* with *value*, 0 too."""
    return tag(number, FIXED64) + _double(value)


class Heads(dict[int, bytes]):
    """What comes before the content of field *number*, by the content's length."""

    def __init__(self, number: int) -> None:
        self._tag = tag(number, DELIMITED)

    def __missing__(self, length: int) -> bytes:
        """Work it out, and remember the common ones."""
        head = self._tag + varint(length)
        if length < _REMEMBERED_LENGTHS:
            self[length] = head
        return head
