"""Event types as an export tells them."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from eventbus.cli._schema_types import Schema, resolved
from eventbus.config._tree import as_array, as_table


class Fields(msgspec.Struct, frozen=True):
    """The fields of an event, or of a value within one.

    Args:
        schemas: The schema of each.
        required: Those that must be there.
    """

    schemas: Mapping[str, Schema]
    required: frozenset[str]


class EventShape(msgspec.Struct, frozen=True):
    """An event type as an export tells it.

    Args:
        name: The event's name.
        class_name: That of its class.
        version: The version of its schema.
        severity: How severe each event is that does not say otherwise.
        fields: Its fields.
        span: What its span is made of, if it has one.
        metrics: What each of its metrics is made of, by name.
    """

    name: str
    class_name: str
    version: int
    severity: str
    fields: Fields
    span: Schema | None
    metrics: Schema


def shapes(document: object) -> dict[str, EventShape]:
    """Return the event types in *document*, by name.

    Raises:
        ValueError: It is no export of event types; the text says what is missing.
    """
    root = as_table(document)
    if root is None:
        raise ValueError("expected a JSON object")
    events = as_table(root.get("$defs"))
    if events is None:
        raise ValueError("expected a table of event types under `$defs`")
    return {name: _shape(root, name, schema) for name, schema in events.items()}


def _shape(root: Schema, name: str, schema: object) -> EventShape:
    try:
        own = resolved(root, as_table(schema) or {})
        fields = fields_of(own)
        return EventShape(
            name=name,
            class_name=str((as_table(schema) or {})["$ref"]).rpartition("/")[2],
            version=_whole(own["x-version"]),
            severity=str(own["x-severity"]),
            fields=fields,
            span=as_table(own.get("x-span")),
            metrics=as_table(own.get("x-metrics")) or {},
        )
    except (LookupError, AttributeError, TypeError) as error:
        raise ValueError(f"`$defs.{name}` is no event type: {error}") from error


def fields_of(schema: Schema) -> Fields:
    """Return the fields of an object that *schema* is."""
    schemas = {
        name: as_table(given) or {} for name, given in schema["properties"].items()
    }
    required = as_array(schema.get("required", [])) or ()
    return Fields(schemas, frozenset(map(str, required)))


def _whole(version: object) -> int:
    if type(version) is not int:
        raise TypeError(f"its version must be a whole number, got {version!r}")
    return version
