"""What is told of a thread: one run over a conversation, from its start to its end."""

from __future__ import annotations

from typing import Annotated, Literal, TypedDict, Unpack

from eventbus import Attribute, Label, Sensitive, Severity, Span, Unit
from eventbus_schemas._agent_event import AgentEvent
from eventbus_schemas._metrics import SESSION_METRICS
from eventbus_schemas._texts import byte_length

ThreadEnd = Literal["ok", "error", "early_exit", "cancelled", "other"]
ItemType = Literal[
    "agent_message",
    "reasoning",
    "command_execution",
    "file_change",
    "mcp_tool_call",
    "web_search",
    "todo_list",
    "error",
    "other",
]


class OfThread(AgentEvent, gc=False):
    """Something that happened in a thread; a base of events.

    Args:
        thread_id: The conversation; absent while a new one has no name yet.
        turn_id: The turn, once it has a name.
        span_token: 16 hexadecimal digits that the start and its one end have in common;
            the id of the thread's span.
        workflow: What the thread is part of, as the caller calls it.
        group: Which threads belong together, as the caller calls it.
        source: Where the thread comes from, as the caller tells it, as JSON.
        trace_name: The caller's own name for the trace.
        trace_sensitive: Whether traces may have content.
        tracing_disabled: Whether there is to be no trace.
        previous_response_id: The response that the thread goes on from.
    """

    thread_id: str | None = None
    turn_id: str | None = None
    span_token: str | None = None
    workflow: str | None = None
    group: str | None = None
    source: Annotated[str | None, Sensitive] = None
    trace_name: str | None = None
    trace_sensitive: bool | None = None
    tracing_disabled: bool | None = None
    previous_response_id: str | None = None


class ThreadFacts(TypedDict, total=False):
    """What everything in a thread has in common: fields of :class:`OfThread`."""

    thread_id: str | None
    turn_id: str | None
    workflow: str | None
    group: str | None
    source: str | None
    trace_name: str | None
    trace_sensitive: bool | None
    tracing_disabled: bool | None
    previous_response_id: str | None


class ThreadDetails(ThreadFacts, total=False):
    """The facts with the token of the thread's span."""

    span_token: str | None


class ThreadStarted(
    OfThread, tag="agent.thread_started", metrics=SESSION_METRICS, gc=False
):
    """A thread began.

    Args:
        input: What it was asked.
        input_length: Length of ``input``.
    """

    input: Annotated[str, Sensitive] = ""
    input_length: Annotated[int, Unit("By")] = 0

    @classmethod
    def from_text(cls, input: str, **details: Unpack[ThreadDetails]) -> ThreadStarted:
        """Make one with the length that belongs to *input*."""
        return cls(input=input, input_length=byte_length(input), **details)


class ThreadStopped(
    OfThread,
    tag="agent.thread_stopped",
    span=Span("thread", duration="duration_ms", ok="success", id="span_token"),
    metrics=SESSION_METRICS,
    gc=False,
):
    """A thread came to its end, or was left before it, which is told just so.

    Args:
        success: It came to its end without an error.
        result: How it ended; what is not in the set is ``"other"``.
        duration_ms: From its start.
        error_message: The error's own words.
        error_message_length: Their length.
        severity: ``"warn"`` after an error, else ``"info"``.
    """

    success: Annotated[bool, Label]
    result: Annotated[ThreadEnd, Label]
    duration_ms: Annotated[float | None, Unit("ms")] = None
    error_message: Annotated[str | None, Sensitive, Attribute("error.message")] = None
    error_message_length: Annotated[int | None, Unit("By")] = None
    severity: Severity = "info"

    @classmethod
    def of(
        cls,
        result: ThreadEnd,
        *,
        duration_ms: float | None = None,
        error_message: str | None = None,
        **details: Unpack[ThreadDetails],
    ) -> ThreadStopped:
        """Make one with the length and the severity that belong to it."""
        return cls(
            success=result == "ok",
            result=result,
            duration_ms=duration_ms,
            error_message=error_message,
            error_message_length=(
                None if error_message is None else byte_length(error_message)
            ),
            severity="warn" if result == "error" else "info",
            **details,
        )


class ThreadFailed(
    OfThread,
    tag="agent.thread_failed",
    span=Span("thread", duration="duration_ms", ok="success", id="span_token"),
    metrics=SESSION_METRICS,
    severity="error",
    gc=False,
):
    """A thread ended with an exception.

    Args:
        success: It never is one.
        duration_ms: From its start.
        error_message: The exception's own words.
        error_message_length: Their length.
        exception_type: The kind of the exception.
    """

    success: bool = False
    duration_ms: Annotated[float | None, Unit("ms")] = None
    error_message: Annotated[str, Sensitive, Attribute("exception.message")] = ""
    error_message_length: Annotated[int, Unit("By")] = 0
    exception_type: Annotated[str | None, Attribute("exception.type")] = None

    @classmethod
    def from_text(
        cls,
        error_message: str,
        *,
        duration_ms: float | None = None,
        **details: Unpack[ThreadDetails],
    ) -> ThreadFailed:
        """Make one with the length that belongs to *error_message*."""
        return cls(
            duration_ms=duration_ms,
            error_message=error_message,
            error_message_length=byte_length(error_message),
            **details,
        )


class ItemCompleted(
    OfThread, tag="agent.item_completed", metrics=SESSION_METRICS, gc=False
):
    """A part of the agent's work is whole; what it says has an event of its own.

    Args:
        item_type: What kind of part; what is not in the set is ``"other"``.
        item_id: Its own name.
    """

    item_type: Annotated[ItemType, Label]
    item_id: str | None = None
