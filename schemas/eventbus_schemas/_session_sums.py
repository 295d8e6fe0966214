"""What one session comes to: its turns, tool calls, tokens, time and failures."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import msgspec

from eventbus import Event
from eventbus_schemas._cancelled import CallCancelled
from eventbus_schemas._mcp import McpToolCallResult
from eventbus_schemas._prompts import UserPrompt
from eventbus_schemas._requests import ApiRequest
from eventbus_schemas._session import (
    TurnAborted,
    TurnCompleted,
    TurnFailed,
    TurnStarted,
)
from eventbus_schemas._stream import SseEvent
from eventbus_schemas._threads import (
    OfThread,
    ThreadFailed,
    ThreadStarted,
    ThreadStopped,
)
from eventbus_schemas._tools import ToolResult
from eventbus_schemas._usage import TokenUsage
from eventbus_schemas._websocket import (
    WebsocketConnect,
    WebsocketEvent,
    WebsocketRequest,
)

MAX_JOINED: Final = 64
"""How many turns, and calls of tools, of a session are still open to more events."""


class TokenSums(msgspec.Struct):
    """Tokens by what became of them; cached ones are among those sent."""

    told: int = 0
    sent: int = 0
    cached: int = 0
    received: int = 0

    def add(self, event: TokenUsage | SseEvent | TurnCompleted) -> None:
        """Add what *event* tells."""
        self.told += 1
        self.sent += event.input_tokens or 0
        self.cached += event.cached_input_tokens or 0
        self.received += event.output_tokens or 0

    def add_all(self, others: TokenSums) -> None:
        """Add what *others* sum up."""
        self.told += others.told
        self.sent += others.sent
        self.cached += others.cached
        self.received += others.received


class TokenTellings(msgspec.Struct):
    """The same tokens as several kinds of event tell them."""

    of_uses: TokenSums = msgspec.field(default_factory=TokenSums)
    of_answers: TokenSums = msgspec.field(default_factory=TokenSums)
    of_turns: TokenSums = msgspec.field(default_factory=TokenSums)

    def add(self, event: TokenUsage | SseEvent | TurnCompleted) -> None:
        """Add what *event* tells."""
        if isinstance(event, TokenUsage):
            self.of_uses.add(event)
        elif isinstance(event, SseEvent):
            self.of_answers.add(event)
        else:
            self.of_turns.add(event)

    @property
    def finest(self) -> TokenSums:
        """Each use, else each answer, else each turn."""
        for sums in (self.of_uses, self.of_answers):
            if sums.told:
                return sums
        return self.of_turns


class SessionTokens(msgspec.Struct):
    """The tokens of one session.

    Where the same tokens are told by several kinds of event, the finest counts: turn by
    turn where each event says its turn, else in the session as a whole. A turn is open
    to more events until 64 others have come after it.
    """

    whole: TokenTellings = msgspec.field(default_factory=TokenTellings)
    by_turn: dict[str, TokenTellings] = {}
    of_past_turns: TokenSums = msgspec.field(default_factory=TokenSums)
    is_by_turn: bool = True

    def add(self, event: TokenUsage | SseEvent | TurnCompleted) -> None:
        """Add what *event* tells."""
        if event.input_tokens is None and event.output_tokens is None:
            return
        self.whole.add(event)
        if event.turn_id is None:
            self.is_by_turn = False
        if not self.is_by_turn or event.turn_id is None:
            return
        turn = self.by_turn.get(event.turn_id)
        if turn is None:
            turn = self.by_turn[event.turn_id] = TokenTellings()
            if len(self.by_turn) > MAX_JOINED:
                oldest = self.by_turn.pop(next(iter(self.by_turn)))
                self.of_past_turns.add_all(oldest.finest)
        turn.add(event)

    @property
    def sums(self) -> TokenSums:
        """The tokens, as the finest events tell them."""
        if not self.is_by_turn:
            return self.whole.finest
        found = TokenSums()
        found.add_all(self.of_past_turns)
        for turn in self.by_turn.values():
            found.add_all(turn.finest)
        return found


class SessionSums(msgspec.Struct):
    """What happened in one session.

    A session that does not tell of the starts of its turns has one per prompt, and
    never fewer than came to an end. A call over MCP that is told twice, as such and as
    a tool's, counts once, whichever comes first, unless 64 others came between. A
    WebSocket that ends when no answer is due, over it or another, has not failed.
    """

    prompts: int = 0
    turns_started: int = 0
    turns_ended: int = 0
    turns_failed: int = 0
    turns_aborted: int = 0
    threads_started: int = 0
    threads_ended: int = 0
    threads_failed: int = 0
    tool_results: int = 0
    tool_results_failed: int = 0
    tools_cancelled: int = 0
    mcp_calls_failed: dict[str, bool] = {}
    tools_ended: dict[str, None] = {}
    requests_failed: int = 0
    streams_failed: int = 0
    is_answer_due: bool = False
    slowest: tuple[float, str] | None = None
    first_unix_nano: int = 0
    last_unix_nano: int = 0
    tokens: SessionTokens = msgspec.field(default_factory=SessionTokens)

    def at(self, time_unix_nano: int) -> None:
        """Take note of when something happened; 0 is unknown."""
        if time_unix_nano:
            first = self.first_unix_nano or time_unix_nano
            self.first_unix_nano = min(first, time_unix_nano)
            self.last_unix_nano = max(self.last_unix_nano, time_unix_nano)

    def tool_ended(self, call_id: str | None) -> None:
        """Take note of a tool's own end: the same call over MCP is no other one."""
        if call_id is not None:
            self.mcp_calls_failed.pop(call_id, None)
            self.tools_ended.pop(call_id, None)
            self.tools_ended[call_id] = None
            if len(self.tools_ended) > MAX_JOINED:
                del self.tools_ended[next(iter(self.tools_ended))]

    @property
    def turns(self) -> int:
        """How many turns there were."""
        return max(self.turns_started or self.prompts, self.turns_ended)

    @property
    def threads(self) -> int:
        """How many threads there were."""
        return max(self.threads_started, self.threads_ended)

    @property
    def tools(self) -> int:
        """How many tool calls came to an end, of whatever kind."""
        return self.tool_results + self.tools_cancelled + len(self.mcp_calls_failed)

    @property
    def tools_failed(self) -> int:
        """How many of them failed."""
        return self.tool_results_failed + sum(self.mcp_calls_failed.values())

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
    sums.tokens.add(event)


def _failed(sums: SessionSums, _: TurnFailed) -> None:
    sums.turns_ended += 1
    sums.turns_failed += 1


def _aborted(sums: SessionSums, _: TurnAborted) -> None:
    sums.turns_ended += 1
    sums.turns_aborted += 1


def _thread_started(sums: SessionSums, _: OfThread) -> None:
    sums.threads_started += 1


def _thread_ended(sums: SessionSums, event: ThreadStopped | ThreadFailed) -> None:
    sums.threads_ended += 1
    failed = isinstance(event, ThreadFailed) or event.result == "error"
    sums.threads_failed += failed


def _tool(sums: SessionSums, event: ToolResult) -> None:
    sums.tool_ended(event.call_id)
    sums.tool_results += 1
    sums.tool_results_failed += not event.success
    _took(sums, event)


def _mcp_call(sums: SessionSums, event: McpToolCallResult) -> None:
    calls = sums.mcp_calls_failed
    if event.call_id is None:
        sums.tool_results += 1
        sums.tool_results_failed += not event.success
    elif event.call_id not in sums.tools_ended:
        calls[event.call_id] = not event.success
        if len(calls) > MAX_JOINED:
            sums.tool_results += 1
            sums.tool_results_failed += calls.pop(next(iter(calls)))
    _took(sums, event)


def _cancelled(sums: SessionSums, event: CallCancelled) -> None:
    if event.operation == "tool_call":
        sums.tool_ended(event.call_id)
        sums.tools_cancelled += 1


def _took(sums: SessionSums, event: ToolResult | McpToolCallResult) -> None:
    if event.duration_ms is not None:
        took = event.duration_ms / 1000, event.tool_name
        sums.slowest = took if sums.slowest is None else max(sums.slowest, took)


def _usage(sums: SessionSums, event: TokenUsage) -> None:
    sums.tokens.add(event)


def _answer(sums: SessionSums, event: SseEvent) -> None:
    sums.streams_failed += event.outcome in ("failed", "parse_failed")
    sums.tokens.add(event)


def _request(sums: SessionSums, event: ApiRequest | WebsocketConnect) -> None:
    sums.requests_failed += not event.success


def _websocket_request(sums: SessionSums, event: WebsocketRequest) -> None:
    sums.requests_failed += not event.success
    sums.is_answer_due = event.success


def _frame(sums: SessionSums, event: WebsocketEvent) -> None:
    if not event.success:
        sums.streams_failed += sums.is_answer_due or event.kind != "unknown"
    if not event.success or event.kind == "response.completed":
        sums.is_answer_due = False


# Any: each takes the one type of event it stands for.
TAKERS: Final[dict[type[Event], Callable[[SessionSums, Any], None]]] = {
    UserPrompt: _prompt,
    TurnStarted: _started,
    TurnCompleted: _completed,
    TurnFailed: _failed,
    TurnAborted: _aborted,
    ThreadStarted: _thread_started,
    ThreadStopped: _thread_ended,
    ThreadFailed: _thread_ended,
    ToolResult: _tool,
    McpToolCallResult: _mcp_call,
    CallCancelled: _cancelled,
    TokenUsage: _usage,
    SseEvent: _answer,
    ApiRequest: _request,
    WebsocketConnect: _request,
    WebsocketRequest: _websocket_request,
    WebsocketEvent: _frame,
}
