"""How the bytes of a stream become server-sent events.

By the rules of https://html.spec.whatwg.org/multipage/server-sent-events.html, sections
9.2.5 and 9.2.6, with bounds, which the standard leaves to its readers.
"""

from __future__ import annotations

import re
from typing import Final

from eventbus._bounds import at_least
from eventbus_schemas._facts import fitting
from eventbus_schemas.hooks._errors import StreamError
from eventbus_schemas.hooks._polls import ServerSentEvent

DEFAULT_MAX_LINE_BYTES: Final = 8 * 1024 * 1024  # a picture as base64 in one line
DEFAULT_MAX_EVENT_BYTES: Final = 16 * 1024 * 1024

_LINE_END: Final = re.compile(rb"\r\n|\r|\n")
_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"
_MAX_RETRY_DIGITS: Final = 18
_DEFAULT_EVENT: Final = "message"


class SseParser:
    """Makes events of the bytes of one stream, as they come in.

    Pure: it neither waits nor reads. An event that the stream does not end with an
    empty line is none.

    Args:
        max_line_bytes: Longest line.
        max_event_bytes: Longest data of one event, its lines together.

    Attributes:
        failure: Why nothing can be read any more: a line or an event is too long.
    """

    def __init__(
        self,
        *,
        max_line_bytes: int = DEFAULT_MAX_LINE_BYTES,
        max_event_bytes: int = DEFAULT_MAX_EVENT_BYTES,
    ) -> None:
        """Expect the beginning of a stream."""
        for name, most in (
            ("max_line_bytes", max_line_bytes),
            ("max_event_bytes", max_event_bytes),
        ):
            at_least(name, fitting(int, name, most, show=repr), 1)
        self._max_line_bytes: Final = max_line_bytes
        self._max_event_bytes: Final = max_event_bytes
        self._begun = bytearray()  # a line whose end has not come in
        self._is_first_line = True
        self._ended_with_cr = False
        self._last_id = ""
        self._retry_ms: int | None = None
        self.failure: StreamError | None = None
        self._begin_event()

    def _begin_event(self) -> None:
        self._event = ""
        self._data = bytearray()  # its lines, each with a line feed

    def feed(self, chunk: bytes | bytearray | memoryview) -> list[ServerSentEvent]:
        """Return the events that *chunk* completes; none once there is a failure.

        Raises:
            TypeError: *chunk* is text, say; then the stream is as it was.
        """
        if not isinstance(chunk, bytes):
            chunk = _bytes_of(chunk)
        events: list[ServerSentEvent] = []
        if self.failure is None:
            try:
                self._read(chunk, events)
            except StreamError as error:
                self.failure = error
        return events

    def _read(self, chunk: bytes, events: list[ServerSentEvent]) -> None:
        if self._ended_with_cr and chunk:
            self._ended_with_cr = False
            chunk = chunk[1:] if chunk[:1] == b"\n" else chunk
        if not chunk:
            return
        *lines, begun = _LINE_END.split(chunk)
        self._ended_with_cr = chunk[-1:] == b"\r"
        for line in lines:
            self._take(self._whole(line), events)
        self._begin(begun)

    def _begin(self, part: bytes) -> None:
        _check("a line", len(self._begun) + len(part), self._max_line_bytes)
        self._begun += part

    def _whole(self, end: bytes) -> bytes:
        self._begin(end)
        line = bytes(self._begun)
        self._begun.clear()
        return line

    def _take(self, line: bytes, events: list[ServerSentEvent]) -> None:
        if self._is_first_line:
            self._is_first_line = False
            line = line.removeprefix(_BYTE_ORDER_MARK)
        if not line:
            self._dispatch(events)
            return
        name, _, value = line.partition(b":")
        if name:
            self._field(name, value.removeprefix(b" "))

    def _field(self, name: bytes, value: bytes) -> None:
        if name == b"data":
            size = len(self._data) + len(value)
            _check("an event", size, self._max_event_bytes)
            self._data += value + b"\n"
        elif name == b"event":
            self._event = _text(value)
        elif name == b"id":
            if b"\0" not in value:
                self._last_id = _text(value)
        elif name == b"retry" and value.isdigit() and len(value) <= _MAX_RETRY_DIGITS:
            self._retry_ms = int(value)

    def _dispatch(self, events: list[ServerSentEvent]) -> None:
        if self._data:
            events.append(
                ServerSentEvent(
                    event=self._event or _DEFAULT_EVENT,
                    data=_text(self._data[:-1]),
                    id=self._last_id,
                    retry_ms=self._retry_ms,
                )
            )
            self._retry_ms = None
        self._begin_event()


def _check(what: str, size: int, limit: int) -> None:
    if size > limit:
        raise StreamError(f"{what} of the SSE stream is longer than {limit} bytes")


def _bytes_of(chunk: bytearray | memoryview) -> bytes:
    try:
        return bytes(memoryview(chunk))
    except TypeError:
        wrong = type(chunk).__name__
        raise TypeError(f"chunks of an SSE stream must be bytes, got {wrong}") from None


def _text(value: bytes | bytearray) -> str:
    return value.decode("utf-8", "replace")
