from __future__ import annotations

import logging
import tomllib
from typing import Any

import jsonschema
import pytest

from eventbus import ConfigError, load_config
from eventbus.config._schema import config_schema
from eventbus.config._sink_class import sink_class
from eventbus.metrics import Counter, Gauge, Histogram, Metrics

EXAMPLE = """
[metrics."agent.token_usage"]
defaults = false
labels = ["model"]
bound = ["tenant"]
gauges = [{ name = "window", field = "context_window", labels = [] }]

[[metrics."agent.token_usage".counters]]
name = "tokens"
fields = { in = "input_tokens", out = "output_tokens" }
by = "kind"

[[metrics."agent.token_usage".histograms]]
field = "total_tokens"
buckets = [1, 10, 100]
description = "All of them."

[metrics."of.the.application"]
histograms = [{ field = "took_ms", unit = "ms" }]
"""


def refused(text: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load_config(tomllib.loads(text))
    return str(caught.value).splitlines()


def test_a_table_for_each_event_says_what_a_class_statement_says() -> None:
    config = load_config(tomllib.loads(EXAMPLE))
    assert config.metrics == {
        "agent.token_usage": Metrics(
            defaults=False,
            labels=("model",),
            bound=("tenant",),
            counters=(
                Counter(
                    name="tokens",
                    fields={"in": "input_tokens", "out": "output_tokens"},
                    by="kind",
                ),
            ),
            histograms=(
                Histogram(
                    field="total_tokens",
                    buckets=(1.0, 10.0, 100.0),
                    description="All of them.",
                ),
            ),
            gauges=(Gauge(name="window", field="context_window", labels=()),),
        ),
        "of.the.application": Metrics(
            histograms=(Histogram(field="took_ms", unit="ms"),)
        ),
    }


@pytest.mark.parametrize(
    ("text", "errors"),
    [
        (
            '[metrics."agent.token_usage"]\nhistograms = [{ field = "total" }]',
            [
                "event type 'agent.token_usage' has no field 'total' - at "
                '`$.metrics."agent.token_usage".histograms[0].field`'
            ],
        ),
        (
            '[metrics."agent.token_usage"]\nhistogram = []',
            [
                "Unknown key 'histogram'. Did you mean 'histograms'? - at "
                '`$.metrics."agent.token_usage".histogram`'
            ],
        ),
        (
            "[metrics.a]\nhistograms = [{ field = 'x', buckets = [2, 1] }]",
            [
                "buckets must be finite and ascend, got [2.0, 1.0] - at "
                "`$.metrics.a.histograms[0].buckets`"
            ],
        ),
        (
            "[metrics.a]\ncounters = [{ name = 'a b' }]",
            [
                "the name of a metric must be 1 to 255 letters, digits, '_', '.', '-' "
                "or '/', starting with a letter, got 'a b' - at "
                "`$.metrics.a.counters[0].name`"
            ],
        ),
        ("[metrics]\na = 1", ["Expected a table, got 1 - at `$.metrics.a`"]),
        (
            '[metrics."9"]',
            ["Expected the name of an event, got '9' - at `$.metrics.9`"],
        ),
        ("metrics = 1", ["Expected a table, got 1 - at `$.metrics`"]),
    ],
)
def test_what_is_wrong_is_said_with_its_place(text: str, errors: list[str]) -> None:
    assert refused(text) == errors


def test_a_host_that_does_not_ask_for_strictness_is_told_and_goes_on(
    caplog: pytest.LogCaptureFixture,
) -> None:
    text = "[metrics.a]\ngauges = [{}]\n[metrics.b]\ndefaults = false"
    with caplog.at_level(logging.WARNING):
        config = load_config(tomllib.loads(text), strict=False)
    assert config.metrics == {"b": Metrics(defaults=False)}
    assert "metrics are not as configured: a gauge needs a 'field'" in caplog.text
    with pytest.raises(ConfigError):
        load_config({"metrics": 1}, strict=False)


def test_the_schema_knows_the_tables() -> None:
    schema: dict[str, Any] = config_schema([sink_class("console")])
    validator = jsonschema.Draft202012Validator(schema)
    assert list(validator.iter_errors(tomllib.loads(EXAMPLE))) == []
    wrong = {"metrics": {"a": {"histograms": [{"feild": "x"}]}}}
    assert list(validator.iter_errors(wrong))
    assert "buckets" in schema["$defs"]["Histogram"]["properties"]
    told = schema["$defs"]["Histogram"]["properties"]["field"]
    assert told["description"] == "Whose values it takes."
