"""What holds for each signal once arguments, environment and defaults are settled."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, cast

import msgspec

from eventbus.config import Secret, SecretText
from eventbus.config._tree import put
from eventbus_otlp._endpoint import (
    DEFAULT_GRPC_ENDPOINT,
    DEFAULT_HTTP_ENDPOINT,
    Endpoint,
    grpc_endpoint,
    guarded,
    http_endpoint,
)
from eventbus_otlp._headers import HeaderPairs, HeaderSource, checked_headers
from eventbus_otlp._limits import (
    DEFAULT_ATTRIBUTE_COUNT,
    NO_LIMITS,
    AttributeLimits,
)
from eventbus_otlp._settings import (
    DEFAULT_COMPRESSION,
    DEFAULT_EXEMPLAR_FILTER,
    DEFAULT_METRIC_INTERVAL_SECONDS,
    DEFAULT_PROTOCOL,
    DEFAULT_TEMPORALITY,
    DEFAULT_TIMEOUT_SECONDS,
    OtlpSettings,
    chosen,
    endpoint_setting,
    protocol_of,
    timeout_of,
)
from eventbus_otlp._signal import SIGNALS, Protocol, Signal
from eventbus_otlp._signal_settings import Compression, SignalSettings, is_said

# Any in this module: settings hold values of any type.

Warn = Callable[[str], None]

_DEFAULTS: Final[Mapping[str, Any]] = {
    "protocol": DEFAULT_PROTOCOL,
    "headers": {},
    "compression": DEFAULT_COMPRESSION,
    "timeout_seconds": DEFAULT_TIMEOUT_SECONDS,
    "insecure": False,
    "attribute_count_limit": DEFAULT_ATTRIBUTE_COUNT,
    "attribute_value_length_limit": None,
    "temporality": DEFAULT_TEMPORALITY,
    "metric_interval_seconds": DEFAULT_METRIC_INTERVAL_SECONDS,
    "exemplar_filter": DEFAULT_EXEMPLAR_FILTER,
    "resource_detectors": (),
}


class TlsFiles(msgspec.Struct, frozen=True):
    """The files of one connection, PEM each.

    Args:
        certificate: Of those who may sign the far side's certificate, and nobody
            else; ``None`` is the system's trust store.
        client_certificate: Ours, with ``client_key``.
        client_key: Its key.
    """

    certificate: str | None = None
    client_certificate: str | None = None
    client_key: str | None = None


class SignalTarget(msgspec.Struct, frozen=True, kw_only=True):
    """Where one signal goes, and how.

    Args:
        endpoint: The whole URL, to be used as it is, or the target of a gRPC channel.
            No credentials are in it; one with a query is an
            :class:`eventbus_otlp._endpoint.EndpointText`.
        protocol: What is spoken.
        headers: Sent with each request: names in lower case, values as
            :class:`eventbus.config.SecretText`.
        header_source: Asked for the headers, which are then checked with
            :func:`eventbus_otlp._headers.checked_headers`; ``headers`` go along
            unless it has others of the same names.
        compression: Of requests.
        timeout_seconds: What one attempt may take; 0 is no limit.
        tls: The files of a connection with TLS; ``None`` where it has none.
        insecure: Whether there is no TLS.
        limits: Of the attributes of a record.
    """

    endpoint: str
    protocol: Protocol
    headers: HeaderPairs
    compression: Compression
    timeout_seconds: float
    tls: TlsFiles | None
    insecure: bool
    header_source: HeaderSource | None = None
    limits: AttributeLimits = AttributeLimits()


def completed(
    settings: OtlpSettings, environ: Mapping[str, str], warn: Warn
) -> OtlpSettings:
    """Return *settings* with what the environment says, then the defaults.

    What has a default is set in the result. A sink of a configuration, whose settings
    hold what the environment said when it was read, passes an empty *environ*.

    Args:
        settings: What was given.
        environ: The variables.
        warn: Called with a sentence for each that is ignored.

    Raises:
        WrongSetting: An endpoint of *settings* is none for the protocol that the
            environment chooses.
    """
    found: dict[str, Any] = {}
    for place, one in OtlpSettings.from_environment(environ, _given(settings)).items():
        for line in one.warnings:
            warn(line)
        if one.value is not msgspec.UNSET:
            put(found, place, one.value)
    for signal in SIGNALS:
        if signal in found:
            own: SignalSettings = getattr(settings, signal)
            found[signal] = msgspec.structs.replace(own, **found[signal])
    open_ones = {
        name: default
        for name, default in _DEFAULTS.items()
        if not is_said(name, getattr(settings, name))
    }
    return msgspec.structs.replace(settings, **{**open_ones, **found})


def resolve(
    settings: OtlpSettings, environ: Mapping[str, str], warn: Warn
) -> Mapping[Signal, SignalTarget]:
    """Return where each signal that is sent goes.

    See :func:`completed`.

    Raises:
        WrongSetting: The protocol that the environment chooses cannot use an endpoint
            or a header of *settings*.
    """
    settled = completed(settings, environ, warn)
    return {signal: _target(settled, signal) for signal in settled.signals}


def _given(settings: OtlpSettings) -> dict[str, Any]:
    given = _said(settings)
    for signal in SIGNALS:
        given[signal] = _said(given[signal])
    return given


def _said(settings: msgspec.Struct) -> dict[str, Any]:
    values = msgspec.structs.asdict(settings)
    return {name: value for name, value in values.items() if is_said(name, value)}


def _target(settings: OtlpSettings, signal: Signal) -> SignalTarget:
    protocol = protocol_of(settings, signal)
    endpoint = _endpoint(settings, signal, protocol)
    insecure = not endpoint.is_secure
    if endpoint.is_secure is None:
        insecure = chosen(settings, signal, "insecure")
    fixed, source = _headers(settings, signal)
    return SignalTarget(
        endpoint=guarded(endpoint.target),
        protocol=protocol,
        headers=_authorized(checked_headers(fixed, protocol=protocol), endpoint),
        header_source=source,
        compression=chosen(settings, signal, "compression"),
        timeout_seconds=timeout_of(settings, signal) or 0,
        tls=None if insecure else _tls_files(settings, signal),
        insecure=insecure,
        limits=_limits(settings, signal),
    )


def _headers(
    settings: OtlpSettings, signal: Signal
) -> tuple[Mapping[str, Secret], HeaderSource | None]:
    headers: Any = chosen(settings, signal, "headers")
    if isinstance(headers, Mapping):
        return cast("Mapping[str, Secret]", headers), None
    return {}, headers


def _endpoint(settings: OtlpSettings, signal: Signal, protocol: Protocol) -> Endpoint:
    said = endpoint_setting(settings, signal)
    if protocol == "grpc":
        name, text = said or ("endpoint", DEFAULT_GRPC_ENDPOINT)
        return grpc_endpoint(text, name)
    name, text = said or ("endpoint", DEFAULT_HTTP_ENDPOINT)
    return http_endpoint(text, name, signal=signal if name == "endpoint" else None)


def _authorized(headers: HeaderPairs, endpoint: Endpoint) -> HeaderPairs:
    """Return *headers* with the endpoint's credentials, unless they have their own."""
    if endpoint.authorization is None or any(k == "authorization" for k, _ in headers):
        return headers
    return (*headers, ("authorization", SecretText(endpoint.authorization)))


def _tls_files(settings: OtlpSettings, signal: Signal) -> TlsFiles:
    """Return the files; a certificate of ours and its key are from one place."""
    own: SignalSettings = getattr(settings, signal)
    pair = settings if own.client_key is None else own
    return TlsFiles(
        certificate=chosen(settings, signal, "certificate"),
        client_certificate=pair.client_certificate,
        client_key=pair.client_key,
    )


def _limits(settings: OtlpSettings, signal: Signal) -> AttributeLimits:
    if signal == "metrics":
        return NO_LIMITS  # the specification exempts theirs
    return AttributeLimits(
        count=chosen(settings, signal, "attribute_count_limit"),
        value_length=chosen(settings, signal, "attribute_value_length_limit"),
        value_items=settings.attribute_items_limit,
    )
