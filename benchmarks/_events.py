"""The events that every benchmark uses: eight fields, as a real one has."""

from __future__ import annotations

from typing import Annotated

from eventbus import Event, Label, Unit

BURST = 1024


class ToolResult(Event, tag="bench.tool_result"):
    """An event like those that agents emit most."""

    tool_name: Annotated[str, Label]
    call_id: str
    duration_ms: Annotated[float, Unit("ms")]
    success: Annotated[bool, Label] = True
    exit_code: int = 0
    output_length: int = 0
    model: str = ""
    conversation_id: str = ""


class Unheard(Event, tag="unheard.event"):
    """An event that nobody selects."""

    number: int


def fresh_burst() -> list[ToolResult]:
    """Return a burst of events that nobody has seen yet."""
    return [
        ToolResult(tool_name="shell", call_id=f"call-{i}", duration_ms=float(i))
        for i in range(BURST)
    ]
