"""How deep a configuration may be nested."""

from __future__ import annotations

from typing import Any

import pytest

from eventbus import ConfigError, load_config
from eventbus.config._depth import is_too_deep
from tests.config._installed import Site


def deep(levels: int) -> dict[str, Any]:
    table: dict[str, Any] = {}
    for _ in range(levels):
        table = {"a": table}
    return table


def test_a_sink_that_is_nested_too_deeply_is_left_out_alone(site: Site) -> None:
    site.sink("fake", "fake_shallow")
    config = load_config(
        {"sinks": {"console": {"foo": deep(3000)}, "fake": {}}}, strict=False
    )
    assert list(config.sinks) == ["fake"]
    assert config.left_out["console"].reason == (
        "Nested too deeply: expected at most 64 levels - at `$.sinks.console`"
    )


def test_what_is_nested_too_deeply_is_an_error() -> None:
    with pytest.raises(ConfigError, match=r"Nested too deeply.*at `\$.bus`"):
        load_config({"bus": {"resource": deep(3000)}})


def test_sixty_four_levels_are_not_too_deep() -> None:
    assert [is_too_deep(deep(levels)) for levels in (63, 64, 65)] == [
        *(False, False, True)
    ]
