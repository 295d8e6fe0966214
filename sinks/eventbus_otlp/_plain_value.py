"""Which value of OTLP stands for a value of Python; both forms write the same one.

======================================  ============================================
value                                   form
======================================  ============================================
text, truth values, numbers, bytes      themselves
an integer outside 64 bits              its digits as text
lists, tuples, tables with text as key  arrays and lists of keys and values
``None`` inside of one of these         an empty value
anything else                           what :mod:`eventbus._json_form` says
nested so that decoders refuse it       none: ``NoJsonForm``
======================================  ============================================
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from itertools import islice
from typing import Any, Final, cast

import msgspec

from eventbus._json_form import NoJsonForm, json_form
from eventbus_otlp._limits import NO_LIMITS, AttributeLimits
from eventbus_otlp._wire import MAX_INT64, MIN_INT64

Plain = str | bool | int | float | bytes | list["Plain"] | dict[str, "Plain"] | None

Convert = Callable[[Plain], Plain]
"""What is made of a value for a form of another type."""

# Decoders of protobuf refuse messages within more than 100 others. Around the value
# of an attribute there are six: request, resource, scope, record, attribute, value.
_MESSAGES_INSIDE: Final = 94
_ARRAY_MESSAGES: Final = 2  # the array, the value in it
_TABLE_MESSAGES: Final = 3  # the table, its entry, the value in it

_CONTAINERS: Final = frozenset({dict, list, tuple, set, frozenset})
_AS_THEY_ARE: Final = frozenset({bool, float, type(None)})


class _Foreign(Exception):
    """A value, or a part of one, that has no word of its own here."""


class PlainForm:
    """Makes plain values, and says what became of them.

    Args:
        limits: Of the length of texts and bytes, and of what is inside of a value.

    Attributes:
        sanitized: Whether text was mended.
        truncated: Whether something was cut or left out.
    """

    __slots__ = ("_items_left", "_limits", "sanitized", "truncated")

    def __init__(self, limits: AttributeLimits = NO_LIMITS) -> None:
        """Begin with nothing mended and nothing cut."""
        self._limits = limits
        self._items_left: int | None = None
        self.sanitized = self.truncated = False

    def of(self, value: Any, path: str) -> Plain:
        """Return what stands for *value*.

        Any: the value is whatever an application put into an event.

        Args:
            value: The value.
            path: Where it is, for the reason, as in ``$.input``.

        Raises:
            NoJsonForm: It has no form; the text names its type and place.
        """
        try:
            return self._whole(value, path)
        except (_Foreign, UnicodeEncodeError):
            return self._whole(self._mended(value, path), path)

    def _whole(self, value: object, path: str) -> Plain:
        self._items_left = self._limits.value_items
        return self._plain(value, _MESSAGES_INSIDE, path)

    def _mended(self, value: Any, path: str) -> Any:
        try:
            form, sanitized = json_form(self._shortened(value), keep_floats=True)
            self.sanitized |= sanitized
            return msgspec.to_builtins(
                form, builtin_types=(bytes, bytearray), str_keys=True
            )
        except NoJsonForm as error:
            raise NoJsonForm(str(error).replace("`$", f"`{path}", 1)) from error
        except Exception as error:
            reason = f"encoding raised {type(error).__name__}"
            raise NoJsonForm(f"{reason} - at `{path}`") from error

    def _shortened(self, value: Any) -> Any:
        """Return *value* without the most of what will be left out anyway."""
        most = self._limits.value_items
        if most is None or type(value) not in _CONTAINERS or len(value) <= most:
            return value
        self.truncated = True
        if isinstance(value, dict):
            return dict[Any, Any](islice(cast("Any", value).items(), most))
        return list[Any](islice(value, most))

    def _plain(self, value: object, room: int, path: str) -> Plain:
        kind = type(value)
        if kind is str:
            return self._text(value)
        if kind in _AS_THEY_ARE:
            return cast("bool | float | None", value)
        if kind is int:
            return _integer(value)
        if kind is dict:
            return self._table(value, room - _TABLE_MESSAGES, path)
        if kind is list or kind is tuple:
            return self._array(value, room - _ARRAY_MESSAGES, path)
        if kind is bytes or kind is bytearray:
            return self._bytes(value)
        raise _Foreign

    def _text(self, value: Any) -> str:
        text: str = self._cut(value)
        if not text.isascii():
            text.encode()
        return text

    def _cut(self, value: Any) -> Any:
        most = self._limits.value_length
        if most is None or len(value) <= most:
            return value
        self.truncated = True
        return value[:most]

    def _bytes(self, value: Any) -> bytes:
        return bytes(self._cut(value))

    def _table(self, table: Any, room: int, path: str) -> Plain:
        _check(room, path)
        return {
            _key(key): self._plain(value, room, path)
            for key, value in self._taken(table.items())
        }

    def _array(self, values: Any, room: int, path: str) -> Plain:
        _check(room, path)
        return [self._plain(value, room, path) for value in self._taken(values)]

    def _taken(self, items: Collection[Any]) -> Iterable[Any]:
        """Return as many of *items* as there is room for in the whole value."""
        left = self._items_left
        if left is None:
            return items
        self._items_left = max(left - len(items), 0)
        if len(items) <= left:
            return items
        self.truncated = True
        return islice(items, left)


def _check(room: int, path: str) -> None:
    if room < 0:
        raise NoJsonForm(
            f"nested too deeply for decoders of OTLP, or within itself - at `{path}`"
        )


def _key(key: Any) -> str:
    if type(key) is not str:
        raise _Foreign
    if not key.isascii():
        key.encode()
    return key


def _integer(value: Any) -> int | str:
    if MIN_INT64 <= value <= MAX_INT64:
        number: int = value
        return number
    try:
        return str(value)
    except ValueError:
        raise _Foreign from None
