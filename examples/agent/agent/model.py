"""One request to the model: sent again when it fails, read as it streams in."""

from collections.abc import Callable, Sequence
from contextlib import aclosing
from typing import Any, Final

import httpx
import msgspec

from agent.tools import Call, specifications
from eventbus_schemas.hooks import (
    EventHooks,
    RetryPolicy,
    ServerSentEvent,
    StreamError,
    httpx_sender,
    read_sse,
    run_with_request_telemetry,
)

ENDPOINT: Final = "/v1/responses"
IDLE_TIMEOUT_SECONDS: Final = 60.0
RETRIES: Final = RetryPolicy(max_attempts=3, base_delay_seconds=0.1, retry_429=True)

Item = dict[str, Any]  # Any: JSON of the Responses API; most of it only goes back


class Reply(msgspec.Struct):
    """What the model answered to one request.

    Args:
        items: As they came; the next request sends them back.
        calls: Tools it wants called.
        text: What it says to the user.
        used: Its tokens, by the fields of ``agent.turn_completed``.
    """

    items: list[Item] = msgspec.field(default_factory=list[Item])
    calls: list[Call] = msgspec.field(default_factory=list[Call])
    text: str = ""
    used: dict[str, int] = msgspec.field(default_factory=dict[str, int])


async def ask(
    client: httpx.AsyncClient,
    body: dict[str, Any],
    hooks: EventHooks,
    say: Callable[[str], None],
) -> Reply:
    """Send a request, and return the whole reply; *say* gets its words as they come.

    The hooks are told of each attempt and of each piece of the stream.
    """
    reply = Reply()
    response = await run_with_request_telemetry(
        RETRIES,
        hooks,
        lambda: client.build_request("POST", ENDPOINT, json=body),
        httpx_sender(client, stream=True),
    )
    pieces = read_sse(
        response.aiter_bytes(),
        hooks,
        until="response.completed",
        idle_timeout_seconds=IDLE_TIMEOUT_SECONDS,
    )
    async with aclosing(response), aclosing(pieces):
        async for piece in pieces:
            _take(reply, piece, say)
    return reply


def request_body(model: str, items: Sequence[Item]) -> dict[str, Any]:
    """Return what the model is asked: to go on after *items*."""
    tools = specifications()
    return {"model": model, "input": items, "tools": tools, "stream": True}


def _take(reply: Reply, piece: ServerSentEvent, say: Callable[[str], None]) -> None:
    if piece.event == "response.output_text.delta":
        say(msgspec.json.decode(piece.data)["delta"])
    elif piece.event == "response.output_item.done":
        item = msgspec.json.decode(piece.data)["item"]
        reply.items.append(item)
        if item["type"] == "function_call":
            reply.calls.append(msgspec.convert(item, Call))
        elif item["type"] == "message":
            reply.text += "".join(map(_words, item["content"]))
    elif piece.event == "response.completed":
        reply.used = _tokens(msgspec.json.decode(piece.data)["response"])
    elif piece.event == "response.failed":
        error = msgspec.json.decode(piece.data)["response"].get("error") or {}
        raise StreamError(error.get("message", piece.event))


def _words(part: Item) -> str:
    words: str = part.get("text") or part.get("refusal", "")
    return words


def _tokens(response: Item) -> dict[str, int]:
    """Return those that are told: what is not told is not zero."""
    usage: Item = response.get("usage") or {}
    details: Item = usage.get("input_tokens_details") or {}
    counts: dict[str, int | None] = {
        "input_tokens": usage.get("input_tokens"),
        "cached_input_tokens": details.get("cached_tokens"),
        "output_tokens": usage.get("output_tokens"),
    }
    return {name: count for name, count in counts.items() if count is not None}
