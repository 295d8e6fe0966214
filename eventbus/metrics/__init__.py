"""Metrics that follow from event types: declared with the type, counted per batch.

::

    class ToolResult(Event, tag="agent.tool_result"):
        tool_name: Annotated[str, Label]
        duration_ms: Annotated[float, Unit("ms")]

has a counter ``agent.tool_result`` and a histogram ``agent.tool_result.duration`` in
seconds, both by ``tool_name``, at each sink for metrics; ``docs/metrics.md`` has the
rest. The public names are those of ``__init__.pyi``, imported when first used.
"""

import sys

from eventbus._lazy import lazy_names

__all__, __getattr__, __dir__ = lazy_names(sys.modules[__name__])
