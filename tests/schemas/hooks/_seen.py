"""An observer that keeps what its hooks are told, and one whose hooks raise."""

from __future__ import annotations

import asyncio

from eventbus_schemas.hooks import Operation, SsePoll, WebsocketPoll


class Seen:
    """Keeps the arguments of every call, by hook."""

    def __init__(self) -> None:
        self.requests: list[tuple[int, int | None, Exception | None, float]] = []
        self.sse_polls: list[tuple[SsePoll, float]] = []
        self.ws_connects: list[tuple[float, int | None, Exception | None]] = []
        self.ws_requests: list[tuple[float, Exception | None, bool]] = []
        self.ws_events: list[tuple[WebsocketPoll, float]] = []
        self._frame = asyncio.Event()
        self.cancelled: list[tuple[Operation, float, int | None]] = []

    @property
    def attempts(self) -> list[tuple[int, int | None, str | None]]:
        """Attempt, status and the error's type of each request."""
        return [
            (attempt, status, None if error is None else type(error).__name__)
            for attempt, status, error, _ in self.requests
        ]

    @property
    def shapes(self) -> list[str]:
        """The types of the results of polls of either sort."""
        return [type(r).__name__ for r, _ in [*self.sse_polls, *self.ws_events]]

    def on_request(
        self, attempt: int, status: int | None, error: Exception | None, seconds: float
    ) -> None:
        self.requests.append((attempt, status, error, seconds))

    def on_sse_poll(self, result: SsePoll, seconds: float) -> None:
        self.sse_polls.append((result, seconds))

    def on_ws_connect(
        self, seconds: float, status: int | None, error: Exception | None
    ) -> None:
        self.ws_connects.append((seconds, status, error))

    def on_ws_request(
        self, seconds: float, error: Exception | None, connection_reused: bool
    ) -> None:
        self.ws_requests.append((seconds, error, connection_reused))

    def on_ws_event(self, result: WebsocketPoll, seconds: float) -> None:
        self.ws_events.append((result, seconds))
        self._frame.set()

    async def frames(self, count: int) -> None:
        """Wait until *count* frames were told."""
        while len(self.ws_events) < count:
            self._frame.clear()
            await self._frame.wait()

    def on_cancelled(
        self, operation: Operation, seconds: float, attempt: int | None
    ) -> None:
        self.cancelled.append((operation, seconds, attempt))


class Raising:
    """Raises in every hook."""

    def on_request(self, *_: object) -> None:
        raise ValueError("a hook's own fault")

    on_sse_poll = on_ws_connect = on_ws_request = on_request
    on_ws_event = on_cancelled = on_request
