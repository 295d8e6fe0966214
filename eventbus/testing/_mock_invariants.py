"""What must hold of every request to a model: each call has an output."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from eventbus.testing._json_value import Json, as_object
from eventbus.testing._mock_request import RecordedRequest

Invariants = Callable[[RecordedRequest], Iterator[str]]
"""Yields what is wrong with a request, one sentence each."""

_ANSWERED_BY: Final = {
    "function_call": "function_call_output",
    "local_shell_call": "function_call_output",
    "custom_tool_call": "custom_tool_call_output",
    "tool_search_call": "tool_search_output",
}
_OUTPUTS: Final = tuple(dict.fromkeys(_ANSWERED_BY.values()))
_SEARCHES: Final = ("tool_search_call", "tool_search_output")


def call_invariants(request: RecordedRequest) -> Iterator[str]:
    """Yield what is wrong with the ``input`` of a *request* to a model.

    It is a list, and :func:`calls_and_outputs` has nothing to say. Requests whose path
    does not end with ``/responses``, and bodies that are no JSON, are let alone.
    """
    if request.method != "POST" or not request.path.endswith("/responses"):
        return
    if request.is_json and request.input_list is None:
        yield "there is no input list in the body"
    yield from calls_and_outputs(request)


def calls_and_outputs(request: RecordedRequest) -> Iterator[str]:
    """Yield what is wrong with the calls and outputs in the ``input`` of *request*.

    An output has a call id and its call before it in the same request, and each call
    has one output after it. A search for tools that the server ran itself is exempt,
    and so is a body without a list of that name.
    """
    yield from _wrong_in(request.input_objects, is_whole=True)


def requests_over_sockets(request: RecordedRequest) -> Iterator[str]:
    """Yield the same of a frame ``response.create``; other frames are let alone.

    With a ``previous_response_id`` it is not the whole input: an output may answer a
    call of that response.
    """
    frame = as_object(request.body_json()) if request.is_json else None
    if frame is not None and frame.get("type") == "response.create":
        is_whole = frame.get("previous_response_id") is None
        yield from _wrong_in(request.input_objects, is_whole=is_whole)


def _wrong_in(items: list[Json], *, is_whole: bool) -> Iterator[str]:
    told = [item for item in items if not _is_of_the_server(item)]
    for kind in _OUTPUTS:
        yield from _wrong_with(kind, told, is_whole=is_whole)


def _wrong_with(kind: str, items: list[Json], *, is_whole: bool) -> Iterator[str]:
    """Yield what is wrong with the outputs of one *kind* and their calls."""
    told = [item for item in items if _kind_of_output(item) == kind]
    called = {_call_id(item) for item in told if item["type"] != kind}
    answered = set[str]()
    waiting: list[tuple[str, str]] = []
    for item in told:
        what, call_id = item["type"], _call_id(item)
        if call_id is None:
            yield f"a {what} has no call_id"
        elif what != kind:
            waiting.append((call_id, what))
        elif call := next((one for one in waiting if one[0] == call_id), None):
            waiting.remove(call)
            answered.add(call_id)
        elif call_id in answered:
            yield f"{kind} {call_id!r} comes again, for one call"
        elif call_id in called:
            yield f"{kind} {call_id!r} comes before its call"
        elif is_whole:
            yield f"{kind} {call_id!r} has no call in the input"
        else:
            answered.add(call_id)
    for call_id, what in waiting:
        yield f"{what} {call_id!r} has no {kind} in the input"


def broken(invariants: Invariants | None, request: RecordedRequest) -> Iterator[str]:
    """Yield what *invariants* find wrong, and what they raise."""
    try:
        yield from invariants(request) if invariants else ()
    except Exception as error:  # noqa: BLE001 - a broken body, or a test's own check
        yield repr(error)


def _is_of_the_server(item: Json) -> bool:
    return item.get("type") in _SEARCHES and item.get("execution") == "server"


def _call_id(item: Json) -> str | None:
    call_id = item.get("call_id")
    return call_id if isinstance(call_id, str) and call_id else None


def _kind_of_output(item: Json) -> str:
    """Return the type of what answers *item*, or of *item* itself."""
    kind = str(item.get("type"))
    return _ANSWERED_BY.get(kind, kind)
