"""What says that records come from this library."""

from __future__ import annotations

import msgspec

from eventbus_otlp._version import version as own_version


class Scope(msgspec.Struct, frozen=True):
    """An instrumentation scope.

    https://opentelemetry.io/docs/specs/otel/common/instrumentation-scope/

    Args:
        name: What made the records.
        version: Its version.
        schema_url: Whose names the attributes have; empty says nothing.
    """

    name: str = "eventbus"
    version: str = msgspec.field(default_factory=own_version)
    schema_url: str = ""
