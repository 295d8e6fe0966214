"""What one session comes to: its turns, tool calls, tokens, time and failures."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import msgspec

from eventbus import Event
from eventbus_schemas._prompts import UserPrompt
from eventbus_schemas._requests import ApiRequest
from eventbus_schemas._session import (
    TurnAborted,
    TurnCompleted,
    TurnFailed,
    TurnStarted,
)
from eventbus_schemas._stream import SseEvent
from eventbus_schemas._tools import ToolResult
from eventbus_schemas._usage import TokenUsage


class TokenSums(msgspec.Struct):
    """Tokens by what became of them; cached ones are among those sent."""

    told: int = 0
    sent: int = 0
    cached: int = 0
    received: int = 0

    def add(self, event: TokenUsage | SseEvent | TurnCompleted) -> None:
        """Add what *event* tells."""
        if event.input_tokens is None and event.output_tokens is None:
            return
        self.told += 1
        self.sent += event.input_tokens or 0
        self.cached += event.cached_input_tokens or 0
        self.received += event.output_tokens or 0


class SessionSums(msgspec.Struct):
    """What happened in one session.

    Where the same tokens are told by several kinds of event, the finest counts: each
    use, else each answer, else each turn. A session that does not tell of the starts
    of its turns has one per prompt, and never fewer than came to an end.
    """

    prompts: int = 0
    turns_started: int = 0
    turns_ended: int = 0
    turns_failed: int = 0
    turns_aborted: int = 0
    tools: int = 0
    tools_failed: int = 0
    requests_failed: int = 0
    streams_failed: int = 0
    slowest: tuple[float, str] | None = None
    first_unix_nano: int = 0
    last_unix_nano: int = 0
    of_uses: TokenSums = msgspec.field(default_factory=TokenSums)
    of_answers: TokenSums = msgspec.field(default_factory=TokenSums)
    of_turns: TokenSums = msgspec.field(default_factory=TokenSums)

    def at(self, time_unix_nano: int) -> None:
        """Take note of when something happened; 0 is unknown."""
        if time_unix_nano:
            first = self.first_unix_nano or time_unix_nano
            self.first_unix_nano = min(first, time_unix_nano)
            self.last_unix_nano = max(self.last_unix_nano, time_unix_nano)

    @property
    def turns(self) -> int:
        """How many turns there were."""
        return max(self.turns_started or self.prompts, self.turns_ended)

    @property
    def tokens(self) -> TokenSums:
        """The tokens, as the finest events tell them."""
        for sums in (self.of_uses, self.of_answers):
            if sums.told:
                return sums
        return self.of_turns

    @property
    def nanoseconds(self) -> int:
        """From the first record to the last, by their own times."""
        return self.last_unix_nano - self.first_unix_nano


def _prompt(sums: SessionSums, _: UserPrompt) -> None:
    sums.prompts += 1


def _started(sums: SessionSums, _: TurnStarted) -> None:
    sums.turns_started += 1


def _completed(sums: SessionSums, event: TurnCompleted) -> None:
    sums.turns_ended += 1
    sums.of_turns.add(event)


def _failed(sums: SessionSums, _: TurnFailed) -> None:
    sums.turns_ended += 1
    sums.turns_failed += 1


def _aborted(sums: SessionSums, _: TurnAborted) -> None:
    sums.turns_ended += 1
    sums.turns_aborted += 1


def _tool(sums: SessionSums, event: ToolResult) -> None:
    sums.tools += 1
    sums.tools_failed += not event.success
    if event.duration_ms is not None:
        took = event.duration_ms / 1000, event.tool_name
        sums.slowest = took if sums.slowest is None else max(sums.slowest, took)


def _usage(sums: SessionSums, event: TokenUsage) -> None:
    sums.of_uses.add(event)


def _answer(sums: SessionSums, event: SseEvent) -> None:
    sums.streams_failed += event.outcome in ("failed", "parse_failed")
    sums.of_answers.add(event)


def _request(sums: SessionSums, event: ApiRequest) -> None:
    sums.requests_failed += not event.success


# Any: each takes the one type of event it stands for.
TAKERS: Final[dict[type[Event], Callable[[SessionSums, Any], None]]] = {
    UserPrompt: _prompt,
    TurnStarted: _started,
    TurnCompleted: _completed,
    TurnFailed: _failed,
    TurnAborted: _aborted,
    ToolResult: _tool,
    TokenUsage: _usage,
    SseEvent: _answer,
    ApiRequest: _request,
}
