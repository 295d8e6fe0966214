"""Events are frozen and keyword-only for type checkers too."""

from __future__ import annotations

from typing import Annotated, assert_type

from eventbus import Attribute, Event, Label, Sensitive, Severity, Unit


class ToolResult(Event, tag="agent.tool_result", severity="warn", version=2):
    tool_name: Annotated[str, Label, Attribute("gen_ai.tool.name")]
    duration_ms: Annotated[float, Unit("ms")]
    success: Annotated[bool, Label] = True
    output: Annotated[str, Sensitive] = ""
    severity: Severity = "info"


class Deeper(ToolResult, tag="agent.deeper"):
    more: int


result = ToolResult(tool_name="shell", duration_ms=1.0)
assert_type(result.tool_name, str)
assert_type(Deeper(tool_name="x", duration_ms=1.0, more=2).more, int)

result.success = False  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]
ToolResult("shell", 1.0)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
ToolResult(tool_name="shell")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
ToolResult(tool_name=1, duration_ms=1.0)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
ToolResult(tool_name="", duration_ms=1.0, nmae=1)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
