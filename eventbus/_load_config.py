"""How a program reads its configuration, and pays for that only when it does."""

from __future__ import annotations

from collections.abc import Mapping
from os import PathLike
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from eventbus.config import Config


def load_config(
    source: str | PathLike[str] | Mapping[str, Any],  # Any: values of any type
    *,
    strict: bool = True,
) -> Config:
    """Read a configuration and check all of it; the sinks it names are imported.

    Args:
        source: The path of a TOML file, or what is in one.
        strict: Raise for anything that is wrong. Without it a sink that cannot be
            used is left out, with a warning, and is in ``Config.left_out``.

    Raises:
        ConfigError: What is wrong, each in a line with its place; without *strict*
            only what concerns the configuration as a whole.
    """
    from eventbus import config

    return config.load_config(source, strict=strict)
