from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eventbus.config import load_config
from eventbus.config._secrets import SecretText
from eventbus_otlp._endpoint import (
    Endpoint,
    WrongEndpoint,
    check_endpoint,
    grpc_endpoint,
    guarded,
    http_endpoint,
    visible,
)
from eventbus_otlp._resolved import resolve
from eventbus_otlp._settings import OtlpSettings
from eventbus_otlp._signal import SIGNALS, Protocol

CANARY = "hunter2-canary"
ALL = SIGNALS
PREFIX = "OTEL_EXPORTER_OTLP_"


def urls(environ: dict[str, str]) -> dict[str, str]:
    targets = resolve(OtlpSettings(signals=ALL), environ, pytest.fail)
    return {signal: target.endpoint for signal, target in targets.items()}


@pytest.mark.proves("fault-72")
@pytest.mark.parametrize(
    ("environ", "found"),
    [
        (
            {},
            {
                "logs": "http://localhost:4318/v1/logs",
                "metrics": "http://localhost:4318/v1/metrics",
                "traces": "http://localhost:4318/v1/traces",
            },
        ),
        (
            {"ENDPOINT": "http://collector:4318"},
            {
                "logs": "http://collector:4318/v1/logs",
                "metrics": "http://collector:4318/v1/metrics",
                "traces": "http://collector:4318/v1/traces",
            },
        ),
        (
            {
                "TRACES_ENDPOINT": "http://collector:4318",
                "METRICS_ENDPOINT": "https://collector.example.com/v1/metrics",
            },
            {
                "logs": "http://localhost:4318/v1/logs",
                "metrics": "https://collector.example.com/v1/metrics",
                "traces": "http://collector:4318/",
            },
        ),
        (
            {
                "ENDPOINT": "http://collector:4318/mycollector/",
                "METRICS_ENDPOINT": "https://collector.example.com/v1/metrics/",
            },
            {
                "logs": "http://collector:4318/mycollector/v1/logs",
                "metrics": "https://collector.example.com/v1/metrics/",
                "traces": "http://collector:4318/mycollector/v1/traces",
            },
        ),
    ],
    ids=["default", "example-1", "example-2", "example-3"],
)
def test_urls_are_made_as_in_the_examples_of_the_specification(
    environ: dict[str, str], found: dict[str, str]
) -> None:
    """https://opentelemetry.io/docs/specs/otel/protocol/exporter/#example-1"""
    assert urls({PREFIX + name: text for name, text in environ.items()}) == found


@pytest.mark.proves("fault-72")
@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("http://c:4318/", "http://c:4318/v1/logs"),
        ("http://c:4318/base", "http://c:4318/base/v1/logs"),
        ("http://c:4318/base/", "http://c:4318/base/v1/logs"),
        ("HTTPS://Collector.example", "https://Collector.example/v1/logs"),
        ("http://[::1]:4318", "http://[::1]:4318/v1/logs"),
        ("http://c:/", "http://c/v1/logs"),
        ("http://c/a?tenant=b", "http://c/a/v1/logs?tenant=b"),
        ("http://c/a#here", "http://c/a/v1/logs"),
        ("http://c/%2Fa", "http://c/%2Fa/v1/logs"),
    ],
)
def test_a_url_of_all_signals_gets_the_signal_s_path(text: str, url: str) -> None:
    assert http_endpoint(text, "endpoint", signal="logs").target == url


@pytest.mark.proves("fault-72")
@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("http://c", "http://c/"),
        ("http://c/x/", "http://c/x/"),
        ("http://c/x?a=b#c", "http://c/x?a=b"),
    ],
)
def test_a_url_of_one_signal_is_used_as_it_is(text: str, url: str) -> None:
    assert http_endpoint(text, "logs_endpoint").target == url


@pytest.mark.proves("fault-72")
@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "must be a URL, got ''"),
        ("   ", "must have no spaces and no control characters, got '   '"),
        (
            "http://a b",
            "must have no spaces and no control characters, got 'http://a b'",
        ),
        (
            "http://a\n",
            r"must have no spaces and no control characters, got 'http://a\n'",
        ),
        (
            "http://a\0",
            r"must have no spaces and no control characters, got 'http://a\x00'",
        ),
        (
            "collector:4318",
            "must begin with http:// or https://, unless protocol is 'grpc', "
            "got 'collector:4318'",
        ),
        (
            "unix:///run/otlp",
            "must begin with http:// or https://, unless protocol is 'grpc', "
            "got 'unix:///run/otlp'",
        ),
        ("http://", "must name a host, got 'http://'"),
        ("http:///v1", "must name a host, got 'http:///v1'"),
        ("http://a\\b", r"must name a host, got 'http://a\\b'"),
        ("http://[::1", "must be a URL, got 'http://[::1'"),
        (
            f"http://{CANARY}/x@c",
            "must have '@' and '/' in credentials, and '@' in a path, as %40 and %2F, "
            "got 'http://[REDACTED]'",
        ),
        ("http://a:0", "must have a port between 1 and 65535, got 'http://a:0'"),
        (
            "http://a:65536",
            "must have a port between 1 and 65535, got 'http://a:65536'",
        ),
        ("http://a:x", "must have a port between 1 and 65535, got 'http://a:x'"),
    ],
)
def test_what_is_no_url_is_refused_with_its_setting(text: str, says: str) -> None:
    with pytest.raises(ValueError, match="endpoint must") as caught:
        http_endpoint(text, "endpoint")
    assert str(caught.value) == f"endpoint {says}"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("http://c:4317", Endpoint("c:4317", is_secure=False)),
        ("http://c:4317/", Endpoint("c:4317", is_secure=False)),
        ("HTTPS://c:4317/x?y", Endpoint("c:4317", is_secure=True)),
        ("http://c", Endpoint("c:80", is_secure=False)),
        ("https://c", Endpoint("c:443", is_secure=True)),
        ("https://[::1]", Endpoint("[::1]:443", is_secure=True)),
        ("c:4317", Endpoint("c:4317")),
        ("[::1]:4317", Endpoint("[::1]:4317")),
        ("dns:///c:4317", Endpoint("dns:///c:4317")),
        ("unix:/run/otlp", Endpoint("unix:/run/otlp")),
        ("unix:///run/otlp", Endpoint("unix:///run/otlp")),
        ("ipv6:[::1]:4317", Endpoint("ipv6:[::1]:4317")),
    ],
)
@pytest.mark.proves("fault-72")
def test_grpc_takes_urls_and_targets_of_its_own(text: str, found: Endpoint) -> None:
    assert grpc_endpoint(text, "endpoint") == found


@pytest.mark.proves("fault-72")
@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "must be a URL, got ''"),
        ("collector", "must be host:port or a URL with http or https, got 'collector'"),
        ("c:99999", "must have a port between 1 and 65535, got 'c:99999'"),
        ("c :4317", "must have no spaces and no control characters, got 'c :4317'"),
        (
            "ftp://c:4317",
            "must be a URL with http or https, host:port, or a target of grpc such as "
            "dns:///host:port, got 'ftp://c:4317'",
        ),
    ],
)
def test_what_is_no_target_of_grpc_is_refused(text: str, says: str) -> None:
    with pytest.raises(ValueError, match="endpoint must") as caught:
        grpc_endpoint(text, "endpoint")
    assert str(caught.value) == f"endpoint {says}"


@pytest.mark.parametrize(
    ("text", "insecure", "is_insecure"),
    [
        ("http://c:4317", False, True),
        ("https://c:4317", True, False),
        ("c:4317", None, False),
        ("c:4317", True, True),
        ("unix:/run/otlp", True, True),
    ],
)
def test_the_scheme_decides_about_tls_and_insecure_only_without_one(
    text: str, insecure: bool | None, is_insecure: bool
) -> None:
    settings = OtlpSettings(endpoint=text, protocol="grpc", insecure=insecure)
    target = resolve(settings, {}, pytest.fail)["logs"]
    assert target.insecure is is_insecure
    assert (target.tls is None) is is_insecure


def test_over_http_insecure_means_nothing() -> None:
    settings = OtlpSettings(endpoint="https://c", insecure=True)
    assert not resolve(settings, {}, pytest.fail)["logs"].insecure


@pytest.mark.proves("fault-72")
@pytest.mark.parametrize("protocol", ["http/protobuf", "http/json", "grpc"])
def test_credentials_in_a_url_become_a_header_and_leave_the_url(
    protocol: Protocol,
) -> None:
    settings = OtlpSettings(
        endpoint=f"http://us%40er:{CANARY}@c:4318",
        protocol=protocol,
    )
    target = resolve(settings, {}, pytest.fail)["logs"]
    assert "@" not in target.endpoint
    assert CANARY not in target.endpoint
    # base64 of "us@er:hunter2-canary"
    assert target.headers == (("authorization", "Basic dXNAZXI6aHVudGVyMi1jYW5hcnk="),)
    assert "dXN" not in repr(target)


def test_a_header_of_ones_own_wins_over_credentials_in_a_url() -> None:
    settings = OtlpSettings(
        endpoint="http://user:word@c", headers={"Authorization": "Bearer x"}
    )
    target = resolve(settings, {}, pytest.fail)["logs"]
    assert target.headers == (("authorization", "Bearer x"),)


@pytest.mark.proves("fault-72")
@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("http://c:4318/base", "http://c:4318/base"),
        (f"http://{CANARY}@c:4318/a", "http://[REDACTED]@c:4318/a"),
        (f"http://u:{CANARY}@c", "http://[REDACTED]@c"),
        (f"http://c/a?key={CANARY}", "http://c/a?[REDACTED]"),
        (f"http://c/a#{CANARY}", "http://c/a?[REDACTED]"),
        (f"http://u:p/{CANARY}@c", "http://[REDACTED]"),
        (f"http://u:p?{CANARY}@c", "http://[REDACTED]"),
        (f"http://u/{CANARY}@c", "http://[REDACTED]"),
        (f"http://{CANARY}/x@c", "http://[REDACTED]"),
        (f"http://u:{CANARY}@c:99999", "http://[REDACTED]"),
        (f"u:{CANARY}@c:4317", "[REDACTED]"),
        (f"http://[{CANARY}@c", "http://[REDACTED]"),
        (f"//{CANARY}@://", "[REDACTED]"),
        (f"{CANARY}://@c", "[REDACTED]"),
    ],
)
def test_no_text_shows_credentials_or_a_query(text: str, shown: str) -> None:
    assert visible(text) == shown
    assert repr(guarded(text)) == repr(shown)


@pytest.mark.proves("fault-72")
@settings(deadline=None)
@given(
    scheme=st.sampled_from(["http://", "https://", "ftp://", "//", ""]),
    before=st.text(max_size=5),
    after=st.text(max_size=5),
    rest=st.text("abc:/?#@[]%.19 ", max_size=8),
)
def test_whatever_stands_before_an_at_sign_is_not_shown(
    scheme: str, before: str, after: str, rest: str
) -> None:
    text = f"{scheme}{before}{CANARY}{after}@{rest}"
    assert CANARY not in visible(text)
    for check in (http_endpoint, grpc_endpoint):
        with suppress(WrongEndpoint):
            target = check(text, "endpoint").target
            assert CANARY not in repr(guarded(target))


@pytest.mark.proves("fault-72")
@pytest.mark.parametrize("protocol", ["http/protobuf", "grpc"])
@pytest.mark.parametrize(
    "text",
    [
        f"http://u:p/{CANARY}@c",
        f"http://u:{CANARY}@c:99999",
        f"http://[{CANARY}@c",
        f"http://c d?key={CANARY}",
        f"u:{CANARY}@c:4317",
    ],
)
def test_no_refusal_shows_credentials_or_a_query(protocol: Protocol, text: str) -> None:
    with pytest.raises(ValueError, match="endpoint must") as caught:
        check_endpoint(text, "endpoint", protocol)
    assert CANARY not in str(caught.value)


@pytest.mark.proves("fault-72")
def test_settings_never_show_credentials_but_hand_them_over() -> None:
    text = f"http://user:{CANARY}@c/a?key={CANARY}"
    settings = OtlpSettings(endpoint=text)
    assert settings.endpoint == text
    assert CANARY not in repr(settings)
    target = resolve(settings, {}, pytest.fail)["logs"]
    assert target.endpoint == f"http://c/a/v1/logs?key={CANARY}"
    assert isinstance(target.endpoint, SecretText)
    assert CANARY not in repr(target)


@pytest.mark.proves("fault-130")
@pytest.mark.parametrize("value", ["{0}", "${{URL}}"])
def test_an_endpoint_alone_prints_without_credentials(value: str) -> None:
    """From a variable it prints as nothing but a secret, and goes out all the same."""
    text = f"http://user:{CANARY}@c/a?key={CANARY}"
    table = {"sinks": {"otlp": {"endpoint": value.format(text)}}}
    settings: Any = load_config(table, environ={"URL": text}).sinks["otlp"].settings
    assert settings.endpoint == text
    assert resolve(settings, {}, pytest.fail)["logs"].endpoint == (
        f"http://c/a/v1/logs?key={CANARY}"
    )
    assert CANARY not in f"{settings.endpoint!r}"
    if value == "{0}":
        said = f"{settings.endpoint} {settings.endpoint:>50}" + str(settings.endpoint)
        assert CANARY not in said
        assert "http://[REDACTED]@c/a?[REDACTED]" in said
