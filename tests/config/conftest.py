from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from eventbus import ConfigError, load_config
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


@pytest.fixture
def refused(site: Site) -> Any:
    """Returns the error of a sink's table, without the end that is always the same."""
    site.sink("fake", "fake_refused")

    def refuse(**table: Any) -> str:
        with pytest.raises(ConfigError) as caught:
            load_config({"sinks": {"audit": {"type": "fake", **table}}})
        return str(caught.value)

    return refuse
