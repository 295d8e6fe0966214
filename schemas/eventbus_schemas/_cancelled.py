"""What is told of a call that was cut off, which neither succeeded nor failed."""

from __future__ import annotations

from typing import Annotated, Literal

from eventbus import Attribute, Label, Span, Unit
from eventbus_schemas._metrics import SESSION_METRICS
from eventbus_schemas._session import Model
from eventbus_schemas._turn_ids import OfRequest

CancelledOperation = Literal[
    "request",
    "sse_poll",
    "websocket_connect",
    "websocket_request",
    "websocket_event",
    "tool_call",
    "approval",
    "other",
]


class CallCancelled(
    OfRequest,
    tag="agent.call_cancelled",
    span=Span("cancelled {operation}", duration="duration_ms", id="span_token"),
    metrics=SESSION_METRICS,
    gc=False,
):
    """A call was cancelled before anything came of it; no other event tells of it.

    Args:
        operation: What was cut off: the attempt of a request, the wait for a piece of a
            stream or for a frame, the opening of a WebSocket, sending over it, the call
            of a tool, or the wait for an approval; what is not in the set is
            ``"other"``.
        duration_ms: How long it had taken by then.
        endpoint: Path of the interface, one of few.
        attempt: Of a request, from 0.
        model: The model asked for.
        tool_name: The tool.
        call_id: The tool call.
        span_token: 16 hexadecimal digits, the same on the start of what was cut off.
    """

    operation: Annotated[CancelledOperation, Label]
    duration_ms: Annotated[float, Unit("ms")]
    endpoint: Annotated[str | None, Label] = None
    attempt: int | None = None
    model: Model = None
    tool_name: Annotated[str | None, Label, Attribute("gen_ai.tool.name")] = None
    call_id: Annotated[str | None, Attribute("gen_ai.tool.call.id")] = None
    span_token: str | None = None
