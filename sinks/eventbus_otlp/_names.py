"""What attributes and events are called outside, and which of them travel as text."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Final, Literal

import msgspec

from eventbus._json_form import json_form
from eventbus_otlp._plain_value import Convert, Plain

RECORD_ID: Final = "log.record.uid"
# https://opentelemetry.io/docs/specs/semconv/general/logs/#general-log-identification

WEIGHT: Final = "eventbus.weight"

_HELD: Final = frozenset({str, bool, int, float})

Conversion = Literal["text", "whole_text"]


class AttributeNames(msgspec.Struct, frozen=True, kw_only=True):
    """Another form of the same records: names and types of attributes, as data.

    An attribute's own name is that of its field's ``Attribute``, else the field's
    name in encoded text; a bound attribute's is its key; ``log.record.uid`` and
    ``eventbus.weight`` are the record's.

    Args:
        renamed: Other names of attributes, by their own.
        converted: Attributes that travel as text, by their own names. ``"text"`` is
            the value's JSON, text without quotes: ``true``, ``12.5``; ``"whole_text"``
            cuts numbers to whole ones before: ``12``.
        left_out: Own names of attributes that are not sent.
        events: Other names of events.
    """

    renamed: Mapping[str, str] = {}
    converted: Mapping[str, Conversion] = {}
    left_out: frozenset[str] = frozenset()
    events: Mapping[str, str] = {}

    def conversion(self, name: str) -> Convert | None:
        """Return what makes text of the attribute *name*, where something does."""
        wish = self.converted.get(name)
        return None if wish is None else CONVERSIONS[wish]


OWN_NAMES: Final = AttributeNames()


def as_text(value: Plain) -> str:
    """Return *value* as JSON; text as it is, and bytes as text in base64."""
    form = msgspec.to_builtins(json_form(value)[0])
    return form if type(form) is str else msgspec.json.encode(form).decode()


def _as_whole_text(value: Plain) -> str:
    if type(value) is float and math.isfinite(value):
        return str(int(value))
    return as_text(value)


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


CONVERSIONS: Final[Mapping[Conversion, Convert]] = {
    "text": as_text,
    "whole_text": _as_whole_text,
}
