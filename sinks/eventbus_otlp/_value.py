"""How values are written in protobuf: ``AnyValue``, ``KeyValue`` and lists of them.

https://github.com/open-telemetry/opentelemetry-proto, ``common/v1/common.proto``
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import repeat
from struct import Struct
from typing import Final, NamedTuple

from eventbus_otlp._plain_value import Plain
from eventbus_otlp._wire import (
    DELIMITED,
    FIXED64,
    MAX_INT64,
    MIN_INT64,
    SHORT,
    VARINT,
    delimited,
    double_field,
    int64,
    short_varint,
    tag,
    varint,
)

# Fields of AnyValue, each with its wire type.
_STRING: Final = tag(1, DELIMITED)
_BOOL: Final = tag(2, VARINT)
_INT: Final = tag(3, VARINT)
_DOUBLE: Final = tag(4, FIXED64)
_DOUBLE_NUMBER: Final = 4
_ARRAY_NUMBER: Final = 5
_TABLE_NUMBER: Final = 6
_BYTES_NUMBER: Final = 7

_KEY_NUMBER: Final = 1
_VALUE_NUMBER: Final = 2
_REPEATED_NUMBER: Final = 1  # of ArrayValue.values and of KeyValueList.values

_REMEMBERED: Final = 1024  # lengths of text of one attribute


def any_value(value: Plain) -> bytes:
    """Return the content of an ``AnyValue``."""
    match value:
        case str():
            text = value.encode()
            return _STRING + varint(len(text)) + text
        case bool():
            return _BOOL + varint(value)
        case int():
            return _INT + int64(value)
        case float():
            return double_field(_DOUBLE_NUMBER, value)
        case list():
            return delimited(_ARRAY_NUMBER, array_value(value))
        case dict():
            return delimited(_TABLE_NUMBER, key_values(value))
        case bytes():
            return delimited(_BYTES_NUMBER, value)
        case None:
            return b""


def array_value(values: Sequence[Plain]) -> bytes:
    """Return the content of an ``ArrayValue``."""
    return b"".join([delimited(_REPEATED_NUMBER, any_value(value)) for value in values])


def key_values(table: Mapping[str, Plain], number: int = _REPEATED_NUMBER) -> bytes:
    """Return a ``KeyValue`` for each entry of *table*, each as field *number*."""
    return b"".join(
        [delimited(number, _key_value(key, value)) for key, value in table.items()]
    )


def _key_value(key: str, value: Plain) -> bytes:
    return delimited(_KEY_NUMBER, key.encode()) + delimited(
        _VALUE_NUMBER, any_value(value)
    )


class _Head(NamedTuple):
    """Makes what stands before a value.

    Args:
        tag: Of the field.
        key: The key and the tag of the value after it, in a ``KeyValue``.
    """

    tag: bytes
    key: bytes

    def __call__(self, start: bytes, length: int) -> bytes:
        """Return what stands before *length* bytes of a value that begins so."""
        length += len(start)
        if not self.key:
            return self.tag + varint(length) + start
        key = self.key + varint(length)
        return self.tag + varint(len(key) + length) + key + start


class ProtobufValue:
    """Writes values as field *number*. See :class:`ValueWriter`.

    What stands before a value is made once for each length that a value has.

    Args:
        number: Of the field.
        key: Of the ``KeyValue`` that it is; ``None``: it is an ``AnyValue``.
    """

    def __init__(self, number: int, key: str | None = None) -> None:
        before = b""
        if key is not None:
            before = delimited(_KEY_NUMBER, key.encode()) + tag(
                _VALUE_NUMBER, DELIMITED
            )
        self._head = head = _Head(tag(number, DELIMITED), before)
        self._text_heads = _TextHeads(head)
        self._int_heads = [head(_INT, length) for length in range(11)]
        self._double_head = head(_DOUBLE, 8)
        self._double = Struct(f"<{len(self._double_head)}sd").pack
        truth = head(_BOOL, 1)
        self._truths = (truth + b"\x00", truth + b"\x01")

    def texts(self, values: Sequence[str]) -> list[bytes]:
        """See :class:`ValueWriter`."""
        heads = self._text_heads
        return [heads[len(text)] + text for text in map(str.encode, values)]

    def ints(self, values: Sequence[int]) -> list[bytes]:
        """See :class:`ValueWriter`."""
        least, most = min(values), max(values)
        if least < MIN_INT64 or most > MAX_INT64:
            raise OverflowError("a whole number outside of 64 bits")
        heads = self._int_heads
        is_short = least >= 0 and most < SHORT
        numbers = map(short_varint if is_short else int64, values)
        return [heads[len(number)] + number for number in numbers]

    def floats(self, values: Sequence[float]) -> list[bytes]:
        """See :class:`ValueWriter`."""
        return list(map(self._double, repeat(self._double_head), values))

    def bools(self, values: Sequence[bool]) -> list[bytes]:
        """See :class:`ValueWriter`."""
        return list(map(self._truths.__getitem__, values))

    def one(self, value: Plain) -> bytes:
        """See :class:`ValueWriter`."""
        content = any_value(value)
        return self._head(b"", len(content)) + content


class _TextHeads(dict[int, bytes]):
    def __init__(self, head: _Head) -> None:
        self._head = head

    def __missing__(self, length: int) -> bytes:
        head = self._head(_STRING + varint(length), length)
        if length < _REMEMBERED:
            self[length] = head
        return head
