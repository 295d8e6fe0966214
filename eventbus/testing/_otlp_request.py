"""One OTLP request as it came, and what it says once somebody asks."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from functools import cached_property
from typing import Any, Final, Literal, get_args

import msgspec

from eventbus._errors import PluginError
from eventbus.testing._decoded import decoded
from eventbus.testing._json_value import as_list, as_object
from eventbus.testing._needs import need
from eventbus.testing._otlp_values import (
    OtlpLog,
    OtlpMetric,
    OtlpSpan,
    logs_of,
    metrics_of,
    spans_of,
)

# Any in this module: OpenTelemetry's messages, which have no types.

Protocol = Literal["http/protobuf", "http/json", "grpc"]
Signal = Literal["logs", "metrics", "traces"]
SIGNALS: Final[tuple[Signal, ...]] = get_args(Signal)

PROTOBUF_TYPE: Final = "application/x-protobuf"
JSON_TYPE: Final = "application/json"
_IDS: Final = ("traceId", "spanId", "parentSpanId")
_ENUMERATIONS: Final = ("severityNumber", "kind", "code", "aggregationTemporality")
_SERVICES: Final[Mapping[Signal, tuple[str, str]]] = {
    "logs": ("logs", "Logs"),
    "metrics": ("metrics", "Metrics"),
    "traces": ("trace", "Trace"),
}


def media_type_of(headers: Mapping[str, str]) -> str:
    """Return the type of a body, in lower case and without parameters; or nothing."""
    return headers.get("content-type", "").partition(";")[0].strip().lower()


def service_of(signal: Signal) -> str:
    """Return the full name of the gRPC service that takes *signal*."""
    module, name = _SERVICES[signal]
    return f"opentelemetry.proto.collector.{module}.v1.{name}Service"


def official(signal: Signal, kind: Literal["Request", "Response"]) -> Any:
    """Return OpenTelemetry's own class of a request, or of the answer to it.

    Raises:
        PluginError: opentelemetry-proto is not installed.
    """
    module, name = _SERVICES[signal]
    home = need(
        f"opentelemetry.proto.collector.{module}.v1.{module}_service_pb2",
        by="OtlpCollector",
        package="opentelemetry-proto",
        install="opentelemetry-proto",
    )
    return getattr(home, f"Export{name}Service{kind}")


class OtlpRequest(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """A request to a collector.

    Args:
        protocol: ``"http/protobuf"``, ``"http/json"`` or ``"grpc"``.
        signal: What it carries; ``None`` where the path does not tell.
        method: Of HTTP.
        target: Path and query over HTTP, else the method's full name.
        headers: Over HTTP by lower-case name; over gRPC its metadata.
        body: As it came; gRPC decompresses.
        connection: Over which connection, from 0; always 0 over gRPC.
        peer: Where it came from, one place for each connection.
    """

    protocol: Protocol
    signal: Signal | None
    target: str
    headers: Mapping[str, Any]
    body: bytes
    method: str = "POST"
    connection: int = 0
    peer: str = ""

    @property
    def content(self) -> bytes:
        """The body, decompressed: gzip, deflate and zstd.

        Raises:
            ValueError: It is not what its ``content-encoding`` says, or over 64 MiB.
        """
        if self.protocol == "grpc":
            return self.body
        return decoded(self.body, self.headers.get("content-encoding", ""))

    @cached_property
    def message(self) -> Any:
        """The request as OpenTelemetry's own class has it.

        Raises:
            ValueError: It is no request of its signal, or has none; the text says
                where it came.
            PluginError: opentelemetry-proto is not installed.
        """
        if self.signal is None:
            raise ValueError(f"{self.target} is the path of no signal")
        kind = official(self.signal, "Request")
        try:
            if self.protocol == "http/json":
                return _from_json(self.content, kind())
            return kind.FromString(self.content)
        except PluginError:
            raise
        except Exception as error:
            raise ValueError(
                f"what came to {self.target} is no {kind.__name__}: {error}"
            ) from error

    @property
    def logs(self) -> list[OtlpLog]:
        """The log records in it.

        Raises:
            ValueError: See :attr:`message`; or attributes have a name twice.
            PluginError: See :attr:`message`.
        """
        return list(logs_of(self.message)) if self.signal == "logs" else []

    @property
    def spans(self) -> list[OtlpSpan]:
        """The spans in it; see :attr:`logs` for what it raises."""
        return list(spans_of(self.message)) if self.signal == "traces" else []

    @property
    def metrics(self) -> list[OtlpMetric]:
        """The metrics in it; see :attr:`logs` for what it raises."""
        return list(metrics_of(self.message)) if self.signal == "metrics" else []


def _from_json(body: bytes, message: Any) -> Any:
    json_format = need(
        "google.protobuf.json_format",
        by="OtlpCollector",
        package="protobuf",
        install="opentelemetry-proto",
    )
    told = _as_proto3(msgspec.json.decode(body))
    return json_format.ParseDict(told, message, ignore_unknown_fields=True)


def _as_proto3(value: Any, key: str = "") -> Any:
    """Return *value* with ids in base64, as proto3 writes bytes.

    OTLP writes them in hexadecimal digits, and enumerations only as numbers:
    https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding
    """
    if (told := as_object(value)) is not None:
        return {name: _as_proto3(inner, name) for name, inner in told.items()}
    if (listed := as_list(value)) is not None:
        return [_as_proto3(inner, key) for inner in listed]
    if isinstance(value, str) and key in _IDS:
        return base64.b64encode(bytes.fromhex(value)).decode()
    if isinstance(value, str) and key in _ENUMERATIONS:
        raise ValueError(f"{key} must be a number, got {value!r}")
    return value
