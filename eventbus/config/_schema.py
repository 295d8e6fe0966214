"""The JSON Schema of a configuration file, made of the sinks that are installed.

An editor completes a file by it: ``eventbus check --schema > eventbus.schema.json``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, cast

import msgspec

from eventbus._sampling_settings import (
    AdaptiveSettings,
    FirstSettings,
    RateLimitSettings,
    SamplerSettings,
)
from eventbus._secret import Secret
from eventbus._settings import Batch, Buffer, Limits, Retry
from eventbus.config._reference import first_line, words_of
from eventbus.config._settings import (
    AttachmentSettings,
    BusSettings,
    PrivacySettings,
)
from eventbus.config._sink_class import SettingsType, SinkClass
from eventbus.config._tree import as_array, as_table
from eventbus.config._values import NO_LIMIT
from eventbus.metrics._declaration import Counter, Gauge, Histogram, Metrics
from eventbus.privacy._content import Content

# Any in this module: JSON Schema is JSON.

Schema = dict[str, Any]

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"

_EXPANDED: Final[Schema] = {"type": "string", "pattern": r"\$\{[A-Za-z_]"}
_OWN: Final[tuple[SettingsType, ...]] = (
    BusSettings,
    PrivacySettings,
    Content,
    AttachmentSettings,
    Buffer,
    Batch,
    Retry,
    Limits,
    SamplerSettings,
    RateLimitSettings,
    FirstSettings,
    AdaptiveSettings,
    Metrics,
    Counter,
    Histogram,
    Gauge,
)
_NAMED: Final = "sink-with-a-type"
_LETTERS: Final = "dead-letters"
_KEY_WORDS: Final = "Your own key, where `preset` names a vendor's preset."
_SINGLE: Final = ("integer", "number", "boolean")


def config_schema(sinks: Sequence[SinkClass]) -> Schema:
    """Return the schema of a file that may name *sinks*."""
    parts = _Parts(sinks)
    return {
        "$schema": DIALECT,
        "title": "eventbus configuration",
        "type": "object",
        "properties": {
            "bus": {"$ref": parts.place(BusSettings)},
            "sinks": _sinks_table(sinks),
            "metrics": {
                "description": "The metrics of event types, by the events' names.",
                "type": "object",
                "additionalProperties": {"$ref": parts.place(Metrics)},
            },
        },
        "additionalProperties": False,
        "$defs": parts.definitions,
    }


def _sinks_table(sinks: Sequence[SinkClass]) -> Schema:
    return {
        "description": "The attachments by name; the name is also the type unless "
        "another one is given.",
        "type": "object",
        "properties": {
            sink.type: _or_none(_reference(_key(sink)), _reference(_NAMED))
            for sink in sinks
        },
        "additionalProperties": _or_none(_reference(_NAMED)),
    }


def _or_none(*schemas: Schema) -> Schema:
    return {"anyOf": [*schemas, {"const": NO_LIMIT}]}


def _key(sink: SinkClass) -> str:
    return f"sink-{sink.type}"


def _reference(key: str) -> Schema:
    return {"$ref": f"#/$defs/{key}"}


class _Parts:
    """The definitions that the schema refers to."""

    def __init__(self, sinks: Sequence[SinkClass]) -> None:
        foreign = [sink.settings for sink in sinks if sink.settings is not None]
        classes: list[SettingsType] = list(dict.fromkeys([*_OWN, *foreign]))
        references, components = msgspec.json.schema_components(
            classes, schema_hook=_of_any_class, ref_template="#/$defs/{name}"
        )
        self._references = {
            cls: str(schema["$ref"])
            for cls, schema in zip(classes, references, strict=True)
        }
        self.definitions: Schema = {
            name: _relaxed(component) for name, component in components.items()
        }
        for cls in classes:
            _describe(self._component(cls), cls)
        for sink in sinks:
            self.definitions[_key(sink)] = self._sink(sink)
        self.definitions[_NAMED] = _any_of([_named(sink) for sink in sinks])
        self.definitions[_LETTERS] = _any_of([self._letters(sink) for sink in sinks])
        del self.definitions[self._name(AttachmentSettings)]

    def place(self, cls: type[msgspec.Struct]) -> str:
        """Return the place of *cls*."""
        return self._references[cls]

    def _name(self, cls: type[msgspec.Struct]) -> str:
        return self._references[cls].removeprefix("#/$defs/")

    def _component(self, cls: type[msgspec.Struct]) -> Schema:
        return cast("Schema", self.definitions[self._name(cls)])

    def _sink(self, sink: SinkClass) -> Schema:
        shared: Schema = dict(self._component(AttachmentSettings)["properties"])
        shared["dead_letters"] = {
            **_described(shared["dead_letters"]),
            **_or_none(_reference(_LETTERS)),
        }
        shared["api_key"] = {"description": _KEY_WORDS, "type": "string"}
        return self._table(sink, shared)

    def _letters(self, sink: SinkClass) -> Schema:
        return {**self._table(sink, {}), "required": self._required(sink, "type")}

    def _table(self, sink: SinkClass, shared: Schema) -> Schema:
        own: Schema = {} if sink.settings is None else self._component(sink.settings)
        return {
            "title": f"sink of type {sink.type}",
            "description": first_line(sink.sink),
            "type": "object",
            "properties": {
                "type": {**_described(shared.get("type", {})), "const": sink.type},
                **{key: schema for key, schema in shared.items() if key != "type"},
                **own.get("properties", {}),
            },
            "required": self._required(sink),
            "additionalProperties": False,
        }

    def _required(self, sink: SinkClass, *more: str) -> list[str]:
        own: Schema = {} if sink.settings is None else self._component(sink.settings)
        return [*more, *own.get("required", [])]


def _named(sink: SinkClass) -> Schema:
    return {"allOf": [_reference(_key(sink)), {"required": ["type"]}]}


def _any_of(schemas: list[Schema]) -> Schema:
    """Return the schema of what one of *schemas* has; of nothing, where none is."""
    return {"anyOf": schemas} if schemas else {"not": {}}


def _of_any_class(cls: type) -> Schema:
    return {"type": "string"} if cls is Secret else {}


def _described(schema: Mapping[str, Any]) -> Schema:
    return {key: schema[key] for key in ("description",) if key in schema}


def _describe(component: Schema, cls: SettingsType) -> None:
    component["description"] = first_line(cls)
    for name, text in words_of(cls).items():
        component["properties"][name].setdefault("description", text)


def _relaxed(schema: Any) -> Any:
    """Return *schema* with what TOML has instead of null, and with ``${NAME}``."""
    items, table = as_array(schema), as_table(schema)
    if items is not None:
        return [_relaxed(item) for item in items]
    if table is None:
        return schema
    relaxed = {
        key: value if key in ("enum", "const", "default") else _relaxed(value)
        for key, value in table.items()
    }
    if relaxed.get("default", ...) is None:
        del relaxed["default"]
    if table.get("type") == "null":
        return {"const": NO_LIMIT}
    if table.get("type") in _SINGLE or "enum" in table:
        return _or_expanded(relaxed)
    return relaxed


def _or_expanded(schema: Schema) -> Schema:
    outer = {key: schema.pop(key) for key in ("default",) if key in schema}
    return {"anyOf": [schema, _EXPANDED], **outer}
