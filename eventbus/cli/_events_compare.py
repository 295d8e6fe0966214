"""``eventbus events --compare OLD``: what has changed since an export, and what breaks.

Exit status 1 when something breaks readers, 0 when nothing does, 2 when OLD is none.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any, Final

import msgspec

from eventbus.cli._account import FAILED, OK
from eventbus.cli._event_changes import Change, changes
from eventbus.cli._event_shapes import shapes
from eventbus.cli._schema_types import Schema
from eventbus.cli._stream import STDIN, shown_name
from eventbus.cli._tables import Cell, Column, Table, show
from eventbus.cli._terminal import put, put_json
from eventbus.cli._usage import UsageError
from eventbus.config._tree import as_table

# Any in this module: JSON.

_MADE_BY: Final = "what `eventbus events --json-schema` prints"


def compare(path: str, new: Schema, *, only: str | None, as_json: bool) -> int:
    """Say what has changed from the export at *path* to *new*; return the exit status.

    Args:
        path: Of the file; ``-`` is the standard input.
        new: The export of now.
        only: The event that alone is compared, by name; ``None``: all are.
        as_json: Whether to print one JSON object.

    Raises:
        UsageError: The file cannot be read, or is no export of event types.
    """
    old = _read(path, only)
    try:
        found = changes(old, new)
    except (LookupError, TypeError, AttributeError, RecursionError) as error:
        # What a file may hold.
        raise _no_export(path, str(error)) from error
    is_breaking = any(one.is_breaking for one in found)
    if as_json:
        listed = [_as_json(one) for one in found]
        put_json({"breaking": is_breaking, "changes": listed})
    elif found:
        show(_table(found), put)
    else:
        put("Nothing has changed.")
    return FAILED if is_breaking else OK


def _read(path: str, only: str | None) -> Schema:
    name = shown_name(path)
    try:
        data = sys.stdin.buffer.read() if path == STDIN else Path(path).read_bytes()
    except (OSError, ValueError, AttributeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise UsageError(f"Cannot read {name}: {reason}") from error
    try:
        text = data.decode(json.detect_encoding(data))  # PowerShell writes UTF-16
        document = as_table(msgspec.json.decode(text)) or {}
        shapes(document)
    except (ValueError, RecursionError) as error:
        raise _no_export(path, str(error)) from error
    if only is None:
        return document
    known: Any = document["$defs"]
    return {**document, "$defs": {only: known[only]} if only in known else {}}


def _no_export(path: str, reason: str) -> UsageError:
    return UsageError(
        f"Cannot compare with {shown_name(path)}: expected {_MADE_BY}, got something "
        f"else: {reason}"
    )


def _table(found: list[Change]) -> Table:
    columns = [
        Column(""),
        Column("event"),
        Column("field"),
        Column("rule"),
        Column("", may_wrap=True),
    ]
    ordered = sorted(found, key=lambda one: not one.is_breaking)
    return Table(columns, [_row(one) for one in ordered])


def _row(one: Change) -> list[Cell]:
    kind = Cell("breaking", "red") if one.is_breaking else Cell("compatible", "dim")
    return [
        kind,
        Cell(one.event, "bold"),
        Cell(one.field or ""),
        Cell(one.rule.replace("_", " ")),
        Cell(one.detail, "dim"),
    ]


def _as_json(one: Change) -> dict[str, Any]:
    said: dict[str, Any] = {
        "event": one.event,
        "rule": one.rule,
        "breaking": one.is_breaking,
    }
    optional = {"field": one.field, "detail": one.detail or None}
    return said | {key: text for key, text in optional.items() if text is not None}
