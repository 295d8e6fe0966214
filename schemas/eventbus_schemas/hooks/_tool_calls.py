"""How an awaitable is told of as the call of a tool."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Final, TypeVar

from eventbus import Event
from eventbus._verdict import refuse_awaitable
from eventbus_schemas._agent_session import Session
from eventbus_schemas._agent_tool_call import ToolCall, ToolCallFacts
from eventbus_schemas._emits import Attributes
from eventbus_schemas.hooks._guard import guarded

T = TypeVar("T")
A = TypeVar("A")

PLACE: Final = "EventHooks.tool_call"

# Any in this module: events of any type, and what a tool returned.


class ToolSession(Session):
    """What tells of calls of tools on behalf of hooks.

    Args:
        tell: Takes every event.
        facts: What it fills in, but for the endpoint, which is of requests.
    """

    def __init__(self, tell: Callable[[Any], object], facts: Attributes) -> None:
        """Tell nothing yet."""
        told = {name: fact for name, fact in facts.items() if name != "endpoint"}
        self._know(_Telling(tell), {}, told)


class _Telling:
    def __init__(self, tell: Callable[[Any], object]) -> None:
        self._tell = tell

    def emitter(
        self, event_type: type[Event], *, attributes: Attributes | None = None
    ) -> Callable[[Any], bool]:
        def emit(event: Event) -> bool:
            self._tell(event)
            return True

        return emit


async def told_as_call(
    awaitable: Awaitable[T],
    session: Session,
    tool_name: str,
    facts: ToolCallFacts,
    *,
    output_of: Callable[[T], str] | None,
    succeeded: Callable[[T], bool] | None,
    now: Callable[[], float],
) -> T:
    """Await *awaitable*, and end as it does; see :meth:`EventHooks.tool_call`."""

    def begin() -> ToolCall:
        return ToolCall(session, tool_name, facts, now=now).__enter__()

    def say(call: ToolCall, value: T) -> None:
        success = succeeded is None or bool(_answer(succeeded, value, "succeeded"))
        call.completed(success=success)
        output = _answer(output_of or _text_of, value, "output_of")
        call.completed(output, success=success)

    call = guarded(begin, place=PLACE)()
    if call is None:
        return await awaitable
    end = guarded(call.__exit__, place=PLACE)
    try:
        value = await awaitable
    except BaseException as error:
        end(type(error), error, None)
        raise
    guarded(say, place=PLACE)(call, value)
    end(None, None, None)
    return value


def _answer(function: Callable[[T], A], value: T, name: str) -> A:
    answer = function(value)
    refuse_awaitable(answer, name)
    return answer


def _text_of(value: Any) -> str:
    return value if isinstance(value, str) else ""
