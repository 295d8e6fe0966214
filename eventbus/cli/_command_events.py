"""``eventbus events``: which event types the installed catalogs hold."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any

from eventbus._catalog import Catalog, EventField, EventType
from eventbus._expected import expected
from eventbus._nearest import suggestion
from eventbus._plugins import installed_catalog
from eventbus.cli._account import OK
from eventbus.cli._event_schema import in_order, records_schema
from eventbus.cli._tables import Cell, Column, Table, put_prose, show
from eventbus.cli._terminal import plugins_print_elsewhere, put, put_json
from eventbus.cli._usage import UsageError
from eventbus.config._reference import descriptions, first_line

# Any in this module: JSON.


def events(arguments: argparse.Namespace) -> int:
    """List event types, export or compare them; return the exit status."""
    with plugins_print_elsewhere():
        catalog = installed_catalog()
    known = _wanted(catalog, arguments.name)
    if arguments.compare is not None:
        from eventbus.cli._events_compare import compare

        return compare(
            arguments.compare,
            records_schema(known),
            only=arguments.name,
            as_json=arguments.json,
        )
    if arguments.json_schema:
        put_json(in_order(records_schema(known)), indent=True)
    elif arguments.asyncapi:
        from eventbus.cli._event_asyncapi import asyncapi

        put_json(in_order(asyncapi(known)), indent=True)
    elif arguments.json:
        put_json({"events": [_as_json(one) for one in known]})
    elif arguments.name is None:
        show(_list(known), put)
    else:
        _show(known[0])
    return OK


def _wanted(catalog: Catalog, name: str | None) -> Sequence[EventType]:
    if name is None:
        return tuple(catalog)
    found = catalog.get(name)
    if found is None:
        hint = suggestion(name, [known.name for known in catalog])
        raise UsageError(f"No installed catalog has an event {name!r}{hint}")
    return (found,)


def _list(known: Sequence[EventType]) -> Table:
    columns = [
        Column("event"),
        Column("severity"),
        Column("version", is_number=True),
        Column("", may_wrap=True),
    ]
    rows = [
        [
            Cell(one.name, "bold"),
            Cell(one.identity.severity),
            Cell(str(one.identity.version)),
            Cell(first_line(one.cls), "dim"),
        ]
        for one in known
    ]
    return Table(columns, rows)


def _show(event: EventType) -> None:
    identity = event.identity
    title = f"{event.name}, version {identity.version}, severity {identity.severity}"
    put_prose(title)
    put_prose(first_line(event.cls))
    words = descriptions(event.cls)
    columns = [
        Column("field"),
        Column("type", may_wrap=True),
        Column("marks", may_wrap=True),
        Column("", may_wrap=True),
    ]
    rows = [
        [
            Cell(field.name, "bold"),
            Cell(expected(field.node).replace("`", "")),
            Cell(", ".join(_marks(field)), "cyan"),
            Cell(words.get(field.name, "").replace("`", ""), "dim"),
        ]
        for field in event.fields
    ]
    show(Table(columns, rows), put)


def _marks(field: EventField) -> list[str]:
    marks = ["label"] if field.label else []
    marks += ["sensitive"] if field.sensitive else []
    marks += [f"unit {field.unit}"] if field.unit else []
    marks += [f"attribute {field.attribute}"] if field.attribute else []
    return marks


def _as_json(event: EventType) -> dict[str, Any]:
    words = descriptions(event.cls)
    return {
        "name": event.name,
        "severity": event.identity.severity,
        "version": event.identity.version,
        "description": first_line(event.cls),
        "fields": [_field_as_json(one, words.get(one.name)) for one in event.fields],
    }


def _field_as_json(field: EventField, description: str | None) -> dict[str, Any]:
    said: dict[str, Any] = {
        "name": field.encode_name,
        "type": expected(field.node),
        "required": field.required,
        "label": field.label,
        "sensitive": field.sensitive,
    }
    optional = {
        "unit": field.unit,
        "attribute": field.attribute,
        "description": description,
    }
    return said | {key: text for key, text in optional.items() if text is not None}
