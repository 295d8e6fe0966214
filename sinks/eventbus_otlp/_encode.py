"""How records become log records of OTLP.

https://opentelemetry.io/docs/specs/otel/logs/data-model/
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from operator import attrgetter
from typing import Any, Final

import msgspec

from eventbus import Event, Naming
from eventbus._catalog import EventType, describe
from eventbus._naming import EventNaming
from eventbus._record import AttributeValue
from eventbus._severity import SEVERITIES, SEVERITY_NUMBER
from eventbus_otlp._column import Column
from eventbus_otlp._encode_json import JsonLogs
from eventbus_otlp._encode_protobuf import ProtobufLogs
from eventbus_otlp._findings import Findings
from eventbus_otlp._group import Group
from eventbus_otlp._limits import AttributeLimits
from eventbus_otlp._names import OWN_NAMES, as_text
from eventbus_otlp._plan import Attributes, Plan, Source, name_of
from eventbus_otlp._record_encoder import RecordEncoder, short_of
from eventbus_otlp._remembered import Remembered
from eventbus_otlp._scope import Scope
from eventbus_otlp._signal import Form
from eventbus_otlp._times import Timestamps
from eventbus_otlp._trace_ids import are_span_ids, is_span_id, is_trace_id
from eventbus_otlp._writer import Cells, LogWriter

_W3C_FLAGS: Final = 0xFF  # one byte
_REMEMBERED: Final = 4096  # traces


class LogsEncoder(RecordEncoder):
    """Makes requests of log records, one for each record.

    Attributes come in this order, which counts when there are too many: the record's
    id (``log.record.uid``), its weight where that is not 1 (``eventbus.weight``), the
    time as text where *names* ask for it, the event's fields, what *names* add, what
    was bound. A field's name is that of its ``Attribute``, else its name in encoded
    text; ``None`` and ``UNSET`` are left out; a bound attribute makes way for a field
    of the same name. The field that the event type names as ``body`` is the body. Ids
    of traces and spans that are none are left out.

    Use one per thread.

    Args:
        form: Of the requests.
        resource: Of the service; relayed records keep their own.
        bus_resource: The bus's own resource, by which records are known that came
            from it and get *resource*; ``None``: no record with a resource does.
        limits: How many attributes a record has, and how long they are.
        names: What events and attributes are called outside.
        schema_url: Whose names these are; empty says nothing.
    """

    def __init__(
        self,
        form: Form,
        *,
        resource: Mapping[str, AttributeValue],
        bus_resource: Mapping[str, AttributeValue] | None = None,
        limits: AttributeLimits | None = None,
        names: Naming = OWN_NAMES,
        schema_url: str = "",
    ) -> None:
        """Work out what no record changes."""
        limits = limits or AttributeLimits()
        scope = Scope(schema_url=schema_url)
        writer = JsonLogs(scope) if form == "json" else ProtobufLogs(scope)
        super().__init__(
            writer,
            _LogPlans(writer, Attributes(writer, limits), names).of,
            resource=resource,
            bus_resource=bus_resource,
            limits=limits,
            resource_names=names.resource,
        )


class _LogPlans:
    def __init__(
        self, writer: LogWriter, attributes: Attributes, names: Naming
    ) -> None:
        self._writer = writer
        self._attributes = attributes
        self._names = names
        self._bound = attributes.bound(names)
        self._contexts = _Contexts(writer)

    def of(self, event_type: type[Event]) -> Plan:
        described = describe(event_type)
        naming = self._names.of(described.name)
        body = described.identity.body
        around = _Around(
            self._writer,
            self._contexts,
            _kinds(self._writer, described, naming),
            *self._body(described, body),
        )
        attributes = self._attributes.of(
            described,
            naming,
            without=[body],
            constants=naming.added,
            more=_timestamp(naming),
        )
        bound = self._bound
        if described.name in self._names.events:
            bound = self._attributes.bound(naming)
        return Plan(attributes, bound, around)

    def _body(
        self, described: EventType, body: str | None
    ) -> tuple[int, Column | None]:
        for index, field in enumerate(described.fields):
            if field.name == body:
                return index, self._attributes.column(self._writer.body(), field)
        return 0, None


def _timestamp(naming: EventNaming) -> list[Source]:
    if naming.timestamp is None:
        return []
    return [Source("", _Times(), "$.time_unix_nano", called=naming.timestamp)]


class _Times:
    """The times of records as text; those whose time is unknown have none."""

    def __init__(self) -> None:
        self._texts = Timestamps()

    def __call__(
        self, group: Group, values: Sequence[Sequence[Any]]
    ) -> Sequence[str | None]:
        if all(group.times):
            return self._texts.texts(group.times)
        times = [
            time or observed
            for time, observed in zip(group.times, group.observed_times, strict=True)
        ]
        texts = self._texts.texts(times)
        return [text if time else None for text, time in zip(texts, times, strict=True)]


class _Kinds(dict[Any, bytes]):  # Any: a severity, or what a reader took for one
    """What is written of an event type and a severity, the type's if there is none."""

    def __init__(self, writer: LogWriter, described: EventType, name: str) -> None:
        for severity in SEVERITIES:
            number = SEVERITY_NUMBER[severity]
            self[severity] = writer.kind(number, severity.upper(), name)
        self._default = self[described.identity.severity]
        self._has_own = described.has_own_severity

    def __missing__(self, severity: Any) -> bytes:
        return self._default

    def cells(self, group: Group) -> list[bytes]:
        """Return what is written for each record of *group*."""
        return list(map(self.__getitem__, self.severities(group)))

    def severities(self, group: Group) -> Sequence[Any]:
        """Return what each record of *group* says, or its event."""
        said = group.severities
        if self._has_own and None in said:
            own = map(attrgetter("severity"), group.events)
            said = [one or other for one, other in zip(said, own, strict=True)]
        return said


class _KindsByValue(msgspec.Struct, frozen=True):
    """The same where the value of a field says what a record is called."""

    value_of: Callable[[Event], Any]
    kinds: Mapping[Any, _Kinds]
    default: _Kinds

    def cells(self, group: Group) -> list[bytes]:
        """Return what is written for each record of *group*."""
        said = self.default.severities(group)
        return [
            self._of(self.value_of(event))[severity]
            for event, severity in zip(group.events, said, strict=True)
        ]

    def _of(self, value: Any) -> _Kinds:
        is_known = type(value) is str or type(value) is bool
        return (
            self.kinds.get(as_text(value), self.default) if is_known else self.default
        )


def _kinds(
    writer: LogWriter, described: EventType, naming: EventNaming
) -> _Kinds | _KindsByValue:
    default = _Kinds(writer, described, naming.name or described.name)
    for field in described.fields:
        if name_of(field) == naming.by:
            kinds = {
                word: _Kinds(writer, described, name)
                for word, name in naming.names.items()
            }
            return _KindsByValue(attrgetter(field.name), kinds, default)
    return default


class _Contexts:
    """Writes trace ids, span ids and flags; those that are none are left out.

    A span without a trace is none, nor are flags without one.
    """

    def __init__(self, writer: LogWriter) -> None:
        self._writer = writer
        self._traces = _Traces(writer)
        self._flags = {flags: writer.flags(flags) for flags in range(256)}

    def cells(self, group: Group) -> list[Cells]:
        """Return what is written for each record of *group*; nothing where none is."""
        if not any(group.trace_ids):
            return []
        traces = list(map(self._traces.__getitem__, group.trace_ids))
        flags = [self._flags[flags & _W3C_FLAGS] for flags in group.trace_flags]
        if all(traces) and are_span_ids(group.span_ids):
            return [flags, traces, self._writer.span_ids(group.span_ids)]
        flags = [
            own if trace else b"" for own, trace in zip(flags, traces, strict=True)
        ]
        spans = [
            self._writer.span_ids((span_id,))[0]
            if trace and is_span_id(span_id)
            else b""
            for span_id, trace in zip(group.span_ids, traces, strict=True)
        ]
        return [flags, traces, spans]


class _Traces(Remembered[str | None, bytes]):
    """What is written of a trace id."""

    def __init__(self, writer: LogWriter) -> None:
        super().__init__(_REMEMBERED)
        self._writer = writer

    def __missing__(self, trace_id: str | None) -> bytes:
        written = self._writer.trace_id(trace_id) if is_trace_id(trace_id) else b""
        self.remember(trace_id, written)
        return written


class _Around(msgspec.Struct, frozen=True):
    """The parts of log records around their attributes. See :class:`Plan`."""

    writer: LogWriter
    contexts: _Contexts
    kinds: _Kinds | _KindsByValue
    body_index: int
    body: Column | None

    def __call__(
        self,
        group: Group,
        values: Sequence[Sequence[Any]],  # Any: fields are of every type
        dropped: Sequence[int],
        findings: Findings,
    ) -> tuple[Sequence[Cells], Sequence[Cells]]:
        """Write them."""
        before = [
            self.writer.times(group.times, group.observed_times),
            self.kinds.cells(group),
        ]
        if self.body is not None:
            bodies = values[self.body_index]
            before.append(self.body.cells(bodies, group.places, findings))
        after = short_of(self.writer, dropped)
        return before, [*after, *self.contexts.cells(group)]
