from __future__ import annotations

import asyncio
import io
import re
import sys
from pathlib import Path

import pytest

from eventbus.cli import _progress
from eventbus.cli._progress import progress, total_bytes
from eventbus.cli._tally import Tally


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(_progress, "_QUIET_SECONDS", 0)
    monkeypatch.setattr(_progress, "_INTERVAL_SECONDS", 0)


async def watched(
    monkeypatch: pytest.MonkeyPatch, stream: io.StringIO, total: int | None
) -> str:
    monkeypatch.setattr(sys, "stderr", stream)
    tally = Tally(lambda line: None)
    tally.lines, tally.records, tally.read_bytes, tally.broken = 1234, 1000, 50, 2
    async with progress(tally, total):
        for _ in range(20):
            await asyncio.sleep(0)
    return stream.getvalue()


async def test_a_person_sees_how_far_it_has_come(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shown = await watched(monkeypatch, Terminal(), total=100)
    said = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown)
    assert "1,234 lines" in said
    assert "2 broken" in said
    assert " 50%" in said


async def test_without_a_known_end_there_is_no_share(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shown = await watched(monkeypatch, Terminal(), total=None)
    assert "1,234 lines" in shown
    assert "%" not in shown


async def test_without_rich_there_is_a_plain_counter(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "rich", None)
    monkeypatch.setitem(sys.modules, "rich.console", None)
    shown = await watched(monkeypatch, Terminal(), total=100)
    assert "1,234 lines 50%\r" in shown
    assert shown.endswith(" \r")
    assert "\x1b" not in shown


@pytest.mark.parametrize("columns", [30, 59])
async def test_on_a_narrow_terminal_there_is_a_plain_counter(
    monkeypatch: pytest.MonkeyPatch, columns: int
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    shown = await watched(monkeypatch, Terminal(), total=100)
    assert "\x1b" not in shown
    assert "1,234 lines 50%\r" in shown
    assert max(map(len, shown.split("\r"))) <= columns


async def test_where_nobody_looks_nothing_is_shown(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert await watched(monkeypatch, io.StringIO(), total=100) == ""


def test_the_end_is_known_of_files_and_of_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "in"
    path.write_bytes(b"12345")
    assert total_bytes([str(path), str(path)]) == 10
    assert total_bytes([str(path), "-"]) is None
    assert total_bytes([str(tmp_path / "none")]) is None
