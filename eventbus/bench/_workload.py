"""The events and sinks of every part: events as real ones are, sinks for free."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Annotated, Any, Final

from eventbus._bus import Bus
from eventbus._event import Event, Label, Unit
from eventbus._record import AnyRecord
from eventbus._settings import Buffer

BURST: Final = 1024


class ToolResult(Event, tag="bench.tool_result"):
    """An event with eight fields, like those that agents emit most."""

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


def fresh_burst(count: int = BURST) -> list[ToolResult]:
    """Return a burst of events that nobody has seen yet."""
    return [
        ToolResult(tool_name="shell", call_id=f"call-{i}", duration_ms=float(i))
        for i in range(count)
    ]


class CountingSink:
    """Counts what it is given."""

    def __init__(self) -> None:
        self.count = 0

    async def start(self) -> None:
        """Open nothing."""

    async def write(self, batch: Sequence[AnyRecord]) -> None:
        """Count."""
        self.count += len(batch)

    async def aclose(self) -> None:
        """Close nothing."""


class HangingSink(CountingSink):
    """Never answers."""

    async def write(self, batch: Sequence[AnyRecord]) -> None:
        """Hang."""
        await asyncio.Event().wait()


@asynccontextmanager
async def bus_with(
    sinks: int, **options: Any
) -> AsyncGenerator[tuple[Bus, list[CountingSink]]]:
    """Run a bus with so many counting sinks, each attached with *options*.

    They select ``bench.*``.
    """
    # Any: the arguments of Bus.attach.
    counting = [CountingSink() for _ in range(sinks)]
    async with Bus() as bus:
        for number, sink in enumerate(counting):
            bus.attach(sink, name=f"sink-{number}", select=["bench.*"], **options)
        yield bus, counting


async def until_counted(sinks: Sequence[CountingSink], total: int) -> None:
    """Let the loop run until each sink has had *total* events."""
    await loop_until(lambda: all(sink.count >= total for sink in sinks))


async def loop_until(is_over: Callable[[], bool]) -> None:
    """Let the loop run, turn by turn: nothing wakes the one who measures."""
    while not is_over():  # noqa: ASYNC110 - an event would be work of its own
        await asyncio.sleep(0)


def room_for(events: int) -> Buffer:
    """Return a buffer that is bounded, but not reached by so many events."""
    return Buffer(max_events=events + BURST)
