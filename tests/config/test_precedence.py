"""Argument, then file, then environment, then default: for each variable there is."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from eventbus._place import Place
from eventbus.config import Config, load_config

SIGNALS = ("logs", "metrics", "traces")

# By word of OTEL_EXPORTER_OTLP_…: setting, text in the environment, the value it is,
# and the values of a file and of an argument.
EXPORTER: dict[str, tuple[str, str, Any, Any, Any]] = {
    "ENDPOINT": (
        "endpoint",
        "http://e:1/v1/x",
        "http://e:1/v1/x",
        "http://f:1/v1/x",
        "http://a:1/v1/x",
    ),
    "PROTOCOL": ("protocol", "HTTP/JSON", "http/json", "grpc", "http/protobuf"),
    "HEADERS": ("headers", "a=e%20x", {"a": "e x"}, {"a": "f"}, {"a": "a"}),
    "COMPRESSION": ("compression", "gzip", "gzip", "none", "gzip"),
    "TIMEOUT": ("timeout_seconds", "7500", 7.5, 9.0, 11.0),
    "CERTIFICATE": ("certificate", "/e.pem", "/e.pem", "/f.pem", "/a.pem"),
    "INSECURE": ("insecure", "true", True, False, True),
}
LIMITS = {"": "OTEL_ATTRIBUTE", "logs": "OTEL_LOGRECORD", "traces": "OTEL_SPAN"}


def cases() -> Iterator[tuple[str, Place, str, Any, Any, Any]]:
    for word, (setting, *values) in EXPORTER.items():
        yield f"OTEL_EXPORTER_OTLP_{word}", (setting,), *values
        for one in SIGNALS:
            place = (f"{one}_endpoint",) if word == "ENDPOINT" else (one, setting)
            yield f"OTEL_EXPORTER_OTLP_{one.upper()}_{word}", place, *values
    for signal, prefix in LIMITS.items():
        start = prefix if prefix == "OTEL_ATTRIBUTE" else f"{prefix}_ATTRIBUTE"
        for word in ("count_limit", "value_length_limit"):
            place = (*filter(None, (signal,)), f"attribute_{word}")
            yield f"{start}_{word.upper()}", place, "5", 5, 6, 7
    metrics = "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE"
    yield metrics, ("temporality",), "delta", "delta", "cumulative", "delta"
    interval = "OTEL_METRIC_EXPORT_INTERVAL"
    yield interval, ("metric_interval_seconds",), "5000", 5.0, 6.0, 7.0
    examples = "OTEL_METRICS_EXEMPLAR_FILTER"
    yield (
        examples,
        ("exemplar_filter",),
        "always_on",
        "always_on",
        "always_off",
        "trace_based",
    )
    detectors = "OTEL_EXPERIMENTAL_RESOURCE_DETECTORS"
    yield detectors, ("resource_detectors",), "process", ("process",), ("os",), ()
    naming = "OTEL_SEMCONV_STABILITY_OPT_IN"
    yield naming, ("naming",), "codex", "codex", "codex_sdk", "codex"


def nested(place: Place, value: Any) -> dict[str, Any]:
    table = {str(place[-1]): value}
    return table if len(place) == 1 else {str(place[0]): table}


def loaded(table: dict[str, Any], overrides: Any = None, **environ: str) -> Config:
    sinks = {"otlp": {"signals": list(SIGNALS), **table}}
    return load_config({"sinks": sinks}, overrides=overrides, environ=environ)


def at(config: Config, place: Place) -> tuple[Any, str]:
    """Return the value at *place*, and where it came from."""
    value: Any = config.sinks["otlp"].settings
    for step in place:
        value = getattr(value, str(step))
    whole = ("sinks", "otlp", *place)
    origins = {
        str(origin)
        for at, origin in config.origins.items()
        if at[: len(whole)] == whole
    }
    return value, ", ".join(origins)


@pytest.mark.proves("F4")
@pytest.mark.parametrize(
    ("variable", "place", "text", "value", "in_file", "argument"), list(cases())
)
def test_each_variable_of_opentelemetry_has_its_rank(
    variable: str, place: Place, text: str, value: Any, in_file: Any, argument: Any
) -> None:
    table, environ = nested(place, in_file), {variable: text}
    overrides = {("sinks", "otlp", *place): argument}
    default, _ = at(loaded({}), place)
    assert default in (None, msgspec.UNSET)
    assert at(loaded({}, **{variable: ""}), place) == (default, "")
    assert at(loaded({}, **environ), place) == (value, f"environment {variable}")
    assert at(loaded(table, **environ), place) == (in_file, "argument")
    assert at(loaded(table, overrides, **environ), place) == (argument, "argument")
    assert not loaded(table, overrides, **environ).warnings
