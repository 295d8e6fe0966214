"""What a mock server answers."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from eventbus._bounds import at_least
from eventbus.testing._gate import Gate

SSE_TYPE = "text/event-stream"
JSON_TYPE = "application/json"


class MockAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """One answer of a mock server: ``MockAnswer(status=429)``.

    Args:
        status: HTTP status.
        body: Text, or bytes as they are.
        content_type: Of the body.
        headers: Any others.
        etag: The header ``etag``.
        delay_seconds: How long the answer is held back, by the server's clock.
        gate: Holds it back until it is opened.

    Raises:
        ValueError: *delay_seconds* is negative.
    """

    status: int = 200
    body: str | bytes = b""
    content_type: str = "text/plain; charset=utf-8"
    headers: Mapping[str, str] = msgspec.field(default_factory=dict[str, str])
    etag: str | None = None
    delay_seconds: float = 0.0
    gate: Gate | None = None

    def __post_init__(self) -> None:
        """Check the delay."""
        at_least("delay_seconds", self.delay_seconds, 0)

    @property
    def data(self) -> bytes:
        """The body as it is sent."""
        return self.body.encode() if isinstance(self.body, str) else self.body

    @property
    def all_headers(self) -> dict[str, str]:
        """Every header that is sent, but for those of HTTP itself."""
        etag = {} if self.etag is None else {"etag": self.etag}
        return {"content-type": self.content_type, **etag, **self.headers}


def sse_response(body: str) -> MockAnswer:
    """Return *body*, made by :func:`sse`, as a stream that is there at once."""
    return MockAnswer(body=body, content_type=SSE_TYPE)


def json_response(value: object, *, status: int = 200) -> MockAnswer:
    """Return *value* as an answer in JSON."""
    body = msgspec.json.encode(value)
    return MockAnswer(status=status, body=body, content_type=JSON_TYPE)
