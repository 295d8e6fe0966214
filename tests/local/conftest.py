"""A jsonl sink in a directory of its own, and what its files hold."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from eventbus import Catalog, Event, Record, SinkContext
from eventbus._record import AnyRecord
from eventbus_local import JsonlSettings, JsonlSink


class Ping(Event, tag="ping"):
    n: int
    text: Any = ""


class WallClock:
    """A clock whose time is what the test says."""

    def __init__(self) -> None:
        self.seconds = 1e9

    def time_ns(self) -> int:
        return int(self.seconds * 1e9)

    def monotonic(self) -> float:
        return self.seconds

    def call_later(self, delay_seconds: float, callback: Any) -> Any:
        raise NotImplementedError


class Jsonl:
    """What the tests of the jsonl sink share."""

    Ping = Ping
    line_bytes = 71  # of the line of a ping with one digit and no text

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.path = directory / "out.jsonl"
        self.clock = WallClock()

    def pings(self, *numbers: int, text: Any = "") -> list[AnyRecord]:
        return [
            Record(Ping(n=n, text=text), id=f"b-{n}", severity="info") for n in numbers
        ]

    async def start(self, **settings: Any) -> JsonlSink:
        path = str(settings.pop("path", self.path))
        sink = JsonlSink(JsonlSettings(path=path, **settings))
        sink.configure(SinkContext("jsonl", {}, Catalog(), self.clock))
        await sink.start()
        return sink

    def files(self, pattern: str = "*") -> list[Path]:
        return sorted(self.directory.glob(pattern))

    def numbers(self, path: Path | None = None) -> list[int]:
        """Return the numbers of a file, each line of which must be whole."""
        data = (path or self.path).read_bytes()
        if path is not None and path.suffix == ".gz":
            data = gzip.decompress(data)
        assert data.endswith(b"\n") or not data
        return [json.loads(line)["event"]["n"] for line in data.splitlines()]

    def numbers_of(self, paths: Iterable[Path]) -> list[list[int]]:
        return [self.numbers(path) for path in paths]


@pytest.fixture
def jsonl(tmp_path: Path) -> Jsonl:
    return Jsonl(tmp_path)
