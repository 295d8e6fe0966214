"""Which event tells how the call of a tool ended."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeVar

from eventbus import Event
from eventbus_schemas._cancelled import CallCancelled
from eventbus_schemas._tools import ToolResult
from eventbus_schemas.hooks._endings import Cancelled, Ending, Raised

T = TypeVar("T")

_MS: Final = 1_000.0


def tool_event(
    ending: Ending[T],
    tool_name: str,
    *,
    call_id: str | None,
    arguments: str | None,
    output_of: Callable[[T], str] | None,
    succeeded: Callable[[T], bool] | None,
) -> Event:
    """Return the event; see :meth:`EventHooks.tool_call` for the arguments."""
    duration_ms = ending.duration_seconds * _MS
    if isinstance(ending, Cancelled):
        return CallCancelled(
            operation="tool_call",
            duration_ms=duration_ms,
            tool_name=tool_name,
            call_id=call_id,
        )
    if isinstance(ending, Raised):
        success, output = False, _words_of(ending.error)
    else:
        success = succeeded is None or bool(succeeded(ending.value))
        output = (output_of or _text_of)(ending.value)
    return ToolResult.of(
        tool_name,
        success=success,
        duration_ms=duration_ms,
        call_id=call_id,
        arguments=arguments,
        output=output,
    )


def _text_of(value: Any) -> str:  # Any: what a tool returned
    return value if isinstance(value, str) else ""


def _words_of(error: Exception) -> str:
    try:
        return str(error)
    except Exception:  # noqa: BLE001 - the error's own code
        return type(error).__name__
