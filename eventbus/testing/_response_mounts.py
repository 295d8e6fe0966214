"""What tests of agents mount on a mock server: streams, models, compactions.

The names are those of the test kit of the Codex agent, so that its users find them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from eventbus._clock import Clock
from eventbus.testing._given import check_names
from eventbus.testing._json_value import Json
from eventbus.testing._mock_answer import MockAnswer, json_response, sse_response
from eventbus.testing._mock_request import RecordedRequest
from eventbus.testing._mock_route import Answer, RequestMatch, RequestRecorder
from eventbus.testing._mock_server import MockServer
from eventbus.testing._response_events import (
    ev_assistant_message,
    ev_completed,
    ev_function_call,
    ev_response_created,
    sse,
)

_RESPONSES = "*/responses"
_COMPACT = "*/responses/compact"
_MODELS = "*/models"
_KEPT_ROLES = ("user", "developer")
_SHOWN_CHARS = 80_000  # requests to models are long, and their ends matter


def start_mock_server(
    *, clock: Clock | None = None, max_shown_chars: int = _SHOWN_CHARS
) -> MockServer:
    """Return a :class:`MockServer` that lists no models, for ``async with``.

    Args:
        clock: Measures delays of answers.
        max_shown_chars: How much is shown of the body of a request that none took.
    """
    server = MockServer(clock=clock, max_shown_chars=max_shown_chars)
    none = json_response({"models": []})
    server.mount(_MODELS, none, method="GET", fallback=True)
    return server


def mount_sse(server: MockServer, body: str) -> RequestRecorder:
    """Answer any number of requests to ``…/responses`` with *body*."""
    return server.any_number(_RESPONSES, sse_response(body))


def mount_sse_once(server: MockServer, body: str) -> RequestRecorder:
    """Answer exactly one request to ``…/responses`` with *body*."""
    return server.once(_RESPONSES, sse_response(body))


def mount_sse_once_match(
    server: MockServer, matcher: RequestMatch, body: str
) -> RequestRecorder:
    """Answer at most one request to ``…/responses`` that *matcher* takes."""
    return server.mount(_RESPONSES, sse_response(body), match=matcher, at_most=1)


def mount_sse_sequence(server: MockServer, bodies: Sequence[str]) -> RequestRecorder:
    """Answer as many requests as there are *bodies*, each with its own.

    Raises:
        TypeError: *bodies* is one text.
    """
    check_names("bodies", bodies)
    return server.sequence(_RESPONSES, *map(sse_response, bodies))


def mount_response_once(server: MockServer, answer: MockAnswer) -> RequestRecorder:
    """Answer exactly one request to ``…/responses`` with *answer*."""
    return server.once(_RESPONSES, answer)


def mount_response_once_match(
    server: MockServer, matcher: RequestMatch, answer: MockAnswer
) -> RequestRecorder:
    """Answer at most one request to ``…/responses`` that *matcher* takes."""
    return server.mount(_RESPONSES, answer, match=matcher, at_most=1)


def mount_response_sequence(
    server: MockServer, answers: Sequence[MockAnswer]
) -> RequestRecorder:
    """Answer as many requests as there are *answers*, each with its own."""
    return server.sequence(_RESPONSES, *answers)


def mount_compact_json_once(server: MockServer, value: object) -> RequestRecorder:
    """Answer exactly one request to ``…/responses/compact`` with *value*."""
    return server.once(_COMPACT, json_response(value))


def mount_compact_json_once_match(
    server: MockServer, matcher: RequestMatch, value: object
) -> RequestRecorder:
    """Answer at most one of them that *matcher* takes."""
    return server.mount(_COMPACT, json_response(value), match=matcher, at_most=1)


def mount_compact_json_sequence(
    server: MockServer, values: Sequence[object]
) -> RequestRecorder:
    """Answer as many of them as there are *values*, each with its own."""
    return server.sequence(_COMPACT, *map(json_response, values))


def mount_compact_user_history_with_summary_once(
    server: MockServer, summary_text: str
) -> RequestRecorder:
    """Compact one request as a model does, to *summary_text*.

    The answer has what the user and the developer said in it, in their order, and then
    a ``compaction`` whose ``encrypted_content`` is the summary.
    """
    return mount_compact_user_history_with_summary_sequence(server, [summary_text])


def mount_compact_user_history_with_summary_sequence(
    server: MockServer, summary_texts: Sequence[str]
) -> RequestRecorder:
    """Compact as many requests as there are *summary_texts*, each to its own.

    Raises:
        TypeError: *summary_texts* is one text.
    """
    check_names("summary_texts", summary_texts)
    return server.sequence(_COMPACT, *map(_compacted_to, summary_texts))


def _compacted_to(summary_text: str) -> Answer:
    def compacted(request: RecordedRequest) -> MockAnswer:
        kept = [item for item in request.input_objects if _is_kept(item)]
        summary = {"type": "compaction", "encrypted_content": summary_text}
        return json_response({"output": [*kept, summary]})

    return compacted


def _is_kept(item: Json) -> bool:
    is_message = item.get("type", "message") == "message"
    return is_message and item.get("role") in _KEPT_ROLES


def mount_models_once(
    server: MockServer,
    models: Sequence[object],
    *,
    etag: str | None = None,
    delay_seconds: float = 0,
) -> RequestRecorder:
    """List *models* to exactly one request.

    Args:
        server: Where.
        models: As ``GET …/models`` lists them.
        etag: The header ``etag`` of the list.
        delay_seconds: How long it is held back, by the server's clock.
    """
    listed = json_response({"models": list(models)})
    answer = msgspec.structs.replace(listed, etag=etag, delay_seconds=delay_seconds)
    return server.once(_MODELS, answer, method="GET")


class FunctionCallMocks(NamedTuple):
    """What recorded the two requests of a call: before it and after it."""

    function_call: RequestRecorder
    completion: RequestRecorder


def mount_function_call_agent_response(
    server: MockServer, call_id: str, arguments: str, tool_name: str
) -> FunctionCallMocks:
    """Answer one request with a function call, and the next with ``done``."""
    call = [
        ev_response_created("resp-1"),
        ev_function_call(call_id, tool_name, arguments),
        ev_completed("resp-1"),
    ]
    end = [ev_assistant_message("msg-1", "done"), ev_completed("resp-2")]
    return FunctionCallMocks(
        mount_sse_once(server, sse(call)), mount_sse_once(server, sse(end))
    )
