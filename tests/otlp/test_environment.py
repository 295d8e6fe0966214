from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eventbus.config import load_config
from eventbus_otlp._limits import NO_LIMITS, AttributeLimits
from eventbus_otlp._resolved import TlsFiles, completed, resolve
from eventbus_otlp._settings import OtlpSettings
from eventbus_otlp._signal import SIGNALS
from eventbus_otlp._signal_settings import RecordSignalSettings, TraceSignalSettings

CANARY = "hunter2-canary"
PREFIX = "OTEL_EXPORTER_OTLP_"

Found = tuple[Any, list[str]]


def targets(settings: OtlpSettings | None = None, /, **environ: str) -> Found:
    """Return the targets of all signals, and the warnings."""
    warnings: list[str] = []
    settings = settings or OtlpSettings(signals=SIGNALS)
    return resolve(settings, environ, warnings.append), warnings


def settled(**environ: str) -> tuple[OtlpSettings, list[str]]:
    warnings: list[str] = []
    return completed(OtlpSettings(), environ, warnings.append), warnings


@pytest.mark.proves("F4", "G7")
def test_one_signal_s_variable_wins_over_that_for_all() -> None:
    found, _ = targets(
        OTEL_EXPORTER_OTLP_TIMEOUT="5000",
        OTEL_EXPORTER_OTLP_LOGS_TIMEOUT="2500",
        OTEL_EXPORTER_OTLP_PROTOCOL="grpc",
        OTEL_EXPORTER_OTLP_TRACES_PROTOCOL="http/json",
        OTEL_EXPORTER_OTLP_HEADERS="a=1",
        OTEL_EXPORTER_OTLP_METRICS_HEADERS="b=2",
        OTEL_EXPORTER_OTLP_COMPRESSION="gzip",
        OTEL_EXPORTER_OTLP_LOGS_COMPRESSION="none",
    )
    assert [found[s].timeout_seconds for s in SIGNALS] == [2.5, 5, 5]
    assert [found[s].protocol for s in SIGNALS] == ["grpc", "grpc", "http/json"]
    assert [found[s].headers for s in SIGNALS] == [
        *((("a", "1"),), (("b", "2"),), (("a", "1"),)),
    ]
    assert [found[s].compression for s in SIGNALS] == ["none", "gzip", "gzip"]


@pytest.mark.proves("F4", "G7")
def test_what_is_given_wins_over_the_environment_the_signal_s_own_too() -> None:
    given = OtlpSettings(
        endpoint="http://given",
        timeout_seconds=1,
        logs=RecordSignalSettings(compression="none"),
    )
    found, _ = targets(
        given,
        OTEL_EXPORTER_OTLP_LOGS_ENDPOINT="http://environment",
        OTEL_EXPORTER_OTLP_LOGS_TIMEOUT="2000",
        OTEL_EXPORTER_OTLP_LOGS_COMPRESSION="gzip",
        OTEL_EXPORTER_OTLP_LOGS_PROTOCOL="http/json",
    )
    logs = found["logs"]
    assert logs.endpoint == "http://given/v1/logs"
    assert logs.timeout_seconds == 1
    assert logs.compression == "none"
    assert logs.protocol == "http/json"


@pytest.mark.parametrize("text", ["", "  "])
def test_an_empty_variable_is_as_good_as_none(text: str) -> None:
    names = (
        *("ENDPOINT", "LOGS_ENDPOINT", "PROTOCOL", "HEADERS", "TIMEOUT"),
        "INSECURE",
    )
    found, warnings = targets(**{PREFIX + name: text for name in names})  # fmt: skip
    assert warnings == []
    assert found == targets()[0]


def test_choices_are_in_any_case() -> None:
    found, warnings = targets(
        OTEL_EXPORTER_OTLP_PROTOCOL="Http/JSON", OTEL_EXPORTER_OTLP_COMPRESSION="GZIP"
    )
    assert found["logs"].protocol == "http/json"
    assert found["logs"].compression == "gzip"
    assert warnings == []


@pytest.mark.proves("G7")
def test_times_are_milliseconds_and_zero_is_no_limit() -> None:
    found, _ = targets(
        OTEL_EXPORTER_OTLP_TIMEOUT="1500", OTEL_EXPORTER_OTLP_LOGS_TIMEOUT="0"
    )
    assert found["metrics"].timeout_seconds == 1.5
    assert found["logs"].timeout_seconds == 0


@pytest.mark.proves("G7")
@pytest.mark.parametrize("text", ["10s", "-1", "1.5", "1e3", "٣", "9" * 30, CANARY])
def test_a_bad_number_is_ignored_with_a_warning_that_does_not_repeat_it(
    text: str,
) -> None:
    found, warnings = targets(
        OTEL_EXPORTER_OTLP_TIMEOUT="2000", OTEL_EXPORTER_OTLP_LOGS_TIMEOUT=text
    )
    assert found["logs"].timeout_seconds == 2
    assert warnings == [
        "OTEL_EXPORTER_OTLP_LOGS_TIMEOUT is ignored: expected a whole number of "
        "milliseconds, 0 or more"
    ]


@pytest.mark.proves("G7")
def test_without_a_usable_number_the_default_holds() -> None:
    found, _ = targets(
        OTEL_EXPORTER_OTLP_TIMEOUT="x", OTEL_EXPORTER_OTLP_LOGS_TIMEOUT="y"
    )
    assert found["logs"].timeout_seconds == 10


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        (
            "OTEL_EXPORTER_OTLP_PROTOCOL",
            "thrift",
            "expected 'http/protobuf', 'http/json' or 'grpc'",
        ),
        ("OTEL_EXPORTER_OTLP_LOGS_COMPRESSION", "zstd", "expected 'gzip' or 'none'"),
        (
            "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE",
            "x",
            "expected 'cumulative', 'delta' or 'lowmemory'",
        ),
        (
            "OTEL_METRICS_EXEMPLAR_FILTER",
            "x",
            "expected 'always_on', 'always_off' or 'trace_based'",
        ),
        (
            "OTEL_METRIC_EXPORT_INTERVAL",
            "0",
            "expected a whole number of milliseconds, 1 or more",
        ),
        (
            "OTEL_ATTRIBUTE_COUNT_LIMIT",
            "-1",
            "expected a whole number of 0 or more",
        ),
        (
            "OTEL_EXPORTER_OTLP_ENDPOINT",
            f"u:{CANARY}@c",
            "it must begin with http:// or https://, unless protocol is 'grpc'",
        ),
        (
            "OTEL_EXPORTER_OTLP_LOGS_ENDPOINT",
            f"http://{CANARY}@c:0",
            "it must have a port between 1 and 65535",
        ),
        ("OTEL_EXPORTER_OTLP_HEADERS", CANARY, "pair 1 has no '='"),
        (
            "OTEL_EXPORTER_OTLP_CLIENT_KEY",
            "a.key",
            "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE is missing beside it",
        ),
        (
            "OTEL_EXPORTER_OTLP_LOGS_CLIENT_CERTIFICATE",
            "a.pem",
            "OTEL_EXPORTER_OTLP_LOGS_CLIENT_KEY is missing beside it",
        ),
    ],
)
def test_what_cannot_be_used_is_ignored_with_one_warning_without_its_value(
    name: str, text: str, says: str
) -> None:
    found, warnings = targets(**{name: text})
    assert warnings == [f"{name} is ignored: {says}"]
    assert CANARY not in repr(warnings)
    assert found == targets()[0]


@pytest.mark.parametrize(
    ("text", "is_insecure", "warned"),
    [("true", True, 0), ("TRUE", True, 0), ("false", False, 0), ("1", False, 1)],
)
def test_a_switch_is_on_with_true_alone(
    text: str, is_insecure: bool, warned: int
) -> None:
    found, warnings = targets(
        OTEL_EXPORTER_OTLP_PROTOCOL="grpc",
        OTEL_EXPORTER_OTLP_ENDPOINT="c:4317",
        OTEL_EXPORTER_OTLP_INSECURE=text,
    )
    assert found["logs"].insecure is is_insecure
    assert len(warnings) == warned


def test_an_endpoint_is_read_as_its_protocol_reads_it() -> None:
    found, warnings = targets(
        OtlpSettings(protocol="grpc"),
        OTEL_EXPORTER_OTLP_ENDPOINT="collector:4317",
        OTEL_EXPORTER_OTLP_LOGS_INSECURE="true",
    )
    assert warnings == []
    assert found["logs"].endpoint == "collector:4317"
    assert found["logs"].insecure


def test_headers_are_read_as_their_protocol_reads_them() -> None:
    found, warnings = targets(
        OTEL_EXPORTER_OTLP_LOGS_PROTOCOL="grpc",
        OTEL_EXPORTER_OTLP_LOGS_HEADERS="a=1,x*a=2",
        OTEL_EXPORTER_OTLP_TRACES_HEADERS="x*a=2",
    )
    assert found["logs"].headers == (("a", "1"),)
    assert found["traces"].headers == (("x*a", "2"),)
    assert warnings == [
        "OTEL_EXPORTER_OTLP_LOGS_HEADERS: header 'x*a' is refused: over gRPC a name "
        "has letters, digits and _.- only"
    ]


NAMES = [
    *(f"{PREFIX}{signal}{word}" for signal in ("", "LOGS_", "TRACES_")
      for word in ("ENDPOINT", "PROTOCOL", "HEADERS", "TIMEOUT", "COMPRESSION",
                   "CERTIFICATE", "CLIENT_CERTIFICATE", "CLIENT_KEY", "INSECURE")),
    *("OTEL_ATTRIBUTE_COUNT_LIMIT", "OTEL_METRIC_EXPORT_INTERVAL"),
    *("OTEL_METRICS_EXEMPLAR_FILTER", "OTEL_EXPERIMENTAL_RESOURCE_DETECTORS"),
]  # fmt: skip
TEXTS = st.text(max_size=12) | st.sampled_from(
    ["grpc", "http/json", "c:4317", "https://c", "a=1,x*a=2,c-bin=3", "0", "true"]
)


@pytest.mark.proves("F4")
@settings(deadline=None)
@given(st.dictionaries(st.sampled_from(NAMES), TEXTS))
def test_whatever_the_environment_holds_there_is_somewhere_to_send_to(
    environ: dict[str, str],
) -> None:
    found, warnings = targets(**environ)
    assert set(found) == set(SIGNALS)
    assert len(warnings) == len(set(warnings))


def test_certificates_are_files_by_name() -> None:
    found, warnings = targets(
        OTEL_EXPORTER_OTLP_ENDPOINT="https://c",
        OTEL_EXPORTER_OTLP_CERTIFICATE="ca.pem",
        OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE="a.pem",
        OTEL_EXPORTER_OTLP_CLIENT_KEY="a.key",
        OTEL_EXPORTER_OTLP_LOGS_CERTIFICATE="logs.pem",
    )
    assert found["logs"].tls == TlsFiles("logs.pem", "a.pem", "a.key")
    assert found["traces"].tls == TlsFiles("ca.pem", "a.pem", "a.key")
    assert warnings == []


def test_one_half_of_a_signal_s_pair_goes_with_the_other_half_for_all() -> None:
    found, warnings = targets(
        OTEL_EXPORTER_OTLP_ENDPOINT="https://c",
        OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE="a.pem",
        OTEL_EXPORTER_OTLP_LOGS_CLIENT_KEY="logs.key",
    )
    assert found["logs"].tls == TlsFiles(None, "a.pem", "logs.key")
    assert found["traces"].tls == TlsFiles()
    assert warnings == []


def test_limits_of_one_kind_of_record_win_over_those_for_all() -> None:
    found, _ = targets(
        OTEL_ATTRIBUTE_COUNT_LIMIT="10",
        OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT="20",
        OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT="11",
        OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT="21",
    )
    assert found["logs"].limits == AttributeLimits(count=11, value_length=20)
    assert found["traces"].limits == AttributeLimits(count=10, value_length=21)
    assert found["metrics"].limits == NO_LIMITS


@pytest.mark.parametrize(
    ("text", "temporality"),
    [("delta", "delta"), ("Cumulative", "cumulative"), ("lowmemory", "delta")],
)
def test_metrics_follow_their_variables(text: str, temporality: str) -> None:
    found, warnings = settled(
        OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE=text,
        OTEL_METRIC_EXPORT_INTERVAL="1500",
        OTEL_METRICS_EXEMPLAR_FILTER="Always_On",
    )
    assert found.temporality == temporality
    assert found.metric_interval_seconds == 1.5
    assert found.exemplar_filter == "always_on"
    assert warnings == []


def test_detectors_that_are_not_installed_are_told_by_their_number() -> None:
    found, warnings = settled(
        OTEL_EXPERIMENTAL_RESOURCE_DETECTORS=f"host, {CANARY},os,host"
    )
    assert found.resource_detectors == ("host", "os")
    assert len(warnings) == 1
    assert warnings[0].startswith(
        "OTEL_EXPERIMENTAL_RESOURCE_DETECTORS: name 2 is of no detector that is "
        "installed (host, os, otel, "
    )


@pytest.mark.proves("F4")
def test_a_configuration_says_which_value_came_from_which_variable() -> None:
    config = load_config(
        {"sinks": {"otlp": {"compression": "gzip", "traces": {"timeout_seconds": 7}}}},
        overrides={("sinks", "otlp", "logs", "timeout_seconds"): 3},
        environ={
            "OTEL_EXPORTER_OTLP_ENDPOINT": "http://c",
            "OTEL_EXPORTER_OTLP_COMPRESSION": "none",
            "OTEL_EXPORTER_OTLP_TIMEOUT": "2000",
            "OTEL_EXPORTER_OTLP_LOGS_TIMEOUT": "9000",
            "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL": "grpc",
            "OTEL_EXPORTER_OTLP_HEADERS": f"k={CANARY}",
        },
    )
    settings: Any = config.sinks["otlp"].settings
    assert settings == OtlpSettings(
        endpoint="http://c",
        compression="gzip",
        timeout_seconds=2,
        headers={"k": CANARY},
        logs=RecordSignalSettings(timeout_seconds=3),
        traces=TraceSignalSettings(timeout_seconds=7, protocol="grpc"),
    )
    origins = {place[2:]: str(origin) for place, origin in config.origins.items()}
    assert origins == {
        ("compression",): "argument",  # a mapping, which stands for a file here
        ("traces", "timeout_seconds"): "argument",
        ("logs", "timeout_seconds"): "argument",
        ("endpoint",): "environment OTEL_EXPORTER_OTLP_ENDPOINT",
        ("timeout_seconds",): "environment OTEL_EXPORTER_OTLP_TIMEOUT",
        ("traces", "protocol"): "environment OTEL_EXPORTER_OTLP_TRACES_PROTOCOL",
        ("headers", "k"): "environment OTEL_EXPORTER_OTLP_HEADERS",
    }
    assert CANARY not in repr(config)


@pytest.mark.proves("G7")
def test_no_limit_in_the_environment_is_none_in_a_configuration() -> None:
    environ = {"OTEL_EXPORTER_OTLP_TIMEOUT": "0"}
    config = load_config({"sinks": {"otlp": {}}}, environ=environ)
    settings: Any = config.sinks["otlp"].settings
    assert settings.timeout_seconds is None
    assert resolve(settings, {}, pytest.fail)["logs"].timeout_seconds == 0


def test_a_bad_variable_is_told_once_where_a_configuration_is_loaded(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", CANARY)
    load_config({"sinks": {"otlp": {}}}).sinks["otlp"].make()
    assert [record.getMessage() for record in caplog.records] == [
        "OTEL_EXPORTER_OTLP_TIMEOUT is ignored: expected a whole number of "
        "milliseconds, 0 or more"
    ]


def test_the_sdk_switch_leaves_the_sink_out_of_a_configuration() -> None:
    config = load_config({"sinks": {"otlp": {}}}, environ={"OTEL_SDK_DISABLED": "true"})
    assert config.left_out["otlp"].reason == "OTEL_SDK_DISABLED = true"
