"""What the tables ``[metrics."event.name"]`` say, and whether it fits their events."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from eventbus._errors import MetricError
from eventbus._event import is_event_name
from eventbus._expected import shown
from eventbus._place import Place
from eventbus._plugins import installed_catalog
from eventbus.config._tree import as_table
from eventbus.config._values import ValueReader
from eventbus.metrics._declaration import Metrics
from eventbus.metrics._plan import plans_of

# Any in this module: a configuration holds values of any type.


def read_metrics(
    tables: Mapping[str, Any], values: ValueReader, place: Place
) -> dict[str, Metrics]:
    """Return the metrics of event types by name; what is wrong is noted.

    Whether an event type has the fields is looked up where an installed catalog has
    that type; with others it shows when their first event is counted.

    Args:
        tables: The tables by event name.
        values: Reads them.
        place: Where they stand.
    """
    known = installed_catalog() if tables else ()
    types = {event_type.name: event_type for event_type in known}
    read: dict[str, Metrics] = {}
    for name, given in tables.items():
        inner, table = (*place, name), as_table(given)
        if table is None:
            values.problems.add(f"Expected a table, got {shown(given)}", inner)
        elif not is_event_name(name):
            values.problems.add(f"Expected the name of an event, got {name!r}", inner)
        elif (metrics := values.struct(Metrics, table, inner)) is not None:
            try:
                if name in types:
                    plans_of(types[name], metrics)
                read[name] = metrics
            except MetricError as error:
                values.problems.add(str(error), (*inner, *error.place))
    return read
