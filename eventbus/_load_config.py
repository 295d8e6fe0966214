"""How a program reads its configuration, and pays for that only when it does."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from eventbus.config import Config, Preset
    from eventbus.config._layers import Source


def load_config(
    source: Source,
    *,
    strict: bool = True,
    presets: Mapping[str, Preset] | None = None,
) -> Config:
    """Read a configuration and check all of it; the sinks it names are imported.

    Args:
        source: The path of a TOML file, or what is in one; or several of these, each
            of which may be an :class:`eventbus.config.Layer`.
        strict: Raise for anything that is wrong. Without it a sink that cannot be
            used is left out, with a warning, and is in ``Config.left_out``; so is
            what an untrusted layer must not say.
        presets: Presets by name, beside those that are installed.

    Raises:
        ConfigError: What is wrong, each in a line with its place; without *strict*
            only what concerns the configuration as a whole, or a managed layer.
    """
    from eventbus import config

    return config.load_config(source, strict=strict, presets=presets)
