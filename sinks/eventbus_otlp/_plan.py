"""What is worked out once for each event type: its attributes and what is constant."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import msgspec

from eventbus import Event
from eventbus._catalog import EventField, EventType
from eventbus_otlp._column import Column
from eventbus_otlp._findings import Findings
from eventbus_otlp._group import Group
from eventbus_otlp._limits import AttributeLimits
from eventbus_otlp._names import RECORD_ID, WEIGHT, AttributeNames
from eventbus_otlp._plain_value import Convert
from eventbus_otlp._writer import Cells, RecordWriter, ValueWriter


class AttributeColumn(NamedTuple):
    """What becomes an attribute.

    Args:
        name: Its own name, which no bound attribute has beside it.
        values: Returns its values in a group; none where no record has one.
        column: Writes them.
    """

    name: str
    values: Callable[[Group, Sequence[Sequence[Any]]], Sequence[Any] | None]
    column: Column


class Plan(NamedTuple):
    """How records of one event type are written.

    Args:
        attributes: Their attributes but the bound ones, in the order of their weight
            when there are too many.
        around: Returns the parts before and after the attributes. It is given the
            group, its events' values by field, how many attributes each of its records
            is short of, and the findings to add to.
    """

    attributes: Sequence[AttributeColumn]
    around: Callable[
        [Group, Sequence[Sequence[Any]], Sequence[int], Findings],
        tuple[Sequence[Cells], Sequence[Cells]],
    ]


class Attributes(msgspec.Struct, frozen=True):
    """Works out the attributes of event types.

    Args:
        writer: Writes them.
        limits: Of their number and length.
        names: What they are called.
        convert_others: See :class:`Column`.
        with_id: Whether the record's id is one of them.
    """

    writer: RecordWriter
    limits: AttributeLimits
    names: AttributeNames
    convert_others: Convert | None = None
    with_id: bool = True

    def of(
        self, described: EventType, without: Sequence[str | None] = ()
    ) -> list[AttributeColumn]:
        """Return those of an event type but the fields named in *without*."""
        attributes = [
            AttributeColumn(WEIGHT, _weights, self._column(WEIGHT, "$.weight")),
        ]
        if self.with_id:
            column = self._column(RECORD_ID, "$.id")
            attributes.insert(0, AttributeColumn(RECORD_ID, _ids, column))
        for index, field in enumerate(described.fields):
            if field.name not in without:
                name = name_of(field)
                column = self._column(name, _path(field), field)
                attributes.append(AttributeColumn(name, _Values(index), column))
        return [one for one in attributes if one.name not in self.names.left_out]

    def column(self, writer: ValueWriter, field: EventField) -> Column:
        """Return what writes *field* elsewhere, its values as they are."""
        length = self.limits.value_length
        return Column(writer, _path(field), node=field.node, max_length=length)

    def named(self, name: str) -> Column:
        """Return what writes an attribute that no event type has a field for."""
        return self._column(name, "$.attributes")

    def _column(self, name: str, path: str, field: EventField | None = None) -> Column:
        return Column(
            self.writer.attribute(self.names.renamed.get(name, name)),
            path,
            node=None if field is None else field.node,
            few=field is not None and field.label,
            max_length=None if field is None else self.limits.value_length,
            convert=self.names.conversion(name),
            convert_others=self.convert_others,
        )


def name_of(field: EventField) -> str:
    """Return the own name of a field's attribute."""
    return field.attribute or field.encode_name


def _path(field: EventField) -> str:
    return f"$.event.{field.encode_name}"


class _Values(msgspec.Struct, frozen=True):
    index: int

    def __call__(self, group: Group, values: Sequence[Sequence[Any]]) -> Sequence[Any]:
        return values[self.index]


def _ids(group: Group, values: Sequence[Sequence[Any]]) -> Sequence[str | None]:
    return group.ids if all(group.ids) else [id_ or None for id_ in group.ids]


def _weights(
    group: Group, values: Sequence[Sequence[Any]]
) -> Sequence[float | None] | None:
    if set(group.weights) == {1}:
        return None
    return [None if weight == 1 else float(weight) for weight in group.weights]


def values_of(events: Sequence[Event]) -> Sequence[Sequence[Any]]:
    """Return the values of *events*, all of one type, field by field."""
    return list(zip(*map(msgspec.structs.astuple, events), strict=True))
