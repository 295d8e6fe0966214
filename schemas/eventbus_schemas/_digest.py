"""What a person wants to know of recorded sessions, summed up in a few lines."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final

from eventbus import AttributeValue, Record
from eventbus_schemas._session_sums import TAKERS, SessionSums, TokenSums

MAX_SESSIONS: Final = 10_000
_CONVERSATION: Final = "gen_ai.conversation.id"

# Any in this module: records of many types, and JSON.


class SessionDigest:
    """Sums up sessions: threads, turns, tool calls, tokens, time and failures.

    At most 10,000 sessions are told apart, by their ids; all after them count as one,
    and so does all that has no id. Their time is each session's own, added up.
    """

    def __init__(self) -> None:
        """Begin with nothing."""
        self._sessions: dict[AttributeValue | None, SessionSums] = {}

    def take(self, records: Iterable[Record[Any]]) -> None:
        """Add what *records* tell; those of other events are passed over."""
        takers = TAKERS
        for record in records:
            event = record.event
            taker = takers.get(event.__class__)
            if taker is not None:
                sums = self._session(record.attributes.get(_CONVERSATION))
                sums.at(record.time_unix_nano)
                taker(sums, event)

    def lines(self) -> Iterator[str]:
        """Return a few lines for a person, or none where no session was told of."""
        if not self._sessions:
            return
        seconds = self._seconds()
        length = f" of {_duration(seconds)}" if seconds else ""
        bad_turns = (
            _some(self._sum("turns_failed"), "failed"),
            _some(self._sum("turns_aborted"), "aborted"),
        )
        bad_tools = (
            _some(self._sum("tools_failed"), "failed"),
            _some(self._sum("tools_cancelled"), "cancelled"),
            self._slowest_words(),
        )
        yield (
            f"{_counted(len(self._sessions), 'session')}{length}: "
            f"{self._thread_words()}"
            f"{_counted(self._sum('turns'), 'turn')}{_aside(*bad_turns)}, "
            f"{_counted(self._sum('tools'), 'tool call')}{_aside(*bad_tools)}."
        )
        yield from self._token_lines()
        yield from self._failure_lines()

    def as_json(self) -> dict[str, Any]:
        """Return all of it, in base units; what was not told is left out."""
        if not self._sessions:
            return {}
        said: dict[str, Any] = {
            "sessions": len(self._sessions),
            "turns": self._sum("turns"),
            "turns_failed": self._sum("turns_failed"),
            "turns_aborted": self._sum("turns_aborted"),
            "tool_calls": self._sum("tools"),
            "tool_calls_failed": self._sum("tools_failed"),
            "tool_calls_cancelled": self._sum("tools_cancelled"),
            "requests_failed": self._sum("requests_failed"),
            "streams_failed": self._sum("streams_failed"),
        }
        if self._sum("threads"):
            said["threads"] = self._sum("threads")
            said["threads_failed"] = self._sum("threads_failed")
        slowest = self._slowest()
        if slowest is not None:
            seconds, name = slowest
            said["slowest_tool_call"] = {"tool_name": name, "seconds": seconds}
        tokens = self._tokens()
        if tokens.told:
            said["tokens"] = {
                "input": tokens.sent,
                "cached_input": tokens.cached,
                "output": tokens.received,
            }
        if self._seconds():
            said["seconds"] = self._seconds()
        return said

    def _token_lines(self) -> Iterator[str]:
        tokens = self._tokens()
        if tokens.told:
            cached = round(100 * tokens.cached / tokens.sent) if tokens.sent else 0
            yield (
                f"{_counted(tokens.sent, 'token')} in, {cached} % of them cached; "
                f"{tokens.received:,} out."
            )

    def _failure_lines(self) -> Iterator[str]:
        counts = (
            (self._sum("requests_failed"), "request"),
            (self._sum("streams_failed"), "answer"),
        )
        failed = [_counted(count, noun) for count, noun in counts if count]
        if failed:
            yield f"Failed: {', '.join(failed)}."

    def _session(self, name: AttributeValue | None) -> SessionSums:
        sums = self._sessions.get(name)
        if sums is None:
            if len(self._sessions) >= MAX_SESSIONS:
                name = None
            sums = self._sessions.setdefault(name, SessionSums())
        return sums

    def _sum(self, field: str) -> int:
        return sum(getattr(sums, field) for sums in self._sessions.values())

    def _seconds(self) -> float:
        return self._sum("nanoseconds") / 1e9

    def _slowest(self) -> tuple[float, str] | None:
        each = (sums.slowest for sums in self._sessions.values())
        return max((one for one in each if one is not None), default=None)

    def _slowest_words(self) -> str:
        slowest = self._slowest()
        if slowest is None:
            return ""
        seconds, name = slowest
        return f"slowest: {name}, {_duration(seconds)}"

    def _thread_words(self) -> str:
        threads = self._sum("threads")
        failed = _aside(_some(self._sum("threads_failed"), "failed"))
        return f"{_counted(threads, 'thread')}{failed}, " if threads else ""

    def _tokens(self) -> TokenSums:
        found = TokenSums()
        for sums in self._sessions.values():
            found.add_all(sums.tokens.sums)
        return found


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
