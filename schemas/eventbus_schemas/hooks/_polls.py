"""What a wait for the next piece of a stream came to: one of four shapes.

They are made for ``match``::

    match result:
        case Received(event): ...
        case StreamFailed(error): ...
        case StreamEnded(): ...
        case IdleTimeoutElapsed(error): ...
"""

from __future__ import annotations

from typing import Generic, Literal, TypeAlias, TypeVar

import msgspec

from eventbus_schemas.hooks._errors import IdleTimeoutError

T_co = TypeVar("T_co", covariant=True)

FrameKind = Literal["text", "binary", "ping", "pong", "close", "frame"]


class ServerSentEvent(msgspec.Struct, frozen=True):
    """One event of a stream of server-sent events, its data not parsed yet.

    Args:
        event: Its name; ``"message"`` where the stream gives none.
        data: Its ``data:`` lines, joined by line feeds.
        id: The last id that the stream gave, to continue after it.
        retry_ms: How long to wait before connecting again, in milliseconds, when the
            event says so.
    """

    event: str
    data: str
    id: str = ""
    retry_ms: int | None = None


class WebsocketFrame(msgspec.Struct, frozen=True):
    """One message or control frame that came in over a WebSocket.

    Args:
        kind: ``"frame"`` is a raw one that a client could not assign.
        data: Text, or bytes; of a close frame its reason.
        close_code: Of a close frame that has one.
    """

    kind: FrameKind
    data: str | bytes = ""
    close_code: int | None = None


class Received(msgspec.Struct, Generic[T_co], frozen=True):
    """The next piece came in; nobody has parsed or dispatched it yet.

    Args:
        piece: A :class:`ServerSentEvent` or a :class:`WebsocketFrame`.
    """

    piece: T_co


class StreamFailed(msgspec.Struct, frozen=True):
    """The stream broke.

    Args:
        error: As the client raises it.
    """

    error: Exception


class StreamEnded(msgspec.Struct, frozen=True):
    """There is no further piece."""


class IdleTimeoutElapsed(msgspec.Struct, frozen=True):
    """Nothing came in for as long as one was ready to wait.

    Args:
        error: What is raised.
    """

    error: IdleTimeoutError


SsePoll: TypeAlias = (
    Received[ServerSentEvent] | StreamFailed | StreamEnded | IdleTimeoutElapsed
)
WebsocketPoll: TypeAlias = (
    Received[WebsocketFrame] | StreamFailed | StreamEnded | IdleTimeoutElapsed
)
