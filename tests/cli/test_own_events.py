"""What the library says in events of its own is read back like everybody's."""

from __future__ import annotations

import asyncio
from pathlib import Path

from eventbus import (
    AttachmentReported,
    AttachmentStateChanged,
    Batch,
    Coalesce,
    Record,
    Summary,
    Unavailable,
)
from eventbus._plugins import load_reader
from eventbus._record import AnyRecord
from eventbus.testing import RecordingSink, ScriptedSink, steps
from eventbus_local import JsonlSettings, JsonlSink
from tests._rig import Rig
from tests.cli._command import Command


async def own_records() -> list[AnyRecord]:
    """Return one record of each of the library's own event types."""
    watcher = RecordingSink()
    async with Rig(own_events_seconds=60.0) as rig:
        await rig.attach(ScriptedSink(steps.fail(Unavailable("no route"))))
        await rig.attach(
            watcher,
            name="watcher",
            batch=Batch(max_delay_seconds=0.0),
            coalesce=Coalesce(select="numbered"),
        )
        await rig.emit(1, 2)
        await rig.after(60.0)
    found = {type(record.event): record for record in watcher.records}
    return [found[t] for t in (Summary, AttachmentStateChanged, AttachmentReported)]


async def write(path: Path, records: list[AnyRecord]) -> None:
    sink = JsonlSink(JsonlSettings(path=str(path)))
    await sink.start()
    await sink.write(records)
    await sink.aclose()


def test_the_reader_makes_the_same_records_of_them(
    eventbus: Command, tmp_path: Path
) -> None:
    first, second = tmp_path / "first.jsonl", tmp_path / "second.jsonl"
    records = asyncio.run(own_records())
    asyncio.run(write(first, records))
    config = tmp_path / "eventbus.toml"
    config.write_text(f'[sinks.out]\ntype = "jsonl"\npath = "{second}"\n')
    done = eventbus("run", config, "--input", first, "--reader", "events", "--json")
    assert (done.status, done.json["records"], done.json["skipped"]) == (0, 3, {})
    assert second.read_bytes() == first.read_bytes()
    with first.open("rb") as lines:
        read = list(load_reader("events")(lines, path="first.jsonl"))
    assert [
        (r.id, r.time_unix_nano, r.severity, r.event)
        for r in read
        if isinstance(r, Record)
    ] == [(r.id, r.time_unix_nano, r.severity, r.event) for r in records]
    summary = records[0].event
    assert isinstance(summary, Summary)
    assert (summary.name, summary.count) == ("numbered", 2)
    assert summary.totals == {"n": 3}
