"""What of an event is said in one line, and how its values look."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

import msgspec

from eventbus import Event
from eventbus._catalog import describe
from eventbus._json_form import NoJsonForm, json_form, stand_in
from eventbus._record import AnyRecord
from eventbus._visible import visible

# Any in this module: the fields of an event hold values of any type.

_EXCEPTION: Final = "exception."
_bare: Final = re.compile(r"[^\s\"'=\\,;{}\[\]()]+").fullmatch
_encode: Final = msgspec.json.Encoder(enc_hook=stand_in).encode


class ShownField(msgspec.Struct, frozen=True):
    """A field as it is shown.

    Args:
        name: As in the class.
        default: What says nothing, and is not shown.
        in_full: Whether it is part of an exception, which is never cut.
    """

    name: str
    default: Any
    in_full: bool


class ShownFields(dict[type[Event], tuple[ShownField, ...]]):
    """The fields of each event type, worked out at first sight.

    Labels and quantities come first: they are what a person looks for.
    """

    def __missing__(self, event_type: type[Event]) -> tuple[ShownField, ...]:
        """Work them out."""
        described = describe(event_type).fields
        pairs = zip(described, msgspec.structs.fields(event_type), strict=True)
        marked_first = sorted(
            pairs, key=lambda pair: not (pair[0].label or pair[0].unit)
        )
        fields = self[event_type] = tuple(
            ShownField(
                field.name,
                _default(info),
                (field.attribute or "").startswith(_EXCEPTION),
            )
            for field, info in marked_first
        )
        return fields

    def of(self, record: AnyRecord) -> Iterator[tuple[ShownField, Any]]:
        """Yield what *record*'s event says: fields that are not at their defaults."""
        event = record.event
        for field in self[type(event)]:
            value = getattr(event, field.name)
            if not (value is None or value is msgspec.UNSET or _is(value, field)):
                yield field, value


def _default(info: msgspec.structs.FieldInfo) -> Any:
    if info.default_factory is msgspec.NODEFAULT:
        return info.default
    factory: Any = info.default_factory
    return factory()


def _is(value: Any, field: ShownField) -> bool:
    try:
        return bool(value == field.default)
    except Exception:  # noqa: BLE001 - the comparison is the value's own code
        return False


def shown_value(value: object, *, bare_words: bool = False) -> str:
    """Return *value* on one line; text in quotes, unless it is a bare word."""
    if isinstance(value, str):
        if bare_words and _bare(value):
            return visible(value)
        escaped = value.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{visible(escaped)}"'
    if type(value) is float:
        return repr(value)
    return visible(_as_json(value))


def _as_json(value: object) -> str:
    try:
        return _encode(json_form(value)[0]).decode()
    except NoJsonForm:
        return f"<{type(value).__name__}>"


def event_line(record: AnyRecord, fields: ShownFields) -> str:
    """Return the line of the default logger: ``[agent] tool_result name="shell"``.

    The first part of the event's name stands in brackets, the others follow it; then
    the fields that are not at their defaults.
    """
    family, _, rest = record.name.partition(".")
    words = [f"[{family}]", *rest.split(".")] if rest else [family]
    said = (f"{f.name}={shown_value(v)}" for f, v in fields.of(record))
    return " ".join((*words, *said))
