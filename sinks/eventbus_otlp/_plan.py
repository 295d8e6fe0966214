"""What is worked out once for each event type: its attributes and what is constant."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, Final, NamedTuple

import msgspec

from eventbus import Event
from eventbus._catalog import EventField, EventType
from eventbus._naming import AttributeNaming, names_of
from eventbus._record import AttributeValue
from eventbus_otlp._bound import BoundAttributes
from eventbus_otlp._column import Column
from eventbus_otlp._findings import Findings
from eventbus_otlp._group import Group
from eventbus_otlp._limits import NO_LIMITS, AttributeLimits
from eventbus_otlp._names import RECORD_ID, WEIGHT, change_of, outside
from eventbus_otlp._plain_value import Convert
from eventbus_otlp._writer import Cells, RecordWriter, ValueWriter

_Values = Callable[[Group, Sequence[Sequence[Any]]], Sequence[Any] | None]

_NO_CONSTANTS: Final[Mapping[str, AttributeValue]] = {}


class AttributeColumn(NamedTuple):
    """What becomes an attribute.

    Args:
        keys: Own names of the bound attributes that make way for it.
        values: Returns its values in a group; none where no record has one.
        column: Writes them.
    """

    keys: frozenset[str]
    values: _Values
    column: Column


class Plan(NamedTuple):
    """How records of one event type are written.

    Args:
        attributes: Their attributes but the bound ones, in the order of their weight
            when there are too many.
        bound: Writes the bound ones.
        around: Returns the parts before and after the attributes. It is given the
            group, its events' values by field, how many attributes each of its records
            is short of, and the findings to add to.
    """

    attributes: Sequence[AttributeColumn]
    bound: BoundAttributes
    around: Callable[
        [Group, Sequence[Sequence[Any]], Sequence[int], Findings],
        tuple[Sequence[Cells], Sequence[Cells]],
    ]


class Source(NamedTuple):
    """Where the values of an attribute come from.

    Args:
        name: The attribute's own name; ``""``: what is called as it is.
        values: See :class:`AttributeColumn`.
        path: Where they are, for reasons.
        field: Whose they are; ``None``: no field's.
        called: What it is called, whatever its own name is called.
        few: Whether its values are few; a field says it itself.
    """

    name: str
    values: _Values
    path: str
    field: EventField | None = None
    called: str = ""
    few: bool = False


class Attributes(msgspec.Struct, frozen=True):
    """Works out the attributes of event types.

    Args:
        writer: Writes them.
        limits: Of their number and length.
        convert_others: See :class:`Column`.
        with_id: Whether the record's id is one of them.
    """

    writer: RecordWriter
    limits: AttributeLimits
    convert_others: Convert | None = None
    with_id: bool = True

    def of(
        self,
        described: EventType,
        naming: AttributeNaming,
        *,
        without: Collection[str | None] = (),
        constants: Mapping[str, AttributeValue] = _NO_CONSTANTS,
        more: Sequence[Source] = (),
    ) -> list[AttributeColumn]:
        """Return those of an event type.

        Args:
            described: The event type.
            naming: What they are called.
            without: Names of fields that are none.
            constants: What is there, by its name outside, where no field is.
            more: What is there beside.
        """
        fields = [
            Source(name_of(field), _Field(index), _path(field), field)
            for index, field in enumerate(described.fields)
            if field.name not in without
        ]
        columns: list[AttributeColumn] = []
        served: dict[str, Source] = {}
        for source in (*_OF_RECORDS[not self.with_id :], *more, *fields):
            if source.name in naming.left_out:
                continue
            columns += [
                self._column(name, source, naming)
                for name in _called(source, naming)
                if served.setdefault(name, source) is source
            ]
        for name, value in constants.items():
            other = served.get(name)
            values = _Constant(value, None if other is None else other.values)
            source = Source("", values, "$.attributes", few=True)
            columns.append(self._column(name, source, naming))
        return columns

    def column(self, writer: ValueWriter, field: EventField) -> Column:
        """Return what writes *field* elsewhere, its values as they are."""
        return Column(writer, _path(field), node=field.node, limits=self.limits)

    def bound(self, naming: AttributeNaming) -> BoundAttributes:
        """Return what writes bound attributes."""
        return BoundAttributes(self.writer, naming, self.limits, self.convert_others)

    def _column(
        self, name: str, source: Source, naming: AttributeNaming
    ) -> AttributeColumn:
        field = source.field
        column = Column(
            self.writer.attribute(name),
            source.path,
            node=None if field is None else field.node,
            few=source.few if field is None else field.label,
            limits=NO_LIMITS if field is None else self.limits,
            change=change_of(naming, source.name),
            convert_others=self.convert_others,
        )
        return AttributeColumn(_keys(name, naming), source.values, column)


def name_of(field: EventField) -> str:
    """Return the own name of a field's attribute."""
    return field.attribute or field.encode_name


def _path(field: EventField) -> str:
    return f"$.event.{field.encode_name}"


def _called(source: Source, naming: AttributeNaming) -> tuple[str, ...]:
    return (source.called,) if source.called else outside(naming.renamed, source.name)


def _keys(name: str, naming: AttributeNaming) -> frozenset[str]:
    """Return the own names of what is called *name*."""
    renamed = naming.renamed
    keys = {key for key, names in renamed.items() if name in names_of(names)}
    return frozenset(keys | ({name} if name in outside(renamed, name) else set()))


class _Field(msgspec.Struct, frozen=True):
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


class _Constant(msgspec.Struct, frozen=True):
    """A value, where *other* has none."""

    value: AttributeValue
    other: _Values | None

    def __call__(self, group: Group, values: Sequence[Sequence[Any]]) -> Sequence[Any]:
        said = None if self.other is None else self.other(group, values)
        if said is None:
            return [self.value] * len(group.places)
        return [
            self.value if one is None or one is msgspec.UNSET else None for one in said
        ]


_OF_RECORDS: Final = (
    Source(RECORD_ID, _ids, "$.id"),
    Source(WEIGHT, _weights, "$.weight"),
)


def values_of(events: Sequence[Event]) -> Sequence[Sequence[Any]]:
    """Return the values of *events*, all of one type, field by field."""
    return list(zip(*map(msgspec.structs.astuple, events), strict=True))
