"""Records of a batch as columns, so that a step is taken for all of them at once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from operator import itemgetter
from typing import Any, NamedTuple

import msgspec

from eventbus import Event
from eventbus._record import AnyRecord


class Group(NamedTuple):
    """Records, column by column; see :class:`eventbus.Record`.

    Args:
        places: Where they are in the batch.
    """

    # Any: relayed records bring values of any type.
    places: Sequence[int]
    events: Sequence[Event]
    ids: Sequence[str]
    sequences: Sequence[int]
    times: Sequence[int]
    observed_times: Sequence[int]
    severities: Sequence[Any]
    attributes: Sequence[Mapping[str, Any]]
    resources: Sequence[Mapping[str, Any] | None]
    trace_ids: Sequence[str | None]
    span_ids: Sequence[str | None]
    parent_span_ids: Sequence[str | None]
    trace_flags: Sequence[int]
    tracestates: Sequence[str | None]
    schema_versions: Sequence[int]
    weights: Sequence[float]
    dropped_attributes: Sequence[int]

    @classmethod
    def of(cls, batch: Sequence[AnyRecord]) -> Group:
        """Return all of *batch*, which has at least one record."""
        columns = zip(*map(msgspec.structs.astuple, batch), strict=True)
        return cls(range(len(batch)), *columns)

    def only(self, indexes: Sequence[int]) -> Group:
        """Return some of the records, at least one, by their indexes in this group."""
        if len(indexes) == 1:
            (index,) = indexes
            return Group._make((column[index],) for column in self)
        return Group._make(map(itemgetter(*indexes), self))

    def by_type(self) -> Iterator[tuple[type[Event], Group]]:
        """Yield the records of each event type."""
        kinds = list(map(type, self.events))
        distinct = dict.fromkeys(kinds)
        if len(distinct) == 1:
            yield kinds[0], self
            return
        indexes: dict[type[Event], list[int]] = {kind: [] for kind in distinct}
        for index, kind in enumerate(kinds):
            indexes[kind].append(index)
        for kind, own in indexes.items():
            yield kind, self.only(own)
