"""What the output of a tool says about how the tool ended."""

from __future__ import annotations

import re
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from eventbus_schemas._tools import DurationSource, ToolOutcome, ToolResult

COMMAND_TOOLS: Final = frozenset(
    {"shell", "shell_command", "container.exec", "local_shell"}
)
"""Tools that always report an exit status when they ran."""

_HEADER: Final = re.compile(
    r"Exit code: (?P<exit_code>-?\d{1,10})\n"
    r"Wall time: (?P<seconds>\d{1,12}(?:\.\d{1,9})?) seconds\n"
    r"(?:Total output lines: \d+\n)?"
    r"Output:\n"
)


class ToolEnd(msgspec.Struct, frozen=True, gc=False):
    """How a tool ended, as its output tells.

    Args:
        output: What the tool wrote.
        exit_code: Of the command; ``None`` when the output does not tell.
        duration_ms: How long it ran; ``None`` when the output does not tell.
    """

    output: str
    exit_code: int | None = None
    duration_ms: float | None = None


class _Metadata(msgspec.Struct, gc=False):
    exit_code: Annotated[int, Meta(ge=-(2**31), le=2**31 - 1)]
    duration_seconds: Annotated[float, Meta(ge=0)]


class _Reported(msgspec.Struct, gc=False):
    output: str
    metadata: _Metadata


_reported: Final = msgspec.json.Decoder(_Reported)


def tool_end(text: str) -> ToolEnd:
    """Return what *text* tells: a JSON object with metadata, a header, or neither."""
    if text.startswith("{"):
        try:
            reported = _reported.decode(text)
        except (msgspec.DecodeError, RecursionError, UnicodeError):
            return ToolEnd(text)
        metadata = reported.metadata
        return ToolEnd(
            reported.output,
            metadata.exit_code,
            _milliseconds(metadata.duration_seconds),
        )
    header = _HEADER.match(text)
    if header is None:
        return ToolEnd(text)
    return ToolEnd(
        text[header.end() :],
        int(header["exit_code"]),
        _milliseconds(float(header["seconds"])),
    )


def tool_result(
    tool_name: str, *, call_id: str, arguments: str | None, text: str, waited_ns: int
) -> ToolResult:
    """Return the result of a call whose output is *text*.

    The duration is the one the output reports, else the time between the two lines.
    A command that reports no exit status was not run; any other tool that answers
    without one counts as successful.

    Args:
        tool_name: The tool.
        call_id: Joins the result to the call.
        arguments: What the tool was called with.
        text: Its output as recorded.
        waited_ns: Nanoseconds from the call to the output; below 0 tells nothing.
    """
    end = tool_end(text)
    outcome: ToolOutcome = "completed"
    if end.exit_code is None and tool_name in COMMAND_TOOLS:
        outcome = "could_not_run"
    duration_ms, source = _duration(end.duration_ms, waited_ns)
    return ToolResult.of(
        tool_name,
        success=outcome == "completed" and not end.exit_code,
        outcome=outcome,
        duration_ms=duration_ms,
        duration_source=source,
        exit_code=end.exit_code,
        call_id=call_id,
        arguments=arguments,
        output=end.output,
    )


def _duration(
    reported_ms: float | None, waited_ns: int
) -> tuple[float | None, DurationSource | None]:
    if reported_ms is not None:
        return reported_ms, "reported"
    if waited_ns < 0:
        return None, None
    return waited_ns / 1e6, "timestamps"


def _milliseconds(seconds: float) -> float:
    return round(seconds * 1000, 3)  # to the microsecond: 0.3 s is 300.0, not 299.99…
