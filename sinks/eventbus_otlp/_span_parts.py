"""What a record says of its span: name, place in its trace, duration, errors, links."""

from __future__ import annotations

import math
from collections.abc import Container, Sequence
from hashlib import blake2b
from typing import Any, NamedTuple

import msgspec
from msgspec import UNSET

from eventbus import trace_context
from eventbus._catalog import EventType
from eventbus._json_form import NoJsonForm
from eventbus._tracestate import Tracestate
from eventbus.trace_context import TraceContext
from eventbus_otlp._findings import Findings
from eventbus_otlp._group import Group
from eventbus_otlp._limits import AttributeLimits
from eventbus_otlp._names import as_text
from eventbus_otlp._plain_value import Plain, PlainForm
from eventbus_otlp._plan import name_of
from eventbus_otlp._trace_ids import is_span_id, is_trace_id

# Any in this module: the fields of events hold values of any type.

_EXCEPTION = "exception."
_MESSAGES = ("exception.message", "error.message", "error")
_MAX_LINKS = 128
# https://opentelemetry.io/docs/specs/otel/trace/sdk/#span-limits
_SAMPLED = 1
_NAME_LIMITS = AttributeLimits()  # they have none but of what is in a table
_W3C_FLAGS = 0xFF  # one byte


class Place(NamedTuple):
    """Where a span is in its trace, as :class:`SpanHead` says it."""

    trace_id: str
    span_id: str
    parent_span_id: str
    flags: int
    tracestate: str


def place_of(group: Group, index: int, own_id: object, added: Tracestate) -> Place:
    """Return where the span of a record is, whose event may say its *own_id*.

    Its tracestate begins with what is *added*.

    Raises:
        NoJsonForm: It has no id, and the record has none to make one of.
    """
    trace_id, span_id = group.trace_ids[index], group.span_ids[index]
    own = own_id if isinstance(own_id, str) and is_span_id(own_id) else None
    if not is_trace_id(trace_id):
        trace_id, made = _made_ids(group.ids[index])
        return Place(trace_id, own or made, "", _SAMPLED, added.merged(None) or "")
    flags = group.trace_flags[index] & _W3C_FLAGS
    tracestate = group.tracestates[index] or ""
    if added:
        tracestate = added.merged(tracestate) or ""
    parent = span_id if is_span_id(span_id) else ""
    above = group.parent_span_ids[index]
    if own is None and parent and is_span_id(above):
        return Place(trace_id, parent, above, flags, tracestate)
    own = own or _made_ids(group.ids[index])[1]
    return Place(trace_id, own, "" if own == parent else parent, flags, tracestate)


def _made_ids(record_id: str) -> tuple[str, str]:
    """Return the id of a trace and of a span, the same ones for the same record."""
    if not record_id:
        raise NoJsonForm("a span without an id, and its record has none either")
    text = record_id.encode("utf-8", "surrogatepass")
    digits = blake2b(text, digest_size=24).hexdigest()
    return digits[:32], digits[32:]


def duration_nanoseconds(duration: Any, nanoseconds: int) -> int | None:
    """Return *duration*, in a unit of so many *nanoseconds*; ``None`` if it is none."""
    if duration is None or duration is UNSET:
        return 0
    if not math.isfinite(duration) or duration < 0:
        return None
    return int(duration * nanoseconds)


def links_of(value: Any) -> tuple[list[TraceContext], int]:
    """Return the links that *value* says, and how many of them are none."""
    if value is None or value is UNSET:
        return [], 0
    given: Sequence[Any] = (value,) if isinstance(value, str) else tuple(value)
    found = [_context(one) for one in given[:_MAX_LINKS]]
    valid = [one for one in found if one is not None]
    return valid, len(given) - len(valid)


def _context(value: object) -> TraceContext | None:
    if isinstance(value, str):
        return trace_context.parse(value)
    if not isinstance(value, TraceContext):
        return None
    is_valid = is_trace_id(value.trace_id) and is_span_id(value.span_id)
    return value if is_valid else None


class SpanName:
    """Makes the names of spans: texts, each followed by a field's value or nothing."""

    def __init__(self, parts: Sequence[tuple[str, int | None]]) -> None:
        self._parts = parts

    def of(self, row: Sequence[Any], findings: Findings, place: int) -> str:
        """Return the name of the span of an event with the values *row*."""
        words: list[str] = []
        for text, index in self._parts:
            words.append(text)
            if index is not None:
                words.append(_text(row[index], "$.event", findings, place))
        return "".join(words)


def _text(value: Any, path: str, findings: Findings, place: int) -> str:
    if value is None or value is UNSET:
        return ""
    form = PlainForm(_NAME_LIMITS)
    plain = form.of(value, path)
    findings.note(form, place)
    return as_text(plain)


class Exceptions(msgspec.Struct, frozen=True):
    """Finds what an event says of an exception or an error.

    Args:
        named: The fields of the exception: name of the attribute, place in the event.
        messages: Places of the fields with a message, the best one first.
        fields: Names of the fields in ``named``.
        limits: How long their values may be.
    """

    named: Sequence[tuple[str, int]]
    messages: Sequence[int]
    fields: Sequence[str]
    limits: AttributeLimits

    @classmethod
    def of(
        cls,
        described: EventType,
        limits: AttributeLimits,
        *,
        without: Container[str] = (),
    ) -> Exceptions:
        """Look through the fields of an event type, but for those in *without*."""
        names = [
            "" if field.name in without else name_of(field)
            for field in described.fields
        ]
        own = [(n, i) for i, n in enumerate(names) if n.startswith(_EXCEPTION)]
        messages = [names.index(name) for name in _MESSAGES if name in names]
        fields = [described.fields[index].name for _, index in own]
        return cls(own, messages, fields, limits)

    def attributes(
        self, row: Sequence[Any], findings: Findings, place: int
    ) -> dict[str, Plain]:
        """Return the attributes of the exception; none where there was none."""
        form = PlainForm(self.limits)
        found = {
            name: form.of(row[index], f"$.event[{name!r}]")
            for name, index in self.named
            if row[index] is not None and row[index] is not UNSET
        }
        findings.note(form, place)
        return found

    def message(self, row: Sequence[Any], findings: Findings, place: int) -> str:
        """Return what went wrong in words; empty where nobody says."""
        for index in self.messages:
            if isinstance(row[index], str) and row[index]:
                return _text(row[index], "$.event", findings, place)
        return ""
