"""What must hold of every request to a model: each call has an output."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from eventbus.testing._json_value import Json
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

    An output has a call id and its call in the same request, and each call has an
    output. A search for tools that the server ran itself is exempt, and so is a body
    without a list of that name.
    """
    items = [item for item in request.input_objects if not _is_of_the_server(item)]
    for kind in _OUTPUTS:
        outputs = [_call_id(item) for item in items if item.get("type") == kind]
        if not all(outputs):
            yield f"a {kind} has no call_id"
        calls = [(item["type"], _call_id(item)) for item in _calls(items, kind)]
        called = {call_id for _, call_id in calls}
        for call_id in outputs:
            if call_id and call_id not in called:
                yield f"{kind} {call_id!r} has no call in the input"
        for call, call_id in calls:
            if not call_id:
                yield f"a {call} has no call_id"
            elif call_id not in outputs:
                yield f"{call} {call_id!r} has no {kind} in the input"


def _is_of_the_server(item: Json) -> bool:
    return item.get("type") in _SEARCHES and item.get("execution") == "server"


def _call_id(item: Json) -> str | None:
    call_id = item.get("call_id")
    return call_id if isinstance(call_id, str) and call_id else None


def _calls(items: list[Json], output_kind: str) -> Iterator[Json]:
    for item in items:
        if _ANSWERED_BY.get(str(item.get("type"))) == output_kind:
            yield item
