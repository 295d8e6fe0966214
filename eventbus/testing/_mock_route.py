"""Which requests a mount answers, how often, and what was recorded of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from eventbus._bounds import at_least as check_at_least
from eventbus._select import name_test
from eventbus.testing._arrivals import DEFAULT_WAIT_SECONDS, Arrivals
from eventbus.testing._given import check_plain_function
from eventbus.testing._mock_answer import MockAnswer
from eventbus.testing._mock_request import RecordedRequest

RequestMatch = Callable[[RecordedRequest], object]
"""Whether a mount is for a request: true, or anything that counts as true."""

Answer = MockAnswer | Callable[[RecordedRequest], MockAnswer]
"""What a request gets, or what makes it of the request."""


class RequestRecorder:
    """The requests that one mount answered, in their order.

    Args:
        route: What it is mounted for, for messages.
    """

    def __init__(self, route: str) -> None:
        """Begin empty."""
        self.route: Final = route
        self._arrivals = Arrivals[RecordedRequest](f"requests to {route}")

    def __repr__(self) -> str:
        return f"<RequestRecorder {self.route}: {len(self.requests)} requests>"

    @property
    def requests(self) -> list[RecordedRequest]:
        """All of them so far."""
        return list(self._arrivals.items)

    def single_request(self) -> RecordedRequest:
        """Return the only request.

        Raises:
            AssertionError: There is none, or more than one.
        """
        __tracebackhide__ = True
        found = self._arrivals.items
        if len(found) != 1:
            raise AssertionError(
                f"expected 1 request to {self.route}, got {len(found)}"
            )
        return found[0]

    def last_request(self) -> RecordedRequest:
        """Return the last request.

        Raises:
            AssertionError: There is none.
        """
        __tracebackhide__ = True
        if not self._arrivals.items:
            raise AssertionError(f"expected a request to {self.route}, got none")
        return self._arrivals.items[-1]

    async def wait_for_requests(
        self, count: int = 1, *, timeout_seconds: float = DEFAULT_WAIT_SECONDS
    ) -> list[RecordedRequest]:
        """Return the requests, once there are *count* at least.

        Raises:
            AssertionError: There are fewer after *timeout_seconds* of real time.
        """
        __tracebackhide__ = True
        return await self._arrivals.wait_for(count, timeout_seconds)

    def saw_function_call(self, call_id: str) -> bool:
        """Return whether any request has the function call *call_id*."""
        return any(one.has_function_call(call_id) for one in self.requests)

    def function_call_output_text(self, call_id: str) -> str | None:
        """Return the text that answers the function call *call_id*, or ``None``.

        The first request that has one counts.
        """
        texts = (one.function_call_output_text(call_id) for one in self.requests)
        return next((text for text in texts if text is not None), None)

    def record(self, request: RecordedRequest) -> None:
        """Take *request*; the server does so before it answers."""
        self._arrivals.add(request)


class MockRoute:
    """One mount; see :meth:`MockServer.mount` for its arguments."""

    def __init__(
        self,
        path: str,
        *,
        method: str,
        match: RequestMatch | None,
        answers: Sequence[Answer],
        at_least: int,
        at_most: int | None,
    ) -> None:
        """Check all of it."""
        self._method = method.upper()
        self.recorder: Final = RequestRecorder(f"{self._method} {path}")
        _check_path(path)
        _check_answers(answers, self.recorder.route)
        _check_counts(at_least, at_most)
        check_plain_function("match", match)
        self._fits_path = name_test(path, place="path")
        self._match = match
        self._answers = answers
        self._at_least = at_least
        self._at_most = at_most

    @property
    def _seen(self) -> int:
        return len(self.recorder.requests)

    def refusal(self, request: RecordedRequest) -> str | None:
        """Return why *request* is not for this mount, or ``None`` when it is."""
        if not self._fits_path(request.path):
            return "other path"
        if request.method != self._method:
            return "other method"
        if self._at_most is not None and self._seen >= self._at_most:
            return f"already answered {self._seen} of {self._at_most}"
        if self._match is not None and not self._match(request):
            return "its matcher said no"
        return None

    def take(self, request: RecordedRequest) -> MockAnswer:
        """Record *request*, and return what it gets.

        Raises:
            TypeError: What is to make the answer returned none.
        """
        answer = self._answers[min(self._seen, len(self._answers) - 1)]
        self.recorder.record(request)
        if isinstance(answer, MockAnswer):
            return answer
        return _made(answer, answer(request))

    def shortfall(self) -> str | None:
        """Return what is missing at the end, or ``None``."""
        if self._seen >= self._at_least:
            return None
        exactly = "" if self._at_most == self._at_least else "at least "
        return (
            f"{self.recorder.route}: expected {exactly}{self._at_least} request(s), "
            f"got {self._seen}"
        )


def _made(by: object, answer: object) -> MockAnswer:
    if not isinstance(answer, MockAnswer):
        raise TypeError(f"{by!r} must return a MockAnswer, got {answer!r}")
    return answer


def _check_path(path: str) -> None:
    if not path.startswith(("/", "*")):
        raise ValueError(f"path must begin with '/' or '*', got {path!r}")
    if "?" in path:
        raise ValueError(
            f"path must be without a query, got {path!r}: "
            "match= can ask the request for its query_param()"
        )


def _check_answers(answers: Sequence[Answer], route: str) -> None:
    if not answers:
        raise ValueError(f"a mount needs an answer, got none for {route}")
    for answer in answers:
        if not isinstance(answer, MockAnswer):
            check_plain_function(f"an answer of {route} that is no MockAnswer", answer)


def _check_counts(at_least: int, at_most: int | None) -> None:
    check_at_least("at_least", at_least, 0)
    check_at_least("at_most", at_most, at_least)
