"""Distributions that a test installs: real metadata and modules in a directory."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from textwrap import dedent

import pytest

SINK = """
import msgspec

class FakeSink:
    class Settings(msgspec.Struct, frozen=True, kw_only=True):
        '''Settings of a sink that keeps nothing.

        Args:
            topic: Where to.
            port: Which port.
            servers: Which servers.
            api_key: Lets us in.
            headers: Sent along.
        '''

        topic: str = "events"
        port: int = 9092
        servers: list[str] = []
        api_key: str | None = None
        headers: dict[str, str] = {}

    def __init__(self, settings):
        self.settings = settings

    async def start(self):
        pass

    async def write(self, batch):
        pass

    async def aclose(self):
        pass
"""


class Site:
    """A directory of installed distributions, first on the path while the test runs."""

    def __init__(self, directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.directory = directory
        self._monkeypatch = monkeypatch
        monkeypatch.syspath_prepend(str(directory))

    def install(
        self,
        distribution: str,
        entry_points: Mapping[str, Mapping[str, str]],
        *,
        version: str = "1.0",
        extras: tuple[str, ...] = (),
        **modules: str,
    ) -> None:
        """Write *modules* and the metadata that names them."""
        for name, source in modules.items():
            (self.directory / f"{name}.py").write_text(dedent(source))
            self._monkeypatch.delitem(sys.modules, name, raising=False)
        info = self.directory / f"{distribution.replace('-', '_')}-{version}.dist-info"
        info.mkdir()
        provided = "".join(f"Provides-Extra: {extra}\n" for extra in extras)
        (info / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: {distribution}\nVersion: {version}\n"
            f"{provided}"
        )
        lines = (
            f"[{group}]\n" + "".join(f"{name} = {at}\n" for name, at in named.items())
            for group, named in entry_points.items()
        )
        (info / "entry_points.txt").write_text("\n".join(lines))

    def sink(self, name: str, module: str, source: str = SINK) -> None:
        """Install a distribution with one sink."""
        points = {"eventbus.sinks": {name: f"{module}:FakeSink"}}
        self.install(f"dist-{module}", points, **{module: source})
        self._monkeypatch.delitem(sys.modules, module, raising=False)
