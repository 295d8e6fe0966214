"""How records of completed events become spans of OTLP.

https://opentelemetry.io/docs/specs/otel/trace/api/#span
"""

from __future__ import annotations

from collections.abc import Collection, Container, Iterator, Mapping, Sequence
from typing import Any

import msgspec
from msgspec.structs import replace

from eventbus import Event, Naming
from eventbus._catalog import EventField, EventType, describe, nanoseconds_in
from eventbus._event import Span, identity_of, template_parts
from eventbus._record import AttributeValue
from eventbus._tracestate import NOTHING_ADDED, Tracestate
from eventbus.privacy import (
    TRACE_SENSITIVE,
    TRACING_DISABLED,
    is_traced,
    traces_content,
)
from eventbus_otlp._findings import Findings
from eventbus_otlp._group import Group
from eventbus_otlp._limits import AttributeLimits
from eventbus_otlp._names import OWN_NAMES, structured_as_text
from eventbus_otlp._plan import Attributes, Plan
from eventbus_otlp._record_encoder import RecordEncoder, short_of
from eventbus_otlp._scope import Scope
from eventbus_otlp._signal import Form
from eventbus_otlp._span_json import JsonSpans
from eventbus_otlp._span_parts import (
    Exceptions,
    SpanName,
    duration_nanoseconds,
    links_of,
    place_of,
)
from eventbus_otlp._span_protobuf import ProtobufSpans
from eventbus_otlp._span_writer import ERROR, OK, UNSET, SpanHead, SpanWriter
from eventbus_otlp._times import check_times
from eventbus_otlp._writer import Cells

# Any in this module: the fields of events hold values of any type.


class SpansEncoder(RecordEncoder):
    """Makes requests of spans, one for each record whose event type has a ``Span``.

    A span ends at the record's time and began its duration before; without a duration
    it has none. Its parent is the span that was current at ``emit``; its own id is
    made of the record's id, so that a repeat has the same, unless the type names a
    field with it. A record with a ``parent_span_id`` is a span with its own ids. A
    record outside of any trace begins one.

    Attributes are those of :class:`LogsEncoder` without the record's id, then those
    that are configured, then what was bound. What attributes of spans cannot hold,
    tables and arrays of several types, travels as JSON text. Fields whose attributes
    begin with ``exception.`` are those of an event ``exception``.

    Spans carry no content: no field that is ``Sensitive``, not in their names, statuses
    and exceptions either, and no bound attribute that is content. Where *content* lets
    it in, it is as the attachment has it, and an event may still say no
    (``trace_sensitive``). What says ``tracing_disabled`` is no span.

    Use one per thread.

    Args:
        form: Of the requests.
        resource: Of the service; relayed records keep their own.
        bus_resource: See :class:`LogsEncoder`.
        limits: How many attributes a span has, and how long they are.
        names: What attributes are called outside; the forms of events are those of
            their log records alone.
        span_attributes: What each span has where it says nothing else.
        tracestate: What stands in front of the tracestate of each.
        content: Whether spans may carry content.
        content_attributes: Names of bound attributes that are content.
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
        span_attributes: Mapping[str, AttributeValue] | None = None,
        tracestate: Tracestate = NOTHING_ADDED,
        content: bool = False,
        content_attributes: Collection[str] = (),
        schema_url: str = "",
    ) -> None:
        """Work out what no record changes."""
        limits = limits or AttributeLimits()
        self._safe: SpansEncoder | None = None
        if content:
            self._safe = SpansEncoder(
                form,
                resource=resource,
                bus_resource=bus_resource,
                limits=limits,
                names=names,
                span_attributes=span_attributes,
                tracestate=tracestate,
                content_attributes=content_attributes,
                schema_url=schema_url,
            )
        elif content_attributes:
            names = replace(names, left_out=names.left_out.union(content_attributes))
        scope = Scope(schema_url=schema_url)
        writer = JsonSpans(scope) if form == "json" else ProtobufSpans(scope)
        attributes = Attributes(
            writer, limits, convert_others=structured_as_text, with_id=False
        )
        fixed = span_attributes or {}
        plans = _SpanPlans(
            writer, attributes, names, fixed, tracestate, content=content
        )
        super().__init__(
            writer,
            plans.of,
            resource=resource,
            bus_resource=bus_resource,
            limits=limits,
            resource_names=names.resource,
        )

    def _rows(
        self, event_type: type[Event], group: Group, findings: Findings
    ) -> list[bytes]:
        """Write those that may be spans, and those without content that want it so."""
        rows = [b""] * len(group.places)
        for encoder, indexes in self._sorted(event_type, group):
            if len(indexes) == len(rows):
                return RecordEncoder._rows(encoder, event_type, group, findings)
            own = group.only(indexes)
            written = RecordEncoder._rows(encoder, event_type, own, findings)
            for index, row in zip(indexes, written, strict=True):
                rows[index] = row
        return rows

    def _sorted(
        self, event_type: type[Event], group: Group
    ) -> Iterator[tuple[SpansEncoder, Sequence[int]]]:
        """Yield who writes which of *group*; what may be no span is in none of them."""
        indexes: Sequence[int] = range(len(group.places))
        if _may_say(TRACING_DISABLED, event_type, group):
            indexes = [i for i in indexes if is_traced(*_said_by(group, i))]
        if self._safe is not None and _may_say(TRACE_SENSITIVE, event_type, group):
            bare = [i for i in indexes if not traces_content(*_said_by(group, i))]
            indexes = sorted(set(indexes).difference(bare))
            if bare:
                yield self._safe, bare
        if indexes:
            yield self, indexes


def _may_say(name: str, event_type: type[Event], group: Group) -> bool:
    """Return whether *name* may be told, in a field or bound, by some of *group*."""
    return name in event_type.__struct_fields__ or any(
        name in attributes
        for attributes in {id(one): one for one in group.attributes}.values()
    )


def _said_by(group: Group, index: int) -> tuple[Event, Mapping[str, Any]]:
    return group.events[index], group.attributes[index]


class _SpanPlans:
    def __init__(
        self,
        writer: SpanWriter,
        attributes: Attributes,
        names: Naming,
        configured: Mapping[str, AttributeValue],
        tracestate: Tracestate,
        *,
        content: bool,
    ) -> None:
        self._content = content
        self._writer = writer
        self._attributes = attributes
        self._names = names
        self._bound = attributes.bound(names)
        self._configured = configured
        self._tracestate = tracestate

    def of(self, event_type: type[Event]) -> Plan | None:
        described = describe(event_type)
        span = described.identity.span
        if span is None:
            return None
        hidden = frozenset(() if self._content else described.sensitive_fields)
        exceptions = Exceptions.of(described, self._attributes.limits, without=hidden)
        attributes = self._attributes.of(
            described,
            self._names,
            without={*exceptions.fields, *hidden},
            constants=self._configured,
        )
        around = _around(
            self._writer,
            described,
            span,
            exceptions,
            self._tracestate,
            without=hidden,
        )
        return Plan(attributes, self._bound, around)


def _around(
    writer: SpanWriter,
    described: EventType,
    span: Span,
    exceptions: Exceptions,
    tracestate: Tracestate,
    *,
    without: Container[str],
) -> _Around:
    fields = {field.name: i for i, field in enumerate(described.fields)}
    duration: EventField = described.fields[fields[span.duration]]
    nanoseconds = nanoseconds_in(duration.unit)
    assert nanoseconds is not None, "Span takes durations alone"
    parts = [
        (text, None if name is None or name in without else fields[name])
        for text, name in template_parts(span.name)
    ]
    return _Around(
        writer=writer,
        name=SpanName(parts),
        duration=fields[span.duration],
        nanoseconds=nanoseconds,
        ok=fields.get(span.ok or ""),
        links=fields.get(span.links or ""),
        id=fields.get(span.id or ""),
        exceptions=exceptions,
        tracestate=tracestate,
    )


class _Around(msgspec.Struct, frozen=True):
    """The parts of spans around their attributes. See :class:`Plan`.

    Args:
        writer: Writes them.
        name: Makes the names.
        duration: Which field is the duration.
        nanoseconds: How many its unit has.
        ok: Which field says whether it succeeded, if one does.
        links: Which field has links, if one does.
        id: Which field has the span's id, if one does.
        exceptions: Finds exceptions.
        tracestate: Stands in front of each one's own.
    """

    writer: SpanWriter
    name: SpanName
    duration: int
    nanoseconds: int
    ok: int | None
    links: int | None
    id: int | None
    exceptions: Exceptions
    tracestate: Tracestate

    def __call__(
        self,
        group: Group,
        values: Sequence[Sequence[Any]],
        dropped: Sequence[int],
        findings: Findings,
    ) -> tuple[Sequence[Cells], Sequence[Cells]]:
        """Write them."""
        ends = [
            time or observed
            for time, observed in zip(group.times, group.observed_times, strict=True)
        ]
        check_times(ends)
        rows = list(zip(ends, zip(*values, strict=True), strict=True))
        heads = [
            self._head(group, index, end, row, findings)
            for index, (end, row) in enumerate(rows)
        ]
        tails = [
            self._tail(place, end, row, findings)
            for place, (end, row) in zip(group.places, rows, strict=True)
        ]
        return [heads], [*short_of(self.writer, dropped), tails]

    def _head(
        self,
        group: Group,
        index: int,
        end: int,
        row: Sequence[Any],
        findings: Findings,
    ) -> bytes:
        place = group.places[index]
        took = duration_nanoseconds(row[self.duration], self.nanoseconds)
        if took is None:
            findings.invalid.add(place)
        own_id = None if self.id is None else row[self.id]
        name = self.name.of(row, findings, place)
        return self.writer.head(
            SpanHead(
                *place_of(group, index, own_id, self.tracestate),
                name=name or identity_of(type(group.events[index])).name,
                start=max(end - (took or 0), 0),
                end=end,
            )
        )

    def _tail(
        self, place: int, end: int, row: Sequence[Any], findings: Findings
    ) -> bytes:
        exception = self.exceptions.attributes(row, findings, place)
        message = self.exceptions.message(row, findings, place)
        code = _status(None if self.ok is None else row[self.ok], bool(exception))
        links = links_of(None if self.links is None else row[self.links])
        return b"".join(
            (
                self.writer.exception(end, exception) if exception else b"",
                self.writer.links(*links),
                self.writer.status(code, message if code == ERROR else ""),
            )
        )


def _status(ok: object, is_exception: bool) -> int:
    if ok is None or ok is msgspec.UNSET:
        return ERROR if is_exception else UNSET
    return OK if ok else ERROR
