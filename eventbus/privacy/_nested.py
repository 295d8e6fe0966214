"""What is secret inside of a value: in tables, lists, Structs, at any depth."""

from __future__ import annotations

import dataclasses
import datetime
import decimal
import enum
import os
import uuid
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from copy import copy
from operator import is_
from typing import Any, Final, cast

import msgspec
from msgspec.structs import force_setattr

from eventbus._event import REDACTED
from eventbus.privacy._key_names import NAME_KEYS, VALUE_KEYS
from eventbus.privacy._scanner import Scanner

# Any in this module: values are whatever an application put into an event.

# Nothing is narrowed by it: what is inside of a value may be anything.
_is: Final[Callable[[object, Any], bool]] = isinstance

_PLAIN: Final[frozenset[type]] = frozenset(
    {
        *(bool, int, float, type(None), msgspec.UnsetType, decimal.Decimal, uuid.UUID),
        *(datetime.datetime, datetime.date, datetime.time, datetime.timedelta),
    }
)
_SEQUENCES: Final = (list, tuple, set, frozenset, deque)
_PAIR: Final = 2
_MAX_SPELLINGS: Final = 1000
_LOGINS: Final = ("-u", "--user")
_LONGEST_COMMAND: Final = 64


class TooConvoluted(ValueError):
    """A value holds itself, or so many parts that nobody can look at them."""


class Nested:
    """Replaces the secrets inside of values; one that has none stays the same object.

    Args:
        scanner: Finds them in text.
    """

    def __init__(self, scanner: Scanner) -> None:
        """Keep the scanner."""
        self._scanner: Final = scanner

    def cleaned(self, value: Any) -> Any:
        """Return *value* without what is secret in it.

        Raises:
            Exception: It has secrets and holds itself, or brings code of its own that
                fails.
        """
        return _whole(value, _Look(self._scanner), hide=False)

    def hidden(self, value: Any) -> Any:
        """Return *value* with every text and number in it as ``[REDACTED]``.

        Raises:
            Exception: As :meth:`cleaned`.
        """
        return _whole(value, _Look(self._scanner), hide=True)


class _Look:
    """One look at one value, each part of which is seen once."""

    def __init__(self, scanner: Scanner) -> None:
        self._scanner = scanner
        self._done: dict[tuple[int, bool], tuple[Any, Any]] = {}
        self.holds_itself = False

    def at(self, value: Any) -> Any:
        """Return *value* cleaned."""
        if type(value) is str:
            return self._text(value)
        if type(value) in _PLAIN:
            return value
        return self._once(value, hide=False)

    def over(self, value: Any) -> Any:
        """Return *value* hidden: it stands under the name of a secret."""
        if value is None or value is msgspec.UNSET or _is(value, bool):
            return value
        if _is(value, str | int | float | enum.Enum):
            return value if value == "" else REDACTED
        return self._once(value, hide=True)

    def _text(self, text: str) -> str:
        scanner = self._scanner
        return scanner.cleaned(text) if scanner.may_find_in(text) else text

    def _once(self, value: Any, *, hide: bool) -> Any:
        key = id(value), hide
        if key in self._done:
            _, found = self._done[key]
            if found is _UNFINISHED:
                self.holds_itself = True
                return value
            return found
        self._done[key] = value, _UNFINISHED
        found = self._part(value, self.over if hide else self.at)
        self._done[key] = value, found  # and no other value gets this one's id
        return found

    def _part(self, value: Any, look: Callable[[Any], Any]) -> Any:
        if _is(value, enum.Enum):
            return value
        if _is(value, str):
            text = str.__str__(value)
            found = look(text)
            return value if found == text else found
        if _is(value, bytes | bytearray | memoryview | msgspec.Raw):
            return self._bytes(value, look)
        if _is(value, Mapping):
            return self._table(value, look)
        if _is(value, tuple) and hasattr(value, "_fields"):
            return self._named(value, look)
        if _is(value, _SEQUENCES):
            return self._sequence(value, look)
        if _is(value, BaseException):
            return self._error(value, look)
        if _is(value, os.PathLike):
            return self._written(value, _path_of(value), look)
        names = _field_names(value)
        if names:
            return self._fields(value, names, look)
        return self._written(value, repr(value), look)

    def _bytes(self, value: Any, look: Callable[[Any], Any]) -> Any:
        data = bytes(value)
        hides = look == self.over and data
        cleaned = REDACTED.encode() if hides else self._scanner.cleaned_bytes(data)
        if cleaned == data:
            return value
        return msgspec.Raw(cleaned) if _is(value, msgspec.Raw) else cleaned

    def _table(self, table: Mapping[Any, Any], look: Callable[[Any], Any]) -> Any:
        is_secret = self._scanner.key_names.is_secret
        said = self._said_in(table)
        has_clean_keys = self._are_clean(key for key in table if type(key) is str)
        skips = self._skipped(table.values(), look)
        changes: dict[Any, tuple[Any, Any]] = {}
        for key, value in table.items():
            name = said if said and key in VALUE_KEYS else _name_in(key)
            if name is not None and is_secret(name) and not _counts(name, value):
                found = self.over(value)
            else:
                found = value if type(value) in skips else look(value)
            shown = key
            if type(key) is not str or not has_clean_keys:
                shown = self.at(key)
            if found is not value or shown is not key:
                changes[key] = shown, found
        return _changed(table, changes) if changes else table

    def _sequence(self, items: Any, look: Callable[[Any], Any]) -> Any:
        hides = self._beside_names(items) if look == self.at else ()
        skips = self._skipped(items, look)
        if not hides and skips.issuperset(map(type, items)):
            return items
        found = [item if type(item) in skips else look(item) for item in items]
        for place in hides:
            found[place] = self._hidden_at(items[place])
        if all(map(is_, found, items)):
            return items
        made: Any = next(kind for kind in _SEQUENCES if _is(items, kind))
        return made(found)

    def _named(self, value: Any, look: Callable[[Any], Any]) -> Any:
        parts = dict(zip(value._fields, value, strict=True))
        said = self._said_in(parts)
        found = [self._under(name, parts, said, look) for name in parts]
        return value if all(map(is_, found, value)) else value._make(found)

    def _under(
        self,
        name: str,
        parts: Mapping[str, Any],
        said: str | None,
        look: Callable[[Any], Any],
    ) -> Any:
        value = parts[name]
        name = said if said and name in VALUE_KEYS else name
        hides = self._scanner.key_names.is_secret(name) and not _counts(name, value)
        return self.over(value) if hides else look(value)

    def _said_in(self, parts: Mapping[Any, Any]) -> str | None:
        """Return the name of a secret that *parts* say is that of their value."""
        if VALUE_KEYS.isdisjoint(parts):
            return None
        names = (_name_in(parts.get(key)) for key in NAME_KEYS)
        is_secret = self._scanner.key_names.is_secret
        return next((name for name in names if name and is_secret(name)), None)

    def _beside_names(self, items: Any) -> Sequence[int]:
        """Return where in *items* a value stands beside the name of a secret.

        That is the second of a pair, a pair in a list, and what follows an option.
        """
        if not _is(items, list | tuple):
            return ()
        if _is(items, tuple) and self._is_pair(items):
            return (1,)
        last = len(items) - 1
        return [
            *(
                place
                for place, item in enumerate(items)
                if type(item) is list and self._is_pair(item)
            ),
            *(
                place + 1
                for place, item in enumerate(items)
                if type(item) is str
                and item[:1] == "-"
                and place < last
                and (self._is_option(item, items[place + 1]) or _is_login(items, place))
            ),
        ]

    def _is_pair(self, items: Any) -> bool:
        if len(items) != _PAIR:
            return False
        name, value = map(_name_in, items)
        is_secret = self._scanner.key_names.is_secret
        return (
            name is not None
            and is_secret(name)
            and not _counts(name, items[1])
            and not (value is not None and is_secret(value))  # names of two
        )

    def _is_option(self, option: str, value: Any) -> bool:
        is_value = type(value) is str and value[:1] != "-"
        return is_value and self._scanner.key_names.is_secret(option)

    def _hidden_at(self, value: Any) -> Any:
        """Return *value*, a pair in a list or a text, hidden; not a pair's name."""
        if type(value) is list:
            return [value[0], self.over(value[1])]
        return self.over(value)

    def _skipped(
        self, values: Iterable[Any], look: Callable[[Any], Any]
    ) -> frozenset[type]:
        """Return of which types none of *values* has to be looked at."""
        if look == self.over:
            return frozenset()
        texts = (value for value in values if type(value) is str)
        return _PLAIN | {str} if self._are_clean(texts) else _PLAIN

    def _are_clean(self, texts: Iterable[str]) -> bool:
        return not self._scanner.may_find_among(set(texts))

    def _written(self, value: Any, text: str, look: Callable[[Any], Any]) -> Any:
        found = look(text)
        return value if found == text else found

    def _error(self, error: BaseException, look: Callable[[Any], Any]) -> Any:
        """Return *error*, or its text where something that is printed of it changes."""
        text = f"{type(error).__name__}: {error}"
        notes: list[Any] = getattr(error, "__notes__", [])
        parts = [text, repr(error), *notes, error.__cause__, error.__context__]
        return error if all(look(part) is part for part in parts) else look(text)

    def _fields(
        self, value: Any, names: tuple[str, ...], look: Callable[[Any], Any]
    ) -> Any:
        parts = {name: getattr(value, name, None) for name in names}
        said = self._said_in(parts)
        changes: dict[str, Any] = {}
        for name, inner in parts.items():
            found = self._under(name, parts, said, look)
            if found is not inner:
                changes[name] = found
        return _with(value, changes) if changes else value


_UNFINISHED: Final = object()


def _is_login(items: Sequence[Any], place: int) -> bool:
    """Return whether ``user:password`` follows what is ``-u`` of curl at *place*."""
    option, value = items[place], items[place + 1]
    is_user = option in _LOGINS and type(value) is str and ":" in value
    return is_user and any(
        type(one) is str and one.endswith("curl")
        for one in items[max(0, place - _LONGEST_COMMAND) : place]
    )


def _whole(value: Any, look: _Look, *, hide: bool) -> Any:
    found = look.over(value) if hide else look.at(value)
    if look.holds_itself and found is not value:
        raise TooConvoluted("a value with a secret in it holds itself")
    return found


def _path_of(value: os.PathLike[str]) -> str:
    return str(os.fspath(value))


def _name_in(key: Any) -> str | None:
    """Return what *key* may be the name of, if it is text."""
    if _is(key, bytes):
        return cast("bytes", key).decode("utf-8", "replace")
    return key if _is(key, str) else None


def _counts(name: str, value: Any) -> bool:
    """Return whether *value* is a number of tokens, and so no secret."""
    return _is(value, int | float) and name[-1:] in ("s", "S")


def _changed(
    table: Mapping[Any, Any], changes: Mapping[Any, tuple[Any, Any]]
) -> dict[Any, Any]:
    cleaned: dict[Any, Any] = {}
    for key, value in table.items():
        shown, found = changes.get(key, (key, value))
        cleaned[shown if shown is key else free_key(cleaned, shown)] = found
    return cleaned


def free_key(taken: Mapping[Any, Any], key: Any) -> Any:
    """Return *key*, or one like it that is not *taken* where it is text.

    Raises:
        TooConvoluted: All of the first thousand are taken.
    """
    if key not in taken or not _is(key, str):
        return key
    numbered = (f"{key}{number}" for number in range(2, _MAX_SPELLINGS))
    for one in numbered:
        if one not in taken:
            return one
    raise TooConvoluted("too many keys of a table are secrets")


def _field_names(value: Any) -> tuple[str, ...]:
    if _is(value, msgspec.Struct):
        names: tuple[str, ...] = value.__struct_fields__
        return names
    kind = cast("Any", type(value))
    if hasattr(kind, "__dataclass_fields__"):
        return tuple(field.name for field in dataclasses.fields(kind))
    return tuple(field.name for field in getattr(kind, "__attrs_attrs__", ()))


def _with(value: Any, changes: Mapping[str, Any]) -> Any:
    """Return a copy of *value* with *changes*; its class's own code does not run."""
    copied = copy(value)
    for name, found in changes.items():
        if _is(copied, msgspec.Struct):
            force_setattr(copied, name, found)
        else:
            object.__setattr__(copied, name, found)
    return copied
