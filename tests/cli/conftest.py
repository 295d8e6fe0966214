from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli._command import Command, record_lines
from tests.config._installed import Site


@pytest.fixture(autouse=True)
def _lines_of_any_width(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)


@pytest.fixture
def eventbus(capsys: pytest.CaptureFixture[str]) -> Command:
    return Command(capsys)


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    directory = tmp_path / "site-packages"
    directory.mkdir()
    return Site(directory, monkeypatch)


@pytest.fixture
def records(tmp_path: Path) -> Path:
    path = tmp_path / "in.jsonl"
    path.write_text(record_lines(3))
    return path
