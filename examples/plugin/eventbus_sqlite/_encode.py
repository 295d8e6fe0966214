"""How a record becomes a row: pure, one record at a time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from eventbus import Event, Record

AnyRecord = Record[Any]  # Any: a batch holds records of every event type
Row = tuple[str, str, int, str, str | None, str | None, float, str, str, str]

COLUMNS: Final = (
    "id TEXT PRIMARY KEY",
    "name TEXT NOT NULL",
    "time_unix_nano INTEGER NOT NULL",
    "severity TEXT NOT NULL",
    "trace_id TEXT",
    "span_id TEXT",
    "weight REAL NOT NULL",
    "event TEXT NOT NULL",
    "attributes TEXT NOT NULL",
    "resource TEXT NOT NULL",
)


class EncodedRows(msgspec.Struct, frozen=True):
    """A batch as rows.

    Args:
        rows: In the order of the records.
        unencodable: The records that have no row: ``(index, reason)`` each.
    """

    rows: Sequence[Row]
    unencodable: Sequence[tuple[int, str]]


def encode_rows(batch: Sequence[AnyRecord]) -> EncodedRows:
    """Return *batch* as rows; a record that has none does not spoil the others."""
    rows: list[Row] = []
    unencodable: list[tuple[int, str]] = []
    for index, record in enumerate(batch):
        try:
            rows.append(_row(record))
        except Exception as error:  # noqa: BLE001 - values bring their own conversions
            unencodable.append((index, f"{type(error).__name__}: no row for it"))
    return EncodedRows(rows, unencodable)


def _row(record: AnyRecord) -> Row:
    event: Event = record.event
    row = (
        record.id,
        record.name,
        record.time_unix_nano,
        record.severity or "info",
        record.trace_id,
        record.span_id,
        record.weight,
        _json(event),
        _json(record.attributes),
        _json(record.resource or {}),
    )
    for value in row:
        if isinstance(value, str):
            value.encode()  # the database takes valid Unicode only
    return row


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()
