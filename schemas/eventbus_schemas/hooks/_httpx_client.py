"""How requests of httpx are observed: at the client, where a send begins and ends."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Final, TypeAlias, cast

from eventbus import Clock
from eventbus_schemas.hooks._errors import HttpError
from eventbus_schemas.hooks._guard import guarded
from eventbus_schemas.hooks._observed import (
    SYSTEM_CLOCK,
    measured,
    stopwatch,
    tells_of_request,
)
from eventbus_schemas.hooks._observers import RequestTelemetry

try:
    import httpx
except ImportError as error:
    raise ImportError(
        "This hooked client needs httpx, which is not installed. Try: pip install httpx"
    ) from error

ATTEMPT: Final = "attempt"
MAX_ERROR_BODY_BYTES: Final = 65_536

RequestTelemetryFor: TypeAlias = Callable[[httpx.Request], RequestTelemetry | None]


class HookedAsyncClient(httpx.AsyncClient):
    """An ``httpx.AsyncClient`` whose every ``send`` is observed, and nothing changed.

    One ``send`` is one attempt, with its redirects and its authentication, whichever
    of ``get``, ``request``, ``stream`` … it is called by. It ends with the response
    and its body, so that a body which breaks off is an error; of ``stream=True`` it
    ends with the head, and :func:`read_sse` tells of the rest. A response of 4xx or
    5xx is an :class:`HttpError` to the hook, and returned all the same.

    The number of an attempt is what the request's ``extensions["attempt"]`` says, else
    0. Where :func:`run_with_request_telemetry` has the hooks, the client needs none.

    Args:
        *args: As of ``httpx.AsyncClient``.
        telemetry: Gets ``on_request`` for each send, and ``on_cancelled`` if it has
            that; or returns who gets it for a request, ``None`` for nobody.
        clock: Measures the duration.
        **options: As of ``httpx.AsyncClient``.

    Raises:
        ImportError: httpx is not installed.
    """

    def __init__(
        self,
        *args: Any,  # Any, here and below: httpx's own
        telemetry: RequestTelemetry | RequestTelemetryFor | None = None,
        clock: Clock = SYSTEM_CLOCK,
        **options: Any,
    ) -> None:
        """Connect to nothing yet."""
        super().__init__(*args, **options)
        self._hooks_for = _hooks_for(telemetry)
        self._hooks_clock = clock

    async def send(self, request: httpx.Request, **options: Any) -> httpx.Response:
        """See ``httpx.AsyncClient.send``.

        Cancelled, the request is, and the cancellation goes on.
        """
        telemetry = self._hooks_for(request)
        tell = tells_of_request(telemetry, _attempt_of(request), refusal=_refusal)
        sending = super().send(request, **options)
        if tell is None:
            return await sending
        return await measured(sending, tell, stopwatch(self._hooks_clock))


def _hooks_for(
    telemetry: RequestTelemetry | RequestTelemetryFor | None,
) -> RequestTelemetryFor:
    if callable(telemetry) and not hasattr(telemetry, "on_request"):
        return guarded(telemetry)
    return lambda request: cast("RequestTelemetry | None", telemetry)


def _attempt_of(request: httpx.Request) -> int:
    attempt = request.extensions.get(ATTEMPT)
    return attempt if isinstance(attempt, int) else 0


def httpx_sender(
    client: httpx.AsyncClient, *, stream: bool = False, **options: Any
) -> Callable[[httpx.Request], Awaitable[httpx.Response]]:
    """Return the ``send`` of :func:`run_with_request_telemetry` for *client*.

    It raises :class:`HttpError` for every response that is not 2xx, with the beginning
    of its body, 64 KiB at most, or what came of it before it broke off; everything else
    it raises as httpx does.

    Args:
        client: Sends the requests.
        stream: Whether responses are returned at their head; who gets one closes it.
        **options: More for ``client.send``.
    """

    async def send(request: httpx.Request) -> httpx.Response:
        response = await client.send(request, stream=True, **options)
        if not response.is_success:
            raise _refused(response, await _beginning(response))
        if not stream:
            await _read(response)
        return response

    return send


async def _beginning(response: httpx.Response) -> str:
    read = bytearray()
    try:
        async for piece in response.aiter_bytes():
            read += piece
            if len(read) >= MAX_ERROR_BODY_BYTES:
                break
    except (httpx.HTTPError, httpx.StreamError):
        pass  # the status is the error
    finally:
        await response.aclose()
    return read[:MAX_ERROR_BODY_BYTES].decode("utf-8", "replace")


async def _read(response: httpx.Response) -> None:
    try:
        await response.aread()
    except BaseException:
        await response.aclose()
        raise


def _refusal(response: object) -> HttpError | None:
    assert isinstance(response, httpx.Response)
    return _refused(response) if response.is_error else None


def _refused(response: httpx.Response, body: str | None = None) -> HttpError:
    return HttpError(
        response.status_code,
        url=str(response.request.url),
        headers=dict(response.headers),
        body=body,
    )
