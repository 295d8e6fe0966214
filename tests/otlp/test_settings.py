from __future__ import annotations

import copy
import inspect
import pickle
import tomllib
from pathlib import Path
from typing import Any

import msgspec
import pytest

from eventbus import ConfigError
from eventbus.config import load_config
from eventbus.config._explain import in_force
from eventbus_otlp import (
    OtlpSettings,
    RecordSignalSettings,
    SignalSettings,
    TraceSignalSettings,
)
from eventbus_otlp._limits import AttributeLimits
from eventbus_otlp._resolved import TlsFiles, completed, resolve
from eventbus_otlp._signal import SIGNALS

CANARY = "hunter2-canary"
SETTINGS = (
    *(OtlpSettings, SignalSettings, RecordSignalSettings),
    TraceSignalSettings,
)
RESERVED = {
    *("type", "enabled", "select", "min_severity", "buffer", "batch", "retry"),
    *("sampler", "content", "spool", "dead_letters", "coalesce"),
}


def target(settings: OtlpSettings, signal: str = "logs", **environ: str) -> Any:
    found: Any = resolve(settings, environ, pytest.fail)
    return found[signal]


@pytest.mark.parametrize("settings", SETTINGS)
def test_every_setting_is_documented(settings: type) -> None:
    documented = "".join(inspect.getdoc(one) or "" for one in settings.__mro__)
    for field in msgspec.structs.fields(settings):
        assert f"\n    {field.name}: " in documented


def test_settings_leave_the_attachments_keys_alone() -> None:
    assert not RESERVED & {field.name for field in msgspec.structs.fields(OtlpSettings)}


@pytest.mark.parametrize("settings", SETTINGS)
def test_an_unknown_setting_is_refused(settings: type) -> None:
    with pytest.raises(msgspec.ValidationError, match="unknown field `colour`"):
        msgspec.convert({"colour": 1}, settings)


@pytest.mark.parametrize(
    ("values", "says"),
    [
        (
            {"protocol": "http"},
            "protocol must be 'http/protobuf', 'http/json' or 'grpc', got 'http'",
        ),
        ({"compression": "zstd"}, "compression must be 'gzip' or 'none', got 'zstd'"),
        (
            {"temporality": "low"},
            "temporality must be 'delta' or 'cumulative', got 'low'",
        ),
        ({"signals": ()}, "signals must name at least one signal, got none"),
        ({"signals": ("log",)}, "signals must be of logs, metrics, traces, got 'log'"),
        ({"signals": ("logs", "logs")}, "signals has 'logs' twice"),
        ({"timeout_seconds": -1}, "timeout_seconds must be > 0, got -1"),
        ({"timeout_seconds": 0}, "timeout_seconds must be > 0, got 0"),
        ({"timeout_seconds": float("nan")}, "timeout_seconds must be > 0, got nan"),
        ({"max_request_bytes": 0}, "max_request_bytes must be >= 1, got 0"),
        ({"max_response_bytes": 0}, "max_response_bytes must be >= 1, got 0"),
        ({"reload_interval_seconds": 0}, "reload_interval_seconds must be > 0, got 0"),
        ({"metric_interval_seconds": 0}, "metric_interval_seconds must be > 0, got 0"),
        ({"attribute_count_limit": -1}, "attribute_count_limit must be >= 0, got -1"),
        ({"attribute_items_limit": -1}, "attribute_items_limit must be >= 0, got -1"),
        (
            {"retry_statuses": (408, 200)},
            "retry_statuses must be between 300 and 599, got 200",
        ),
    ],
)
def test_a_setting_out_of_range_is_refused_by_name(
    values: dict[str, Any], says: str
) -> None:
    with pytest.raises(ValueError, match=r"must|twice") as caught:
        OtlpSettings(**values)
    assert str(caught.value) == says


@pytest.mark.parametrize("make", [OtlpSettings, SignalSettings, RecordSignalSettings])
@pytest.mark.parametrize(
    ("there", "missing"),
    [("client_certificate", "client_key"), ("client_key", "client_certificate")],
)
@pytest.mark.proves("G5")
def test_half_a_pair_of_files_is_refused_and_the_missing_one_named(
    make: Any, there: str, missing: str
) -> None:
    with pytest.raises(ValueError, match="needs") as caught:
        make(**{there: "file.pem"})
    assert str(caught.value) == (
        f"{there} needs {missing} beside it, which is missing: the two are used "
        "together or not at all"
    )


def test_defaults_are_the_specification_s() -> None:
    found = target(OtlpSettings())
    assert found.endpoint == "http://localhost:4318/v1/logs"
    assert found.protocol == "http/protobuf"
    assert found.compression == "none"
    assert found.timeout_seconds == 10
    assert found.headers == ()
    assert found.limits == AttributeLimits(count=128, value_length=None)
    assert OtlpSettings().max_request_bytes == 67_108_864
    assert OtlpSettings().max_response_bytes == 4_194_304
    whole = completed(OtlpSettings(), {}, pytest.fail)
    assert whole.temporality == "cumulative"
    assert whole.metric_interval_seconds == 60
    assert whole.exemplar_filter == "trace_based"
    assert whole.resource_detectors == ()


def test_grpc_has_a_default_of_its_own() -> None:
    found = target(OtlpSettings(protocol="grpc"))
    assert (found.endpoint, found.insecure) == ("localhost:4317", True)


def test_only_the_signals_that_are_sent_have_a_target() -> None:
    settings = OtlpSettings(signals=("traces", "metrics"))
    assert list(resolve(settings, {}, pytest.fail)) == ["traces", "metrics"]


@pytest.mark.proves("F3")
@pytest.mark.parametrize("named", SIGNALS)
def test_no_signal_inherits_the_endpoint_of_another(named: str) -> None:
    settings = OtlpSettings(signals=SIGNALS, **{f"{named}_endpoint": "http://own/x"})  # type: ignore[arg-type]
    found = resolve(settings, {}, pytest.fail)
    assert {s: t.endpoint for s, t in found.items()} == {
        signal: "http://own/x"
        if signal == named
        else f"http://localhost:4318/v1/{signal}"
        for signal in SIGNALS
    }


@pytest.mark.proves("F3")
def test_what_one_signal_says_holds_for_it_alone() -> None:
    settings = OtlpSettings(
        signals=SIGNALS,
        headers={"a": "1", "b": "2"},
        timeout_seconds=3,
        endpoint="https://c",
        traces=TraceSignalSettings(
            protocol="grpc",
            headers={"c": "3"},
            compression="gzip",
            timeout_seconds=4,
            certificate="ca.pem",
            client_certificate="own.pem",
            client_key="own.key",
            attribute_count_limit=5,
            attribute_value_length_limit=6,
        ),
    )
    traces, logs = target(settings, "traces"), target(settings, "logs")
    assert traces.endpoint == "c:443"
    assert traces.headers == (("c", "3"),)
    assert (traces.compression, traces.timeout_seconds) == ("gzip", 4)
    assert traces.tls == TlsFiles("ca.pem", "own.pem", "own.key")
    assert traces.limits == AttributeLimits(count=5, value_length=6)
    assert logs.endpoint == "https://c/v1/logs"
    assert logs.protocol == "http/protobuf"
    assert logs.headers == (("a", "1"), ("b", "2"))
    assert (logs.compression, logs.timeout_seconds) == ("none", 3)
    assert logs.tls == TlsFiles()
    assert logs.limits == AttributeLimits()


@pytest.mark.parametrize("limit", [7, None])
def test_values_inside_of_an_attribute_are_limited_for_all_records(
    limit: int | None,
) -> None:
    settings = OtlpSettings(
        endpoint="https://c", attribute_items_limit=limit, signals=SIGNALS
    )
    for signal in ("logs", "traces"):
        assert target(settings, signal).limits == AttributeLimits(value_items=limit)
    assert target(settings, "metrics").limits.value_items is None


def test_a_pair_of_files_is_never_mixed_of_two_places() -> None:
    settings = OtlpSettings(
        endpoint="https://c",
        client_certificate="all.pem",
        client_key="all.key",
        logs=RecordSignalSettings(client_certificate="own.pem", client_key="own.key"),
    )
    assert target(settings).tls == TlsFiles(None, "own.pem", "own.key")


def test_none_is_no_limit_whatever_the_environment_says() -> None:
    settings = OtlpSettings(
        timeout_seconds=None,
        attribute_count_limit=3,
        attribute_value_length_limit=None,
        logs=RecordSignalSettings(attribute_count_limit=None),
    )
    found = target(
        settings,
        OTEL_EXPORTER_OTLP_TIMEOUT="1000",
        OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT="4",
        OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT="5",
    )
    assert found.timeout_seconds == 0
    assert found.limits == AttributeLimits(count=None, value_length=None)


def test_an_endpoint_of_a_signal_that_is_not_sent_is_not_held_to_a_protocol() -> None:
    settings = OtlpSettings(
        endpoint="collector:4317", logs=RecordSignalSettings(protocol="grpc")
    )
    assert target(settings).endpoint == "collector:4317"


@pytest.mark.proves("G6")
def test_no_text_made_of_settings_shows_a_header() -> None:
    settings = OtlpSettings(
        headers={"x-key": CANARY}, logs=RecordSignalSettings(headers={"x-key": CANARY})
    )
    for text in (
        *(repr(settings), str(settings), f"{settings}", repr([settings])),
        repr(copy.deepcopy(settings)),
        repr(msgspec.structs.asdict(settings)),
        repr(resolve(settings, {}, pytest.fail)),
    ):
        assert CANARY not in text
    with pytest.raises(TypeError):
        pickle.dumps(settings)
    assert settings.headers == {"x-key": CANARY}


FILE = f"""
[sinks.out]
type = "otlp"
endpoint = "https://user:{CANARY}@c?key={CANARY}"
signals = ["logs", "traces"]
headers = {{ authorization = "{CANARY}" }}
client_certificate = "a.pem"
client_key = "a.key"
retry_statuses = [408]
[sinks.out.traces]
protocol = "grpc"
headers = {{ "x-tenant" = "{CANARY}" }}
timeout_seconds = 3
"""


def test_a_file_says_all_of_it_and_a_check_shows_no_secret(tmp_path: Path) -> None:
    path = tmp_path / "eventbus.toml"
    path.write_text(FILE)
    config = load_config(path, environ={})
    settings: Any = config.sinks["out"].settings
    traces = target(settings, "traces")
    assert (traces.protocol, traces.timeout_seconds) == ("grpc", 3)
    assert dict(traces.headers) == {
        "x-tenant": CANARY,
        "authorization": "Basic dXNlcjpodW50ZXIyLWNhbmFyeQ==",
    }
    assert dict(target(settings).headers) == {"authorization": CANARY}
    shown = {one.place: (one.value, one.origin) for one in in_force(config)}
    assert CANARY not in repr(config) + repr(settings) + repr(shown)
    assert shown["$.sinks.out.endpoint"] == (
        '"https://[REDACTED]@c?[REDACTED]"',
        f"{path}:4",
    )
    assert shown["$.sinks.out.headers.authorization"][0] == '"[REDACTED]"'
    assert shown["$.sinks.out.traces.timeout_seconds"][0] == "3.0"
    assert "$.sinks.out.timeout_seconds" not in shown


@pytest.mark.parametrize(
    ("line", "says"),
    [
        (
            "endpoint = 'collector:4317'",
            "endpoint must begin with http:// or https://, unless protocol is 'grpc', "
            "got 'collector:4317' - at `$.sinks.otlp.endpoint`",
        ),
        (
            f"endpoint = 'http://u:{CANARY}@c:0'",
            "endpoint must have a port between 1 and 65535, got 'http://[REDACTED]' "
            "- at `$.sinks.otlp.endpoint`",
        ),
        (
            "client_key = 'a'",
            "client_key needs client_certificate beside it, which is missing: the two "
            "are used together or not at all - at `$.sinks.otlp.client_certificate`",
        ),
        (
            "logs.client_key = 'a'",
            "client_key needs client_certificate beside it, which is missing: the two "
            "are used together or not at all "
            "- at `$.sinks.otlp.logs.client_certificate`",
        ),
        (
            f"headers = {{ 'x y' = '{CANARY}' }}",
            "header 'x…' is refused: a name has letters, digits and "
            "!#$%&'*+-.^_`|~ only - at `$.sinks.otlp.headers`",
        ),
        (
            f"logs.headers = {{ '{CANARY}' = 5 }}",
            "header number 1 must have a text as its value, got one of type int "
            "- at `$.sinks.otlp.logs.headers`",
        ),
        (
            "endpont = 'http://c'",
            "Unknown key 'endpont'. Did you mean 'endpoint'? "
            "- at `$.sinks.otlp.endpont`",
        ),
        (
            "logs.endpoint = 'http://c'",
            "Unknown key 'endpoint'. Expected: attribute_count_limit, "
            "attribute_value_length_limit, certificate, client_certificate, "
            "client_key, compression, headers, insecure, protocol, timeout_seconds "
            "- at `$.sinks.otlp.logs.endpoint`",
        ),
        (
            "protocol = 'htp/json'",
            "Expected 'grpc', 'http/json', 'http/protobuf' or 'none', got 'htp/json'. "
            "Did you mean 'http/json'? - at `$.sinks.otlp.protocol`",
        ),
        (
            "headers = 'a=b'",
            "Expected a table or 'none', got [REDACTED] - at `$.sinks.otlp.headers`",
        ),
        (
            "retry_statuses = [200]",
            "Expected `int` between 300 and 599, got 200 "
            "- at `$.sinks.otlp.retry_statuses[0]`",
        ),
    ],
)
def test_a_mistake_in_a_file_is_told_with_its_place(line: str, says: str) -> None:
    table = tomllib.loads(line)
    with pytest.raises(ConfigError) as caught:
        load_config({"sinks": {"otlp": table}}, environ={})
    assert str(caught.value) == says


@pytest.mark.proves("G7")
@pytest.mark.parametrize(
    ("table", "timeout_seconds"),
    [
        ({}, 10),
        ({"timeout_seconds": 3}, 3),
        ({"timeout_seconds": "none"}, None),
        ({"timeout_seconds": 3, "logs": {"timeout_seconds": 4}}, 4),
        ({"timeout_seconds": 3, "traces": {"timeout_seconds": 4}}, 3),
        ({"timeout_seconds": 3, "retry": {"timeout_seconds": 5}}, 5),
        ({"signals": ["logs", "traces"], "logs": {"timeout_seconds": "none"}}, None),
    ],
)
def test_a_time_out_is_what_the_bus_gives_an_attempt(
    table: dict[str, Any], timeout_seconds: float | None
) -> None:
    config = load_config({"sinks": {"otlp": table}}, environ={})
    assert config.sinks["otlp"].retry.timeout_seconds == timeout_seconds


def test_none_in_a_file_is_no_compression_and_no_limit() -> None:
    table = {
        "compression": "gzip",
        "logs": {"compression": "none", "timeout_seconds": "none"},
    }
    environ = {
        "OTEL_EXPORTER_OTLP_LOGS_COMPRESSION": "gzip",
        "OTEL_EXPORTER_OTLP_TIMEOUT": "1000",
    }
    config = load_config({"sinks": {"otlp": table}}, environ=environ)
    settings: Any = config.sinks["otlp"].settings
    assert (target(settings).compression, target(settings).timeout_seconds) == (
        *("none", 0),
    )


def test_a_configuration_takes_no_function_for_headers() -> None:
    with pytest.raises(ConfigError, match="headers"):
        load_config({"sinks": {"otlp": {"headers": dict}}}, environ={})
