"""What a person wants to know of recorded sessions, summed up in a few lines."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

import msgspec

from eventbus import Record
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

_MAX_SESSIONS: Final = 10_000
_CONVERSATION: Final = "gen_ai.conversation.id"

# Any in this module: records of many types, and JSON.


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


class SessionDigest:
    """Sums up sessions: turns, tool calls, tokens, time and failures.

    Where the same tokens are told by several kinds of event, the finest counts: each
    use, else each answer, else each turn. A recording that does not tell of turns has
    one per prompt. At most 10,000 sessions are told apart, by their ids; what has none
    is of one session.
    """

    def __init__(self) -> None:
        """Begin with nothing."""
        self._takers: Final[dict[type, Callable[[Any], None]]] = {
            UserPrompt: self._prompt,
            TurnStarted: self._started,
            TurnCompleted: self._completed,
            TurnFailed: self._failed,
            TurnAborted: self._aborted,
            ToolResult: self._tool,
            TokenUsage: self._usage,
            SseEvent: self._answer,
            ApiRequest: self._request,
        }
        self.ids: set[object] = set()
        self.prompts = self.turns_started = self.turns_failed = self.turns_aborted = 0
        self.tools = self.tools_failed = 0
        self.slowest: tuple[float, str] | None = None
        self.requests_failed = self.streams_failed = 0
        self._tokens = (TokenSums(), TokenSums(), TokenSums())
        self._first = self._last = 0
        self._told = False

    def take(self, records: Iterable[Record[Any]]) -> None:
        """Add what *records* tell; those of other events are passed over."""
        takers = self._takers
        for record in records:
            taker = takers.get(record.event.__class__)
            if taker is not None:
                self._told = True
                taker(record.event)
                self._place(record)

    @property
    def turns(self) -> int:
        """How many turns there were."""
        return self.turns_started or self.prompts

    @property
    def tokens(self) -> TokenSums:
        """The tokens, as the finest events tell them."""
        return next((sums for sums in self._tokens if sums.told), self._tokens[0])

    @property
    def seconds(self) -> float:
        """From the first record to the last, by their own times."""
        return (self._last - self._first) / 1e9

    def lines(self) -> Iterator[str]:
        """Return a few lines for a person, or none where no session was told of."""
        if not self._told:
            return
        length = f" of {_duration(self.seconds)}" if self._last > self._first else ""
        bad_turns = (
            _some(self.turns_failed, "failed"),
            _some(self.turns_aborted, "aborted"),
        )
        yield (
            f"{_counted(len(self.ids) or 1, 'session')}{length}: "
            f"{_counted(self.turns, 'turn')}{_aside(*bad_turns)}, "
            f"{_counted(self.tools, 'tool call')}"
            f"{_aside(_some(self.tools_failed, 'failed'), self._slowest_words())}."
        )
        tokens = self.tokens
        if tokens.told:
            cached = round(100 * tokens.cached / tokens.sent) if tokens.sent else 0
            yield (
                f"{_counted(tokens.sent, 'token')} in, {cached} % of them cached; "
                f"{tokens.received:,} out."
            )
        failed = [
            _counted(count, noun)
            for count, noun in (
                (self.requests_failed, "request"),
                (self.streams_failed, "answer"),
            )
            if count
        ]
        if failed:
            yield f"Failed: {', '.join(failed)}."

    def as_json(self) -> dict[str, Any]:
        """Return all of it, in base units; what was not told is left out."""
        if not self._told:
            return {}
        tokens = self.tokens
        said: dict[str, Any] = {
            "sessions": len(self.ids) or 1,
            "turns": self.turns,
            "turns_failed": self.turns_failed,
            "turns_aborted": self.turns_aborted,
            "tool_calls": self.tools,
            "tool_calls_failed": self.tools_failed,
            "requests_failed": self.requests_failed,
            "streams_failed": self.streams_failed,
        }
        if self.slowest is not None:
            seconds, name = self.slowest
            said["slowest_tool_call"] = {"tool_name": name, "seconds": seconds}
        if tokens.told:
            said["tokens"] = {
                "input": tokens.sent,
                "cached_input": tokens.cached,
                "output": tokens.received,
            }
        if self._last > self._first:
            said["seconds"] = self.seconds
        return said

    def _slowest_words(self) -> str:
        if self.slowest is None:
            return ""
        seconds, name = self.slowest
        return f"slowest: {name}, {_duration(seconds)}"

    def _place(self, record: Record[Any]) -> None:
        time, session = record.time_unix_nano, record.attributes.get(_CONVERSATION)
        if time:
            self._first = min(self._first or time, time)
            self._last = max(self._last, time)
        if session is not None and len(self.ids) < _MAX_SESSIONS:
            self.ids.add(session)

    def _prompt(self, _: UserPrompt) -> None:
        self.prompts += 1

    def _started(self, _: TurnStarted) -> None:
        self.turns_started += 1

    def _completed(self, event: TurnCompleted) -> None:
        self._tokens[2].add(event)

    def _failed(self, _: TurnFailed) -> None:
        self.turns_failed += 1

    def _aborted(self, _: TurnAborted) -> None:
        self.turns_aborted += 1

    def _tool(self, event: ToolResult) -> None:
        self.tools += 1
        self.tools_failed += not event.success
        if event.duration_ms is not None:
            took = event.duration_ms / 1000, event.tool_name
            self.slowest = took if self.slowest is None else max(self.slowest, took)

    def _usage(self, event: TokenUsage) -> None:
        self._tokens[0].add(event)

    def _answer(self, event: SseEvent) -> None:
        self.streams_failed += event.outcome in ("failed", "parse_failed")
        self._tokens[1].add(event)

    def _request(self, event: ApiRequest) -> None:
        self.requests_failed += not event.success


def _counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def _some(count: int, what: str) -> str:
    return f"{count:,} {what}" if count else ""


def _aside(*words: str) -> str:
    said = "; ".join(word for word in words if word)
    return f" ({said})" if said else ""


def _duration(seconds: float) -> str:
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 120:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"
