from __future__ import annotations

from pathlib import Path

import pytest

from tests.config._files import Files
from tests.config._installed import Site


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    directory = tmp_path / "site-packages"
    directory.mkdir()
    return Site(directory, monkeypatch)


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path)
