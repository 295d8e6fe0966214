"""What is told of a program's start, part by part."""

from __future__ import annotations

from typing import Annotated, Literal

from eventbus import Label, Unit
from eventbus_schemas._agent_event import AgentEvent
from eventbus_schemas._metrics import SESSION_METRICS

StartupStatus = Literal[
    "ready", "consumed", "failed", "join_failed", "timed_out", "cancelled", "other"
]


class StartupPhase(
    AgentEvent, tag="agent.startup_phase", metrics=SESSION_METRICS, gc=False
):
    """A part of the start came to its end.

    Args:
        phase: Which part, a word of the program's own, one of few.
        duration_ms: How long it took.
        status: How it ended; what is not in the set is ``"other"``.
    """

    phase: Annotated[str, Label]
    duration_ms: Annotated[float, Unit("ms")]
    status: Annotated[StartupStatus | None, Label] = None
