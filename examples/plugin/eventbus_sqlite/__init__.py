"""A sink for eventbus that keeps events in an SQLite table."""

from eventbus_sqlite._settings import SqliteSettings as SqliteSettings
from eventbus_sqlite._sink import SqliteSink as SqliteSink

__all__ = ["SqliteSettings", "SqliteSink"]
