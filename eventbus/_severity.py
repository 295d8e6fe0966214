"""How severe an event is, and how severities compare."""

from __future__ import annotations

from typing import Final, Literal, get_args

Severity = Literal["trace", "debug", "info", "warn", "error", "fatal"]

SEVERITIES: Final[tuple[Severity, ...]] = get_args(Severity)

SEVERITY_NUMBER: Final[dict[str, int]] = {
    # https://opentelemetry.io/docs/specs/otel/logs/data-model/#field-severitynumber
    name: 1 + 4 * position
    for position, name in enumerate(SEVERITIES)
}
