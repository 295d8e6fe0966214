"""What a mock server answers: whole, or chunk by chunk."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from eventbus._bounds import at_least, between
from eventbus.testing._gate import Gate
from eventbus.testing._given import is_sequence

SSE_TYPE = "text/event-stream"
JSON_TYPE = "application/json"

_MIN_STATUS: Final = 200  # what is below is no end of an exchange
_MAX_STATUS: Final = 599
_LINE_ENDS: Final = ("\r", "\n", "\0")


class Chunk(msgspec.Struct, frozen=True):
    """A piece of a stream.

    Args:
        body: Text, or bytes as they are; :func:`eventbus.testing.responses.sse` makes
            some.
        gate: Holds it back, and all after it, until it is opened.

    Raises:
        TypeError: *body* is neither.
    """

    body: str | bytes
    gate: Gate | None = None

    def __post_init__(self) -> None:
        """Check the body."""
        _check_body(self.body)

    @property
    def data(self) -> bytes:
        """The body as it is sent."""
        return _bytes_of(self.body)


class MockAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """One answer of a mock server: ``MockAnswer(status=429)``.

    Args:
        status: HTTP status.
        body: Text, bytes as they are, or chunks, which are streamed.
        content_type: Of the body.
        headers: Any others, or the same again, which win.
        etag: The header ``etag``.
        delay_seconds: How long the answer is held back, by the server's clock.
        gate: Holds it back until it is opened.
        breaks_off: Whether the connection is broken off after the body, which then has
            no end; with an empty one nothing is answered at all.

    Raises:
        TypeError: *body* is none of these, or *headers* are no table by names.
        ValueError: *delay_seconds* is negative, *status* is none of 200 to 599, or a
            header has an end of a line in it.
    """

    status: int = 200
    body: str | bytes | Sequence[Chunk] = b""
    content_type: str = "text/plain; charset=utf-8"
    headers: Mapping[str, str] = msgspec.field(default_factory=dict[str, str])
    etag: str | None = None
    delay_seconds: float = 0.0
    gate: Gate | None = None
    breaks_off: bool = False

    def __post_init__(self) -> None:
        """Check all that the wire would refuse, or a client not understand."""
        between("status", self.status, _MIN_STATUS, _MAX_STATUS)
        at_least("delay_seconds", self.delay_seconds, 0)
        if not isinstance(self.body, str | bytes):
            _check_chunks(self.body)
        if not isinstance(self.headers, Mapping):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise TypeError(f"headers must be a table by names, got {self.headers!r}")
        for name, value in self.all_headers.items():
            if any(end in f"{name}{value}" for end in _LINE_ENDS):
                raise ValueError(f"a header must be one line, got {name}: {value!r}")

    @property
    def chunks(self) -> Sequence[Chunk] | None:
        """The body of an answer that is streamed; ``None`` for a whole one."""
        if not isinstance(self.body, str | bytes):
            return self.body
        return [Chunk(self.body)] if self.breaks_off else None

    @property
    def data(self) -> bytes:
        """The body as it is sent, all chunks of it."""
        if isinstance(self.body, str | bytes):
            return _bytes_of(self.body)
        return b"".join(chunk.data for chunk in self.body)

    @property
    def all_headers(self) -> dict[str, str]:
        """Every header that is sent, by lower-case name, but for those of HTTP."""
        etag = {} if self.etag is None else {"etag": self.etag}
        further = {name.lower(): value for name, value in self.headers.items()}
        return {"content-type": self.content_type, **etag, **further}


TOO_LARGE: Final = MockAnswer(status=413)
"""For a request whose body is too long to be taken."""


def _bytes_of(body: str | bytes) -> bytes:
    return body.encode() if isinstance(body, str) else body


def _check_body(body: object) -> None:
    if not isinstance(body, str | bytes):
        raise TypeError(f"a chunk must be text or bytes, got {body!r}")


def _check_chunks(body: object) -> None:
    chunks = body if is_sequence(body) else None
    wrong = [one for one in chunks or () if not isinstance(one, Chunk)]
    if chunks is None or wrong:
        raise TypeError(
            "body must be text, bytes or a list of Chunk, got "
            f"{wrong[0] if wrong else body!r}; "
            "sse() and json_response() make it of events and of JSON"
        )


def sse_response(body: str) -> MockAnswer:
    """Return *body*, made by :func:`sse`, as a stream that is there at once."""
    return MockAnswer(body=body, content_type=SSE_TYPE)


def json_response(value: object, *, status: int = 200) -> MockAnswer:
    """Return *value* as an answer in JSON."""
    body = msgspec.json.encode(value)
    return MockAnswer(status=status, body=body, content_type=JSON_TYPE)
