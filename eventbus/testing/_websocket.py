"""A WebSocket server on loopback that sends, request by request, what a test says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, Unpack
from urllib.parse import unquote

import msgspec

from eventbus._bounds import at_least
from eventbus.testing._arrivals import DEFAULT_WAIT_SECONDS, Arrivals
from eventbus.testing._gate import Gate
from eventbus.testing._given import is_sequence
from eventbus.testing._loopback_server import Listening, LoopbackServer
from eventbus.testing._mock_invariants import (
    Invariants,
    broken,
    requests_over_sockets,
)
from eventbus.testing._mock_request import RecordedRequest

if TYPE_CHECKING:
    from aiohttp import web

# Any in this module: JSON.

_MAX_MESSAGE_BYTES: Final = 64 * 1024 * 1024
_CLOSE_SECONDS: Final = 10.0  # how long a client may take to say its goodbye


class WebSocketScript(msgspec.Struct, frozen=True, kw_only=True):
    """What one connection does.

    Args:
        requests: What is sent after each request: objects become JSON in a text frame,
            text and bytes go as they are.
        response_headers: Of the handshake.
        accept_delay_seconds: How long the handshake takes, by the server's clock.
        accept_gate: Holds the handshake back until it is opened.
        close_after_requests: Whether the connection is closed after the last of
            *requests* was answered; else it stays, and what comes then is an error at
            the end of the server's block.

    Raises:
        TypeError: *requests* is no list of lists, or an event is neither text nor
            bytes and cannot be JSON.
        ValueError: *accept_delay_seconds* is negative.
    """

    requests: Sequence[Sequence[Any]] = ()
    response_headers: Mapping[str, str] = msgspec.field(default_factory=dict[str, str])
    accept_delay_seconds: float = 0.0
    accept_gate: Gate | None = None
    close_after_requests: bool = True

    def __post_init__(self) -> None:
        """Check the delay, and that everything can be sent."""
        at_least("accept_delay_seconds", self.accept_delay_seconds, 0)
        for request, events in enumerate(
            _listed("requests", self.requests, of="lists of events")
        ):
            place = f"requests[{request}]"
            for number, event in enumerate(_listed(place, events, of="events")):
                try:
                    _frame(event)
                except TypeError as error:
                    raise TypeError(f"{place}[{number}]: {error}") from error


class Handshake(msgspec.Struct, frozen=True):
    """How a client asked for its connection.

    Args:
        uri: Path and query, as in the request line.
        headers: By lower-case name.
    """

    uri: str
    headers: Mapping[str, str]

    @property
    def path(self) -> str:
        """The path alone, decoded."""
        return unquote(self.uri.partition("?")[0])

    def header(self, name: str) -> str | None:
        """Return the header *name*, in whichever case, or ``None``."""
        return self.headers.get(name.lower())


class WebSocketServer(LoopbackServer):
    """Plays a script to each connection; ``async with WebSocketServer(…) as server``.

    Connections get the scripts in the order of their handshakes. A connection that has
    no script is answered 503; that, a request that has no answer, a frame that is no
    JSON, one that breaks the protocol and one that breaks an invariant are raised at
    the end of the block, or added as a note to what it raises. What is left of a
    script when its client leaves is no error: :attr:`connections` has what came.

    Args:
        *connections: The script of each; a plain list stands for its ``requests``.
        invariants: Checked on every request; by default that calls and outputs in a
            ``response.create`` belong together. ``None`` checks nothing.
        **listening: ``clock``, which measures the delays, ``tls``, to serve wss,
            ``host`` and ``port``, as of :class:`MockServer`.

    Raises:
        PluginError: aiohttp is not installed.
        TypeError: A script is none.
    """

    def __init__(
        self,
        *connections: WebSocketScript | Sequence[Sequence[Any]],
        invariants: Invariants | None = requests_over_sockets,
        **listening: Unpack[Listening],
    ) -> None:
        """Listen to nothing yet."""
        super().__init__(**listening)
        self._invariants = invariants
        self._scripts = [
            one if isinstance(one, WebSocketScript) else WebSocketScript(requests=one)
            for one in connections
        ]
        self._handshakes = Arrivals[Handshake]("handshakes")
        self._requests = [
            Arrivals[Any](f"requests over connection {index}")
            for index in range(len(connections))
        ]

    @property
    def url(self) -> str:
        """Where it is, as in ``ws://127.0.0.1:40123``.

        Raises:
            RuntimeError: Its block was not entered.
        """
        return super().url.replace("http", "ws", 1)

    @property
    def handshakes(self) -> list[Handshake]:
        """All of them so far, those that are still held back included."""
        return list(self._handshakes.items)

    @property
    def connections(self) -> list[list[Any]]:
        """The requests over each scripted connection so far, decoded."""
        return [list(requests.items) for requests in self._requests]

    def single_handshake(self) -> Handshake:
        """Return the only handshake.

        Raises:
            AssertionError: There was none, or more than one.
        """
        __tracebackhide__ = True
        if len(self.handshakes) != 1:
            raise AssertionError(f"expected 1 handshake, got {len(self.handshakes)}")
        return self.handshakes[0]

    def single_connection(self) -> list[Any]:
        """Return the requests over the only connection.

        Raises:
            AssertionError: There was none, or more than one.
        """
        __tracebackhide__ = True
        self.single_handshake()
        return self.connections[0]

    async def wait_for_handshakes(
        self, count: int, *, timeout_seconds: float = DEFAULT_WAIT_SECONDS
    ) -> list[Handshake]:
        """Return the handshakes, once there are *count* at least.

        Raises:
            AssertionError: There are fewer after *timeout_seconds* of real time.
        """
        __tracebackhide__ = True
        return await self._handshakes.wait_for(count, timeout_seconds)

    async def wait_for_request(
        self,
        connection: int,
        request: int,
        *,
        timeout_seconds: float = DEFAULT_WAIT_SECONDS,
    ) -> Any:
        """Return a request, decoded, once it came.

        Args:
            connection: Which one, from 0.
            request: Which one of it, from 0.
            timeout_seconds: Longest wait, in real time.

        Raises:
            AssertionError: It did not come in time.
            IndexError: No such connection is scripted.
            ValueError: *request* is negative.
        """
        __tracebackhide__ = True
        if not 0 <= connection < len(self._requests):
            raise IndexError(
                f"{len(self._requests)} connection(s) are scripted, got {connection}"
            )
        at_least("request", request, 0)
        came = await self._requests[connection].wait_for(request + 1, timeout_seconds)
        return came[request]

    async def _serve(self, request: web.BaseRequest) -> web.StreamResponse:
        from aiohttp import web

        number = len(self._handshakes.items)
        headers = {name.lower(): value for name, value in request.headers.items()}
        self._handshakes.add(Handshake(request.raw_path, headers))
        if number >= len(self._scripts):
            self._problems.append(
                f"{len(self._scripts)} connection(s) are scripted, one more came"
            )
            return web.Response(status=503, text="no connection is scripted")
        script = self._scripts[number]
        await self._hold_back(script.accept_delay_seconds, script.accept_gate)
        socket = web.WebSocketResponse(
            timeout=_CLOSE_SECONDS, max_msg_size=_MAX_MESSAGE_BYTES
        )
        if not socket.can_prepare(request):
            self._problems.append(f"connection {number} asked for no WebSocket")
            return web.Response(status=400, text="no WebSocket was asked for")
        socket.headers.update(script.response_headers)
        await socket.prepare(request)
        await self._play(socket, number, script)
        return socket

    async def _play(
        self, socket: web.WebSocketResponse, number: int, script: WebSocketScript
    ) -> None:
        for events in script.requests:
            if not await self._take(socket, number):
                return
            for event in events:
                await _send(socket, event)
        if script.close_after_requests:
            await socket.close()
            return
        while await self._take(socket, number):
            self._problems.append(
                f"connection {number}: {len(script.requests)} request(s) are scripted, "
                "one more came"
            )

    async def _take(self, socket: web.WebSocketResponse, number: int) -> bool:
        from aiohttp import WSMsgType

        message = await socket.receive()
        if message.type is WSMsgType.ERROR:
            self._problems.append(f"connection {number}: {message.data}")
        if message.type not in (WSMsgType.TEXT, WSMsgType.BINARY):
            return False
        try:
            request = msgspec.json.decode(message.data)
        except msgspec.DecodeError as error:
            self._problems.append(f"connection {number}: a frame is no JSON: {error}")
            request = message.data
        else:
            self._check(number, message.data)
        self._requests[number].add(request)
        return True

    def _check(self, number: int, data: str | bytes) -> None:
        handshake = self._handshakes.items[number]
        body = data.encode() if isinstance(data, str) else data
        request = RecordedRequest("GET", handshake.uri, {}, body)
        where = f"connection {number}, request {len(self._requests[number].items)}"
        wrong = broken(self._invariants, request)
        self._problems += [f"{where}: {one}" for one in wrong]


async def _send(socket: web.WebSocketResponse, event: object) -> None:
    frame = _frame(event)
    if isinstance(frame, bytes):
        await socket.send_bytes(frame)
    else:
        await socket.send_str(frame)


def _frame(event: object) -> str | bytes:
    if isinstance(event, str | bytes):
        return event
    return msgspec.json.encode(event).decode()


def _listed(place: str, value: object, *, of: str) -> Sequence[object]:
    if not is_sequence(value):
        raise TypeError(f"{place} must be a list of {of}, got {value!r}")
    return value
