"""The JSON Schema of records, and of the events in them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

import msgspec
from msgspec import inspect

from eventbus._catalog import EventType
from eventbus._decode_line import _Line as RecordLine
from eventbus._json_form import FLOAT_WORDS
from eventbus._wire import read_type
from eventbus.cli._event_exact import complete
from eventbus.config._reference import descriptions, first_line
from eventbus.config._schema import DIALECT
from eventbus.config._tree import as_array, as_table
from eventbus.metrics import MetricPlan, plans_of

# Any in this module: JSON Schema is JSON.

Schema = dict[str, Any]

DESCRIPTION: Final = "One line of JSON: what is absent is left out, never null."

_NULL: Final[Schema] = {"type": "null"}
_UNDEFINED_NUMBERS: Final[Schema] = {"enum": sorted(FLOAT_WORDS)}


def records_schema(events: Iterable[EventType]) -> Schema:
    """Return the schema of a record's line, for records of *events*."""
    known = list(events)
    return {
        "$schema": DIALECT,
        "title": "eventbus record",
        "description": DESCRIPTION,
        **record_header(),
        "oneOf": [_with_event(one) for one in known],
        "$defs": {one.name: event_schema(one) for one in known},
    }


def in_order(schema: Any) -> Any:
    """Return *schema* with its keys in order, the same wherever it is made."""
    items, table = as_array(schema), as_table(schema)
    if items is not None:
        return [in_order(item) for item in items]
    if table is None:
        return schema
    ordered = {key: in_order(table[key]) for key in sorted(table)}
    required = as_array(ordered.get("required"))
    return ordered if required is None else ordered | {"required": sorted(required)}


def record_header() -> Schema:
    """Return the schema of a record's line, for records of any event."""
    components = msgspec.json.schema_components([RecordLine])[1]
    header: Schema = components[RecordLine.__name__]
    properties = _left_out_if_none(_portable(header["properties"]))
    return {
        "type": "object",
        "properties": properties | {"event": {"type": "object"}},
        "required": ["name", "event"],
        "additionalProperties": False,
    }


def _with_event(event: EventType) -> Schema:
    return {
        "properties": {
            "name": {"const": event.name},
            "event": {"$ref": f"#/$defs/{event.name}"},
        }
    }


def event_schema(event: EventType) -> Schema:
    """Return the schema of an event's own fields; its marks are ``x-`` keywords."""
    place = f"#/$defs/{event.name}/$defs/{{name}}"
    own, definitions = definitions_of(event, ref_template=place)
    return {"$ref": place.replace("{name}", own), "$defs": definitions}


def definitions_of(event: EventType, *, ref_template: str) -> tuple[str, Schema]:
    """Return which definition an event's own fields have, and all that it needs.

    Args:
        event: The event type.
        ref_template: The place of a definition, with ``{name}`` for its name.
    """
    read = read_type(event)
    (reference,), components = msgspec.json.schema_components(
        [read], schema_hook=_anything, ref_template=ref_template
    )
    places = {
        ref_template.replace("{name}", name): schema
        for name, schema in components.items()
    }
    complete(inspect.type_info(read), reference, places)
    definitions: Schema = _portable(components)
    before, _, after = ref_template.partition("{name}")
    name = str(reference["$ref"]).removeprefix(before).removesuffix(after)
    own: Schema = definitions[name]
    for struct in {name, *_struct_names(event)} & definitions.keys():
        given: Schema = definitions[struct]
        if "properties" in given:  # it has items where it is written as an array
            given["properties"] = _left_out_if_none(given["properties"])
    own |= {"title": event.name, "description": first_line(event.cls)}
    own |= {"x-severity": event.identity.severity, "x-version": event.identity.version}
    own |= _made_of(event)
    _mark(own["properties"], event)
    return name, definitions


def _mark(properties: Schema, event: EventType) -> None:
    words = descriptions(event.cls)
    for field in event.fields:
        marks: Schema = {
            "description": words.get(field.name),
            "x-label": field.label or None,
            "x-sensitive": field.sensitive or None,
            "x-unit": field.unit,
            "x-attribute": field.attribute,
        }
        said = {key: mark for key, mark in marks.items() if mark is not None}
        properties[field.encode_name] = {**properties[field.encode_name], **said}


def _made_of(event: EventType) -> Schema:
    """Return what sinks make of an event beside its record: a span, and metrics."""
    told = event.identity.span
    span = {} if told is None else {"x-span": msgspec.to_builtins(told)}
    plans = sorted(plans_of(event), key=lambda plan: plan.name)
    metrics = {plan.name: _metric(plan) for plan in plans}
    return {**span, "x-metrics": metrics} if metrics else span


def _metric(plan: MetricPlan) -> Schema:
    made: Schema = {
        "kind": plan.kind,
        "unit": plan.unit,
        "labels": sorted([name for name, _ in plan.labels]),
        "bound": sorted(plan.bound),
        "by": plan.by,
        "fields": sorted({source.field for source in plan.sources}),
        "buckets": list(plan.bounds),
    }
    return {key: said for key, said in made.items() if said}


def _anything(_: type) -> Schema:
    return {"description": "Whatever JSON is made of it."}  # what is empty is refused


def _struct_names(event: EventType) -> set[str]:
    """Return the names of the Structs within *event*, whose fields are left out too."""
    seen: set[type] = set()
    parts: list[Any] = [field.node for field in event.fields]
    while parts:
        part = parts.pop()
        if isinstance(part, inspect.StructType) and part.cls in seen:
            continue
        if isinstance(part, inspect.StructType):
            seen.add(part.cls)
        if isinstance(part, inspect.Type | inspect.Field):
            parts += msgspec.structs.astuple(part)
        elif isinstance(part, tuple):
            parts += part
    return {cls.__name__ for cls in seen}


def _left_out_if_none(properties: Schema) -> Schema:
    """Return *properties* without null: what is ``None`` is left out of a line."""
    return {name: _without_null(schema) for name, schema in properties.items()}


def _without_null(schema: Schema) -> Schema:
    parts = as_array(schema.get("anyOf"))
    if parts is None:
        return schema
    return {**schema, "anyOf": [part for part in parts if part != _NULL]}


def _portable(schema: Any) -> Any:
    """Return *schema* in the words of JSON Schema, numbers that JSON lacks included."""
    items, table = as_array(schema), as_table(schema)
    if items is not None:
        return [_portable(item) for item in items]
    if table is None:
        return schema
    portable = {
        key: _portable(value)
        for key, value in table.items()
        if not (key == "default" and value is None)
    }
    if isinstance(table.get("pattern"), str):
        portable["pattern"] = str(table["pattern"]).replace(r"\Z", "$")
    if table.get("type") == "number":
        default = {"default": portable.pop("default")} if "default" in portable else {}
        return {"anyOf": [portable, _UNDEFINED_NUMBERS], **default}
    return portable
