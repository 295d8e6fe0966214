"""OTLP: logs, metrics and traces to whatever speaks OpenTelemetry's protocol.

The public names are those of ``__init__.pyi``. Each is imported when it is first used.
"""

import sys

from eventbus._lazy import lazy_names

__all__, __getattr__, __dir__ = lazy_names(sys.modules[__name__])
