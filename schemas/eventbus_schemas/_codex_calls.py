"""Which tool calls still wait for their output, and which have waited too long."""

from __future__ import annotations

from typing import Final

import msgspec

MAX_OPEN_CALLS: Final = 10_000
MAX_OPEN_BYTES: Final = 64 * 1024 * 1024


class OpenCall(msgspec.Struct, frozen=True, gc=False):
    """A tool call that has no output yet.

    Args:
        call_id: Joins the output to it.
        tool_name: The tool.
        arguments: What the tool was called with.
        time_unix_nano: When; 0 is unknown.
        number: The line it stands on.
        size_bytes: What it counts for in the bound.
    """

    call_id: str
    tool_name: str
    arguments: str | None
    time_unix_nano: int
    number: int
    size_bytes: int


class OpenCalls:
    """The calls without output, oldest first, bounded in number and in bytes.

    Args:
        max_calls: Most calls kept.
        max_bytes: Most bytes of arguments kept, all calls together.
    """

    def __init__(
        self, *, max_calls: int = MAX_OPEN_CALLS, max_bytes: int = MAX_OPEN_BYTES
    ) -> None:
        """Begin with none."""
        self._max_calls = max_calls
        self._max_bytes = max_bytes
        self._bytes = 0
        self._calls: dict[str, OpenCall] = {}

    def add(self, call: OpenCall) -> list[OpenCall] | None:
        """Keep *call*, and return the oldest ones, for which there is no room left.

        Returns ``None``, and keeps the first, where one of its id waits already.
        """
        calls = self._calls
        if calls.setdefault(call.call_id, call) is not call:
            return None
        self._bytes += call.size_bytes
        evicted: list[OpenCall] = []
        while len(calls) > self._max_calls or self._bytes > self._max_bytes:
            evicted.append(self._take_oldest())
        return evicted

    def take(self, call_id: str) -> OpenCall | None:
        """Return the call of this id and forget it; ``None`` when none waits."""
        call = self._calls.pop(call_id, None)
        if call is not None:
            self._bytes -= call.size_bytes
        return call

    def take_all(self) -> list[OpenCall]:
        """Return every call, oldest first, and forget them."""
        calls = list(self._calls.values())
        self._calls.clear()
        self._bytes = 0
        return calls

    def _take_oldest(self) -> OpenCall:
        call = self.take(next(iter(self._calls)))
        assert call is not None
        return call
