"""What a session's method costs, against making the same event and emitting it bare.

Tool results with arguments and output, told on the loop's thread in bursts of 1,024 to
one sink that sees no content; turn by turn in one process. The bare form is given the
lengths that the method works out, and what is known of the session it leaves out.
"""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from typing import Final

from eventbus import Bus
from eventbus.bench import Bound, Contender, Effort, Measured, Part, Row, Sample
from eventbus.testing import RecordingSink
from eventbus_schemas import Session, ToolResult

BURST: Final = 1024
TURNS: Final = 60
_ARGUMENTS: Final = '{"command":["cargo","test","--all"],"workdir":"/work"}'
_OUTPUT: Final = "running 14 tests\ntest result: ok. 14 passed; 0 failed\n"

Tell = Callable[[], bool]
Making = Callable[[Bus], Tell]


def bare(bus: Bus) -> Tell:
    """Return what makes one event and emits it."""
    emit = bus.emitter(ToolResult)
    return lambda: emit(
        ToolResult(
            tool_name="shell",
            success=True,
            duration_ms=12.5,
            call_id="call-1",
            arguments=_ARGUMENTS,
            arguments_length=len(_ARGUMENTS),
            output=_OUTPUT,
            output_length=len(_OUTPUT),
            output_line_count=2,
        )
    )


def told(bus: Bus) -> Tell:
    """Return what calls the method of a session."""
    session = Session(bus, conversation_id="c-1", model="m-1", app_version="1.0")
    return lambda: session.tool_result(
        "shell",
        success=True,
        duration_ms=12.5,
        call_id="call-1",
        arguments=_ARGUMENTS,
        output=_OUTPUT,
    )


async def _contend(turns: int) -> Sample:
    spent: dict[Making, list[float]] = {bare: [], told: []}
    async with AsyncExitStack() as stack:
        running: list[tuple[Bus, RecordingSink, Tell, list[float]]] = []
        for make, found in spent.items():
            bus, sink = await stack.enter_async_context(Bus()), RecordingSink()
            bus.attach(sink)
            running.append((bus, sink, make(bus), found))
        for _ in range(turns):
            for bus, sink, tell, found in running:
                found.append(_burst_ns(tell))
                await bus.flush()
                sink.batches.clear()
    return Sample(statistics.median(spent[told]), statistics.median(spent[bare]))


def contend(effort: Effort) -> Sample:
    """Measure the method beside the bare form."""
    return asyncio.run(_contend(effort.of(TURNS)))


def _burst_ns(tell: Tell) -> float:
    began = time.perf_counter_ns()
    for _ in range(BURST):
        tell()
    return (time.perf_counter_ns() - began) / BURST


_TOLD: Final = "session.tool_result"

CONTENDERS: Final[dict[str, Contender]] = {_TOLD: contend}


def rows(found: Mapping[str, Measured]) -> list[Row]:
    """Return what the method costs in terms of the bare form."""
    return [
        Row(
            what=f"{_TOLD}, times the same event made and emitted",
            ratio=found[_TOLD].in_c,
            unit="times",
            figure=found[_TOLD].value,
            bound=Bound("<=", 3, 2),
            better="less",
        )
    ]


PART: Final = Part(
    title="Agent sessions: telling of a tool call",
    module=__name__,
    contenders=tuple(CONTENDERS),
    rows=rows,
)
