"""What must hold of every request to a model: each call has an output."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

import msgspec

from eventbus.testing._mock_request import (
    Json,
    RecordedRequest,
    as_list,
    as_object,
)

Invariants = Callable[[RecordedRequest], Iterator[str]]
"""Yields what is wrong with a request, one sentence each."""

_ANSWERED_BY: Final = {
    "function_call": "function_call_output",
    "local_shell_call": "function_call_output",
    "custom_tool_call": "custom_tool_call_output",
    "tool_search_call": "tool_search_output",
}
_OUTPUTS: Final = tuple(dict.fromkeys(_ANSWERED_BY.values()))


def call_invariants(request: RecordedRequest) -> Iterator[str]:
    """Yield what is wrong with the calls and outputs in the ``input`` of *request*.

    An output has a call id and its call in the same request, and each call has an
    output. A search for tools that the server ran itself is exempt. Requests whose
    path does not end with ``/responses``, and bodies that are no JSON, are let alone.
    """
    if request.method != "POST" or not request.path.endswith("/responses"):
        return
    try:
        body = request.body_json()
    except msgspec.DecodeError:
        return
    items = as_list((as_object(body) or {}).get("input"))
    if items is None:
        yield "there is no input list in the body"
        return
    yield from _of_items([item for one in items if (item := as_object(one))])


def _of_items(items: list[Json]) -> Iterator[str]:
    items = [item for item in items if item.get("execution") != "server"]
    for kind in _OUTPUTS:
        outputs = [item.get("call_id") for item in items if item.get("type") == kind]
        if not all(outputs):
            yield f"a {kind} has no call_id"
        calls = [(item["type"], item.get("call_id")) for item in _calls(items, kind)]
        called = {call_id for _, call_id in calls}
        for call_id in outputs:
            if call_id and call_id not in called:
                yield f"{kind} {call_id!r} has no call in the input"
        for call, call_id in calls:
            if call_id not in outputs:
                yield f"{call} {call_id!r} has no {kind} in the input"


def _calls(items: list[Json], output_kind: str) -> Iterator[Json]:
    for item in items:
        if _ANSWERED_BY.get(str(item.get("type"))) == output_kind:
            yield item
