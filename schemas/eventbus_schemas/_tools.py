"""What is told of a tool the agent used: how it went, how long, with what result."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Final, Literal, TypedDict, Unpack

from msgspec.structs import replace

from eventbus import Attribute, Label, Sensitive, Severity, Span, Unit
from eventbus_schemas._blank import blank
from eventbus_schemas._metrics import SESSION_METRICS
from eventbus_schemas._session import SandboxPolicy
from eventbus_schemas._texts import byte_length, line_count
from eventbus_schemas._turn_ids import OfTurn

ToolOutcome = Literal["completed", "could_not_run", "no_output"]
ToolOrigin = Literal["builtin", "mcp"]
DurationSource = Literal["reported", "timestamps"]
Sandbox = Literal["none", "seatbelt", "seccomp", "windows", "external", "other"]

_FAILURE_SEVERITY: Final[dict[ToolOutcome, Severity]] = {
    "completed": "warn",  # it ran and said no: a test that fails, a search in vain
    "could_not_run": "error",
    "no_output": "warn",
}


class OfToolCall(OfTurn, gc=False):
    """What a tool is called for and with; a base of events.

    Args:
        tool_name: The tool.
        call_id: Joins the result to the call.
        arguments: What the tool is called with.
        arguments_length: Length of ``arguments``.
        attempt: From 0; 1 is the first retry; absent when nobody counts.
        thread_id: The conversation, where it has a name of its own.
        span_token: 16 hexadecimal digits, the same on the call and on its result; the
            id of the call's span.
    """

    tool_name: Annotated[str, Label, Attribute("gen_ai.tool.name")]
    call_id: Annotated[str | None, Attribute("gen_ai.tool.call.id")] = None
    arguments: Annotated[
        str | None, Sensitive, Attribute("gen_ai.tool.call.arguments")
    ] = None
    arguments_length: Annotated[int | None, Unit("By")] = None
    attempt: int | None = None
    thread_id: str | None = None
    span_token: str | None = None


class ToolStarted(
    OfToolCall, tag="agent.tool_started", metrics=SESSION_METRICS, gc=False
):
    """A tool is called.

    Args:
        module: Which part of the program runs it.
        is_retry: It was called before, for the same call.
        metadata: What more is told of the tool, as JSON.
        metadata_length: Length of ``metadata``.
        capabilities: What it may do, words joined with ``", "``.
        sandbox_warnings: What was said about its sandbox, a line each.
        sandbox_warning_count: How many lines.
    """

    module: str | None = None
    is_retry: bool | None = None
    metadata: Annotated[str | None, Sensitive] = None
    metadata_length: Annotated[int | None, Unit("By")] = None
    capabilities: str | None = None
    sandbox_warnings: Annotated[str | None, Sensitive] = None
    sandbox_warning_count: int | None = None

    @classmethod
    def of(
        cls,
        tool_name: str,
        *,
        arguments: str | None = None,
        call_id: str | None = None,
        module: str | None = None,
        is_retry: bool | None = None,
        attempt: int | None = None,
        metadata: str | None = None,
        capabilities: Iterable[str] | None = None,
        sandbox_warnings: Iterable[str] | None = None,
        span_token: str | None = None,
        thread_id: str | None = None,
        turn_id: str | None = None,
    ) -> ToolStarted:
        """Make one with the lengths that belong to it; a warning stands there once."""
        warnings = None if sandbox_warnings is None else distinct(sandbox_warnings)
        return cls(
            tool_name=tool_name,
            arguments=arguments,
            arguments_length=None if arguments is None else byte_length(arguments),
            call_id=call_id,
            module=module,
            is_retry=is_retry,
            attempt=attempt,
            metadata=metadata,
            metadata_length=None if metadata is None else byte_length(metadata),
            capabilities=None if capabilities is None else ", ".join(capabilities),
            sandbox_warnings=None if warnings is None else "\n".join(warnings),
            sandbox_warning_count=None if warnings is None else len(warnings),
            span_token=span_token,
            thread_id=thread_id,
            turn_id=turn_id,
        )


class ToolDetails(TypedDict, total=False):
    """What few results tell: fields of :class:`ToolResult`."""

    duration_source: DurationSource | None
    exit_code: int | None
    tool_origin: ToolOrigin | None
    mcp_server: str | None
    mcp_server_origin: str | None
    sandbox: Sandbox | None
    sandbox_policy: SandboxPolicy | None
    attempt: int | None
    span_token: str | None
    thread_id: str | None
    turn_id: str | None
    request_id: str | None
    exception_type: str | None
    exception_message: str | None


class ToolFacts(ToolDetails, total=False):
    """What a result may tell beside how it went."""

    duration_ms: float | None
    call_id: str | None


class ToolEnding(ToolDetails, total=False):
    """The details with how it went, beside its success."""

    outcome: ToolOutcome
    severity: Severity


class ToolResult(
    OfToolCall,
    tag="agent.tool_result",
    span=Span(
        "execute_tool {tool_name}",
        duration="duration_ms",
        ok="success",
        id="span_token",
    ),
    metrics=SESSION_METRICS,
    gc=False,
):
    """A tool call came to its end.

    Args:
        success: The tool ran and did not report a failure.
        outcome: ``"could_not_run"`` is a call that was refused or failed before the
            tool did anything; ``"no_output"`` one whose end was never seen.
        duration_ms: How long it took; absent when nobody measured.
        duration_source: Whether the tool's runner reported the duration, or it is the
            time between the call and its output.
        exit_code: Of the command, when it was one.
        output: What it answered; the error's text when it could not run.
        output_length: Length of ``output``.
        output_line_count: Lines of ``output``.
        tool_origin: Whose tool it is.
        mcp_server: Name of its MCP server.
        mcp_server_origin: Where that server is.
        sandbox: What it ran inside of; what is not in the set is ``"other"``.
        sandbox_policy: What it might touch; what is not in the set is ``"other"``.
        request_id: The request to the model that asked for it.
        exception_type: The kind of the exception that ended it, where one did.
        exception_message: The exception's own words.
        severity: ``"info"`` on success, ``"error"`` when the tool could not run, else
            ``"warn"``.
    """

    success: Annotated[bool, Label]
    outcome: Annotated[ToolOutcome, Label] = "completed"
    duration_ms: Annotated[float | None, Unit("ms")] = None
    duration_source: DurationSource | None = None
    exit_code: Annotated[int | None, Attribute("process.exit.code")] = None
    output: Annotated[str, Sensitive, Attribute("gen_ai.tool.call.result")] = ""
    output_length: Annotated[int, Unit("By")] = 0
    output_line_count: int = 0
    tool_origin: Annotated[ToolOrigin | None, Label] = None
    mcp_server: Annotated[str | None, Sensitive] = None
    mcp_server_origin: Annotated[str | None, Sensitive] = None
    sandbox: Annotated[Sandbox | None, Label] = None
    sandbox_policy: Annotated[SandboxPolicy | None, Label] = None
    request_id: str | None = None
    exception_type: Annotated[str | None, Attribute("exception.type")] = None
    exception_message: Annotated[
        str | None, Sensitive, Attribute("exception.message")
    ] = None
    severity: Severity = "info"

    @classmethod
    def of(
        cls,
        tool_name: str,
        *,
        success: bool,
        call_id: str | None = None,
        duration_ms: float | None = None,
        arguments: str | None = None,
        output: str = "",
        **details: Unpack[ToolEnding],
    ) -> ToolResult:
        """Make one with the lengths and the severity that belong to it."""
        if not success and "severity" not in details:
            details["severity"] = failure_severity(details.get("outcome", "completed"))
        result = replace(
            blank(cls),
            tool_name=tool_name,
            success=success,
            call_id=call_id,
            duration_ms=duration_ms,
            arguments=arguments,
            arguments_length=None if arguments is None else byte_length(arguments),
            output=output,
            output_length=byte_length(output),
            output_line_count=line_count(output),
        )
        return replace(result, **details) if details else result

    @classmethod
    def could_not_run(
        cls,
        tool_name: str,
        error: str,
        **facts: Unpack[ToolFacts],
    ) -> ToolResult:
        """Make one for a tool that was never started; *error* says why.

        The error is the call's output, and as such redacted: what is safe to tell of it
        are its length, its lines and the outcome.
        """
        known: ToolFacts = {"duration_ms": 0.0, "tool_origin": "builtin", **facts}
        return cls.of(
            tool_name, success=False, outcome="could_not_run", output=error, **known
        )


def failure_severity(outcome: ToolOutcome) -> Severity:
    """Return how bad it is that a call failed with *outcome*."""
    return _FAILURE_SEVERITY.get(outcome, "warn")


def distinct(warnings: Iterable[str]) -> list[str]:
    """Return *warnings* without those that say the same of the same path.

    Which way the slashes of a path lean and its capitals make no difference; the first
    of those that are alike stays.
    """
    seen: dict[str, str] = {}
    for warning in warnings:
        seen.setdefault(warning.replace("\\", "/").casefold(), warning)
    return list(seen.values())


class FileChange(OfTurn, tag="agent.file_change", metrics=SESSION_METRICS, gc=False):
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
