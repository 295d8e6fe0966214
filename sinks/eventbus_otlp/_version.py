"""Which version of the sink is installed, as it says to the far side."""

from __future__ import annotations

from functools import cache


@cache
def version() -> str:
    """Return the version of the distribution; ``"0"`` where it is not installed."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("eventbus")
    except PackageNotFoundError:
        return "0"


@cache
def user_agent() -> str:
    """Return what the sink calls itself.

    https://opentelemetry.io/docs/specs/otel/protocol/exporter/#user-agent
    """
    return f"eventbus/{version()} OTel-OTLP-Exporter-Python/{version()}"
