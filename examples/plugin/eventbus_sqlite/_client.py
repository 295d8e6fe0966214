"""The database, and what its errors mean; every call blocks, so call it in a thread."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from typing import Final

from eventbus import Refused, Unavailable
from eventbus_sqlite._encode import COLUMNS, Row
from eventbus_sqlite._settings import SqliteSettings

_FOR_GOOD: Final = frozenset(
    {"SQLITE_ERROR", "SQLITE_NOTADB", "SQLITE_CORRUPT", "SQLITE_MISMATCH"}
)


class Database:
    """One connection, used by one thread at a time.

    Args:
        settings: See :class:`SqliteSettings`.
    """

    def __init__(self, settings: SqliteSettings) -> None:
        """Open nothing yet."""
        self._settings = settings
        self._connection: sqlite3.Connection | None = None
        self._is_closed = False
        self._lock = threading.Lock()

    def open(self) -> None:
        """Open the file and make the table, unless that is done.

        Raises:
            Unavailable: The system refused, or another process holds the file.
            Refused: The file is no database, or its table is another one.
        """
        with self._lock, _translated():
            if self._connection is None and not self._is_closed:
                self._connection = self._opened()

    def _opened(self) -> sqlite3.Connection:
        settings = self._settings
        connection = sqlite3.connect(
            settings.path,
            timeout=settings.busy_timeout_seconds,
            isolation_level=None,
            check_same_thread=False,
        )
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
            columns = ", ".join(COLUMNS)
            connection.execute(
                f"CREATE TABLE IF NOT EXISTS {settings.table} ({columns})"
            )
            names = ", ".join(column.partition(" ")[0] for column in COLUMNS)
            connection.execute(f"SELECT {names} FROM {settings.table} LIMIT 0")  # noqa: S608 - the settings check the name
        except BaseException:
            connection.close()
            raise
        return connection

    def insert(self, rows: Sequence[Row], cancelled: threading.Event) -> None:
        """Write *rows* in one transaction; those whose id is there already stay.

        Args:
            rows: In their order.
            cancelled: Once it is set, nothing more is begun.

        Raises:
            Unavailable: Nothing was written; it may work later.
            Refused: It never will.
        """
        with self._lock, _translated():
            connection = self._connection
            if cancelled.is_set():
                return
            if connection is None:
                raise Unavailable(f"{self._settings.path} is not open")
            connection.execute("BEGIN IMMEDIATE")
            try:
                self._write(connection, rows)
                connection.execute("COMMIT")
            except BaseException:
                connection.rollback()
                raise

    def _write(self, connection: sqlite3.Connection, rows: Sequence[Row]) -> None:
        table, marks = self._settings.table, ", ".join("?" * len(COLUMNS))
        connection.executemany(
            f"INSERT OR IGNORE INTO {table} VALUES ({marks})",  # noqa: S608 - as above
            rows,
        )
        if self._settings.max_rows is not None:
            connection.execute(
                f"DELETE FROM {table} WHERE rowid <= "  # noqa: S608 - as above
                f"(SELECT max(rowid) FROM {table}) - ?",
                (self._settings.max_rows,),
            )

    def interrupt(self) -> None:
        """Make the statement that runs now, if any, fail; from any thread."""
        if self._connection is not None:
            self._connection.interrupt()

    def ping(self) -> None:
        """Read something.

        Raises:
            Unavailable: The database cannot be read now.
            Refused: It never can.
        """
        with self._lock, _translated():
            if self._connection is None:
                raise Unavailable(f"{self._settings.path} is not open")
            self._connection.execute(f"SELECT 1 FROM {self._settings.table} LIMIT 1")  # noqa: S608 - as above

    def close(self) -> None:
        """Close the file; it stays closed."""
        with self._lock:
            self._is_closed = True
            if self._connection is not None:
                self._connection.close()
                self._connection = None


@contextmanager
def _translated() -> Generator[None]:
    try:
        yield
    except sqlite3.Error as error:
        name = getattr(error, "sqlite_errorname", "")
        if name in _FOR_GOOD:
            raise Refused(f"{name}: {error}", permanent=True) from error
        raise Unavailable(f"{name or type(error).__name__}: {error}") from error
