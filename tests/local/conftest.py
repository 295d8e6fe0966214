"""A jsonl sink in a directory of its own, and what its files hold."""

from __future__ import annotations

import contextlib
import gzip
import json
import resource
from collections.abc import Iterable, Iterator
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
        self.directory = self.outside = directory
        self.path = directory / "out.jsonl"
        self.clock = WallClock()

    def pings(self, *numbers: int, text: Any = "") -> list[AnyRecord]:
        return [
            Record(Ping(n=n, text=text), id=f"b-{n}", severity="info") for n in numbers
        ]

    def texts(self, *pairs: tuple[int, str]) -> list[AnyRecord]:
        """Return a ping for each pair of a number and a text."""
        return [record for n, text in pairs for record in self.pings(n, text=text)]

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

    async def tidied(self, sink: Any) -> None:
        """Wait until what *sink* does in the background is done."""
        if sink._tidying.task is not None:
            await sink._tidying.task

    @contextlib.contextmanager
    def file_size_limit(self, size: int) -> Iterator[None]:
        """Let no file of this process grow past a size, as a full disk would."""
        before = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)

    def numbers_of(self, paths: Iterable[Path]) -> list[list[int]]:
        return [self.numbers(path) for path in paths]

    def found(self) -> dict[str, list[int]]:
        """Return the numbers of each file below the directory, by its path there."""
        return {
            path.relative_to(self.directory).as_posix(): self.numbers(path)
            for path in sorted(self.directory.rglob("*"))
            if path.is_file() and not path.is_symlink()
        }


@pytest.fixture
def jsonl(tmp_path: Path) -> Jsonl:
    return Jsonl(tmp_path)


@pytest.fixture
def sessions(jsonl: Jsonl) -> Jsonl:
    """A file for each text, in a directory below that of the test."""
    jsonl.directory = jsonl.outside / "sessions"
    jsonl.path = jsonl.directory / "{text}.jsonl"
    return jsonl
