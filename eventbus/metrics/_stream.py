"""What is counted of one service: its metrics, and which event types feed them."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Mapping
from typing import Final, NamedTuple

from eventbus._catalog import Catalog, EventType
from eventbus._errors import MetricError
from eventbus._event import Event
from eventbus._log import LOGGER_NAME
from eventbus._record import AttributeValue
from eventbus.metrics._declaration import Aggregation, Metrics
from eventbus.metrics._group import Change, Example, Group
from eventbus.metrics._plan import MetricPlan, NameOf, plans_of
from eventbus.metrics._rows import Rows, Warn
from eventbus.metrics._table import Table


class _Fed(NamedTuple):
    """What one event type feeds, and how many metrics it should feed but cannot."""

    groups: list[Group]
    refused: int


class Stream:
    """The metrics of one service.

    Args:
        resource: The service's; ``None`` is this one.
        catalog: Where event types are described.
        aggregation: The bounds.
        name_of: What the label of a field is called.
        warn: Called with a reason and a count.
        declared: Metrics of event types by name, where *catalog* has none.
    """

    def __init__(
        self,
        resource: Mapping[str, AttributeValue] | None,
        catalog: Catalog,
        aggregation: Aggregation,
        name_of: NameOf,
        warn: Warn,
        declared: Mapping[str, Metrics],
    ) -> None:
        """Begin with no metrics; each event type adds its own when it is first seen."""
        self.resource: Final = resource
        self.tables: Final[dict[str, Table]] = {}
        self._catalog: Final = catalog
        self._aggregation: Final = aggregation
        self._name_of: Final = name_of
        self._warn: Final = warn
        self._declared: Final = declared
        self._fed: Final[dict[type[Event], _Fed]] = {}

    def changes(self, kind: type[Event], rows: Rows) -> list[Change | Example]:
        """Return what *rows* of events of *kind* add to the metrics."""
        fed = self._fed.get(kind)
        if fed is None:
            fed = self._fed[kind] = self._learn(kind)
        if fed.refused:
            self._warn("metric_conflict", fed.refused * len(rows.events))
        return [change for group in fed.groups for change in group.changes(rows)]

    def _learn(self, kind: type[Event]) -> _Fed:
        """Make the tables that events of *kind* feed."""
        plans = self._plans(self._catalog.register(kind))
        alike: defaultdict[object, list[tuple[MetricPlan, Table]]] = defaultdict(list)
        refused = 0
        for plan in plans:
            try:
                table = self._table(plan)
            except MetricError as error:
                refused += 1
                self._say(str(error))
                continue
            alike[plan.labels, plan.bound].append((plan, table))
        groups = [Group(own, self._aggregation, self._warn) for own in alike.values()]
        return _Fed(groups, refused)

    def _plans(self, event_type: EventType) -> tuple[MetricPlan, ...]:
        declared = self._catalog.metrics.get(event_type.name)
        declared = declared or self._declared.get(event_type.name)
        try:
            return plans_of(event_type, declared, name_of=self._name_of)
        except MetricError as error:
            self._say(f"metrics of {event_type.name!r} are not as configured: {error}")
            self._warn("metric_conflict", 1)
            return plans_of(event_type, name_of=self._name_of)

    def _table(self, plan: MetricPlan) -> Table:
        table = self.tables.get(plan.name)
        if table is None:
            made = Table(plan, self._aggregation.max_series)
            table = self.tables[plan.name] = made
        table.check_same(plan)
        return table

    def _say(self, text: str) -> None:
        if self.resource is None:
            logging.getLogger(LOGGER_NAME).warning("%s", text)
