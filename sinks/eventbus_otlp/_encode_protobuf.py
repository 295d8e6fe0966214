"""How log records and their requests are written in protobuf.

https://github.com/open-telemetry/opentelemetry-proto, ``logs/v1/logs.proto``,
``resource/v1/resource.proto`` and ``collector/logs/v1/logs_service.proto``
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import repeat
from struct import Struct
from typing import Final

from eventbus_otlp._plain_value import Plain
from eventbus_otlp._scope import Scope
from eventbus_otlp._times import check_times
from eventbus_otlp._value import ProtobufValue, key_values
from eventbus_otlp._wire import (
    DELIMITED,
    FIXED64,
    Heads,
    delimited,
    fixed32_field,
    tag,
    text_field,
    varint,
    varint_field,
)
from eventbus_otlp._writer import Cells

_REQUEST_RESOURCE: Final = tag(1, DELIMITED)  # ExportLogsServiceRequest.resource_logs
_RESOURCE: Final = 1  # ResourceLogs.resource
_RESOURCE_SCOPE: Final = tag(2, DELIMITED)  # ResourceLogs.scope_logs
_SCOPE: Final = 1  # ScopeLogs.scope
_RECORD: Final = 2  # ScopeLogs.log_records
_SCHEMA_URL: Final = 3  # of ResourceLogs and ScopeLogs


class ProtobufRecords:
    """Writes requests; traces have them as logs do. See :class:`RecordWriter`.

    Args:
        scope: What all records come from.
        attributes: Number of the record's field of that name.
        dropped_attributes: Number of the record's field with their count.
    """

    def __init__(
        self, scope: Scope, *, attributes: int, dropped_attributes: int
    ) -> None:
        self._attributes = attributes
        self._dropped_attributes = dropped_attributes
        named = text_field(1, scope.name) + text_field(2, scope.version)
        self._scope = delimited(_SCOPE, named)
        self._schema_url = text_field(_SCHEMA_URL, scope.schema_url)
        self._heads = Heads(_RECORD)

    def attribute(self, name: str) -> ProtobufValue:
        """See :class:`RecordWriter`."""
        return ProtobufValue(self._attributes, name)

    def dropped_attributes(self, count: int) -> bytes:
        """See :class:`RecordWriter`."""
        return varint_field(self._dropped_attributes, count)

    def resource(self, attributes: Mapping[str, Plain], dropped: int) -> bytes:
        """See :class:`RecordWriter`."""
        content = key_values(attributes) + varint_field(2, dropped)
        return delimited(_RESOURCE, content) if content else b""

    def records(
        self,
        before: Iterable[Cells],
        attributes: Iterable[Cells],
        after: Iterable[Cells],
    ) -> list[bytes]:
        """See :class:`RecordWriter`."""
        heads = self._heads
        cells = zip(*before, *attributes, *after, strict=True)
        return [heads[len(record)] + record for record in map(b"".join, cells)]

    def request(self, records: Mapping[bytes, Sequence[bytes]]) -> bytes:
        """See :class:`RecordWriter`."""
        parts: list[bytes] = []
        for resource, own in records.items():
            length = len(self._scope) + sum(map(len, own)) + len(self._schema_url)
            scope_head = _RESOURCE_SCOPE + varint(length)
            length += len(resource) + len(scope_head)
            parts += (_REQUEST_RESOURCE, varint(length), resource, scope_head)
            parts += (self._scope, *own, self._schema_url)
        return b"".join(parts)


class ProtobufLogs(ProtobufRecords):
    """Writes log records. See :class:`LogWriter`."""

    _TIME: Final = tag(1, FIXED64)
    _OBSERVED_TIME: Final = tag(11, FIXED64)

    def __init__(self, scope: Scope) -> None:
        super().__init__(scope, attributes=6, dropped_attributes=7)

    def times(self, times: Sequence[int], observed: Sequence[int]) -> list[bytes]:
        """See :class:`LogWriter`."""
        check_times(times)
        check_times(observed)
        return list(
            map(
                Struct("<cQcQ").pack,
                repeat(self._TIME),
                times,
                repeat(self._OBSERVED_TIME),
                observed,
            )
        )

    def kind(self, number: int, severity: str, name: str) -> bytes:
        """See :class:`LogWriter`."""
        return varint_field(2, number) + text_field(3, severity) + text_field(12, name)

    def body(self) -> ProtobufValue:
        """See :class:`LogWriter`."""
        return ProtobufValue(5)

    def trace_id(self, trace_id: str) -> bytes:
        """See :class:`LogWriter`."""
        return delimited(9, bytes.fromhex(trace_id))

    def span_ids(self, span_ids: Sequence[str]) -> list[bytes]:
        """See :class:`LogWriter`."""
        head = tag(10, DELIMITED) + varint(8)
        return [head + span_id for span_id in map(bytes.fromhex, span_ids)]

    def flags(self, flags: int) -> bytes:
        """See :class:`LogWriter`."""
        return fixed32_field(8, flags)
