"""Which settings the OTLP sink has, by name, and their defaults.

What is left unset here is for the environment to say, by the names and rules of
OpenTelemetry's specification:
https://opentelemetry.io/docs/specs/otel/protocol/exporter/
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping
from typing import Annotated, Any, Final, cast

import msgspec
from msgspec import UNSET, Meta, UnsetType

from eventbus import AttributeValue, Retry
from eventbus._bounds import WrongSetting, above, at_least, between, concerning
from eventbus._file_path import FilePath
from eventbus._log import LOGGER_NAME
from eventbus._place import Place
from eventbus._secret import plain_text
from eventbus.config import EnvironmentValue
from eventbus.metrics import Aggregation
from eventbus_otlp._advice import advice_on
from eventbus_otlp._endpoint import check_endpoint, guarded
from eventbus_otlp._limits import DEFAULT_VALUE_ITEMS
from eventbus_otlp._signal import SIGNALS, Protocol, Signal
from eventbus_otlp._signal_settings import (
    Checked,
    Compression,
    ExemplarFilter,
    Headers,
    RecordSignalSettings,
    SignalSettings,
    Temporality,
    TraceSignalSettings,
    check_shared,
    is_said,
)

DEFAULT_PROTOCOL: Final[Protocol] = "http/protobuf"
DEFAULT_SIGNALS: Final[tuple[Signal, ...]] = ("logs",)
DEFAULT_COMPRESSION: Final[Compression] = "none"
DEFAULT_TIMEOUT_SECONDS: Final = 10.0
DEFAULT_RELOAD_INTERVAL_SECONDS: Final = 60.0
DEFAULT_MAX_REQUEST_BYTES: Final = 64 * 1024 * 1024
DEFAULT_MAX_RESPONSE_BYTES: Final = 4 * 1024 * 1024
DEFAULT_TEMPORALITY: Final = "cumulative"
DEFAULT_METRIC_INTERVAL_SECONDS: Final = 60.0
DEFAULT_EXEMPLAR_FILTER: Final = "trace_based"


class OtlpSettings(Checked, frozen=True, kw_only=True):
    """Where records go, how, and what they may cost.

    Precedence: argument, then file, then environment, then default; within each of
    these, what is said for one signal before what is said for all. So an ``endpoint``
    here wins over ``OTEL_EXPORTER_OTLP_LOGS_ENDPOINT``. No signal takes what is said
    for another one.

    Args:
        endpoint: Of all signals. Over HTTP a URL to whose path ``v1/logs``,
            ``v1/metrics`` or ``v1/traces`` is appended; a user and a password in it
            are sent as ``authorization``. Over gRPC also ``host:port`` or a target of
            grpc, as in ``dns:///host:port``. Unset: ``http://localhost:4318``, with
            gRPC ``http://localhost:4317``.
        logs_endpoint: Of logs alone. Over HTTP this very URL is used.
        metrics_endpoint: Of metrics alone, likewise.
        traces_endpoint: Of traces alone, likewise.
        protocol: What is spoken. Unset: ``http/protobuf``.
        signals: Which signals are sent.
        headers: Sent with each request: names and values, which are kept as
            :class:`eventbus.config.Secret`. In code also a function, plain or async,
            that returns them; it is asked again when it is time.
        compression: ``"gzip"`` pays with time of the process that makes events for
            bytes on the network. Unset: ``"none"``, as in OpenTelemetry's SDK: a
            Collector is mostly near.
        timeout_seconds: What one attempt may take; ``None`` is no limit. Unset: 10.
        certificate: File with the certificates (PEM) of those who may sign the far
            side's, and nobody else. Unset: the system's trust store. The same over
            HTTP and gRPC.
        client_certificate: File with our certificate (PEM), and those of who signed
            it; with ``client_key``.
        client_key: File with its key (PEM, not encrypted); with
            ``client_certificate``.
        reload_interval_seconds: How often the three files are looked at; changed ones
            are taken up.
        insecure: Whether a gRPC endpoint that names neither ``http`` nor ``https`` is
            reached without TLS. Unset: it is not.
        max_request_bytes: Size that no request passes, before compression; what would
            is split.
        max_response_bytes: How much of an answer is read, after decompression; over
            gRPC 1 MiB at most before it.
        retry_statuses: HTTP statuses of 300 and above that this far side uses for
            what may work later, beside 429, 502, 503 and 504.
        strict_content_type: Whether a success with an unexpected type of content, as a
            captive portal's page has, counts as not delivered.
        attribute_count_limit: Most attributes of a record; the others are counted in
            it; ``None`` is no limit. Unset: 128.
        attribute_value_length_limit: Most characters of a text among the attributes;
            a longer one is cut; ``None`` is no limit. Unset: none either.
        attribute_items_limit: Most values inside of one attribute that is an array or a
            table; the others are left out, and the record is counted as
            ``truncated``. ``None`` is no limit.
        temporality: Whether metrics count from the last collection or from the start.
            Unset: ``"cumulative"``.
        metric_interval_seconds: How often metrics are sent. Unset: 60.
        exemplar_filter: Which measurements may be shown as examples. Unset:
            ``"trace_based"``, those in a sampled trace.
        aggregation: What metrics are counted by: labels of every series, bound
            attributes that are labels, and the bounds.
        resource_detectors: Names of detectors of OpenTelemetry's SDK that complete the
            resource, as in ``["host", "os", "process"]``. Unset: no detectors.
        naming: Another form of the same records, by its name: those that the catalogs
            offer, as ``"codex"``, have other names and types of events and attributes.
            Unset: what ``OTEL_SEMCONV_STABILITY_OPT_IN`` lists first of them, else
            the names of the event types themselves.
        span_attributes: Attributes that each span has where it says nothing else.
        trust_environment: Whether the proxies that ``HTTP_PROXY``, ``HTTPS_PROXY`` and
            ``NO_PROXY`` name are used.
        logs: What differs for logs.
        metrics: What differs for metrics.
        traces: What differs for traces.
    """

    endpoint: Annotated[str, Meta(min_length=1)] | None = None
    logs_endpoint: Annotated[str, Meta(min_length=1)] | None = None
    metrics_endpoint: Annotated[str, Meta(min_length=1)] | None = None
    traces_endpoint: Annotated[str, Meta(min_length=1)] | None = None
    protocol: Protocol | None = None
    signals: Annotated[tuple[Signal, ...], Meta(min_length=1)] = DEFAULT_SIGNALS
    headers: Headers | None = None
    compression: Compression | None = None
    timeout_seconds: Annotated[float, Meta(gt=0)] | UnsetType | None = UNSET
    certificate: FilePath | None = None
    client_certificate: FilePath | None = None
    client_key: FilePath | None = None
    reload_interval_seconds: Annotated[float, Meta(gt=0)] = (
        DEFAULT_RELOAD_INTERVAL_SECONDS
    )
    insecure: bool | None = None
    max_request_bytes: Annotated[int, Meta(ge=1)] = DEFAULT_MAX_REQUEST_BYTES
    max_response_bytes: Annotated[int, Meta(ge=1)] = DEFAULT_MAX_RESPONSE_BYTES
    retry_statuses: tuple[Annotated[int, Meta(ge=300, le=599)], ...] = ()
    strict_content_type: bool = False
    attribute_count_limit: Annotated[int, Meta(ge=0)] | UnsetType | None = UNSET
    attribute_value_length_limit: Annotated[int, Meta(ge=0)] | UnsetType | None = UNSET
    attribute_items_limit: Annotated[int, Meta(ge=0)] | None = DEFAULT_VALUE_ITEMS
    temporality: Temporality | None = None
    metric_interval_seconds: Annotated[float, Meta(gt=0)] | None = None
    exemplar_filter: ExemplarFilter | None = None
    aggregation: Aggregation = Aggregation()
    resource_detectors: tuple[str, ...] | None = None
    naming: Annotated[str, Meta(min_length=1)] | None = None
    span_attributes: Mapping[str, AttributeValue] = {}
    trust_environment: bool = True
    logs: RecordSignalSettings = RecordSignalSettings()
    metrics: SignalSettings = SignalSettings()
    traces: TraceSignalSettings = TraceSignalSettings()

    def __post_init__(self) -> None:
        """Refuse what no far side could be reached by, and bounds that bound nothing.

        An attribute of spans with an empty name is left out, which the logger
        ``eventbus`` warns of.
        Endpoints and headers are checked for the protocol that is said here; where
        the environment says it, that protocol checks them again.
        """
        check_shared(self)
        above("reload_interval_seconds", self.reload_interval_seconds, 0)
        above("metric_interval_seconds", self.metric_interval_seconds, 0)
        at_least("attribute_items_limit", self.attribute_items_limit, 0)
        at_least("max_request_bytes", self.max_request_bytes, 1)
        at_least("max_response_bytes", self.max_response_bytes, 1)
        for index, status in enumerate(self.retry_statuses):
            with concerning("retry_statuses", index):
                between("retry_statuses", status, 300, 599)
        _check_span_attributes(self)
        _check_signals(self.signals)
        _check_endpoints(self)
        _guard_endpoints(self)

    @classmethod
    def from_environment(
        cls, environ: Mapping[str, str], given: Mapping[str, Any]
    ) -> Mapping[Place, EnvironmentValue]:
        """Return what *environ* says where *given* says nothing.

        See :func:`eventbus_otlp._environment.said`.
        """
        from eventbus_otlp._environment import said  # it reads by these classes

        return said(environ, given)

    def advice(self) -> Iterator[tuple[Place, str]]:
        """Yield what is probably a mistake, each with the setting that has it."""
        return advice_on(self)

    def own_retry(self, retry: Retry) -> Retry:
        """Return *retry* with the time that the slowest signal's attempt may take."""
        timeouts = [timeout_of(self, signal) for signal in self.signals]
        known = [seconds for seconds in timeouts if seconds is not None]
        longest = max(known) if len(known) == len(timeouts) else None
        return msgspec.structs.replace(retry, timeout_seconds=longest)


def chosen(settings: OtlpSettings, signal: Signal, name: str) -> Any:
    """Return what *settings* say of *name*: for *signal*, else for all."""
    # Any: a setting of any type.
    own: Any = getattr(getattr(settings, signal), name)
    return own if is_said(name, own) else getattr(settings, name)


def protocol_of(settings: OtlpSettings, signal: Signal) -> Protocol:
    """Return the protocol that *signal* has by *settings*, or the default."""
    protocol: Protocol | None = chosen(settings, signal, "protocol")
    return DEFAULT_PROTOCOL if protocol is None else protocol


def timeout_of(settings: OtlpSettings, signal: Signal) -> float | None:
    """Return what an attempt of *signal* may take, or the default."""
    seconds: float | UnsetType | None = chosen(settings, signal, "timeout_seconds")
    return DEFAULT_TIMEOUT_SECONDS if seconds is UNSET else seconds


def endpoint_setting(settings: OtlpSettings, signal: Signal) -> tuple[str, str] | None:
    """Return the setting that says where *signal* goes, and what it says.

    ``None``: no setting does. One signal's never serves another.
    """
    for name in (f"{signal}_endpoint", "endpoint"):
        text: str | None = getattr(settings, name)
        if text is not None:
            return name, plain_text(text)
    return None


def _check_span_attributes(settings: OtlpSettings) -> None:
    named = {name: value for name, value in settings.span_attributes.items() if name}
    for name, value in named.items():
        _check_attribute(name, value)
    if len(named) < len(settings.span_attributes):
        logging.getLogger(LOGGER_NAME).warning(
            "span_attributes has an empty name, and what it stands for is left out"
        )
        msgspec.structs.force_setattr(settings, "span_attributes", named)


def _check_attribute(name: str, value: Any) -> None:
    # Any: whatever a program gives
    is_list = isinstance(value, list | tuple)
    for one in cast("Iterable[Any]", value) if is_list else (value,):
        if not isinstance(one, str | bool | int | float):
            raise WrongSetting(
                f"span_attributes.{name} must be a text, a number, true, false or a "
                f"list of these, got {type(one).__name__}",
                *("span_attributes", name),
            )


def _check_signals(signals: tuple[Signal, ...]) -> None:
    if not signals:
        raise WrongSetting("signals must name at least one signal, got none", "signals")
    for index, signal in enumerate(signals):
        if signal not in SIGNALS:
            raise WrongSetting(
                f"signals must be of {', '.join(SIGNALS)}, got {signal!r}",
                *("signals", index),
            )
        if signal in signals[:index]:
            raise WrongSetting(f"signals has {signal!r} twice", "signals", index)


def _check_endpoints(settings: OtlpSettings) -> None:
    for signal in SIGNALS:
        said = endpoint_setting(settings, signal)
        if said is None:
            continue
        name, text = said
        if name != "endpoint" or signal in settings.signals:
            check_endpoint(text, name, protocol_of(settings, signal))


def _guard_endpoints(settings: OtlpSettings) -> None:
    for name in ("endpoint", *(f"{signal}_endpoint" for signal in SIGNALS)):
        text: str | None = getattr(settings, name)
        if text is not None:
            msgspec.structs.force_setattr(settings, name, guarded(plain_text(text)))
