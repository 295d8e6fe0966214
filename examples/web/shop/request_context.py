"""Which request an event belongs to: a middleware of plain ASGI."""

import re
import time
import uuid
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import eventbus
from eventbus import trace_context
from shop.events import Request, emit_request

# Any: the values of ASGI's messages and scopes are of many types.
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[MutableMapping[str, Any], Receive, Send], Awaitable[None]]

REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")


class RequestContext:
    """Binds the request's id and trace context to every event of the request.

    It takes the id of the header ``x-request-id``, if that is a plausible one, or makes
    one, and sends it back. Being plain ASGI it runs in the request's own task, so what
    it binds reaches the handler, its tasks and its worker threads.

    Args:
        app: What answers the requests.
    """

    def __init__(self, app: Application) -> None:
        """Stand before *app*."""
        self._app = app

    async def __call__(
        self, scope: MutableMapping[str, Any], receive: Receive, send: Send
    ) -> None:
        """Answer one request, or pass on what is none."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = {
            name.decode("latin-1"): value.decode("latin-1")
            for name, value in scope["headers"]
        }
        request_id = _request_id(headers.get("x-request-id", ""))
        caller = trace_context.extract(headers)
        with eventbus.bind(request_id=request_id), trace_context.attach(caller):
            await self._answer(scope, receive, send, request_id)

    async def _answer(
        self,
        scope: MutableMapping[str, Any],
        receive: Receive,
        send: Send,
        request_id: str,
    ) -> None:
        status, began = 500, time.perf_counter()

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                own = (b"x-request-id", request_id.encode())
                message["headers"] = [*message.get("headers", ()), own]
            await send(message)

        try:
            await self._app(scope, receive, send_with_id)
        finally:
            took = time.perf_counter() - began
            emit_request(
                Request(
                    method=scope["method"],
                    route=getattr(scope.get("route"), "path", "unknown"),
                    status=status,
                    duration_ms=took * 1000,
                )
            )


def _request_id(given: str) -> str:
    return given if REQUEST_ID.fullmatch(given) else uuid.uuid4().hex
