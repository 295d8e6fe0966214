"""How sealed events become records, and what redaction leaves of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from copy import copy
from itertools import repeat
from math import inf
from typing import Any, Final, cast

import msgspec

from eventbus._catalog import EventType
from eventbus._check import FieldCheck
from eventbus._context import UNBOUND, Bound, TraceContext
from eventbus._event import REDACTED as REDACTED
from eventbus._event import Event
from eventbus._record import (
    NO_ATTRIBUTES,
    AnyRecord,
    Attributes,
    AttributeValue,
    Record,
    frozen,
    limited,
)
from eventbus._severity import SEVERITY_NUMBER, Severity
from eventbus._window import Item, Window, event_of

_NO_TRACE: Final = TraceContext("", "")

# Any: the fields of a record are of many types.
_values: Final[Callable[[AnyRecord], tuple[Any, ...]]] = msgspec.structs.astuple


class RecordPlan:
    """What is the same for every record of one event type, worked out once."""

    __slots__ = (
        "_content",
        "check",
        "event_type",
        "field_names",
        "has_own_severity",
        "severity",
        "version",
    )

    def __init__(self, event_type: EventType) -> None:
        """Work it out."""
        self.event_type = event_type
        self.check = FieldCheck(event_type.cls)
        fields = event_type.fields
        self.field_names = frozenset(field.name for field in fields)
        self._content = frozenset(field.name for field in fields if field.sensitive)
        self.has_own_severity = event_type.has_own_severity
        self.severity: Severity = event_type.identity.severity
        self.version = event_type.identity.version

    def beside(self, event: Event, attributes: Attributes) -> Attributes:
        """Return what *attributes* say that no field of *event* says.

        A field that is ``None`` says nothing, unless it is content: that may have been
        taken away.
        """
        if self.field_names.isdisjoint(attributes):
            return attributes
        said = {
            name
            for name in self.field_names.intersection(attributes)
            if name in self._content or getattr(event, name) is not None
        }
        if not said:
            return attributes
        return Attributes({k: v for k, v in attributes.items() if k not in said})


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
        max_attributes: Most attributes of a record.
        warn: Called with a reason and a count for what goes on though it is wrong.
    """

    def __init__(
        self,
        *,
        resource: Mapping[str, AttributeValue],
        id_prefix: str,
        max_attributes: int,
        warn: Callable[[str, int], None],
    ) -> None:
        """Keep what all records share; types add their plans when first seen."""
        self.plans: dict[type[Event], RecordPlan] = {}
        self._resource = resource
        self.id_prefix = id_prefix
        self._max_attributes = max_attributes
        self._warn = warn
        self._again = copy(self)
        self._again._warn = _say_nothing

    def start_over(self, id_prefix: str) -> None:
        """Make other ids from now on, in the child of a fork."""
        self.id_prefix = self._again.id_prefix = id_prefix

    def make(self, window: Window) -> list[AnyRecord]:
        """Make the records of *window*; what is wrong with them is told once."""
        return (self._again if window.was_made else self)._make(window)

    def _make(self, window: Window) -> list[AnyRecord]:
        kinds = set(map(type, window.items))
        plain = window.weights is None and not any(window.contexts)
        if plain and len(kinds) == 1 and Record not in kinds:
            plan = self.plans.get(kinds.pop())
            if plan is not None and not plan.has_own_severity:
                return self._make_alike(window, plan)
        return list(
            map(
                self._make_one,
                window.items,
                _since_1970(window.times),
                window.contexts,
                window.sequences,
                window.weights or repeat(1.0),
            )
        )

    def _make_alike(self, window: Window, plan: RecordPlan) -> list[AnyRecord]:
        prefix, times = self.id_prefix, _since_1970(window.times)
        self._count_invalid(plan, window.items)  # type: ignore[arg-type]
        return list(
            map(
                Record,
                window.items,
                [f"{prefix}{sequence:x}" for sequence in window.sequences],
                window.sequences,
                times,
                times,
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
        attributes = plan.beside(item, bound.attributes)
        dropped = bound.dropped_attributes_count
        if dropped or len(attributes) > self._max_attributes:
            attributes, dropped = self._cut(attributes, dropped)
        return Record(
            item,
            f"{self.id_prefix}{sequence:x}",
            sequence,
            time,
            time,
            severity_of(item, plan.event_type),
            attributes,
            self._resource,
            trace.trace_id or None,
            trace.span_id or None,
            None,
            trace.trace_flags,
            trace.tracestate,
            plan.version,
            weight,
            dropped,
        )

    def _relayed(
        self, record: AnyRecord, time: int, sequence: int, weight: float
    ) -> AnyRecord:
        plan = self.plans[type(record.event)]
        if plan.check.error(record.event) is not None:
            self._warn("invalid_value", 1)
        try:
            return self._complete(record, plan, time, sequence, weight)
        except Exception:  # noqa: BLE001 - its values are of whatever types
            self._warn("invalid_value", 1)
            return self._make_one(record.event, time, None, sequence, weight)

    def _complete(
        self,
        record: AnyRecord,
        plan: RecordPlan,
        time: int,
        sequence: int,
        weight: float,
    ) -> AnyRecord:
        (
            event, id_, _, happened, observed, said, bound, resource, trace_id,
            span_id, parent, flags, tracestate, version, own_weight, dropped,
        ) = _values(record)  # fmt: skip
        attributes: Attributes = bound
        if type(attributes) is not Attributes:
            attributes = frozen(attributes)
        attributes = plan.beside(event, attributes)
        if dropped or len(attributes) > self._max_attributes:
            attributes, dropped = self._cut(attributes, dropped)
        severity = plan.severity
        if said is not None or plan.has_own_severity:
            severity = severity_of(record, plan.event_type)
        return Record(
            event,
            id_ or f"{self.id_prefix}{sequence:x}",
            sequence,
            happened if happened > 0 else time,
            observed if observed > 0 else time,
            severity,
            attributes,
            self._resource if resource is None else resource,
            trace_id,
            span_id,
            parent,
            flags,
            tracestate,
            version or plan.version,
            own_weight * weight if 0 < own_weight < inf else weight,
            dropped,
        )

    def _cut(self, attributes: Attributes, dropped: int) -> tuple[Attributes, int]:
        """Return what a record has of *attributes*, and how many are left out."""
        kept, left_out = limited(attributes, self._max_attributes)
        dropped += left_out
        self._warn("truncated", 1)
        return kept, dropped


def _say_nothing(reason: str, count: int) -> None:
    """What was made once was told then."""


def _since_1970(times: Sequence[int]) -> Sequence[int]:
    """Return *times* without the negative ones of a clock that was set wrong.

    Only the first and the last are looked at: it is wrong for a whole pass, or right.
    """
    if times and (times[0] < 0 or times[-1] < 0):
        return [max(time, 0) for time in times]
    return times
