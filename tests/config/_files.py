"""A configuration in several files, as a test writes them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from eventbus import ConfigError
from eventbus.config import Config, Layer, Preset, load_config


class Files:
    """Files in one directory, each with its place among the layers."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.layers: list[Layer] = []

    def user(self, text: str, name: str = "user.toml") -> Path:
        """Write a trusted file."""
        return self._add(text, name)

    def project(self, text: str, name: str = "project.toml") -> Path:
        """Write a file that is not trusted."""
        return self._add(text, name, trusted=False)

    def managed(self, text: str, name: str = "managed.toml") -> Path:
        """Write an administrator's file."""
        return self._add(text, name, managed=True)

    def _add(self, text: str, name: str, **whose: bool) -> Path:
        path = self.directory / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(dedent(text))
        self.layers.append(Layer(path, **whose))
        return path

    def load(
        self,
        *,
        strict: bool = False,
        environ: Mapping[str, str] | None = None,
        overrides: Mapping[Any, Any] | None = None,
        presets: Mapping[str, Preset] | None = None,
    ) -> Config:
        """Return what they say together."""
        return load_config(
            self.layers,
            strict=strict,
            environ=environ or {},
            overrides=overrides,
            presets=presets,
        )

    def refusal(self, **options: Any) -> list[str]:
        """Return the lines of the error that they end in, without the directory."""
        with pytest.raises(ConfigError) as caught:
            self.load(**options)
        return self.short(str(caught.value).split("\n"))

    def warnings(self, **options: Any) -> list[str]:
        """Return what is warned of, without the directory."""
        return self.short(self.load(**options).warnings)

    def short(self, lines: Any) -> list[str]:
        """Return *lines* without the directory."""
        return [line.replace(f"{self.directory}/", "") for line in lines]
