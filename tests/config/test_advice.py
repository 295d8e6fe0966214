from __future__ import annotations

from typing import Any

import pytest

from eventbus_otlp import OtlpSettings
from eventbus_otlp._advice import advice_on
from tests.config._files import Files
from tests.config._installed import SINK, Site

ADVISED = SINK.replace(
    "        headers: dict[str, str] = {}\n",
    "        headers: dict[str, str] = {}\n\n"
    "        def advice(self):\n"
    "            if self.port == 1:\n"
    "                raise ValueError('no such port')\n"
    "            yield ('topic',), f'topic is hardly meant: {self.api_key}'\n",
)


def test_what_settings_say_against_themselves_is_a_warning_at_its_place(
    files: Files, site: Site
) -> None:
    site.sink("advised", "fake_advised", ADVISED)
    files.user('[sinks.advised]\napi_key = "s3cret-key"\n')
    config = files.load(strict=True)
    assert list(config.sinks) == ["advised"]
    assert config.warnings == (
        "topic is hardly meant: [REDACTED] - at `$.sinks.advised.topic`",
    )


def test_advice_that_fails_costs_no_sink(files: Files, site: Site) -> None:
    site.sink("advised", "fake_advised_badly", ADVISED)
    files.user("[sinks.advised]\nport = 1\n")
    config = files.load(strict=True)
    assert list(config.sinks) == ["advised"]
    assert "advice() fails: ValueError: no such port" in config.warnings[0]


@pytest.mark.parametrize(
    ("settings", "setting", "said"),
    [
        (
            {"logs_endpoint": "http://collector:4318"},
            "logs_endpoint",
            "logs_endpoint 'http://collector:4318' has no path, and this very URL is "
            "used: a Collector takes logs at /v1/logs",
        ),
        (
            {"traces_endpoint": "http://x:4318/", "signals": ("traces",)},
            "traces_endpoint",
            "traces_endpoint 'http://x:4318/' has no path, and this very URL is used: "
            "a Collector takes traces at /v1/traces",
        ),
        (
            {"endpoint": "https://x/v1/logs"},
            "endpoint",
            "endpoint ends in v1/logs, and v1/logs is appended to it: logs_endpoint "
            "takes an URL as it is",
        ),
        (
            {"endpoint": "http://x:4317"},
            "endpoint",
            "endpoint has the port 4317, where grpc is usual, and protocol says http",
        ),
        (
            {"endpoint": "x:4318", "protocol": "grpc"},
            "endpoint",
            "endpoint has the port 4318, where http is usual, and protocol says grpc",
        ),
        (
            {"metrics_endpoint": "http://x/v1/metrics"},
            "metrics_endpoint",
            "metrics_endpoint is not used: signals does not name 'metrics'",
        ),
    ],
)
def test_settings_of_otlp_that_are_hardly_meant_are_told(
    settings: Any, setting: str, said: str
) -> None:
    assert list(advice_on(OtlpSettings(**settings))) == [((setting,), said)]


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"endpoint": "https://collector.example.com"},
        {"endpoint": "http://x:4318/tenant"},
        {"endpoint": "x:4317", "protocol": "grpc"},
        {"endpoint": "dns:///x:4317", "protocol": "grpc"},
        {"logs_endpoint": "http://x:4318/v1/logs"},
        {"logs_endpoint": "x:4317", "protocol": "grpc"},
        {"logs_endpoint": "http://x:4318/anything?tenant=1"},
    ],
)
def test_settings_of_otlp_as_they_are_meant_are_left_alone(settings: Any) -> None:
    assert list(advice_on(OtlpSettings(**settings))) == []


def test_advice_shows_no_password() -> None:
    settings = OtlpSettings(logs_endpoint="http://me:s3cret@x:4317")
    assert "s3cret" not in "".join(text for _, text in advice_on(settings))
