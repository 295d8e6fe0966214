"""What is bound to the records of a group, beside the attributes of their own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from eventbus_otlp._bound import BoundAttributes, BoundCell
from eventbus_otlp._findings import Findings
from eventbus_otlp._group import Group

# Any in this module: relayed records bring values of any type.


class OwnColumns(NamedTuple):
    """The attributes of a group's own, column by column.

    Args:
        keys: Own names of the bound attributes that make way for each.
        cells: What is written of each; nothing for the records that lack it.
    """

    keys: Sequence[frozenset[str]]
    cells: Sequence[list[bytes]]

    def hiding(self, places: Iterable[int]) -> frozenset[str]:
        """Return what makes way for the columns at *places*."""
        return frozenset[str]().union(*(self.keys[at] for at in places))


def bound_cells(
    bound: BoundAttributes,
    own: OwnColumns,
    group: Group,
    findings: Findings,
    *,
    limit: int | None,
) -> tuple[list[bytes], Sequence[int]]:
    """Return what is bound to each record, and of how many attributes it is short.

    Where nothing is bound to any of them, the former is empty.

    Args:
        bound: Writes it.
        own: Of the records; of those that have too many, the last ones are taken away.
        group: The records.
        findings: Is told what became of them.
        limit: Most attributes of a record.
    """
    distinct = dict(zip(map(id, group.attributes), group.attributes, strict=True))
    most = len(own.keys) + bound.most_names * max(map(len, distinct.values()))
    if limit is not None and most > limit:
        return _within(limit, bound, own, group, findings)
    if not any(distinct.values()):
        return [], group.dropped_attributes
    taken = own.hiding(range(len(own.keys)))
    if all(map(taken.isdisjoint, distinct.values())):
        cells = _shared(bound, distinct, group, findings)
    else:
        cells = _beside(bound, own, group, findings)
    return cells, group.dropped_attributes


def _shared(
    bound: BoundAttributes,
    distinct: Mapping[int, Mapping[str, Any]],
    group: Group,
    findings: Findings,
) -> list[bytes]:
    cells = {key: bound.cell(attributes) for key, attributes in distinct.items()}
    if any(c.reason or c.form.sanitized or c.form.truncated for c in cells.values()):
        for place, attributes in zip(group.places, group.attributes, strict=True):
            findings.note_bound(cells[id(attributes)], place)
    return [cells[id(attributes)].cell for attributes in group.attributes]


def _beside(
    bound: BoundAttributes, own: OwnColumns, group: Group, findings: Findings
) -> list[bytes]:
    """Do the same where some of it has to make way, in some records."""
    rivals: dict[int, list[int]] = {}
    known: dict[tuple[int, ...], BoundCell] = {}
    cells: list[bytes] = []
    for index, attributes in enumerate(group.attributes):
        which = id(attributes)
        if which not in rivals:
            rivals[which] = [
                at for at, k in enumerate(own.keys) if not k.isdisjoint(attributes)
            ]
        present = [at for at in rivals[which] if own.cells[at][index]]
        cell = known.get((which, *present))
        if cell is None:
            cell = bound.cell(attributes, without=own.hiding(present))
            known[which, *present] = cell
        cells.append(cell.cell)
        findings.note_bound(cell, group.places[index])
    return cells


def _within(
    limit: int,
    bound: BoundAttributes,
    own: OwnColumns,
    group: Group,
    findings: Findings,
) -> tuple[list[bytes], Sequence[int]]:
    """Do the same where some records may have too many."""
    added: list[bytes] = []
    dropped = list(group.dropped_attributes)
    for index, attributes in enumerate(group.attributes):
        present = [at for at, cells in enumerate(own.cells) if cells[index]]
        cell = bound.cell(
            attributes,
            without=own.hiding(present),
            room=max(limit - len(present), 0),
        )
        beyond = present[limit:]
        for at in beyond:
            own.cells[at][index] = b""
        added.append(cell.cell)
        dropped[index] += cell.left_out + len(beyond)
        findings.note_bound(cell, group.places[index])
    return added, dropped
