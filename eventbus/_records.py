"""How sealed events become records, and what redaction leaves of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from itertools import repeat
from typing import Final, cast

from eventbus._catalog import EventType
from eventbus._check import FieldCheck
from eventbus._context import UNBOUND, Bound, TraceContext
from eventbus._event import REDACTED as REDACTED
from eventbus._event import Event, redacted
from eventbus._record import (
    NO_ATTRIBUTES,
    AnyRecord,
    Attributes,
    AttributeValue,
    Record,
)
from eventbus._severity import SEVERITY_NUMBER, Severity
from eventbus._window import Item, Window, event_of, with_event

_NO_TRACE: Final = TraceContext("", "")


class RecordPlan:
    """What is the same for every record of one event type, worked out once."""

    __slots__ = ("check", "event_type", "field_names", "severity", "version")

    def __init__(self, event_type: EventType) -> None:
        """Work it out."""
        self.event_type = event_type
        self.check = FieldCheck(event_type.cls)
        self.field_names = frozenset(field.name for field in event_type.fields)
        self.severity = event_type.identity.severity
        self.version = event_type.identity.version


def severity_of(item: Item, event_type: EventType) -> Severity:
    """Return how severe *item* is: by itself, else by its type."""
    own: object = item.severity if isinstance(item, Record) else None
    if own is None and event_type.has_own_severity:
        own = getattr(event_of(item), "severity", None)
    if type(own) is str and own in SEVERITY_NUMBER:
        return cast("Severity", own)
    return event_type.identity.severity


class RecordMaker:
    """Makes the records of windows: ids, context, severity, resource.

    Args:
        resource: Of this bus.
        id_prefix: Before the sequence in each id; unique to the bus.
        warn: Called with a reason and a count for what goes on though it is wrong.
    """

    def __init__(
        self,
        *,
        resource: Mapping[str, AttributeValue],
        id_prefix: str,
        warn: Callable[[str, int], None],
    ) -> None:
        """Keep what all records share; types add their plans when first seen."""
        self.plans: dict[type[Event], RecordPlan] = {}
        self._resource = resource
        self._prefix = id_prefix
        self._warn = warn

    def make(self, window: Window) -> list[AnyRecord]:
        """Make the records of *window*."""
        kinds = set(map(type, window.items))
        plain = window.weights is None and not any(window.contexts)
        if plain and len(kinds) == 1 and Record not in kinds:
            plan = self.plans.get(kinds.pop())
            if plan is not None and not plan.event_type.has_own_severity:
                return self._make_alike(window, plan)
        return list(
            map(
                self._make_one,
                window.items,
                window.times,
                window.contexts,
                window.sequences,
                window.weights or repeat(1.0),
            )
        )

    def _make_alike(self, window: Window, plan: RecordPlan) -> list[AnyRecord]:
        prefix = self._prefix
        self._count_invalid(plan, window.items)  # type: ignore[arg-type]
        return list(
            map(
                Record,
                window.items,
                [f"{prefix}{sequence:x}" for sequence in window.sequences],
                window.sequences,
                window.times,
                window.times,
                repeat(plan.severity),
                repeat(NO_ATTRIBUTES),
                repeat(self._resource),
                repeat(None),
                repeat(None),
                repeat(None),
                repeat(0),
                repeat(None),
                repeat(plan.version),
            )
        )

    def _count_invalid(self, plan: RecordPlan, events: Iterable[Event]) -> None:
        error = plan.check.error
        invalid = sum(error(event) is not None for event in events)
        if invalid:
            self._warn("invalid_value", invalid)

    def _make_one(
        self, item: Item, time: int, bound: Bound | None, sequence: int, weight: float
    ) -> AnyRecord:
        if isinstance(item, Record):
            return self._relayed(item, time, sequence, weight)
        plan = self.plans[type(item)]
        self._count_invalid(plan, (item,))
        bound = bound or UNBOUND
        trace = bound.trace or _NO_TRACE
        return Record(
            item,
            f"{self._prefix}{sequence:x}",
            sequence,
            time,
            time,
            severity_of(item, plan.event_type),
            _without(bound.attributes, plan.field_names),
            self._resource,
            trace.trace_id or None,
            trace.span_id or None,
            None,
            trace.trace_flags,
            trace.tracestate,
            plan.version,
            weight,
        )

    def _relayed(
        self, record: AnyRecord, time: int, sequence: int, weight: float
    ) -> AnyRecord:
        self._count_invalid(self.plans[type(record.event)], (record.event,))
        try:
            return self._complete(record, time, sequence, weight)
        except Exception:  # noqa: BLE001 - its values are of whatever types
            self._warn("invalid_value", 1)
            return self._make_one(record.event, time, None, sequence, weight)

    def _complete(
        self, record: AnyRecord, time: int, sequence: int, weight: float
    ) -> AnyRecord:
        plan = self.plans[type(record.event)]
        attributes = record.attributes
        if not isinstance(attributes, Attributes):
            attributes = Attributes(attributes)
        attributes = _without(attributes, plan.field_names)
        return Record(
            record.event,
            record.id or f"{self._prefix}{sequence:x}",
            sequence,
            record.time_unix_nano or time,
            record.observed_time_unix_nano or time,
            severity_of(record, plan.event_type),
            attributes,
            self._resource if record.resource is None else record.resource,
            record.trace_id,
            record.span_id,
            record.parent_span_id,
            record.trace_flags,
            record.tracestate,
            record.schema_version or plan.version,
            record.weight * weight if record.weight > 0 else weight,
        )


def _without(attributes: Attributes, names: frozenset[str]) -> Attributes:
    if names.isdisjoint(attributes):
        return attributes
    return Attributes({k: v for k, v in attributes.items() if k not in names})


class Redaction:
    """Replaces the sensitive fields of one event type."""

    __slots__ = ("_fields",)

    def __init__(self, event_type: EventType) -> None:
        """Remember which fields those are."""
        self._fields = event_type.sensitive_fields

    def __call__(self, item: Item) -> Item:
        """Return *item* with every non-empty sensitive text as ``[REDACTED]``."""
        return with_event(item, redacted(event_of(item), self._fields))
