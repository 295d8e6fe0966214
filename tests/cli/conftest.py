from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli._command import Command
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
