"""That what we send is no business of OpenTelemetry's instrumentations."""

from __future__ import annotations

import sys
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any


@contextmanager
def uninstrumented() -> Generator[None]:
    """Let instrumented libraries make no spans and no metrics of what the block does.

    The SDK's own processors do so around their exporters. A program that has not
    imported OpenTelemetry's API has no instrumentations.
    """
    context: Any = sys.modules.get("opentelemetry.context")  # Any: it may be absent
    key = getattr(context, "_SUPPRESS_INSTRUMENTATION_KEY", None)  # no public name
    if key is None:
        yield
        return
    token = context.attach(context.set_value(key, True))
    try:
        yield
    finally:
        context.detach(token)
