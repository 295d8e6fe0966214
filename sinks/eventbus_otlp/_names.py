"""What attributes are called outside, and what is made of their values."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple

import msgspec

from eventbus import Naming
from eventbus._json_form import json_form
from eventbus._naming import AttributeNaming, Conversion, Names, names_of
from eventbus_otlp._plain_value import Convert, Plain

# Any in this module: values of a column, which are of one type.

RECORD_ID: Final = "log.record.uid"
# https://opentelemetry.io/docs/specs/semconv/general/logs/#general-log-identification

WEIGHT: Final = "eventbus.weight"

OWN_NAMES: Final = Naming()

_SPELLED: Final = frozenset({str, bool})
_HELD: Final = frozenset({str, bool, int, float})


class Change(NamedTuple):
    """What is made of the values of an attribute.

    Args:
        one: Makes it of any value.
        at_once: Makes it of many values of one type, and the type they then have;
            raises for what only *one* can do.
    """

    one: Convert
    at_once: Mapping[type, tuple[type, Callable[[Sequence[Any]], Sequence[Any]]]]


def outside(renamed: Mapping[str, Names], name: str) -> tuple[str, ...]:
    """Return what the attribute *name* is called."""
    others = renamed.get(name)
    return (name,) if others is None else names_of(others)


def change_of(naming: AttributeNaming, name: str) -> Change | None:
    """Return what is made of the values of the attribute *name*, if anything."""
    texts, wish = naming.values.get(name), naming.converted.get(name)
    change = None if wish is None else _CHANGES[wish]
    if not texts:
        return change
    then = change or Change(_same, {})
    spelled = _Spelled(texts, then.one)
    return Change(spelled, {**then.at_once, str: (str, spelled.all)})


class _Spelled(msgspec.Struct, frozen=True):
    """Spells texts otherwise, and does with other values what is done after that."""

    texts: Mapping[str, str]
    then: Convert

    def __call__(self, value: Plain) -> Plain:
        if type(value) in _SPELLED:
            value = self.texts.get(as_text(value), value)
        return self.then(value)

    def all(self, values: Sequence[str]) -> Sequence[str]:
        """Do the same with many texts, which nothing more is done with."""
        return [self.texts.get(text, text) for text in values]


def as_text(value: Plain) -> str:
    """Return *value* as JSON; text as it is, and bytes as text in base64."""
    form = msgspec.to_builtins(json_form(value)[0])
    return form if type(form) is str else msgspec.json.encode(form).decode()


def _as_whole(value: Plain) -> Plain:
    return int(value) if type(value) is float and math.isfinite(value) else value


def _as_whole_text(value: Plain) -> str:
    return as_text(_as_whole(value))


def _same(values: Any) -> Any:
    return values


def _all_as_text(values: Sequence[int]) -> Sequence[str]:
    return list(map(str, values))


def _floats_as_text(values: Sequence[float]) -> Sequence[str]:
    if not all(map(math.isfinite, values)):
        raise ValueError("a number that JSON lacks")
    return [msgspec.json.encode(value).decode() for value in values]


def _all_as_whole(values: Sequence[float]) -> Sequence[int]:
    return list(map(int, values))


def _all_as_whole_text(values: Sequence[float]) -> Sequence[str]:
    return list(map(str, map(int, values)))


def structured_as_text(value: Plain) -> Plain:
    """Return what attributes of spans cannot hold as JSON, everything else as it is.

    They hold text, truth values, numbers and arrays of one of these kinds:
    https://opentelemetry.io/docs/specs/otel/common/#attribute
    """
    if isinstance(value, list):
        kinds = set(map(type, value))
        is_held = len(kinds) <= 1 and kinds <= _HELD
        return value if is_held else as_text(value)
    return as_text(value) if isinstance(value, dict | bytes) else value


_CHANGES: Final[Mapping[Conversion, Change]] = {
    "text": Change(
        as_text,
        {str: (str, _same), int: (str, _all_as_text), float: (str, _floats_as_text)},
    ),
    "whole": Change(
        _as_whole, {str: (str, _same), int: (int, _same), float: (int, _all_as_whole)}
    ),
    "whole_text": Change(
        _as_whole_text,
        {str: (str, _same), int: (str, _all_as_text), float: (str, _all_as_whole_text)},
    ),
}
