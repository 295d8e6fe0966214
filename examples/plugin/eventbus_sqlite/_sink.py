"""When the database is opened, written to and closed."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from typing import ClassVar

import anyio.to_thread

from eventbus import Outcome
from eventbus_sqlite._client import Database
from eventbus_sqlite._encode import AnyRecord, encode_rows
from eventbus_sqlite._settings import SqliteSettings


class SqliteSink:
    """Keeps each record as a row; a batch is one transaction.

    An attempt that was cancelled may have been written; as the id is the primary key,
    trying again writes no row twice.

    Args:
        settings: See :class:`SqliteSettings`.
    """

    Settings: ClassVar = SqliteSettings
    ordered: ClassVar = True
    sink_api: ClassVar = 1

    def __init__(self, settings: SqliteSettings) -> None:
        """Open nothing yet."""
        self._settings = settings
        self._database = Database(settings)
        self._parents: object = None

    def after_fork(self) -> None:
        """Leave the parent's connection alone, unclosed, as SQLite asks for."""
        self._parents = (self._database, self._parents)
        self._database = Database(self._settings)

    async def start(self) -> None:
        """See :class:`eventbus.Sink`; opens the file and makes the table."""
        await anyio.to_thread.run_sync(self._database.open, abandon_on_cancel=True)

    async def write(self, batch: Sequence[AnyRecord]) -> Outcome | None:
        """See :class:`eventbus.Sink`."""
        encoded = encode_rows(batch)
        cancelled = threading.Event()
        try:
            await anyio.to_thread.run_sync(
                self._database.insert, encoded.rows, cancelled, abandon_on_cancel=True
            )
        except asyncio.CancelledError:
            cancelled.set()
            self._database.interrupt()
            raise
        return Outcome(unencodable=encoded.unencodable)

    async def check(self) -> None:
        """Raise when the database cannot be read."""
        await anyio.to_thread.run_sync(self._database.ping, abandon_on_cancel=True)

    async def aclose(self) -> None:
        """See :class:`eventbus.Sink`; waits for the transaction that runs."""
        await anyio.to_thread.run_sync(self._database.close)
