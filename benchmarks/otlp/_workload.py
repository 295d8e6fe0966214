"""The records that are sent: ten attributes of mixed types."""

from __future__ import annotations

from typing import Annotated, Any, Final

import msgspec

from eventbus import Event, Label, Unit

RESOURCE: Final = {"service.name": "bench", "service.version": "1.0"}


class Completed(Event, tag="bench.completed"):
    """As an agent emits them after each call of a tool."""

    tool_name: Annotated[str, Label]
    call_id: str
    model: str
    path: str
    success: Annotated[bool, Label]
    cached: bool
    attempt: int
    output_tokens: int
    duration_ms: Annotated[float, Unit("ms")]
    cost: float


def event(number: int) -> Completed:
    """Return one event, with values of its own."""
    return Completed(
        tool_name=("shell", "apply_patch", "web_search")[number % 3],
        call_id=f"call_{number:08x}",
        model="gpt-5-codex",
        path=f"src/module_{number % 97}/file_{number % 13}.py",
        success=number % 10 != 0,
        cached=number % 2 == 0,
        attempt=number % 4,
        output_tokens=number * 7 % 5000,
        duration_ms=number % 1000 + 0.25,
        cost=number % 50 / 1000,
    )


def events(count: int) -> list[Completed]:
    """Return *count* events that differ."""
    return list(map(event, range(count)))


def attributes(count: int) -> list[dict[str, Any]]:
    """Return the fields of the same events. Any: fields of several types."""
    return [msgspec.structs.asdict(one) for one in events(count)]
