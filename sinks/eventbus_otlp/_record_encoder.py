"""How a batch becomes a request: by type, in columns, one bad event for itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import compress
from typing import Any, Final

from eventbus import Event
from eventbus._json_form import NoJsonForm
from eventbus._naming import Names
from eventbus._record import AnyRecord, AttributeValue
from eventbus_otlp._bound_cells import OwnColumns, bound_cells
from eventbus_otlp._encoded import Encoded
from eventbus_otlp._findings import Findings
from eventbus_otlp._group import Group
from eventbus_otlp._limits import AttributeLimits
from eventbus_otlp._plan import Plan, values_of
from eventbus_otlp._resources import Resources
from eventbus_otlp._writer import Cells, RecordWriter

_MAX_COUNT: Final = 2**32 - 1  # of attributes left out: an unsigned integer of 32 bits


class _Plans(dict[type[Event], Plan | None]):
    """Plans by event type, made at first sight."""

    def __init__(self, plan_of: Callable[[type[Event]], Plan | None]) -> None:
        self._plan_of = plan_of

    def __missing__(self, event_type: type[Event]) -> Plan | None:
        plan = self[event_type] = self._plan_of(event_type)
        return plan


class RecordEncoder:
    """Makes requests of records, whatever the signal and the form.

    The records of one event type are written together, field by field: what a value
    costs is a few steps in C. Where that raises, they are written in halves, and the
    one that cannot be written is named; the others do not pay.

    Args:
        writer: Knows the signal and the form.
        plan_of: Works out what records of a type consist of; ``None``: they are not
            sent.
        resource: Of records that came from this bus.
        bus_resource: The resource that such records carry; ``None``: none of its own.
        limits: How many attributes a record has, and how long they are.
        resource_names: Other names of the attributes of resources.
    """

    def __init__(
        self,
        writer: RecordWriter,
        plan_of: Callable[[type[Event]], Plan | None],
        *,
        resource: Mapping[str, AttributeValue],
        bus_resource: Mapping[str, AttributeValue] | None,
        limits: AttributeLimits,
        resource_names: Mapping[str, Names],
    ) -> None:
        self._writer = writer
        self._plans = _Plans(plan_of)
        self._resources = Resources(
            writer.resource, resource, bus_resource, resource_names
        )
        self._limit = limits.count

    def encode(self, batch: Sequence[AnyRecord]) -> Encoded:
        """Return *batch* as one request. Raises nothing."""
        if not batch:
            return Encoded(b"", ())
        everything = Group.of(batch)
        rows, left_out = [b""] * len(batch), False
        findings = Findings()
        for event_type, group in everything.by_type():
            own = self._rows(event_type, group, findings)
            left_out = left_out or not all(own)
            if group is everything:
                rows = own
            else:
                for place, row in zip(group.places, own, strict=True):
                    rows[place] = row
        if not left_out:
            return self._encoded(
                range(len(batch)), rows, everything.resources, findings
            )
        sent = [place for place, row in enumerate(rows) if row]
        resources = list(compress(everything.resources, rows))
        return self._encoded(sent, list(filter(None, rows)), resources, findings)

    def _encoded(
        self,
        sent: Sequence[int],
        rows: Sequence[bytes],
        resources: Sequence[Mapping[str, Any] | None],
        findings: Findings,
    ) -> Encoded:
        unencodable = sorted(findings.unencodable.items())
        if not sent:
            return Encoded(b"", (), unencodable)
        body = self._writer.request(self._resources.sorted(rows, resources))
        return Encoded(body, sent, unencodable, findings.warned())

    def _rows(
        self, event_type: type[Event], group: Group, findings: Findings
    ) -> list[bytes]:
        """Return each record of *group* as it is written; nothing for bad ones."""
        try:
            plan = self._plans[event_type]
            if plan is None:
                return [b""] * len(group.places)
            rows = self._together(plan, group, findings)
        except Exception as error:  # noqa: BLE001 - values raise what they like
            return self._apart(event_type, group, findings, error)
        bad = findings.unencodable
        if bad:
            return [
                b"" if place in bad else row
                for place, row in zip(group.places, rows, strict=True)
            ]
        return rows

    def _apart(
        self,
        event_type: type[Event],
        group: Group,
        findings: Findings,
        error: Exception,
    ) -> list[bytes]:
        size = len(group.places)
        if size == 1:
            reason = f"encoding raised {type(error).__name__}"
            if isinstance(error, NoJsonForm):
                reason = str(error)
            findings.unencodable.setdefault(group.places[0], reason)
            return [b""]
        halves = range(size // 2), range(size // 2, size)
        return [
            row
            for half in halves
            for row in self._rows(event_type, group.only(half), findings)
        ]

    def _together(self, plan: Plan, group: Group, findings: Findings) -> list[bytes]:
        values = values_of(group.events)
        keys: list[frozenset[str]] = []
        attributes: list[list[bytes]] = []
        for own_keys, values_in, column in plan.attributes:
            own = values_in(group, values)
            if own is not None:
                cells = column.cells(own, group.places, findings)
                if any(cells):
                    keys.append(own_keys)
                    attributes.append(cells)
        own_columns = OwnColumns(keys, attributes)
        bound, dropped = bound_cells(
            plan.bound, own_columns, group, findings, limit=self._limit
        )
        if bound:
            attributes.append(bound)
        before, after = plan.around(group, values, dropped, findings)
        return self._writer.records(before, attributes, after)


def short_of(writer: RecordWriter, dropped: Sequence[int]) -> list[Cells]:
    """Return what is written of the attributes that records are short of, if any."""
    if not any(dropped):
        return []
    write = writer.dropped_attributes
    return [[write(min(max(count, 0), _MAX_COUNT)) for count in dropped]]
