"""What is told of a call to a tool of an MCP server."""

from __future__ import annotations

from typing import Annotated, Literal

from eventbus import Attribute, Label, Sensitive, Severity, Span, Unit
from eventbus_schemas._metrics import SESSION_METRICS
from eventbus_schemas._texts import byte_length
from eventbus_schemas._turn_ids import OfTurn

McpErrorType = Literal["mcp_request", "tool_result", "other"]


class McpToolCall(OfTurn, gc=False):
    """Which call it is; a base of events.

    Args:
        tool_name: The tool.
        call_id: Joins the result to the call.
        mcp_server: Name of the server.
        mcp_server_origin: Where the server is.
        span_token: 16 hexadecimal digits, the same on the call and on its result.
    """

    tool_name: Annotated[str, Label, Attribute("gen_ai.tool.name")]
    call_id: Annotated[str | None, Attribute("gen_ai.tool.call.id")] = None
    mcp_server: Annotated[str | None, Sensitive] = None
    mcp_server_origin: Annotated[str | None, Sensitive] = None
    span_token: str | None = None


class McpToolCallStarted(
    McpToolCall, tag="agent.mcp_tool_call_started", metrics=SESSION_METRICS, gc=False
):
    """A tool of an MCP server is called.

    Args:
        arguments: What it is called with.
        arguments_length: Length of ``arguments``.
    """

    arguments: Annotated[
        str | None, Sensitive, Attribute("gen_ai.tool.call.arguments")
    ] = None
    arguments_length: Annotated[int | None, Unit("By")] = None

    @classmethod
    def of(
        cls,
        tool_name: str,
        *,
        arguments: str | None = None,
        call_id: str | None = None,
        mcp_server: str | None = None,
        mcp_server_origin: str | None = None,
        span_token: str | None = None,
        turn_id: str | None = None,
    ) -> McpToolCallStarted:
        """Make one with the length that belongs to *arguments*."""
        return cls(
            tool_name=tool_name,
            arguments=arguments,
            arguments_length=None if arguments is None else byte_length(arguments),
            call_id=call_id,
            mcp_server=mcp_server,
            mcp_server_origin=mcp_server_origin,
            span_token=span_token,
            turn_id=turn_id,
        )


class McpToolCallResult(
    McpToolCall,
    tag="agent.mcp_tool_call_result",
    span=Span(
        "tools/call {tool_name}", duration="duration_ms", ok="success", id="span_token"
    ),
    metrics=SESSION_METRICS,
    gc=False,
):
    """A call to a tool of an MCP server came to its end.

    Args:
        success: It worked, and the tool did not report a failure.
        duration_ms: How long it took.
        attempt: From 0; 1 is the first retry.
        error_type: Whether the request failed or the tool; what is not in the set is
            ``"other"``.
        error_code: The code of the error, as the server gave it.
        error_message: The error's own words.
        error_message_length: Their length.
        request_id: The request to the model that asked for it.
        severity: ``"warn"`` when it failed.
    """

    success: Annotated[bool, Label]
    duration_ms: Annotated[float | None, Unit("ms")] = None
    attempt: int | None = None
    error_type: Annotated[McpErrorType | None, Label, Attribute("error.type")] = None
    error_code: Annotated[str | None, Attribute("rpc.jsonrpc.error_code")] = None
    error_message: Annotated[str | None, Sensitive, Attribute("error.message")] = None
    error_message_length: Annotated[int | None, Unit("By")] = None
    request_id: str | None = None
    severity: Severity = "info"

    @classmethod
    def of(
        cls,
        tool_name: str,
        *,
        success: bool,
        duration_ms: float | None = None,
        attempt: int | None = None,
        error_type: McpErrorType | None = None,
        error_code: str | None = None,
        error_message: str | None = None,
        call_id: str | None = None,
        mcp_server: str | None = None,
        mcp_server_origin: str | None = None,
        span_token: str | None = None,
        turn_id: str | None = None,
        request_id: str | None = None,
        severity: Severity | None = None,
    ) -> McpToolCallResult:
        """Make one with the length and the severity that belong to it."""
        return cls(
            tool_name=tool_name,
            success=success,
            duration_ms=duration_ms,
            attempt=attempt,
            error_type=error_type,
            error_code=error_code,
            error_message=error_message,
            error_message_length=(
                None if error_message is None else byte_length(error_message)
            ),
            call_id=call_id,
            mcp_server=mcp_server,
            mcp_server_origin=mcp_server_origin,
            span_token=span_token,
            turn_id=turn_id,
            request_id=request_id,
            severity=severity or ("info" if success else "warn"),
        )
