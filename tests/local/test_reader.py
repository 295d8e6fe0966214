from __future__ import annotations

import gzip
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from eventbus import Broken, Reader, Record, Skipped
from eventbus._encode_line import LineEncoder
from eventbus._reader import MAX_LINE_BYTES
from eventbus_local import LogEvent, read_events

MODULE = """
from eventbus import Catalog, Event

class Ping(Event, tag="{tag}"):
    n: int

catalog = Catalog([Ping])
"""


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Return what installs a package with a catalog, for this test alone."""
    made: list[str] = []

    def put(name: str, *, tag: str) -> Any:
        (tmp_path / f"{name}.py").write_text(MODULE.format(tag=tag))
        info = tmp_path / f"{name}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: {name}\nVersion: 1\n"
        )
        (info / "entry_points.txt").write_text(
            f"[eventbus.catalogs]\n{name} = {name}:catalog\n"
        )
        made.append(name)
        return __import__(name).Ping

    monkeypatch.syspath_prepend(str(tmp_path))
    yield put
    for name in made:
        sys.modules.pop(name, None)


def test_lines_become_records_and_what_is_none_is_told(install: Any) -> None:
    ping = install("somebodys_events", tag="somebody.ping")
    written = [Record(ping(n=n), id=f"b-{n}", time_unix_nano=n) for n in (1, 2)]
    first, second = LineEncoder().encode(written).data.splitlines(keepends=True)
    lines = [
        first,
        b"\n",
        b'{"id":"b-9","na\n',
        b'{"name":"nobodys.event","event":{}}\n',
        b'{"name":"not an event name","event":{}}\n',
        second.rstrip(),
    ]
    readings = list(read_events(lines, path="in.jsonl"))
    assert [r.id for r in readings if isinstance(r, Record)] == ["b-1", "b-2"]
    assert readings[1:-1] == [
        Skipped("blank", "in.jsonl", 2),
        Broken("Input data was truncated", "in.jsonl", 3),
        Skipped("nobodys.event", "in.jsonl", 4),
        Broken(
            "expected an event's name, got 17 characters that are none - at `$.name`",
            "in.jsonl",
            5,
        ),
    ]


def test_a_line_is_read_when_it_comes(install: Any) -> None:
    ping = install("streamed_events", tag="streamed.ping")
    line = LineEncoder().encode_one(Record(ping(n=1)))
    readings = read_events(iter([line, line]), path="-")
    assert next(readings) == next(readings)


def test_it_is_a_reader() -> None:
    assert isinstance(read_events, Reader)


def test_log_events_are_known() -> None:
    event = LogEvent(message="hello", logger="app", level="INFO")
    line = LineEncoder().encode_one(Record(event))
    (reading,) = read_events([line], path="-")
    assert isinstance(reading, Record)
    assert reading.event == event


def test_compressed_input_is_told_once_with_the_way_to_read_it() -> None:
    noise = gzip.compress(b"".join(b"%d\n" % n for n in range(5000)))
    lines = noise.split(b"\n")
    assert len(lines) > 1
    assert list(read_events(lines, path="in.jsonl.gz")) == [
        Broken(
            "expected lines of JSON, got gzip-compressed data: "
            "zcat FILE | eventbus run",
            "in.jsonl.gz",
            1,
        )
    ]


def test_a_severity_that_is_none_is_told_with_those_that_are() -> None:
    event = LogEvent(message="hello", logger="app", level="INFO")
    line = LineEncoder().encode_one(Record(event, severity="warn"))
    wrong = line.replace(b'"severity":"warn"', b'"severity":"wran"')
    readings = list(read_events([wrong], path="-"))
    assert readings == [
        Broken(
            "Expected 'trace', 'debug', 'info', 'warn', 'error' or 'fatal', "
            "got 'wran'. Did you mean 'warn'? - at `$.severity`",
            "-",
            1,
        )
    ]


def test_a_line_that_was_cut_names_the_limit() -> None:
    (reading,) = read_events([b'{"x":"'.ljust(MAX_LINE_BYTES, b"x")], path="-")
    assert reading == Broken(
        "Input data was truncated: a line is cut at 16777216 bytes (16 MiB)", "-", 1
    )
