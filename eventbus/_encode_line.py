"""How a record is written as one line of JSON: what is absent is left out."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from operator import attrgetter
from typing import Any, Final

import msgspec
from msgspec import inspect

from eventbus._catalog import describe
from eventbus._errors import EventBusError
from eventbus._event import Event
from eventbus._json_form import NoJsonForm, json_form, stand_in
from eventbus._least_size import least_size, may_be_over
from eventbus._record import AnyRecord, AttributeValue
from eventbus._severity import Severity
from eventbus._wire import contains, to_written

_SIZED_AT_ONCE: Final = 64  # their lines are held meanwhile
_UNENCODABLE_BYTES: Final = 1024  # what a record counts that no line will be made of
_SHORT: Final = (inspect.IntType, inspect.FloatType, inspect.BoolType)
_null: Final = re.compile(rb"null").search
_null_value: Final = re.compile(rb"[:,\[]null[,}\]]").search
_values: Final = msgspec.structs.astuple


class _Line(msgspec.Struct, omit_defaults=True, gc=False):
    """A line, in the order it is written; Any: None leaves a field out."""

    id: Any = None
    name: Any = None
    time_unix_nano: Any = None
    observed_time_unix_nano: Any = None
    severity: Any = None
    event: Any = None
    attributes: Any = None
    resource: Any = None
    trace_id: Any = None
    span_id: Any = None
    parent_span_id: Any = None
    trace_flags: Any = None
    tracestate: Any = None
    schema_version: Any = None
    weight: Any = None
    dropped_attributes_count: Any = None


class EncodedLines(msgspec.Struct, frozen=True):
    """A batch as lines.

    Args:
        data: Whole lines, each with its line feed; empty when there is none.
        unencodable: Records that have no line: ``(index, reason)`` each.
        warned: Lines that differ from their records, by reason.
    """

    data: bytes
    unencodable: Sequence[tuple[int, str]] = ()
    warned: Mapping[str, int] = msgspec.field(default_factory=dict[str, int])


class _Plan(msgspec.Struct, frozen=True):
    name: str
    severity: Severity
    has_own_severity: bool
    version: int
    written: Callable[..., Any] | None
    may_hold_raw: bool
    declares_raw: bool
    may_be_long: tuple[Callable[[Any], Any], ...]


class _Plans(dict[type[Event], _Plan]):
    def __missing__(self, event_type: type[Event]) -> _Plan:
        described = describe(event_type)
        plan = self[event_type] = _Plan(
            name=described.name,
            severity=described.identity.severity,
            has_own_severity=described.has_own_severity,
            version=described.identity.version,
            written=to_written(described),
            may_hold_raw=contains(described, inspect.AnyType, inspect.CustomType),
            declares_raw=contains(described, inspect.RawType),
            may_be_long=tuple(
                attrgetter(field.name)
                for field in described.fields
                if not isinstance(field.node, _SHORT)
            ),
        )
        return plan


class LineEncoder:
    """Writes records as lines of JSON, and only lines of valid JSON.

    A batch is encoded at once. Where that raises, or may have written ``null`` for a
    number that is none, the records in question are encoded alone, in the forms of
    :mod:`eventbus._json_form`; the others do not pay. Use one per thread.

    Args:
        resource: The bus's own; a record's resource is written only when it differs.
            ``None`` writes each one that a record has.
    """

    def __init__(self, resource: Mapping[str, AttributeValue] | None = None) -> None:
        """Begin without a plan for any type."""
        self._resource = resource
        self._plans = _Plans()
        self._encoder = msgspec.json.Encoder(enc_hook=stand_in)

    def encode(self, records: Sequence[AnyRecord]) -> EncodedLines:
        """Return *records* as lines, in their order. Raises nothing."""
        data = self._at_once(records)
        if data is not None and _null(data) is None:
            return EncodedLines(data)
        lines = self._halved(records) if data is None else data.splitlines(True)
        return self._mended(records, list(map(_unless_null, lines)))

    def encode_one(self, record: AnyRecord) -> bytes:
        """Return *record* as a line with its line feed.

        Raises:
            NoJsonForm: It has no line; the text says why and where.
        """
        encoded = self.encode((record,))
        if encoded.unencodable:
            raise NoJsonForm(encoded.unencodable[0][1])
        return encoded.data

    def sizes(
        self, records: Sequence[AnyRecord], max_bytes: int | None = None, /
    ) -> list[int]:
        """Return the bytes of each record's line, line feed included.

        Exact but for records with values that the encoder alone has no word for: each
        counts as 1,024 bytes, or as its text and collections are at least. So does
        one that is surely over *max_bytes*, whose line is not even made.
        """
        if max_bytes is not None:
            over = self._surely_over(records, max_bytes)
            if over:
                return [self._size(r, i in over) for i, r in enumerate(records)]
        sizes: list[int] = []
        for start in range(0, len(records), _SIZED_AT_ONCE):
            few = records[start : start + _SIZED_AT_ONCE]
            sizes += (
                _least_bytes(record) if line is None else len(line)
                for record, line in zip(few, self._halved(few), strict=True)
            )
        return sizes

    def _surely_over(self, records: Sequence[AnyRecord], max_bytes: int) -> set[int]:
        """Return which of *records* are over *max_bytes* by their lengths alone."""
        events: list[Event] = [record.event for record in records]
        kinds = set(map(type, events))
        for kind in kinds:
            own = events if len(kinds) == 1 else [e for e in events if type(e) is kind]
            fields = self._plans[kind].may_be_long
            if any(may_be_over(own, field, max_bytes) for field in fields):
                break
        else:
            return set()
        return {i for i, event in enumerate(events) if _least(event) > max_bytes}

    def _size(self, record: AnyRecord, is_over: bool) -> int:
        return _least_bytes(record) if is_over else self.sizes((record,))[0]

    def _at_once(self, records: Sequence[AnyRecord]) -> bytes | None:
        """Return the lines, or ``None`` when one of them is none."""
        try:
            data = self._encoder.encode_lines(self._lines(records))
        except Exception:  # noqa: BLE001 - any class of a value may raise as it likes
            return None
        return None if self._has_foreign_text(records, data) else data

    def _lines(self, records: Sequence[AnyRecord]) -> list[_Line]:
        plans, lines = self._plans, list[_Line]()
        seen = shown = None
        for (
            event, id_, _, time, observed, severity, attributes, resource, trace_id,
            span_id, parent, flags, tracestate, version, weight, dropped,
        ) in map(_values, records):  # fmt: skip
            plan = plans[type(event)]
            if resource is not seen:
                seen, shown = resource, None if resource == self._resource else resource
            own = event.severity if plan.has_own_severity else None
            written = plan.written
            version = version or plan.version
            lines.append(
                _Line(
                    id_ or None,
                    plan.name,
                    time or None,
                    None if observed == time else observed or None,
                    severity or own or plan.severity,
                    event if written is None else written(*_values(event)),
                    attributes or None,
                    shown or None,
                    trace_id,
                    span_id,
                    parent,
                    flags if trace_id else flags or None,
                    tracestate,
                    None if version == 1 else version,
                    None if weight == 1 else weight,
                    dropped or None,
                )
            )
        return lines

    def _has_foreign_text(self, records: Sequence[AnyRecord], data: bytes) -> bool:
        """Whether msgspec.Raw, which is written as it is, may have broken a line."""
        kinds: set[type[Event]] = {type(record.event) for record in records}
        plans = [self._plans[kind] for kind in kinds]
        if any(plan.declares_raw for plan in plans):
            return True
        return any(plan.may_hold_raw for plan in plans) and (
            data.count(b"\n") != len(records) or b"\r" in data
        )

    def _halved(self, records: Sequence[AnyRecord]) -> Sequence[bytes | None]:
        """Return a line for each record, ``None`` for those that make it fail."""
        data = self._at_once(records)
        if data is not None:
            return data.splitlines(True)
        if len(records) == 1:
            return (None,)
        middle = len(records) // 2
        return [*self._halved(records[:middle]), *self._halved(records[middle:])]

    def _mended(
        self, records: Sequence[AnyRecord], lines: list[bytes | None]
    ) -> EncodedLines:
        unencodable: list[tuple[int, str]] = []
        sanitized = 0
        for index, line in enumerate(lines):
            if line is None:
                try:
                    lines[index], mended = self._slowly(records[index])
                    sanitized += mended
                except NoJsonForm as error:
                    unencodable.append((index, str(error)))
        data = b"".join(line for line in lines if line is not None)
        warned = {"sanitized": sanitized} if sanitized else {}
        return EncodedLines(data, unencodable, warned)

    def _slowly(self, record: AnyRecord) -> tuple[bytes, bool]:
        try:
            form, sanitized = json_form(self._lines((record,))[0])
            return self._encoder.encode(form) + b"\n", sanitized
        except EventBusError as error:
            raise NoJsonForm(str(error)) from error
        except Exception as error:
            raise NoJsonForm(f"encoding raised {type(error).__name__}") from error


def _least(event: Event) -> int:
    return least_size(event, event.__struct_fields__)


def _least_bytes(record: AnyRecord) -> int:
    return max(_least(record.event), _UNENCODABLE_BYTES)


def _unless_null(line: bytes | None) -> bytes | None:
    if line is None or (_null(line) and _null_value(line)):
        return None
    return line
