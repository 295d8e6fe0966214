"""What is told of a tool the agent used: how it went, how long, with what result."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from eventbus import Attribute, Event, Label, Sensitive, Severity, Span, Unit
from eventbus_schemas._metrics import SESSION_METRICS
from eventbus_schemas._texts import byte_length, line_count

ToolOutcome = Literal["completed", "could_not_run", "no_output"]
ToolOrigin = Literal["builtin", "mcp"]
DurationSource = Literal["reported", "timestamps"]

_FAILURE_SEVERITY: Final[dict[ToolOutcome, Severity]] = {
    "completed": "warn",  # it ran and said no: a test that fails, a search in vain
    "could_not_run": "error",
    "no_output": "warn",
}


class ToolResult(
    Event,
    tag="agent.tool_result",
    span=Span("execute_tool {tool_name}", duration="duration_ms", ok="success"),
    metrics=SESSION_METRICS,
    gc=False,
):
    """A tool call came to its end.

    Args:
        tool_name: The tool.
        success: The tool ran and did not report a failure.
        outcome: ``"could_not_run"`` is a call that was refused or failed before the
            tool did anything; ``"no_output"`` one whose end was never seen.
        duration_ms: How long it took; absent when nobody measured.
        duration_source: Whether the tool's runner reported the duration, or it is the
            time between the call and its output.
        exit_code: Of the command, when it was one.
        call_id: Joins the result to the call.
        arguments: What the tool was called with.
        arguments_length: Length of ``arguments``.
        output: What it answered; the error's text when it could not run.
        output_length: Length of ``output``.
        output_line_count: Lines of ``output``.
        tool_origin: Whose tool it is.
        mcp_server: Name of its MCP server.
        mcp_server_origin: Where that server is.
        severity: ``"info"`` on success, ``"error"`` when the tool could not run, else
            ``"warn"``.
    """

    tool_name: Annotated[str, Label, Attribute("gen_ai.tool.name")]
    success: Annotated[bool, Label]
    outcome: Annotated[ToolOutcome, Label] = "completed"
    duration_ms: Annotated[float | None, Unit("ms")] = None
    duration_source: DurationSource | None = None
    exit_code: Annotated[int | None, Attribute("process.exit.code")] = None
    call_id: Annotated[str | None, Attribute("gen_ai.tool.call.id")] = None
    arguments: Annotated[
        str | None, Sensitive, Attribute("gen_ai.tool.call.arguments")
    ] = None
    arguments_length: Annotated[int | None, Unit("By")] = None
    output: Annotated[str, Sensitive, Attribute("gen_ai.tool.call.result")] = ""
    output_length: Annotated[int, Unit("By")] = 0
    output_line_count: int = 0
    tool_origin: Annotated[ToolOrigin | None, Label] = None
    mcp_server: Annotated[str | None, Sensitive] = None
    mcp_server_origin: Annotated[str | None, Sensitive] = None
    severity: Severity = "info"

    @classmethod
    def of(
        cls,
        tool_name: str,
        *,
        success: bool,
        outcome: ToolOutcome = "completed",
        duration_ms: float | None = None,
        duration_source: DurationSource | None = None,
        exit_code: int | None = None,
        call_id: str | None = None,
        arguments: str | None = None,
        output: str = "",
        tool_origin: ToolOrigin | None = None,
        mcp_server: str | None = None,
    ) -> ToolResult:
        """Make one with the lengths and the severity that belong to it."""
        return cls(
            tool_name=tool_name,
            outcome=outcome,
            success=success,
            duration_ms=duration_ms,
            duration_source=duration_source,
            exit_code=exit_code,
            call_id=call_id,
            arguments=arguments,
            arguments_length=None if arguments is None else byte_length(arguments),
            output=output,
            output_length=byte_length(output),
            output_line_count=line_count(output),
            tool_origin=tool_origin,
            mcp_server=mcp_server,
            severity="info" if success else _FAILURE_SEVERITY[outcome],
        )

    @classmethod
    def could_not_run(cls, tool_name: str, error: str) -> ToolResult:
        """Make one for a tool that was never started; *error* says why."""
        return cls.of(
            tool_name,
            success=False,
            outcome="could_not_run",
            duration_ms=0.0,
            output=error,
        )


class FileChange(Event, tag="agent.file_change", metrics=SESSION_METRICS, gc=False):
    """The agent changed files.

    Args:
        success: Whether the change was made.
        files_added: How many files are new.
        files_updated: How many have other content.
        files_deleted: How many are gone.
        paths: The paths, a line each.
        item_id: Its own name.
        severity: ``"warn"`` when the change was not made.
    """

    success: Annotated[bool, Label]
    files_added: Annotated[int, Unit("{file}")] = 0
    files_updated: Annotated[int, Unit("{file}")] = 0
    files_deleted: Annotated[int, Unit("{file}")] = 0
    paths: Annotated[str, Sensitive] = ""
    item_id: str | None = None
    severity: Severity = "info"
