"""What the output of a tool says about how the tool ended."""

from __future__ import annotations

import re
from typing import Annotated, Final

import msgspec
from msgspec import Meta
from msgspec.structs import replace

from eventbus_schemas._blank import blank
from eventbus_schemas._codex_calls import OpenCall
from eventbus_schemas._texts import byte_length, line_count
from eventbus_schemas._tools import (
    DurationSource,
    ToolOutcome,
    ToolResult,
    failure_severity,
)

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


ToolEnd = tuple[str, int | None, float | None]
"""What a tool wrote, its exit status and its milliseconds, where the output tells."""


class _Metadata(msgspec.Struct, gc=False):
    exit_code: Annotated[int, Meta(ge=-(2**31), le=2**31 - 1)]
    duration_seconds: Annotated[float, Meta(ge=0, lt=1e12)]  # as the header has it


class _Reported(msgspec.Struct, gc=False):
    output: str
    metadata: _Metadata


_reported: Final = msgspec.json.Decoder(_Reported)
_BLANK: Final = blank(ToolResult)


def tool_end(text: str) -> ToolEnd:
    """Return what *text* tells: a JSON object with metadata, a header, or neither."""
    if text[:1] == "{":
        try:
            reported = _reported.decode(text)
        except (msgspec.DecodeError, RecursionError, UnicodeError):
            return text, None, None
        metadata = reported.metadata
        seconds = metadata.duration_seconds
        return reported.output, metadata.exit_code, _milliseconds(seconds)
    header = _HEADER.match(text)
    if header is None:
        return text, None, None
    seconds = float(header["seconds"])
    return text[header.end() :], int(header["exit_code"]), _milliseconds(seconds)


def _milliseconds(seconds: float) -> float:
    return round(seconds * 1e6) / 1e3  # to the microsecond: 0.07 s is 70.0 exactly


def tool_result(call: OpenCall, text: str, waited_ns: int) -> ToolResult:
    """Return the result of *call*, whose output is *text*.

    The duration is the one the output reports, else the time between the two lines.
    A command that reports no exit status was not run; any other tool that answers
    without one counts as successful.

    Args:
        call: The call.
        text: Its output as recorded.
        waited_ns: Nanoseconds from the call to the output; below 0 tells nothing.
    """
    output, exit_code, duration_ms = tool_end(text)
    source: DurationSource | None = "reported"
    if duration_ms is None:
        source = None if waited_ns < 0 else "timestamps"
        duration_ms = None if waited_ns < 0 else waited_ns / 1e6
    ran = exit_code is not None or call.tool_name not in COMMAND_TOOLS
    outcome: ToolOutcome = "completed" if ran else "could_not_run"
    success = ran and not exit_code
    arguments = call.arguments
    return replace(  # the fields that ``of`` fills in, in half its time
        _BLANK,
        tool_name=call.tool_name,
        success=success,
        outcome=outcome,
        duration_ms=duration_ms,
        duration_source=source,
        exit_code=exit_code,
        call_id=call.call_id,
        arguments=arguments,
        arguments_length=None if arguments is None else call.size_bytes,
        output=output,
        output_length=byte_length(output),
        output_line_count=line_count(output),
        severity="info" if success else failure_severity(outcome),
    )
