"""Which events the hooks make, and of what."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from copy import copy
from typing import Any, Final, Self, TypeVar, Unpack
from uuid import uuid4

import msgspec

from eventbus import Clock, Event
from eventbus._verdict import refuse_awaitable
from eventbus_schemas._cancelled import CallCancelled
from eventbus_schemas._requests import ApiRequest, request_succeeded
from eventbus_schemas._stream import SseEvent, classify_sse
from eventbus_schemas._websocket import (
    WebsocketConnect,
    WebsocketRequest,
    connect_succeeded,
)
from eventbus_schemas.hooks._debug_context import debug_context
from eventbus_schemas.hooks._destination import Destination, emit_of
from eventbus_schemas.hooks._facts import CallFacts, KnownFacts, known_to
from eventbus_schemas.hooks._frame_events import frame_events
from eventbus_schemas.hooks._kinds import kinds
from eventbus_schemas.hooks._observed import SYSTEM_CLOCK
from eventbus_schemas.hooks._observers import Operation
from eventbus_schemas.hooks._polls import (
    IdleTimeoutElapsed,
    Received,
    SsePoll,
    StreamFailed,
    WebsocketPoll,
)
from eventbus_schemas.hooks._safe_text import error_type_of, safe_text
from eventbus_schemas.hooks._tool_calls import ToolSession, told_as_call

T = TypeVar("T")

_MS: Final = 1_000.0
_TEXT: Final = "response.output_text.delta"


class EventHooks:
    """Every hook at once: each emits the events that tell of what it observes.

    ``EventHooks(bus.emit, endpoint="/responses", model="…")``, or ``EventHooks(turn,
    endpoint="/responses")``, given to whatever calls hooks. A request is an
    :class:`eventbus_schemas.ApiRequest`, successful when its status is 2xx and there is
    no error; polls are classified as :func:`eventbus_schemas.classify_sse` and the
    table in ``docs/hooks.md`` say; what was cut off is a :class:`CallCancelled` and
    nothing else. Errors are told with :func:`safe_text`, and what the headers of a
    refusal tell is added. Kinds of pieces are names, at most 256 in a process; any
    other is ``"other"``.

    Hooks are values: :meth:`with_facts` returns others. From any thread.

    Args:
        emit: Takes every event: ``bus.emit``, an object with ``emit`` (a bus), or one
            with ``emitter`` (a session, a turn, the module ``eventbus``). What a
            session fills in, these events say too: its model, the turn's id.
        **facts: What the events say beside what the hooks are told; see
            :class:`CallFacts`. They win over the session's; ``None`` is not known.

    Raises:
        TypeError: *emit* takes no events, or there is a fact that no call has.
    """

    def __init__(self, emit: Destination, **facts: Unpack[CallFacts]) -> None:
        """Emit nothing yet."""
        self._facts = KnownFacts({**known_to(emit), **facts})
        self._emit = emit_of(emit)
        self._is_for_one_request = False
        self._attempt: int | None = None
        self._waited_seconds: float | None = None  # for that attempt's answer so far
        self._first_text_seconds: float | None = None

    def with_facts(self, **facts: Unpack[CallFacts]) -> Self:
        """Return the same hooks that know *facts* as well; ``None`` forgets one."""
        other = copy(self)
        other._facts = KnownFacts({**self._facts.all, **facts})
        return other

    def for_request(self, request_id: str | None = None) -> Self:
        """Return the same hooks for one request, its attempts and its stream.

        Their events share the request's id, the pieces of its stream say of which
        attempt they are, and the last one how long the first text was waited for since
        that attempt was sent. Not for two requests at once.

        Args:
            request_id: Its name in this program. Without one it is the one that these
                hooks know, unless they are for one request already, else a random one.
        """
        known = None if self._is_for_one_request else self.request_id
        other = self.with_facts(request_id=request_id or known or uuid4().hex)
        other._is_for_one_request = True
        other._attempt = other._waited_seconds = other._first_text_seconds = None
        return other

    @property
    def request_id(self) -> str | None:
        """The request's name in this program, as the events say it."""
        return self._facts.all.get("request_id")

    def on_request(
        self,
        attempt: int,
        status: int | None,
        error: Exception | None,
        duration_seconds: float,
    ) -> None:
        """See :class:`RequestTelemetry`; emits an ``ApiRequest``."""
        self._note(attempt)
        if self._is_for_one_request:
            self._waited_seconds = duration_seconds
            self._first_text_seconds = None
        self._tell(
            ApiRequest(
                **self._facts.of(ApiRequest),
                **_told_by_headers(error),
                **_outcome(request_succeeded(status, error=error), error),
                duration_ms=duration_seconds * _MS,
                attempt=attempt,
                status_code=status,
            )
        )

    def on_sse_poll(self, result: SsePoll, duration_seconds: float) -> None:
        """See :class:`SseTelemetry`; emits an ``SseEvent``, for the end nothing."""
        duration_ms = duration_seconds * _MS
        match result:
            case Received(event):
                self._wait_for_text(event.event, duration_seconds)
                told = classify_sse(event.event, event.data, duration_ms=duration_ms)
            case StreamFailed(error) | IdleTimeoutElapsed(error):
                told = SseEvent.failed(safe_text(error), duration_ms=duration_ms)
            case _:
                return
        more: dict[str, float] = {}
        if self._attempt is not None:
            more["attempt"] = self._attempt
        if told.outcome == "completed" and self._first_text_seconds is not None:
            more["time_to_first_token_ms"] = self._first_text_seconds * _MS
        self._tell_more_of(told, **more)

    def on_ws_connect(
        self, duration_seconds: float, status: int | None, error: Exception | None
    ) -> None:
        """See :class:`ConnectTelemetry`; emits a ``WebsocketConnect``."""
        self._tell(
            WebsocketConnect(
                **self._facts.of(WebsocketConnect),
                **_told_by_headers(error),
                **_outcome(connect_succeeded(status, error=error), error),
                duration_ms=duration_seconds * _MS,
                status_code=status,
                connection_reused=False,
            )
        )

    def on_ws_request(
        self,
        duration_seconds: float,
        error: Exception | None,
        connection_reused: bool,
    ) -> None:
        """See :class:`WebsocketTelemetry`; emits a ``WebsocketRequest``."""
        self._tell(
            WebsocketRequest(
                **self._facts.of(WebsocketRequest),
                **_outcome(error is None, error),
                duration_ms=duration_seconds * _MS,
                connection_reused=connection_reused,
            )
        )

    def on_ws_event(self, result: WebsocketPoll, duration_seconds: float) -> None:
        """See :class:`WebsocketTelemetry`; emits what tells of the frame, if anything.

        That is a ``WebsocketEvent``, and a ``WebsocketTiming`` when it is one.
        """
        for event in frame_events(result, duration_ms=duration_seconds * _MS):
            self._tell_more_of(event)

    def on_cancelled(
        self, operation: Operation, duration_seconds: float, attempt: int | None
    ) -> None:
        """See :class:`CancelTelemetry`; emits a ``CallCancelled``."""
        self._note(attempt)
        self._tell(
            CallCancelled(
                **self._facts.of(CallCancelled),
                operation=operation,
                duration_ms=duration_seconds * _MS,
                attempt=self._attempt if attempt is None else attempt,
            )
        )

    async def tool_call(
        self,
        awaitable: Awaitable[T],
        tool_name: str,
        *,
        call_id: str | None = None,
        arguments: str | None = None,
        output_of: Callable[[T], str] | None = None,
        succeeded: Callable[[T], bool] | None = None,
        clock: Clock = SYSTEM_CLOCK,
    ) -> T:
        """Await the call of a tool, emit how it went, and end as it does.

        It is told as :meth:`eventbus_schemas.Session.tool_call` tells it, and its span
        is current while it is awaited here: one :class:`eventbus_schemas.ToolStarted`,
        and one :class:`eventbus_schemas.ToolResult` when it returns or raises.
        Cancelled, the tool is, one :class:`CallCancelled` is emitted, and the
        cancellation goes on.

        Args:
            awaitable: The call.
            tool_name: The tool.
            call_id: Joins the result to the call.
            arguments: What the tool was called with, as text.
            output_of: Makes the text of the output of what it returned. Without it,
                text is itself and anything else is left out.
            succeeded: Whether what it returned is a success; without it, it is. Where
                one of these two raises, that is counted and it is left out.
            clock: Measures the duration.
        """
        return await told_as_call(
            awaitable,
            ToolSession(self._tell, self._facts.all),
            tool_name,
            {"call_id": call_id, "arguments": arguments},
            output_of=output_of,
            succeeded=succeeded,
            now=clock.monotonic,
        )

    def _note(self, attempt: int | None) -> None:
        if self._is_for_one_request and attempt is not None:
            self._attempt = attempt

    def _wait_for_text(self, kind: str, seconds: float) -> None:
        if self._waited_seconds is None:
            return
        self._waited_seconds += seconds
        if kind == _TEXT and self._first_text_seconds is None:
            self._first_text_seconds = self._waited_seconds

    def _tell_more_of(self, event: Event, **more: object) -> None:
        """Emit *event* with *more*, and with the facts that it does not know itself."""
        kind = getattr(event, "kind", None)
        if kind is not None and (label := kinds.of(kind)) != kind:
            more["kind"] = label
        facts = self._facts.of(type(event)).items()
        more |= {name: fact for name, fact in facts if getattr(event, name) is None}
        self._tell(msgspec.structs.replace(event, **more) if more else event)

    def _tell(self, event: Event) -> None:
        refuse_awaitable(self._emit(event), "emit")


def _outcome(success: bool, error: Exception | None) -> dict[str, Any]:
    # Any, here and below: they are arguments of an event, whose own types hold.
    if error is None:
        return {"success": success, "severity": "info" if success else "warn"}
    return {
        "success": success,
        "severity": "warn",
        "error_type": error_type_of(error),
        "error_message": safe_text(error),
    }


def _told_by_headers(error: Exception | None) -> dict[str, Any]:
    told = debug_context(error)
    return {
        "auth_request_id": told.request_id,
        "auth_cf_ray": told.cf_ray,
        "auth_error": told.auth_error,
        "auth_error_code": told.auth_error_code,
    }
