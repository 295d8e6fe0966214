"""Requests as OpenTelemetry's own classes make and read them: the judge of ours."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec
from google.protobuf import json_format
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import (
    ExportLogsServiceRequest,
)
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord

from eventbus import Record
from eventbus._catalog import describe
from eventbus_otlp._version import version

NUMBERS = {"trace": 1, "debug": 5, "info": 9, "warn": 13, "error": 17, "fatal": 21}
_IDS = ("traceId", "spanId", "parentSpanId")
_ENUMERATIONS = ("severityNumber", "kind", "code", "aggregationTemporality")
_OF_64_BITS = ("intValue", "asInt", "count", "bucketCounts")


def official_value(value: Any) -> AnyValue:
    """Return what the official classes make of *value*, by the rules of OTLP."""
    if isinstance(value, str):
        text = value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        return AnyValue(string_value=text)
    if isinstance(value, bool):
        return AnyValue(bool_value=value)
    if isinstance(value, int):
        if -(2**63) <= value < 2**63:
            return AnyValue(int_value=value)
        return AnyValue(string_value=str(value))
    if isinstance(value, float):
        return AnyValue(double_value=value)
    if isinstance(value, bytes):
        return AnyValue(bytes_value=value)
    found = AnyValue()
    if isinstance(value, dict):
        found.kvlist_value.SetInParent()
        found.kvlist_value.values.extend(official_pairs(value.items()))
    elif isinstance(value, list | tuple):
        found.array_value.SetInParent()
        found.array_value.values.extend(map(official_value, value))
    else:
        assert value is None, value
    return found


def official_pairs(pairs: Iterable[tuple[str, Any]]) -> list[KeyValue]:
    """Return a ``KeyValue`` for each of *pairs*."""
    return [
        KeyValue(key=official_value(key).string_value, value=official_value(value))
        for key, value in pairs
    ]


def official_attributes(record: Record[Any]) -> list[KeyValue]:
    """Return the id and the weight of *record*, its fields, what is bound."""
    own = {"log.record.uid": record.id} if record.id else {}
    if record.weight != 1:
        own["eventbus.weight"] = record.weight
    described = describe(type(record.event))
    for field in described.fields:
        value = getattr(record.event, field.name)
        if field.name != described.identity.body and not _absent(value):
            own[field.attribute or field.encode_name] = _declared(field.node, value)
    bound = {k: v for k, v in record.attributes.items() if k not in own}
    return official_pairs((own | bound).items())


def _absent(value: Any) -> bool:
    return value is None or value is msgspec.UNSET


def _declared(node: Any, value: Any) -> Any:
    is_float = isinstance(node, msgspec.inspect.FloatType)
    return float(value) if is_float and type(value) is int else value


def official_log(record: Record[Any]) -> LogRecord:
    """Return *record* as the official class says it; its ids are valid or ``None``."""
    severity = record.severity or "info"
    body = describe(type(record.event)).identity.body
    said = None if body is None else getattr(record.event, body)
    return LogRecord(
        time_unix_nano=record.time_unix_nano,
        observed_time_unix_nano=record.observed_time_unix_nano,
        severity_number=NUMBERS[severity],
        severity_text=severity.upper(),
        event_name=record.name,
        body=None if said is None else official_value(said),
        attributes=official_attributes(record),
        dropped_attributes_count=record.dropped_attributes_count,
        trace_id=bytes.fromhex(record.trace_id or ""),
        span_id=bytes.fromhex((record.trace_id and record.span_id) or ""),
        flags=record.trace_flags if record.trace_id else 0,
    )


def official_request(
    records: Sequence[Record[Any]], resource: Mapping[str, Any]
) -> ExportLogsServiceRequest:
    """Return all *records* as one request, by their resource in order of appearance."""
    parts = [(one.resource, official_log(one)) for one in records]
    return by_resource(
        ExportLogsServiceRequest(), "logs", "log_records", parts, resource
    )


def by_resource(
    request: Any,
    kind: str,
    name: str,
    parts: Iterable[tuple[Mapping[str, Any] | None, Any]],
    resource: Mapping[str, Any],
) -> Any:
    """Return *request* with *parts* by their resource, in order of appearance.

    Args:
        request: A message of the official classes, empty.
        kind: As in ``resource_logs``.
        name: Of the lists in its scopes.
        parts: Messages, each with its resource; ``None`` is the next one.
        resource: Of the bus.
    """
    groups, services = getattr(request, f"resource_{kind}"), list[Mapping[str, Any]]()
    for said, part in parts:
        own = resource if said is None else said
        if own not in services:
            services.append(own)
            group = groups.add()
            if own:
                group.resource.attributes.extend(official_pairs(sorted(own.items())))
            scope = getattr(group, f"scope_{kind}").add().scope
            scope.name, scope.version = "eventbus", version()
        (listed,) = getattr(groups[services.index(own)], f"scope_{kind}")
        getattr(listed, name).append(part)
    return request


def from_json(body: bytes, request: Any = ExportLogsServiceRequest) -> Any:
    """Return the message that *body*, OTLP in JSON, says.

    Raises:
        ValueError: It is no JSON, or has a ``null``, or an enumeration by its name, or
            an integer of 64 bits as a number.
    """
    return json_format.ParseDict(_as_proto3(json.loads(body)), request())


def _as_proto3(value: Any, key: str = "") -> Any:
    """Return *value* with ids in base64, as proto3 writes bytes."""
    match value:
        case dict():
            return {name: _as_proto3(inner, name) for name, inner in value.items()}
        case list():
            return [_as_proto3(inner, key) for inner in value]
        case None:
            raise ValueError(f"null in {key}")
        case str() if key in _IDS:
            return base64.b64encode(bytes.fromhex(value)).decode()
        case str() if key in _ENUMERATIONS:
            raise ValueError(f"{key} is {value!r}, not a number")
        case int() if key in _OF_64_BITS or key.endswith("UnixNano"):
            raise ValueError(f"{key} is a number")
        case _:
            return value


def same(ours: Any, official: Any) -> bool:
    """Return whether two messages are equal; a NaN equals itself."""
    return bool(
        ours.SerializeToString(deterministic=True)
        == official.SerializeToString(deterministic=True)
    )
