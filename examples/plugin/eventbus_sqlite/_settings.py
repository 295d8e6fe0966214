"""Which settings the sink has, by name, and their defaults."""

from __future__ import annotations

import re
from typing import Final

import msgspec

DEFAULT_BUSY_TIMEOUT_SECONDS: Final = 1.0

_TABLE: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,62}")


class SqliteSettings(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True
):
    """Where records are kept, and how many.

    Args:
        path: The database file; made with its table when it is missing.
        table: Its table: letters, digits and ``_``.
        max_rows: How many rows are kept, the newest; ``None`` is no limit.
        busy_timeout_seconds: How long one attempt waits for another writer.
    """

    path: str
    table: str = "events"
    max_rows: int | None = None
    busy_timeout_seconds: float = DEFAULT_BUSY_TIMEOUT_SECONDS

    def __post_init__(self) -> None:
        """Refuse what names no table, and bounds that bound nothing."""
        if not self.path:
            raise ValueError("path must name a file, got ''")
        if not _TABLE.fullmatch(self.table):
            raise ValueError(
                "table must be at most 63 letters, digits or '_', starting with a "
                f"letter, got {self.table!r}"
            )
        if self.max_rows is not None and self.max_rows < 1:
            raise ValueError(f"max_rows must be >= 1, got {self.max_rows}")
        if not self.busy_timeout_seconds >= 0:
            raise ValueError(
                f"busy_timeout_seconds must be >= 0, got {self.busy_timeout_seconds}"
            )
