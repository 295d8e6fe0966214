"""Which JSON stands for a value that JSON has no word for.

======================================  ============================================
value                                   form
======================================  ============================================
NaN, infinity, -infinity                ``"NaN"``, ``"Infinity"``, ``"-Infinity"``
a lone surrogate in text or a key       U+FFFD in its place
an integer of any size                  all its digits, up to 4,300 of them
``str``, ``int``, ``float`` subclasses  the plain value below
other registered numbers                their integer or float
enumerations                            their value
``Decimal``, ``UUID``, dates and times  text, as msgspec writes it
bytes, bytearray, memoryview            text in base64
sets, tuples                            an array
dataclasses, Structs, mappings          an object
exceptions                              ``"ValueError: its text"``
paths                                   text
anything else, cycles, great depth      none: :class:`NoJsonForm`
======================================  ============================================
"""

from __future__ import annotations

import dataclasses
import datetime
import decimal
import enum
import math
import numbers
import os
import uuid
from collections.abc import Callable, Iterator, Mapping
from itertools import repeat
from typing import Any, Final

import msgspec

from eventbus._catalog import qualified
from eventbus._errors import EventBusError

FLOAT_WORDS: Final = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}

_MAX_INTEGER_BITS: Final = 14_284  # 4,300 digits: the interpreter's and msgspec's limit
_MAX_PATH_PARTS: Final = 12
_DEEP: Final = "nested too deeply, or within itself"
_LEAVES: Final = (
    type(None),
    bool,
    datetime.date,
    datetime.time,
    datetime.timedelta,
    decimal.Decimal,
    uuid.UUID,
    bytes,
    bytearray,
)


class NoJsonForm(EventBusError, ValueError):
    """A value that has no JSON form; the text names its type and its place."""


class _Refusal(TypeError):
    """A reason without its place."""


def stand_in(value: object) -> Any:
    """Return what the encoder is to write in place of *value*, which it cannot write.

    Any: the value is whatever an application put into an event.

    Raises:
        _Refusal: There is no form for values of this type.
    """
    kind = type(value)
    for base, convert in _STAND_INS:
        if issubclass(kind, base):
            return convert(value)
    raise _Refusal(f"no JSON form for {qualified(kind)}")


def _exception_text(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"


_STAND_INS: Final[tuple[tuple[type, Callable[[Any], Any]], ...]] = (
    (str, str.__str__),
    (int, int.__int__),
    (float, float.__float__),
    (BaseException, _exception_text),
    (os.PathLike, os.fspath),
    (Mapping, dict),
    (numbers.Integral, int),
    (numbers.Real, float),
)


def json_form(value: Any, *, keep_floats: bool = False) -> tuple[Any, bool]:
    """Return *value* as what JSON has words for, and whether text was mended.

    Slow, and only for what the encoder alone gets wrong. Any: the value is whatever
    an application put into an event.

    Args:
        value: The value.
        keep_floats: Whether NaN and the infinities stay numbers, for forms other
            than JSON.

    Raises:
        NoJsonForm: Some part of it has no form.
    """
    walk = _Walk(keep_floats)
    try:
        return walk.form(value), walk.sanitized
    except RecursionError:
        raise NoJsonForm(walk.place(_DEEP)) from None
    except Exception as error:
        raise NoJsonForm(walk.place(_reason(error))) from error


def _reason(error: Exception) -> str:
    if isinstance(error, _Refusal):
        return str(error)
    return f"the value's own conversion raised {type(error).__name__}"


class _Walk:
    """One walk over one value; the path is left where it ended."""

    def __init__(self, keep_floats: bool) -> None:
        self.sanitized = False
        self._keep_floats = keep_floats
        self._path: list[str] = ["$"]

    def place(self, reason: str) -> str:
        more = "…" if len(self._path) > _MAX_PATH_PARTS else ""
        return f"{reason} - at `{''.join(self._path[:_MAX_PATH_PARTS])}{more}`"

    def form(self, value: object) -> Any:
        kind = type(value)
        if kind is str:
            return self._text(value)
        if kind is int:
            return _integer(value)
        if kind is float:
            return value if self._keep_floats else _float(value)
        if issubclass(kind, _LEAVES):
            return value
        if issubclass(kind, (list, tuple, set, frozenset)):
            return self._items(value)
        if issubclass(kind, dict):
            return self._mapping(value)
        if issubclass(kind, msgspec.Struct):
            return self._struct(value)
        return self._other(value, kind)

    def _other(self, value: Any, kind: type[Any]) -> Any:
        if issubclass(kind, enum.Enum):
            return self.form(value.value)
        if issubclass(kind, msgspec.Raw):
            return self.form(_parsed(value))
        if issubclass(kind, memoryview):
            return bytes(value)
        if dataclasses.is_dataclass(kind):
            names = [field.name for field in dataclasses.fields(kind)]
            return {name: self._field(value, name, name) for name in names}
        return self.form(stand_in(value))

    def _mapping(self, mapping: Any) -> dict[Any, Any]:
        return {
            self._key(key): self._within("[...]", value)
            for key, value in mapping.items()
        }

    def _items(self, values: Any) -> list[Any]:
        return [self._within(f"[{i}]", value) for i, value in enumerate(values)]

    def _struct(self, owner: Any) -> Any:
        value: msgspec.Struct = owner
        config = value.__struct_config__
        in_order = config.array_like
        parts: list[tuple[str, Any]] = []
        if config.tag is not None:
            parts.append((str(config.tag_field), config.tag))
        for name, shown, default in _struct_fields(value):
            if in_order or not _is_absent(getattr(value, name), default):
                parts.append((shown, self._field(value, name, shown)))
        return [part for _, part in parts] if in_order else dict(parts)

    def _field(self, owner: Any, name: str, shown: str) -> Any:
        return self._within(f".{shown}", getattr(owner, name))

    def _within(self, part: str, value: Any) -> Any:
        self._path.append(part)
        formed = self.form(value)
        self._path.pop()
        return formed

    def _key(self, key: object) -> Any:
        kind = type(key)
        if issubclass(kind, str):
            return self._text(stand_in(key))
        if key is None or issubclass(kind, (bool, tuple)):
            raise _Refusal(f"no JSON form for a key of type {kind.__name__}")
        return key

    def _text(self, given: Any) -> str:
        text: str = given
        try:
            text.encode()
        except UnicodeEncodeError:
            self.sanitized = True
            return text.encode("utf-16-le", "surrogatepass").decode(
                "utf-16-le", "replace"
            )
        return text


def _integer(value: Any) -> Any:
    if value.bit_length() > _MAX_INTEGER_BITS:
        raise _Refusal("an integer of more than 4300 digits")
    return value


def _float(value: Any) -> Any:
    if math.isfinite(value):
        return value
    if math.isnan(value):
        return "NaN"
    return "Infinity" if value > 0 else "-Infinity"


def _parsed(raw: msgspec.Raw) -> Any:
    try:
        return msgspec.json.decode(raw)
    except msgspec.DecodeError:
        raise _Refusal("msgspec.Raw that is not JSON") from None


def _struct_fields(value: Any) -> Iterator[tuple[str, str, Any]]:
    """Yield each field's name, its name in text and its default."""
    names, defaults = value.__struct_fields__, value.__struct_defaults__
    required = len(names) - len(defaults)
    padded = (*repeat(msgspec.NODEFAULT, required), *defaults)
    return zip(names, value.__struct_encode_fields__, padded, strict=True)


def _is_absent(value: object, default: object) -> bool:
    # A nested Struct is read back by its own class, so that None may be left out only
    # where the class says None again.
    return value is msgspec.UNSET or (value is None and default is None)
