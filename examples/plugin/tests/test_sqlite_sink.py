"""The sink keeps the specification, and its table what it was given."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from eventbus import Bus, Event, Record, Refused, Unavailable, bind
from eventbus.testing import FarSide, check_sink
from eventbus_sqlite import SqliteSettings, SqliteSink


class ToolResult(Event, tag="agent.tool_result"):
    """An event of an application."""

    tool_name: str
    duration_ms: float = 0.0
    extra: Any = None


def query(path: Path, sql: str) -> list[Any]:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(sql).fetchall()


def settings(path: Path, **options: Any) -> SqliteSettings:
    return SqliteSettings(path=str(path), **options)


class Table(FarSide):
    """The far side of a sink: the table, read through a connection of its own."""

    def __init__(self, path: Path) -> None:
        self._path = path

    async def received(self) -> Sequence[str]:
        """See :class:`FarSide`."""
        if not self._path.exists():
            return []
        return [id_ for (id_,) in query(self._path, "SELECT id FROM events")]


def test_it_keeps_the_specification(tmp_path: Path) -> None:
    path = tmp_path / "events.db"
    check = check_sink(lambda: SqliteSink(settings(path)), far_side=Table(path))
    assert check.report.advice == ()
    assert check.report.scenarios["hang"].delivered == 60


def run(path: Path, *events: Event, **options: Any) -> Any:
    async def main() -> Any:
        async with Bus({"service.name": "test"}) as bus:
            bus.attach(SqliteSink(settings(path, **options)), name="sqlite")
            for event in events:
                await bus.publish(event)
            return (await bus.flush()).attachments["sqlite"]

    return asyncio.run(main())


def test_a_record_is_a_row_with_its_fields_as_json(tmp_path: Path) -> None:
    path = tmp_path / "events.db"
    with bind(conversation_id="c1"):
        run(path, ToolResult(tool_name="grep", duration_ms=12.5))
    ((name, severity, event, attributes, resource),) = query(
        path, "SELECT name, severity, event, attributes, resource FROM events"
    )
    assert (name, severity) == ("agent.tool_result", "info")
    assert json.loads(event)["duration_ms"] == 12.5
    assert json.loads(attributes) == {"conversation_id": "c1"}
    assert json.loads(resource) == {"service.name": "test"}


def test_a_value_without_a_form_costs_its_own_record_only(tmp_path: Path) -> None:
    path = tmp_path / "events.db"
    bad = ToolResult(tool_name="b", extra=object())
    stats = run(path, ToolResult(tool_name="a"), bad, ToolResult(tool_name="c"))
    assert stats.dropped == {"encode_error": 1}
    assert query(path, "SELECT count(*) FROM events") == [(2,)]


def test_only_the_newest_rows_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "events.db"
    run(path, *[ToolResult(tool_name=str(n)) for n in range(30)], max_rows=10)
    names = query(path, "SELECT json_extract(event, '$.tool_name') FROM events")
    assert names == [(str(n),) for n in range(20, 30)]


def test_a_row_is_written_once_however_often_it_is_tried(tmp_path: Path) -> None:
    path = tmp_path / "events.db"

    async def main() -> None:
        sink = SqliteSink(settings(path))
        await sink.start()
        batch = [Record(ToolResult(tool_name="a"), id="one")]
        await sink.write(batch)
        await sink.write(batch)
        await sink.aclose()

    asyncio.run(main())
    assert query(path, "SELECT id FROM events") == [("one",)]


def test_a_database_that_another_process_holds_is_unavailable(tmp_path: Path) -> None:
    path = tmp_path / "events.db"

    async def main() -> None:
        sink = SqliteSink(settings(path, busy_timeout_seconds=0))
        await sink.start()
        batch = [Record(ToolResult(tool_name="a"), id="one")]
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN EXCLUSIVE")
            with pytest.raises(Unavailable, match="SQLITE_BUSY"):
                await sink.write(batch)
            other.execute("ROLLBACK")
        await sink.write(batch)
        await sink.check()
        await sink.aclose()

    asyncio.run(main())
    assert query(path, "SELECT id FROM events") == [("one",)]


@pytest.mark.parametrize("columns", [None, "id TEXT"])
def test_what_is_no_table_of_its_own_is_refused_for_good(
    tmp_path: Path, columns: str | None
) -> None:
    path = tmp_path / "events.db"
    if columns is None:
        path.write_text("this is no database, however often one looks at it\n" * 20)
    else:
        query(path, f"CREATE TABLE events ({columns})")
    with pytest.raises(Refused, match=r"SQLITE_NOTADB|no such column") as caught:
        asyncio.run(SqliteSink(settings(path)).start())
    assert caught.value.permanent


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"path": ""}, "path must name a file, got ''"),
        ({"table": "a; drop"}, "table must be at most 63 letters, .* got 'a; drop'"),
        ({"max_rows": 0}, "max_rows must be >= 1, got 0"),
        ({"busy_timeout_seconds": -1}, "busy_timeout_seconds must be >= 0, got -1"),
    ],
)
def test_settings_that_cannot_be_used_are_refused(
    options: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        SqliteSettings(**{"path": "events.db", **options})
