from __future__ import annotations

import tomllib
from textwrap import dedent
from typing import Any

import pytest

from eventbus import ConfigError
from eventbus.config import load_config

FORMS = [
    (
        """
        [sinks.logs]
        type = "otlp"
        signals = ["logs"]
        logs_endpoint = "https://x/v1/logs"
        protocol = "http/protobuf"
        headers = { x-tenant = "a" }
        [sinks.traces]
        type = "otlp"
        signals = ["traces"]
        traces_endpoint = "https://y/v1/traces"
        protocol = "http/json"
        """,
        {
            "logs": ("https://x/v1/logs", None, None),
            "traces": (None, None, "https://y/v1/traces"),
        },
    ),
    (
        """
        [sinks.otlp]
        protocol = "grpc"
        endpoint = "https://x:4317"
        signals = ["logs", "metrics", "traces"]
        [sinks.off]
        type = "otlp"
        enabled = false
        """,
        {"otlp": (None, None, None)},
    ),
]


@pytest.mark.parametrize(("text", "expected"), FORMS)
def test_exporters_as_tables_and_as_mappings_are_the_same(
    text: str, expected: dict[str, Any]
) -> None:
    """No signal has another one's endpoint."""
    tree = tomllib.loads(dedent(text))
    config = load_config(tree, environ={})
    found: dict[str, Any] = {name: s.settings for name, s in config.sinks.items()}
    assert {
        name: (s.logs_endpoint, s.metrics_endpoint, s.traces_endpoint)
        for name, s in found.items()
    } == expected


def test_another_program_s_table_is_told_and_not_read() -> None:
    with pytest.raises(ConfigError, match=r"Unknown key 'otel'\. Expected: bus"):
        load_config({"otel": {"exporter": "none"}})
    with pytest.raises(ConfigError, match=r"Unknown key 'exporter'.*sinks.otlp.export"):
        load_config({"sinks": {"otlp": {"exporter": {"otlp-http": {}}}}})
