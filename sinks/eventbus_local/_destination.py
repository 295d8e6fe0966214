"""To which file each record goes."""

from __future__ import annotations

import enum
import os
from collections.abc import Sequence
from typing import Final, cast

from eventbus import Event
from eventbus._catalog import describe
from eventbus._record import NO_ATTRIBUTES, AnyRecord
from eventbus_local._path_template import EVENT_NAME, PathTemplate

_MAX_KNOWN_PATHS: Final = 4096
_MAX_KNOWN_LENGTH: Final = 1024  # of all values of a path together
_MAX_DECIMAL_BITS: Final = 64


class Destination:
    """The file of each record, by the path of the settings.

    A placeholder stands for the first of these that is text, a whole number or a truth
    value, and not empty: the event's field of that name (its own, or its
    ``Attribute``), the bound attribute, the attribute of the resource.
    ``{event.name}`` is the event's name.

    Attributes:
        is_fixed: Whether all records have one file.
        place: That file, or the directory that all the files are below.
        depth: How many directories are between that directory and a file.

    Args:
        path: As in :class:`JsonlSettings`; a relative one counts from where the
            process is now.
    """

    def __init__(self, path: str) -> None:
        """Look up the home directory and where the process is."""
        template = PathTemplate(path)
        self.is_fixed: Final = not template.placeholders
        self.place: Final = os.path.abspath(os.path.expanduser(template.directory))
        self.depth: Final = template.depth
        self._template: Final = template
        self._fields: Final = _Fields(template.placeholders)
        self._known: Final[dict[tuple[str, ...], str]] = {}

    def paths(self, batch: Sequence[AnyRecord]) -> list[str]:
        """Return the path of each record's file; not for a fixed one."""
        known, texts_of = self._known, self._texts
        every = [texts_of(record) for record in batch]
        return [known.get(texts) or self._path(texts) for texts in every]

    def could_be(self, path: str) -> bool:
        """Return whether a record could have the file at *path*."""
        return self._template.could_be(os.path.relpath(path, self.place))

    def _path(self, texts: tuple[str, ...]) -> str:
        path = os.path.join(self.place, self._template.path(texts))
        if len(self._known) >= _MAX_KNOWN_PATHS:
            self._known.clear()
        if sum(map(len, texts)) <= _MAX_KNOWN_LENGTH:
            self._known[texts] = path
        return path

    def _texts(self, record: AnyRecord) -> tuple[str, ...]:
        event, attributes = record.event, record.attributes
        resource = record.resource or NO_ATTRIBUTES
        texts = [
            record.name
            if name == EVENT_NAME
            else (_text(getattr(event, field)) if field else "")
            or _text(attributes.get(name))
            or _text(resource.get(name))
            for name, field in self._fields[type(event)]
        ]
        return tuple(texts)


class _Fields(dict[type[Event], tuple[tuple[str, str | None], ...]]):
    """Each placeholder with the field that an event type has for it."""

    def __init__(self, placeholders: Sequence[str]) -> None:
        super().__init__()
        self._placeholders = placeholders

    def __missing__(
        self, event_type: type[Event]
    ) -> tuple[tuple[str, str | None], ...]:
        described = describe(event_type).fields
        by_name = {field.attribute or field.name: field.name for field in described}
        by_name |= {field.name: field.name for field in described}
        fields = self[event_type] = tuple(
            (name, by_name.get(name)) for name in self._placeholders
        )
        return fields


def _text(value: object) -> str:
    """Return what *value* says in the name of a file; empty where it says nothing."""
    if type(value) is str:
        return value
    kind = type(value)  # isinstance would ask the value itself
    if issubclass(kind, enum.Enum):
        return _text(vars(value)["_value_"])
    if issubclass(kind, str):
        return str.__str__(cast("str", value))
    if issubclass(kind, bool):
        return "true" if value else "false"
    if issubclass(kind, int):
        return _digits(int.__int__(cast("int", value)))
    return ""


def _digits(number: int) -> str:
    fits = number.bit_length() <= _MAX_DECIMAL_BITS
    return str(number) if fits else hex(number)
