"""Which settings one signal may have of its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, get_args

import msgspec
from msgspec import UNSET, Meta, UnsetType

from eventbus._bounds import WrongSetting, above, at_least
from eventbus._expected import joined, shown
from eventbus._file_path import FilePath
from eventbus.config import Secret
from eventbus_otlp._headers import HeaderSource, checked_headers, hidden
from eventbus_otlp._signal import Protocol

if TYPE_CHECKING:
    Headers = Mapping[str, str | Secret] | HeaderSource
else:
    # What a configuration can say. A function can only come from code, where msgspec
    # does not look. That values are text is checked here: msgspec would say where they
    # are, by a name that may be the secret itself.
    Headers = Mapping[str, Annotated[Any, Meta(extra_json_schema={"type": "string"})]]

Compression = Literal["gzip", "none"]
Temporality = Literal["delta", "cumulative"]
ExemplarFilter = Literal["always_on", "always_off", "trace_based"]

CLIENT_PAIR: Final = ("client_certificate", "client_key")

PROTOCOLS: Final[tuple[Protocol, ...]] = get_args(Protocol)
CHOICES: Final[Mapping[str, tuple[str, ...]]] = {
    "protocol": PROTOCOLS,
    "compression": get_args(Compression),
    "temporality": get_args(Temporality),
    "exemplar_filter": get_args(ExemplarFilter),
}
"""The values of each setting that has a few."""

_LIMITS: Final = ("attribute_count_limit", "attribute_value_length_limit")
_UNLIMITED: Final = ("timeout_seconds", *_LIMITS)
"""The settings whose ``None`` is no limit; the others are unset by it."""


def is_said(name: str, value: object) -> bool:
    """Return whether the setting *name* is no longer open when it has *value*."""
    return value is not UNSET and (value is not None or name in _UNLIMITED)


class Checked(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Refuses unknown settings."""


class SignalSettings(Checked, frozen=True, kw_only=True):
    """What differs for one signal; what is unset is as for all of them.

    Args:
        protocol: As ``protocol`` of the sink.
        headers: As ``headers`` of the sink, and instead of all of those.
        compression: As ``compression`` of the sink.
        timeout_seconds: As ``timeout_seconds`` of the sink.
        certificate: As ``certificate`` of the sink.
        client_certificate: As ``client_certificate`` of the sink; with ``client_key``.
        client_key: As ``client_key`` of the sink; with ``client_certificate``.
        insecure: As ``insecure`` of the sink.
    """

    protocol: Protocol | None = None
    headers: Headers | None = None
    compression: Compression | None = None
    timeout_seconds: Annotated[float, Meta(gt=0)] | UnsetType | None = UNSET
    certificate: FilePath | None = None
    client_certificate: FilePath | None = None
    client_key: FilePath | None = None
    insecure: bool | None = None

    def __post_init__(self) -> None:
        """Refuse what cannot be sent, and half a pair."""
        check_shared(self)


class RecordSignalSettings(SignalSettings, frozen=True, kw_only=True):
    """What differs for logs or traces; what is unset is as for all signals.

    Args:
        attribute_count_limit: As ``attribute_count_limit`` of the sink.
        attribute_value_length_limit: As ``attribute_value_length_limit`` of the sink.
    """

    attribute_count_limit: Annotated[int, Meta(ge=0)] | UnsetType | None = UNSET
    attribute_value_length_limit: Annotated[int, Meta(ge=0)] | UnsetType | None = UNSET


class TraceSignalSettings(RecordSignalSettings, frozen=True, kw_only=True):
    """What differs for traces; what is unset is as for all signals.

    Args:
        content: Whether spans carry content: with ``"full"`` as much as the attachment
            is given.
    """

    content: Literal["none", "full"] = "none"


def check_shared(settings: Any) -> None:
    """Refuse what cannot be sent, and half a pair; hide the values of headers.

    Args:
        settings: A Struct with all of the fields of :class:`SignalSettings`.

    Raises:
        WrongSetting: One of them is wrong.
    """
    # Any: those of one signal, and those of all
    _check_choices(settings)
    if is_said("timeout_seconds", settings.timeout_seconds):
        above("timeout_seconds", settings.timeout_seconds, 0)
    for name in _LIMITS:
        limit: Any = getattr(settings, name, UNSET)
        if is_said(name, limit):
            at_least(name, limit, 0)
    _check_pair(settings)
    headers: Any = settings.headers  # Any: a mapping or a function
    if headers is None or callable(headers):
        return
    checked_headers(headers)
    msgspec.structs.force_setattr(settings, "headers", hidden(headers))


def _check_choices(settings: Any) -> None:
    for name, choices in CHOICES.items():
        value: object = getattr(settings, name, None)
        if value is not None and value not in choices:
            raise WrongSetting(
                f"{name} must be {joined([*map(repr, choices)])}, got {shown(value)}",
                name,
            )


def _check_pair(settings: Any) -> None:
    missing = [name for name in CLIENT_PAIR if getattr(settings, name) is None]
    if len(missing) == 1:
        (lacking,) = missing
        (there,) = set(CLIENT_PAIR) - {lacking}
        raise WrongSetting(
            f"{there} needs {lacking} beside it, which is missing: the two are used "
            "together or not at all",
            lacking,
        )
