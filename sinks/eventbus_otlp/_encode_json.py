"""How log records and their requests are written in JSON.

https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding: ids in hexadecimal
digits, enumerations as numbers, 64-bit integers as text.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import chain, repeat
from typing import Any

from eventbus_otlp._json_value import JsonAttribute, JsonValue, key_values, to_json
from eventbus_otlp._plain_value import Plain
from eventbus_otlp._scope import Scope
from eventbus_otlp._times import check_times
from eventbus_otlp._writer import Cells


class JsonRecords:
    """Writes requests; traces have them as logs do. See :class:`RecordWriter`.

    Each part of a record but the first begins with a comma.

    Args:
        scope: What all records come from.
        resource_list: Name of the request's only field.
        scope_list: Name of the list of scopes in it.
        record_list: Name of the list of records in these.
    """

    def __init__(
        self, scope: Scope, *, resource_list: str, scope_list: str, record_list: str
    ) -> None:
        self._resource_list = b'{"%b":[' % resource_list.encode()
        self._before = b'"%b":[{"scope":%b,"%b":[' % (
            scope_list.encode(),
            to_json({"name": scope.name, "version": scope.version}),
            record_list.encode(),
        )
        schema_url = b',"schemaUrl":%b' % to_json(scope.schema_url)
        self._after = b"]%b}]}" % (schema_url if scope.schema_url else b"")

    def attribute(self, name: str) -> JsonAttribute:
        """See :class:`RecordWriter`."""
        return JsonAttribute(name)

    def dropped_attributes(self, count: int) -> bytes:
        """See :class:`RecordWriter`."""
        return b',"droppedAttributesCount":%d' % count if count else b""

    def resource(self, attributes: Mapping[str, Plain], dropped: int) -> bytes:
        """See :class:`RecordWriter`."""
        content: dict[str, Any] = {}  # Any: what msgspec writes
        if attributes:
            content["attributes"] = key_values(attributes)
        if dropped:
            content["droppedAttributesCount"] = dropped
        return b'"resource":%b,' % to_json(content) if content else b""

    def records(
        self,
        before: Iterable[Cells],
        attributes: Iterable[Cells],
        after: Iterable[Cells],
    ) -> list[bytes]:
        """See :class:`RecordWriter`."""
        firsts = map(b"".join, zip(*before, strict=True))
        lists, lasts = _joined(attributes), _joined(after)
        return [
            b"".join((b"{", first, *_listed(own), last, b"}"))
            for first, own, last in zip(firsts, lists, lasts, strict=False)
        ]

    def request(self, records: Mapping[bytes, Sequence[bytes]]) -> bytes:
        """See :class:`RecordWriter`."""
        parts: list[bytes] = []
        for resource, own in records.items():
            parts += (b",{" if parts else b"{", resource, self._before)
            parts += chain.from_iterable(zip(own, repeat(b","), strict=False))
            parts[-1] = self._after
        return b"".join((self._resource_list, *parts, b"]}"))


def _listed(attributes: bytes) -> Sequence[bytes | memoryview]:
    # The first comma goes; what is large is not copied for that.
    if not attributes:
        return ()
    return b',"attributes":[', memoryview(attributes)[1:], b"]"


def _joined(columns: Iterable[Cells]) -> Iterable[bytes]:
    columns = list(columns)
    return map(b"".join, zip(*columns, strict=True)) if columns else repeat(b"")


class JsonLogs(JsonRecords):
    """Writes log records. See :class:`LogWriter`."""

    def __init__(self, scope: Scope) -> None:
        super().__init__(
            scope,
            resource_list="resourceLogs",
            scope_list="scopeLogs",
            record_list="logRecords",
        )

    def times(self, times: Sequence[int], observed: Sequence[int]) -> list[bytes]:
        """See :class:`LogWriter`."""
        check_times(times)
        check_times(observed)
        pairs = zip(times, observed, strict=True)
        form = b'"timeUnixNano":"%d","observedTimeUnixNano":"%d"'
        return [form % pair for pair in pairs]

    def kind(self, number: int, severity: str, name: str) -> bytes:
        """See :class:`LogWriter`."""
        return b',"severityNumber":%d,"severityText":%b,"eventName":%b' % (
            number,
            to_json(severity),
            to_json(name),
        )

    def body(self) -> JsonValue:
        """See :class:`LogWriter`."""
        return JsonValue(b',"body":', b"")

    def trace_id(self, trace_id: str) -> bytes:
        """See :class:`LogWriter`."""
        return b',"traceId":"%b"' % trace_id.encode()

    def span_ids(self, span_ids: Sequence[str]) -> list[bytes]:
        """See :class:`LogWriter`."""
        return [b',"spanId":"%b"' % span_id for span_id in map(str.encode, span_ids)]

    def flags(self, flags: int) -> bytes:
        """See :class:`LogWriter`."""
        return b',"flags":%d' % flags if flags else b""
