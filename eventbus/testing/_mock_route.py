"""Which requests a mount answers, how often, and what was recorded of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from eventbus._select import name_test
from eventbus.testing._arrivals import DEFAULT_WAIT_SECONDS, Arrivals
from eventbus.testing._mock_answer import MockAnswer
from eventbus.testing._mock_request import RecordedRequest

RequestMatch = Callable[[RecordedRequest], object]
"""Whether a mount is for a request: true, or anything that counts as true."""


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
    """One mount.

    Args:
        path: A glob on the path; ``*`` is any text.
        method: Of HTTP, in capitals.
        match: Asked after both; ``None`` takes all.
        answers: What the calls get, in their order, and every later one the last.
        at_least: How many calls have to come.
        at_most: How many are answered; ``None`` is any number.
    """

    def __init__(
        self,
        path: str,
        *,
        method: str,
        match: RequestMatch | None,
        answers: Sequence[MockAnswer],
        at_least: int,
        at_most: int | None,
    ) -> None:
        """Compile the glob.

        Raises:
            ValueError: The glob is blank or too long, or there is no answer.
        """
        if not answers:
            raise ValueError(f"a mount needs an answer, got none for {method} {path}")
        self.recorder: Final = RequestRecorder(f"{method} {path}")
        self._fits_path = name_test(path, place="path")
        self._method = method
        self._match = match
        self._answers = answers
        self._at_least = at_least
        self._at_most = at_most

    @property
    def _seen(self) -> int:
        return len(self.recorder.requests)

    def refusal(self, request: RecordedRequest) -> str | None:
        """Return why *request* is not for this mount, or ``None`` when it is."""
        if request.method != self._method or not self._fits_path(request.path):
            return "other method or path"
        if self._at_most is not None and self._seen >= self._at_most:
            return f"already answered {self._seen} of {self._at_most}"
        if self._match is not None and not self._match(request):
            return "its matcher said no"
        return None

    def take(self, request: RecordedRequest) -> MockAnswer:
        """Record *request*, and return what it gets."""
        answer = self._answers[min(self._seen, len(self._answers) - 1)]
        self.recorder.record(request)
        return answer

    def shortfall(self) -> str | None:
        """Return what is missing at the end, or ``None``."""
        if self._seen >= self._at_least:
            return None
        exactly = "" if self._at_most == self._at_least else "at least "
        return (
            f"{self.recorder.route}: expected {exactly}{self._at_least} request(s), "
            f"got {self._seen}"
        )
