"""Which settings can be used and yet are hardly meant."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from eventbus._place import Place
from eventbus._secret import plain_text
from eventbus_otlp._endpoint import visible
from eventbus_otlp._signal import SIGNALS, Signal

if TYPE_CHECKING:
    from eventbus_otlp._settings import OtlpSettings

_PORTS: Final = {4317: "grpc", 4318: "http"}
"""https://opentelemetry.io/docs/specs/otlp/: the default ports."""


def advice_on(settings: OtlpSettings) -> Iterator[tuple[Place, str]]:
    """Yield what is probably a mistake, each with the setting that has it."""
    for signal in SIGNALS:
        yield from _of_signal(settings, signal)
    if settings.endpoint is not None and not _is_grpc(settings, *SIGNALS):
        path = _path(settings.endpoint)
        for signal in SIGNALS:
            if path.endswith(f"/v1/{signal}"):
                yield (
                    ("endpoint",),
                    f"endpoint ends in v1/{signal}, and v1/{signal} is appended to it: "
                    f"{signal}_endpoint takes an URL as it is",
                )


def _of_signal(settings: OtlpSettings, signal: Signal) -> Iterator[tuple[Place, str]]:
    name = f"{signal}_endpoint"
    own: str | None = getattr(settings, name)
    text = settings.endpoint if own is None else own
    if own is not None and signal not in settings.signals:
        yield (name,), f"{name} is not used: signals does not name {signal!r}"
        return
    if text is None or signal not in settings.signals:
        return
    place = ("endpoint",) if own is None else (name,)
    is_grpc = _is_grpc(settings, signal)
    if own is not None and not is_grpc and _path(own) in ("", "/"):
        yield (
            place,
            f"{name} {visible(own)!r} has no path, and this very URL is used: a "
            f"Collector takes {signal} at /v1/{signal}",
        )
    spoken = _PORTS.get(_port(text) or 0)
    if spoken is not None and spoken != ("grpc" if is_grpc else "http"):
        yield (
            place,
            f"{place[0]} has the port {_port(text)}, where {spoken} is usual, and "
            f"protocol says {'grpc' if is_grpc else 'http'}",
        )


def _is_grpc(settings: OtlpSettings, *signals: Signal) -> bool:
    from eventbus_otlp._settings import protocol_of  # which asks for this module

    return all(protocol_of(settings, signal) == "grpc" for signal in signals)


def _path(url: str) -> str:
    return urlsplit(plain_text(url)).path.rstrip("/") or ""


def _port(url: str) -> int | None:
    text = plain_text(url)
    try:
        return urlsplit(text if "://" in text else f"//{text}").port
    except ValueError:
        return None
