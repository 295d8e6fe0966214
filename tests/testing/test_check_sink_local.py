"""The local sinks keep the specification."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from eventbus.testing import FarSide, check_sink
from eventbus_local import (
    ConsoleSettings,
    ConsoleSink,
    JsonlSettings,
    JsonlSink,
    LoggingSink,
)


class Files(FarSide):
    """The lines of all files below a folder, rotated ones too."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def received(self) -> Sequence[str]:
        return [
            json.loads(line)["id"]
            for path in self._folder.rglob("*.jsonl")
            for line in path.read_text(encoding="utf-8").splitlines()
        ]


@pytest.mark.proves("fault-32")
@pytest.mark.parametrize("max_file_bytes", [None, 20_000])
async def test_jsonl(tmp_path: Path, max_file_bytes: int | None) -> None:
    settings = JsonlSettings(
        path=str(tmp_path / "events.jsonl"), max_file_bytes=max_file_bytes
    )
    report = await check_sink(lambda: JsonlSink(settings), far_side=Files(tmp_path))
    assert report.scenarios["random_mix"].set_aside > 0


@pytest.mark.parametrize("max_open_files", [3, 64])
async def test_jsonl_with_a_file_for_each_value(
    tmp_path: Path, max_open_files: int
) -> None:
    settings = JsonlSettings(
        path=str(tmp_path / "{event.name}/{number}.jsonl"),
        max_open_files=max_open_files,
        max_file_bytes=2000,
    )
    report = await check_sink(lambda: JsonlSink(settings), far_side=Files(tmp_path))
    assert report.scenarios["random_mix"].set_aside > 0


@pytest.mark.parametrize("shape", ["text", "json"])
async def test_console(shape: str, capsys: pytest.CaptureFixture[str]) -> None:
    settings = ConsoleSettings(format=shape)  # type: ignore[arg-type]
    report = await check_sink(lambda: ConsoleSink(settings))
    assert report.scenarios["always_ok"].delivered == 60
    assert "eventbus.probe" in capsys.readouterr().out


async def test_logging() -> None:
    report = await check_sink(LoggingSink)
    assert report.scenarios["always_ok"].delivered == 60
