"""What OpenTelemetry's variables say about the sink's settings.

https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/ and
https://opentelemetry.io/docs/specs/otel/protocol/exporter/: an empty variable is unset,
choices are in any case, times in milliseconds, and one signal's variable wins over that
for all. What cannot be used is ignored with a warning that names the variable and never
repeats its value.

Not read: the variables of the SDK's own processors and exporters (``OTEL_BLRP_*``,
``OTEL_LOGS_EXPORTER``), whose part the bus and its configuration have;
``OTEL_METRIC_EXPORT_TIMEOUT``, since ``OTEL_EXPORTER_OTLP_TIMEOUT`` says it; and
``OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION``: buckets are declared with
the event types. ``OTEL_SDK_DISABLED`` leaves the sink out of a configuration; a sink
that a program makes itself is there.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, NamedTuple

import msgspec

from eventbus._expected import joined
from eventbus._nearest import listed
from eventbus._place import Place
from eventbus._plugins import installed_catalog
from eventbus.config import EnvironmentValue
from eventbus.config._tree import table_in
from eventbus_otlp._endpoint import WrongEndpoint, check_endpoint
from eventbus_otlp._headers import headers_from_text
from eventbus_otlp._naming import OPT_IN, opted_in
from eventbus_otlp._resource import installed_detectors
from eventbus_otlp._settings import DEFAULT_PROTOCOL, DEFAULT_SIGNALS
from eventbus_otlp._signal import SIGNALS, Protocol, Signal
from eventbus_otlp._signal_settings import CHOICES, CLIENT_PAIR, PROTOCOLS, Temporality

# Any in this module: settings hold values of any type.

_PREFIX: Final = "OTEL_EXPORTER_OTLP"
_whole_number: Final = re.compile(r"[0-9]{1,18}").fullmatch

# Counters and histograms are all that has a temporality here, and both of these
# preferences want those as deltas.
_TEMPORALITIES: Final[Mapping[str, Temporality]] = {
    "cumulative": "cumulative",
    "delta": "delta",
    "lowmemory": "delta",
}


class _Read(NamedTuple):
    """A value, and what was wrong on the way to it."""

    value: Any
    wrong: tuple[str, ...] = ()


_Reader = Callable[[str], _Read]


class _Variable(NamedTuple):
    place: Place
    name: str
    read: _Reader


def said(
    environ: Mapping[str, str], given: Mapping[str, Any]
) -> dict[Place, EnvironmentValue]:
    """Return what the environment says where *given* says nothing, by its place.

    Args:
        environ: The variables.
        given: The settings that were given, as in a file; what is there for all
            signals leaves no room for what a variable says for one. What is not there
            is open.
    """
    found = dict(_found(_VARIABLES, environ, given))
    _leave_no_half_pair(found)
    found |= _found(_of_protocols(found, given), environ, given)
    return found


def _found(
    variables: Iterator[_Variable] | tuple[_Variable, ...],
    environ: Mapping[str, str],
    given: Mapping[str, Any],
) -> Iterator[tuple[Place, EnvironmentValue]]:
    for place, name, read in variables:
        text = environ.get(name, "").strip()
        if text and not _is_given(given, place):
            yield place, _value(name, text, read)


def _is_given(given: Mapping[str, Any], place: Place) -> bool:
    """Return whether *place* is given, or for all signals what it is for one."""
    *outer, name = place
    names = ["endpoint"] if str(name).endswith("_endpoint") else []
    tables = [given, *(table_in(given, str(signal)) for signal in outer)]
    return any(one in table for table in tables for one in (*names, str(name)))


def _value(name: str, text: str, read: _Reader) -> EnvironmentValue:
    try:
        value, wrong = read(text)
    except ValueError as error:
        return EnvironmentValue(msgspec.UNSET, name, (f"{name} is ignored: {error}",))
    return EnvironmentValue(value, name, tuple(f"{name}: {one}" for one in wrong))


def _text(text: str) -> _Read:
    return _Read(text)


def _switch(text: str) -> _Read:
    wrong = () if text.lower() in ("true", "false") else ("taken for 'false'",)
    return _Read(text.lower() == "true", wrong)


def _number(text: str) -> _Read:
    if not _whole_number(text):
        raise ValueError("expected a whole number of 0 or more")
    return _Read(int(text))


def _timeout(text: str) -> _Read:
    if not _whole_number(text):
        raise ValueError("expected a whole number of milliseconds, 0 or more")
    return _Read(int(text) / 1000 or None)


def _interval(text: str) -> _Read:
    if not _whole_number(text) or not int(text):
        raise ValueError("expected a whole number of milliseconds, 1 or more")
    return _Read(int(text) / 1000)


def _detectors(text: str) -> _Read:
    names = dict.fromkeys(filter(None, (name.strip() for name in text.split(","))))
    known = installed_detectors()
    wrong = [
        f"name {number} is of no detector that is installed ({listed(known)})"
        for number, name in enumerate(names, start=1)
        if name not in known
    ]
    return _Read(tuple(name for name in names if name in known), tuple(wrong))


def _opted_in(text: str) -> _Read:
    return _Read(opted_in(text, installed_catalog().namings) or msgspec.UNSET)


def _one_of(choices: Mapping[str, str]) -> _Reader:
    expected = f"expected {joined([*map(repr, choices)])}"

    def read(text: str) -> _Read:
        if text.lower() not in choices:
            raise ValueError(expected)
        return _Read(choices[text.lower()])

    return read


def _choice(setting: str) -> _Reader:
    return _one_of({value: value for value in CHOICES[setting]})


# Of all signals or of one, as OTEL_EXPORTER_OTLP_TIMEOUT and ..._LOGS_TIMEOUT.
_OF_EXPORTERS: Final[Mapping[str, _Reader]] = {
    "protocol": _choice("protocol"),
    "compression": _choice("compression"),
    "timeout": _timeout,
    "certificate": _text,
    "client_certificate": _text,
    "client_key": _text,
    "insecure": _switch,
}
_OF_RECORDS: Final[Mapping[Place, str]] = {
    (): "OTEL_ATTRIBUTE",
    ("logs",): "OTEL_LOGRECORD_ATTRIBUTE",
    ("traces",): "OTEL_SPAN_ATTRIBUTE",
}
_OTHERS: Final = (
    _Variable(
        ("temporality",),
        f"{_PREFIX}_METRICS_TEMPORALITY_PREFERENCE",
        _one_of(_TEMPORALITIES),
    ),
    _Variable(("metric_interval_seconds",), "OTEL_METRIC_EXPORT_INTERVAL", _interval),
    _Variable(
        ("exemplar_filter",), "OTEL_METRICS_EXEMPLAR_FILTER", _choice("exemplar_filter")
    ),
    _Variable(
        ("resource_detectors",), "OTEL_EXPERIMENTAL_RESOURCE_DETECTORS", _detectors
    ),
    _Variable(("naming",), OPT_IN, _opted_in),
)


def _of_exporters() -> Iterator[_Variable]:
    for word, read in _OF_EXPORTERS.items():
        setting = "timeout_seconds" if word == "timeout" else word
        yield _Variable((setting,), f"{_PREFIX}_{word.upper()}", read)
        for signal in SIGNALS:
            name = f"{_PREFIX}_{signal.upper()}_{word.upper()}"
            yield _Variable((signal, setting), name, read)


def _of_records() -> Iterator[_Variable]:
    for outer, prefix in _OF_RECORDS.items():
        for word in ("count_limit", "value_length_limit"):
            name = f"{prefix}_{word.upper()}"
            yield _Variable((*outer, f"attribute_{word}"), name, _number)


_VARIABLES: Final = (*_of_exporters(), *_of_records(), *_OTHERS)


def _of_protocols(
    found: Mapping[Place, EnvironmentValue], given: Mapping[str, Any]
) -> Iterator[_Variable]:
    """Yield the variables that each protocol reads in its way."""
    protocols: dict[Signal, Protocol] = {
        signal: _protocol(signal, found, given) for signal in SIGNALS
    }
    sent = given.get("signals") or DEFAULT_SIGNALS
    spoken: list[Protocol] = [p for signal, p in protocols.items() if signal in sent]
    yield _Variable(("endpoint",), f"{_PREFIX}_ENDPOINT", _endpoint(*spoken))
    yield _Variable(("headers",), f"{_PREFIX}_HEADERS", _headers(*spoken))
    for signal, protocol in protocols.items():
        prefix = f"{_PREFIX}_{signal.upper()}"
        place = (f"{signal}_endpoint",)
        yield _Variable(place, f"{prefix}_ENDPOINT", _endpoint(protocol))
        yield _Variable((signal, "headers"), f"{prefix}_HEADERS", _headers(protocol))


def _endpoint(*protocols: Protocol) -> _Reader:
    def read(text: str) -> _Read:
        for protocol in dict.fromkeys(protocols):
            try:
                check_endpoint(text, "endpoint", protocol)
            except WrongEndpoint as error:
                raise ValueError(f"it {error.expected}") from None
        return _Read(text)

    return read


def _headers(*protocols: Protocol) -> _Reader:
    def read(text: str) -> _Read:
        headers, wrong = headers_from_text(text, dict.fromkeys(protocols))
        if not headers:
            raise ValueError("; ".join(wrong))
        return _Read(headers, tuple(wrong))

    return read


def _protocol(
    signal: Signal, found: Mapping[Place, EnvironmentValue], given: Mapping[str, Any]
) -> Protocol:
    around = (found.get(place) for place in ((signal, "protocol"), ("protocol",)))
    values: list[Any] = [
        table_in(given, signal).get("protocol"),
        given.get("protocol"),
        *(one.value for one in around if one),
    ]
    usable: list[Protocol] = [value for value in values if value in PROTOCOLS]
    return usable[0] if usable else DEFAULT_PROTOCOL


def _leave_no_half_pair(found: dict[Place, EnvironmentValue]) -> None:
    """Complete a signal's half of a pair by the one for all, or leave it out."""
    serving: set[str] = set()
    for outer in (*((signal,) for signal in SIGNALS), ()):
        there = [name for name in CLIENT_PAIR if (*outer, name) in found]
        if len(there) != 1:
            continue
        (name,) = there
        (other,) = set(CLIENT_PAIR) - {name}
        if outer and (other,) in found:
            found[(*outer, other)] = found[(other,)]
            serving.add(other)
        elif not outer and name in serving:
            del found[(name,)]
        else:
            found[(*outer, name)] = _without(found[(*outer, name)], name, other)


def _without(one: EnvironmentValue, name: str, other: str) -> EnvironmentValue:
    variable = one.variable
    lacking = variable.removesuffix(name.upper()) + other.upper()
    reason = f"{variable} is ignored: {lacking} is missing beside it"
    return EnvironmentValue(msgspec.UNSET, variable, (reason,))
