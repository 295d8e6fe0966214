"""A server on loopback that answers what a test mounts, and tells what else came."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, Unpack

from eventbus.testing._answering import AnsweringServer
from eventbus.testing._loopback_server import Listening
from eventbus.testing._mock_answer import TOO_LARGE, MockAnswer
from eventbus.testing._mock_invariants import Invariants, call_invariants
from eventbus.testing._mock_request import RecordedRequest
from eventbus.testing._mock_route import (
    Answer,
    MockRoute,
    RequestMatch,
    RequestRecorder,
)

if TYPE_CHECKING:
    from aiohttp import web

_NO_MATCH: Final = MockAnswer(status=404, body="nothing is mounted for this request")
_MAX_TOLD: Final = 10


class MockServer(AnsweringServer):
    """Answers on loopback what is mounted; use it as ``async with MockServer() as s``.

    Mounts are asked in the order of their making; the first that is for a request and
    has an answer left takes it. A request that none takes is answered 404. What is
    wrong at the end of the block is raised there, all of it in one error: mounts with
    too few calls, requests that none took, and requests that break an invariant. If
    the block raises by itself, that is added to its error as a note.

    Args:
        invariants: Checked on every request; by default that calls and outputs in a
            request to a model belong together. ``None`` checks nothing.
        max_shown_chars: How much is shown of the body of a request that none took.
        **listening: ``clock``, which measures delays of answers, the system's without
            it; ``tls``, to serve https; ``host`` and ``port``, a free one without it.

    Raises:
        PluginError: aiohttp is not installed.
    """

    def __init__(
        self,
        *,
        invariants: Invariants | None = call_invariants,
        max_shown_chars: int = 2_000,
        **listening: Unpack[Listening],
    ) -> None:
        """Listen to nothing yet."""
        super().__init__(**listening)
        self._invariants = invariants
        self._max_shown_chars = max_shown_chars
        self._routes: list[MockRoute] = []
        self._fallbacks: list[MockRoute] = []
        self._requests: list[RecordedRequest] = []
        self._fates: list[str] = []

    @property
    def requests(self) -> list[RecordedRequest]:
        """Every request so far, whoever took it."""
        return list(self._requests)

    def mount(
        self,
        path: str,
        *answers: Answer,
        method: str = "POST",
        match: RequestMatch | None = None,
        at_least: int = 0,
        at_most: int | None = None,
        fallback: bool = False,
    ) -> RequestRecorder:
        """Answer requests to *path*, and return what records them.

        Args:
            path: A glob on the decoded path, without the query: ``*`` is any text, so
                ``*/responses`` is a suffix.
            *answers: What the calls get in their order, and every later one the last:
                an answer, or a plain function of the request that returns it.
            method: Of HTTP.
            match: A plain function of the request; true when the mount is for it.
            at_least: How many have to come until the end of the block.
            at_most: How many are answered; ``None`` is any number.
            fallback: Whether it is asked after all mounts that are none.

        Raises:
            TypeError: An answer or *match* is none.
            ValueError: There is no answer, *path* begins with neither ``/`` nor ``*``
                or has a query, or the counts contradict each other.
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
        answer: Answer,
        *,
        method: str = "POST",
        match: RequestMatch | None = None,
    ) -> RequestRecorder:
        """Answer exactly one request; see :meth:`mount`."""
        return self.sequence(path, answer, method=method, match=match)

    def any_number(
        self,
        path: str,
        answer: Answer,
        *,
        method: str = "POST",
        match: RequestMatch | None = None,
    ) -> RequestRecorder:
        """Answer however many requests come, none included; see :meth:`mount`."""
        return self.mount(path, answer, method=method, match=match)

    def sequence(
        self,
        path: str,
        *answers: Answer,
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

    def _shortfalls(self) -> list[str]:
        every = (route.shortfall() for route in self._in_order())
        return [one for one in every if one is not None]

    def _found(self) -> list[str]:
        return [*self._problems, *self._shortfalls()]

    def _beside(self) -> list[str]:
        if not self._shortfalls():
            return []
        last = self._fates[-_MAX_TOLD:]
        head = f"the last {len(last)} of " if len(self._fates) > len(last) else ""
        return [f"what came, {head}{len(self._fates)} request(s):", *last]

    def _in_order(self) -> Sequence[MockRoute]:
        return [*self._routes, *self._fallbacks]

    async def _serve(self, request: web.BaseRequest) -> web.StreamResponse:
        taken = await self._take(request)
        answer = TOO_LARGE if taken is None else self._answer(taken)
        return await self._send(request, answer)

    def _answer(self, request: RecordedRequest) -> MockAnswer:
        self._requests.append(request)
        try:
            self._check(request)
            return self._routed(request)
        except Exception as error:  # noqa: BLE001 - an answer's, or of a broken body
            return self._broken(request, repr(error))

    def _routed(self, request: RecordedRequest) -> MockAnswer:
        refusals = list[str]()
        for route in self._in_order():
            try:
                refusal = route.refusal(request)
            except Exception as error:  # noqa: BLE001 - a test's own
                why = f"the matcher of {route.recorder.route} raised"
                self._tell(request, why, refusals)
                return self._broken(request, f"{why} {error!r}")
            if refusal is None:
                self._tell(request, f"taken by {route.recorder.route}", refusals)
                return route.take(request)
            refusals.append(f"{route.recorder.route}: {refusal}")
        self._tell(request, "taken by no mount", refusals)
        self._problems.append(self._unmatched(request, refusals))
        return _NO_MATCH

    def _broken(self, request: RecordedRequest, why: str) -> MockAnswer:
        self._problems.append(f"{request.method} {request.path}: {why}")
        return MockAnswer(status=500, body=why)

    def _tell(
        self, request: RecordedRequest, fate: str, refusals: Sequence[str]
    ) -> None:
        why = f" ({'; '.join(refusals)})" if refusals else ""
        self._fates.append(f"  {request.method} {request.path}: {fate}{why}")

    def _unmatched(self, request: RecordedRequest, refusals: Sequence[str]) -> str:
        text = request.shown_body
        over = len(text) - self._max_shown_chars
        shown = f"{text[: self._max_shown_chars]}… ({over} more)" if over > 0 else text
        mounted = "; ".join(refusals) or "nothing is mounted"
        return f"{request.method} {request.path}: no mount took it ({mounted}): {shown}"
