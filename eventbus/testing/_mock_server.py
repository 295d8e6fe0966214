"""A server on loopback that answers what a test mounts, and tells what else came."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from eventbus._clock import Clock, SystemClock
from eventbus._waiting import wait_until_done
from eventbus.testing._decoded import MAX_BODY_BYTES
from eventbus.testing._loopback_server import LoopbackServer
from eventbus.testing._mock_answer import MockAnswer
from eventbus.testing._mock_invariants import Invariants, call_invariants
from eventbus.testing._mock_request import RecordedRequest
from eventbus.testing._mock_route import MockRoute, RequestMatch, RequestRecorder

if TYPE_CHECKING:
    from aiohttp import web

_NO_MATCH: Final = 404
_TOO_LARGE: Final = 413


class MockServer(LoopbackServer):
    """Answers on loopback what is mounted; use it as ``async with MockServer() as s``.

    Mounts are asked in the order of their making; the first that is for a request and
    has an answer left takes it. A request that none takes is answered 404. What is
    wrong at the end of the block is raised there, all of it in one error: mounts with
    too few calls, requests that none took, and requests that break an invariant. If
    the block raises by itself, that is added to its error as a note.

    Args:
        invariants: Checked on every request; by default that calls and outputs in a
            request to a model belong together. ``None`` checks nothing.
        clock: Measures delays of answers.
        max_shown_chars: How much is shown of the body of a request that none took.
        tls: Serves https.
        host: Where to listen.
        port: Where to listen; 0 is a free one.

    Raises:
        PluginError: aiohttp is not installed.
    """

    def __init__(
        self,
        *,
        invariants: Invariants | None = call_invariants,
        clock: Clock | None = None,
        max_shown_chars: int = 2_000,
        tls: ssl.SSLContext | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
    ) -> None:
        """Listen to nothing yet."""
        super().__init__(tls=tls, host=host, port=port)
        self._invariants = invariants
        self._clock = clock or SystemClock()
        self._max_shown_chars = max_shown_chars
        self._routes: list[MockRoute] = []
        self._fallbacks: list[MockRoute] = []
        self._requests: list[RecordedRequest] = []

    @property
    def requests(self) -> list[RecordedRequest]:
        """Every request so far, whoever took it."""
        return list(self._requests)

    def mount(
        self,
        path: str,
        *answers: MockAnswer,
        method: str = "POST",
        match: RequestMatch | None = None,
        at_least: int = 0,
        at_most: int | None = None,
        fallback: bool = False,
    ) -> RequestRecorder:
        """Answer requests to *path*, and return what records them.

        Args:
            path: A glob on the path: ``*`` is any text, so ``*/responses`` is a suffix.
            *answers: What the calls get in their order, and every later one the last.
            method: In capitals.
            match: Is given the request; true when the mount is for it.
            at_least: How many have to come until the end of the block.
            at_most: How many are answered; ``None`` is any number.
            fallback: Whether it is asked after all mounts that are none.

        Raises:
            ValueError: There is no answer, or *path* is no glob.
        """
        route = MockRoute(
            path,
            method=method,
            match=match,
            answers=answers,
            at_least=at_least,
            at_most=at_most,
        )
        (self._fallbacks if fallback else self._routes).append(route)
        return route.recorder

    def once(
        self,
        path: str,
        answer: MockAnswer,
        *,
        method: str = "POST",
        match: RequestMatch | None = None,
    ) -> RequestRecorder:
        """Answer exactly one request; see :meth:`mount`."""
        return self.sequence(path, answer, method=method, match=match)

    def any_number(
        self,
        path: str,
        answer: MockAnswer,
        *,
        method: str = "POST",
        match: RequestMatch | None = None,
    ) -> RequestRecorder:
        """Answer however many requests come, none included; see :meth:`mount`."""
        return self.mount(path, answer, method=method, match=match)

    def sequence(
        self,
        path: str,
        *answers: MockAnswer,
        method: str = "POST",
        match: RequestMatch | None = None,
    ) -> RequestRecorder:
        """Give one request each of *answers*, in their order; see :meth:`mount`.

        Exactly so many requests have to come.
        """
        return self.mount(
            path,
            *answers,
            method=method,
            match=match,
            at_least=len(answers),
            at_most=len(answers),
        )

    def _found(self) -> list[str]:
        routes = (*self._routes, *self._fallbacks)
        shortfalls = (route.shortfall() for route in routes)
        return [*self._problems, *(one for one in shortfalls if one is not None)]

    async def _serve(self, request: web.BaseRequest) -> web.StreamResponse:
        from aiohttp import web

        body = await _bounded(request)
        if body is None:
            self._problems.append(f"a body of more than {MAX_BODY_BYTES} bytes came")
            return web.Response(status=_TOO_LARGE)
        headers = {name.lower(): value for name, value in request.headers.items()}
        taken = RecordedRequest(request.method, request.raw_path, headers, body)
        answer = self._answer(taken)
        await self._hold_back(answer)
        return web.Response(
            status=answer.status, body=answer.data, headers=answer.all_headers
        )

    def _answer(self, request: RecordedRequest) -> MockAnswer:
        self._requests.append(request)
        try:
            self._check(request)
            refusals = list[str]()
            for route in (*self._routes, *self._fallbacks):
                refusal = route.refusal(request)
                if refusal is None:
                    return route.take(request)
                refusals.append(f"{route.recorder.route}: {refusal}")
        except Exception as error:  # noqa: BLE001 - a matcher's, or of a broken body
            self._problems.append(f"{request.method} {request.path}: {error!r}")
            return MockAnswer(status=500, body=repr(error))
        self._problems.append(self._unmatched(request, refusals))
        return MockAnswer(status=_NO_MATCH, body="nothing is mounted for this request")

    def _check(self, request: RecordedRequest) -> None:
        for wrong in self._invariants(request) if self._invariants else ():
            self._problems.append(f"{request.method} {request.path}: {wrong}")

    def _unmatched(self, request: RecordedRequest, refusals: Sequence[str]) -> str:
        text = request.body.decode(errors="replace")
        over = len(text) - self._max_shown_chars
        shown = f"{text[: self._max_shown_chars]}… ({over} more)" if over > 0 else text
        mounted = "; ".join(refusals) or "nothing is mounted"
        return f"{request.method} {request.path}: no mount took it ({mounted}): {shown}"

    async def _hold_back(self, answer: MockAnswer) -> None:
        if answer.delay_seconds > 0:
            never: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            await wait_until_done(never, self._clock, answer.delay_seconds)
        if answer.gate is not None:
            await answer.gate.wait()


async def _bounded(request: web.BaseRequest) -> bytes | None:
    """Return the body, or ``None`` for one that is too long; the rest is not read."""
    body = bytearray()
    async for chunk in request.content.iter_any():
        body += chunk
        if len(body) > MAX_BODY_BYTES:
            return None
    return bytes(body)
