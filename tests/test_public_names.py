"""The public names are these, and each says what it is."""

from __future__ import annotations

import inspect
from types import ModuleType
from typing import get_origin

import pytest

import eventbus
import eventbus.answers
import eventbus.metrics
import eventbus.sampling
import eventbus.testing

NAMES = [
    "AsyncReader",
    "AttachError",
    "Attachment",
    "AttachmentReport",
    "AttachmentReported",
    "AttachmentStateChanged",
    "AttachmentStats",
    "Attribute",
    "AttributeValue",
    "Attributes",
    "Batch",
    "Broken",
    "Buffer",
    "Bus",
    "BusClosedError",
    "BusStats",
    "Catalog",
    "Clock",
    "Coalesce",
    "ConfigError",
    "Content",
    "DecodeError",
    "Digest",
    "Drops",
    "Durations",
    "Emit",
    "Event",
    "EventBusError",
    "EventField",
    "EventNaming",
    "LabelNaming",
    "EventType",
    "Gap",
    "InvalidEventError",
    "KnownSecrets",
    "Label",
    "LabelError",
    "Layer",
    "Limits",
    "Measurement",
    "MetricError",
    "Naming",
    "Outcome",
    "Overflow",
    "OwnerError",
    "PluginError",
    "Privacy",
    "Publish",
    "PublishTimeoutError",
    "Reader",
    "Reading",
    "Record",
    "Refused",
    "RegistrationError",
    "Relay",
    "Report",
    "Reserve",
    "Retry",
    "Sampler",
    "Sensitive",
    "Severity",
    "Sink",
    "SinkContext",
    "SinkError",
    "Skipped",
    "Span",
    "Subscription",
    "Summary",
    "TooLarge",
    "Unavailable",
    "Unit",
    "bind",
    "carry",
    "emitter",
    "gaps_of",
    "in_sink",
    "load_config",
    "metrics",
    "own_metrics",
    "run_in_thread",
    "sampling",
    "trace_context",
    "use",
]

TESTING_NAMES = [
    "BusEvents",
    "Chunk",
    "FarSide",
    "Gate",
    "GatedServer",
    "Handshake",
    "ManualClock",
    "MockAnswer",
    "MockServer",
    "OtlpCollector",
    "OtlpLog",
    "OtlpMetric",
    "OtlpPoint",
    "OtlpRequest",
    "OtlpSpan",
    "RecordedRequest",
    "RecordingSink",
    "RequestRecorder",
    "ScriptedSink",
    "SinkReport",
    "SinkViolation",
    "Tally",
    "WebSocketScript",
    "WebSocketServer",
    "assert_route",
    "assert_transcript",
    "check_sink",
    "compare_transcripts",
    "extract_log_field",
    "install_test_tracing",
    "settled",
    "steps",
]

SAMPLING_NAMES = [
    "Adaptive",
    "AnyOf",
    "ByName",
    "First",
    "KeepIf",
    "RateLimit",
    "Ratio",
    "Sampler",
    "SamplerSettings",
    "for_attachment",
    "keep_names",
    "keep_severity",
    "sampler_from_config",
]

METRICS_NAMES = [
    "Aggregation",
    "Aggregator",
    "BOUNDS_BYTES",
    "BOUNDS_MILLISECONDS",
    "BOUNDS_RATIO",
    "BOUNDS_SECONDS",
    "BOUNDS_TOKENS",
    "Counter",
    "Deltas",
    "Exemplar",
    "Gauge",
    "Histogram",
    "HistogramPoint",
    "MetricData",
    "MetricPlan",
    "MetricReader",
    "Metrics",
    "NumberPoint",
    "ObservableGauge",
    "Temporality",
    "Timer",
    "from_measurements",
    "plans_of",
    "sanitized",
    "timed",
]

ANSWERS_NAMES = ["from_grpc", "from_http", "retry_after_seconds"]

ALIASES = {"AttributeValue", "Reading", "Severity"}


def public(module: ModuleType) -> list[str]:
    """Return what *module* offers: its ``__all__``, else what it re-exports."""
    listed = getattr(module, "__all__", None)
    names = listed if listed is not None else vars(module)
    return sorted(
        name
        for name in names
        if not name.startswith("_")
        and (
            not isinstance(getattr(module, name), ModuleType)
            or name in {"metrics", "sampling", "trace_context", "steps"}
        )
    )


@pytest.mark.parametrize(
    ("module", "names"),
    [
        (eventbus, NAMES),
        (eventbus.testing, TESTING_NAMES),
        (eventbus.metrics, METRICS_NAMES),
        (eventbus.sampling, SAMPLING_NAMES),
        (eventbus.answers, ANSWERS_NAMES),
    ],
    ids=["eventbus", "testing", "metrics", "sampling", "answers"],
)
def test_the_public_names_are_these(module: ModuleType, names: list[str]) -> None:
    assert public(module) == sorted(names)


@pytest.mark.parametrize("name", sorted(set(NAMES) - ALIASES))
def test_a_public_name_has_a_docstring(name: str) -> None:
    value = getattr(eventbus, name)
    assert get_origin(value) is None
    assert inspect.getdoc(value)


@pytest.mark.parametrize(
    "method",
    [n for n, m in vars(eventbus.Bus).items() if callable(m) and not n.startswith("_")],
)
def test_a_public_method_of_a_bus_has_a_docstring(method: str) -> None:
    assert inspect.getdoc(getattr(eventbus.Bus, method))
