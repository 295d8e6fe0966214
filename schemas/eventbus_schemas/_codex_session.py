"""What the readers of one session share: who speaks, and the calls still open."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from hashlib import blake2b
from typing import Final

from eventbus import Attributes, AttributeValue, Broken, Event, Reading, Record
from eventbus_schemas._codex_calls import OpenCall, OpenCalls
from eventbus_schemas._codex_lines import LineFaults
from eventbus_schemas._texts import byte_length
from eventbus_schemas._tools import ToolResult

CONVERSATION: Final = "gen_ai.conversation.id"
_SAMPLED: Final = 1


class CodexSession:
    """The state of one input while it is read.

    Args:
        faults: Says what is no record.
        calls: The calls without output; by default bounded as :class:`OpenCalls` is.
    """

    def __init__(self, faults: LineFaults, *, calls: OpenCalls | None = None) -> None:
        """Begin before the line that names the session."""
        self.given_up: deque[Reading] = deque()
        self._faults = faults
        self._calls = OpenCalls() if calls is None else calls
        self._attributes = Attributes()
        self._id_prefix = ""
        self._trace_id: str | None = None
        self._span_id: str | None = None
        self._trace_flags = 0

    def end(self) -> None:
        """Give up the calls whose output did not come."""
        self._give_up(self._calls.take_all())

    def _begin(
        self,
        session_id: str,
        attributes: Mapping[str, AttributeValue],
        *,
        id_prefix: str = "",
    ) -> None:
        """Begin a session: one trace, of an id that follows from *session_id*."""
        self.end()
        self._attributes = Attributes({CONVERSATION: session_id, **attributes})
        self._id_prefix = id_prefix
        self._trace_id = _digits(session_id, 16)
        self._span_id, self._trace_flags = None, _SAMPLED

    def _begin_span(self, name: str) -> str | None:
        """Put what follows into a span, of an id that follows from *name*.

        Returns its id; ``None``, and there is no span, where no session was named.
        """
        if self._trace_id is not None:
            self._span_id = _digits(f"{self._trace_id}:{name}", 8)
        return self._span_id

    def _end_span(self) -> None:
        self._span_id = None

    def _bind(self, name: str, value: str) -> None:
        self._attributes = Attributes({**self._attributes, name: value})

    def _record(
        self, event: Event, number: int, time_unix_nano: int = 0
    ) -> Record[Event]:
        prefix = self._id_prefix
        return Record(
            event,
            f"{prefix}{number}" if prefix else "",
            time_unix_nano=time_unix_nano,
            attributes=self._attributes,
            trace_id=self._trace_id,
            span_id=self._span_id,
            trace_flags=self._trace_flags,
        )

    def _open(
        self,
        call_id: str,
        tool_name: str,
        arguments: str | None,
        number: int,
        time_unix_nano: int = 0,
    ) -> Broken | None:
        size = 0 if arguments is None else byte_length(arguments)
        call = OpenCall(call_id, tool_name, arguments, time_unix_nano, number, size)
        evicted = self._calls.add(call)
        if evicted is None:
            return self._faults.broken(
                "expected a call with an id of its own, got one whose id belongs to "
                "a call that still waits for its output",
                number,
            )
        if evicted:
            self._give_up(evicted)
        return None

    def _give_up(self, calls: list[OpenCall]) -> None:
        for call in calls:
            event = ToolResult.of(
                call.tool_name,
                success=False,
                outcome="no_output",
                call_id=call.call_id,
                arguments=call.arguments,
            )
            self.given_up.append(self._record(event, call.number, call.time_unix_nano))


def _digits(text: str, size_bytes: int) -> str:
    """Return as many bytes that follow from *text*, in hexadecimal digits."""
    encoded = text.encode("utf-8", "surrogatepass")
    return blake2b(encoded, digest_size=size_bytes).hexdigest()
