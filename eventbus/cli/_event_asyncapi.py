"""The AsyncAPI document of records: one message for each event type.

By https://www.asyncapi.com/docs/reference/specification/v3.0.0; its own form of
schemas is a superset of JSON Schema draft 7, so that every tool can read them.
"""

from __future__ import annotations

from collections.abc import Iterable
from importlib.metadata import version
from typing import Any, Final

from eventbus._catalog import EventType
from eventbus.cli._event_schema import DESCRIPTION, definitions_of, record_header
from eventbus.config._reference import first_line
from eventbus.config._tree import as_array, as_table

# Any in this module: JSON.

Document = dict[str, Any]

VERSION: Final = "3.0.0"
CONTENT_TYPE: Final = "application/json"

# No event's name begins with a digit, so these meet none.
_HEADER: Final = "0.record"
_INNER: Final = "0.{event}.{name}"


def asyncapi(events: Iterable[EventType]) -> Document:
    """Return the document of a channel that carries records of *events*."""
    known = list(events)
    return {
        "asyncapi": VERSION,
        "info": {
            "title": "eventbus records",
            "version": version("eventbus"),
            "description": DESCRIPTION,
        },
        "defaultContentType": CONTENT_TYPE,
        "channels": {
            "records": {
                "address": None,
                "description": "Wherever records are text: a file, a stream, a topic.",
                "messages": {
                    one.name: _reference("messages", one.name) for one in known
                },
            }
        },
        "operations": {
            "sendRecords": {
                "action": "send",
                "channel": {"$ref": "#/channels/records"},
            }
        },
        "components": {
            "messages": {one.name: _message(one) for one in known},
            "schemas": _schemas(known),
        },
    }


def _reference(kind: str, name: str) -> Document:
    return {"$ref": f"#/components/{kind}/{name}"}


def _message(event: EventType) -> Document:
    return {
        "name": event.name,
        "title": event.name,
        "summary": first_line(event.cls),
        "contentType": CONTENT_TYPE,
        "payload": {
            "allOf": [
                _reference("schemas", _HEADER),
                {
                    "properties": {
                        "name": {"const": event.name},
                        "event": _reference("schemas", event.name),
                    }
                },
            ]
        },
    }


def _schemas(events: Iterable[EventType]) -> Document:
    schemas: Document = {_HEADER: record_header()}
    for event in events:
        inner = _INNER.replace("{event}", event.name)
        own, definitions = definitions_of(
            event, ref_template=f"#/components/schemas/{inner}"
        )
        for name, schema in definitions.items():
            schemas[inner.replace("{name}", name)] = schema
        schemas[event.name] = _reference("schemas", inner.replace("{name}", own))
    return {name: _draft_7(schema) for name, schema in schemas.items()}


def _draft_7(schema: Any) -> Any:
    """Return *schema* with the items of a tuple as the older dialect has them."""
    items, table = as_array(schema), as_table(schema)
    if items is not None:
        return [_draft_7(item) for item in items]
    if table is None:
        return schema
    older = {key: _draft_7(value) for key, value in table.items()}
    if "prefixItems" in older:
        rest = older.pop("items", None)
        older["items"] = older.pop("prefixItems")
        if rest is not None:
            older["additionalItems"] = rest
    return older
