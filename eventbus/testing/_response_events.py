"""The events of a streamed response of a model, and the stream they make.

The names are those of the test kit of the Codex agent, so that its users find them.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import msgspec

from eventbus._bounds import at_least, between
from eventbus.testing._given import check_names
from eventbus.testing._json_value import as_object

# Any in this module: JSON.

ResponseEvent = dict[str, Any]
"""One event of the stream: an object with a ``type``."""

_ENCRYPTED_OVERHEAD: Final = "b" * 550
"""What an encrypted text has beside what it encrypts: the agent counts it off."""


def sse(events: Iterable[ResponseEvent]) -> str:
    """Return *events* as a body of server-sent events.

    Each is a block of ``event: <type>`` and ``data: <json>``, the latter left out when
    the event has nothing but its type.

    Raises:
        TypeError: *events* is one event, or one is no object.
        ValueError: An event has no ``type``, or one of several lines.
    """
    if isinstance(events, Mapping | str):
        raise TypeError(f"events must be a list of events, got {events!r}")
    return "".join(_block(index, event) for index, event in enumerate(events))


def _block(index: int, event: object) -> str:
    told = as_object(event)
    if told is None:
        raise TypeError(f"events[{index}] must be an object, got {event!r}")
    kind = told.get("type")
    if not isinstance(kind, str) or len(kind.splitlines()) != 1:
        raise ValueError(f"events[{index}] must have a type of one line, got {kind!r}")
    data = f"data: {_json(told)}\n" if len(told) > 1 else ""
    return f"event: {kind}\n{data}\n"


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()


def sse_completed(id: str) -> str:
    """Return the stream of a response that says nothing."""
    return sse([ev_response_created(id), ev_completed(id)])


def sse_failed(id: str, code: str, message: str) -> str:
    """Return the stream of a response that failed."""
    error = {"code": code, "message": message}
    return sse([{"type": "response.failed", "response": {"id": id, "error": error}}])


def ev_response_created(id: str) -> ResponseEvent:
    """``response.created``."""
    return {"type": "response.created", "response": {"id": id}}


def ev_completed(id: str) -> ResponseEvent:
    """``response.completed`` without a token used."""
    return ev_completed_with_tokens(id, 0)


def ev_completed_with_tokens(
    id: str,
    total_tokens: int,
    *,
    output_tokens: int = 0,
    cached_tokens: int | None = None,
    reasoning_tokens: int | None = None,
) -> ResponseEvent:
    """``response.completed`` that used *total_tokens*.

    Args:
        id: Of the response.
        total_tokens: Input and output together.
        output_tokens: How many of them are output; the others are input.
        cached_tokens: How many of the input came from a cache; ``None`` does not say.
        reasoning_tokens: How many of the output are reasoning; ``None`` does not say.

    Raises:
        ValueError: A part is negative, or larger than what it is a part of.
    """
    at_least("total_tokens", total_tokens, 0)
    between("output_tokens", output_tokens, 0, total_tokens)
    input_tokens = total_tokens - output_tokens
    usage = {
        "input_tokens": input_tokens,
        "input_tokens_details": _details("cached_tokens", cached_tokens, input_tokens),
        "output_tokens": output_tokens,
        "output_tokens_details": _details(
            "reasoning_tokens", reasoning_tokens, output_tokens
        ),
        "total_tokens": total_tokens,
    }
    return {"type": "response.completed", "response": {"id": id, "usage": usage}}


def _details(name: str, count: int | None, limit: int) -> dict[str, int] | None:
    if count is None:
        return None
    between(name, count, 0, limit)
    return {name: count}


def ev_model_verification_metadata(
    id: str,
    verifications: Sequence[str],
) -> ResponseEvent:
    """``response.metadata`` that recommends *verifications* of the model.

    Raises:
        TypeError: *verifications* is one text.
    """
    check_names("verifications", verifications)
    return {
        "type": "response.metadata",
        "sequence_number": 1,
        "response_id": id,
        "metadata": {"openai_verification_recommendation": list(verifications)},
    }


def ev_assistant_message(id: str, text: str) -> ResponseEvent:
    """A finished message of the assistant."""
    return _done(_message(id, text))


def ev_message_item_added(id: str, text: str) -> ResponseEvent:
    """A message of the assistant that begins."""
    return _added(_message(id, text))


def ev_output_text_delta(delta: str) -> ResponseEvent:
    """More of the text of a message."""
    return {"type": "response.output_text.delta", "delta": delta}


def ev_reasoning_item(
    id: str,
    summary: Sequence[str],
    raw_content: Sequence[str] = (),
) -> ResponseEvent:
    """A finished piece of reasoning, its encrypted form 550 bytes over its content.

    Raises:
        TypeError: *summary* or *raw_content* is one text.
    """
    check_names("raw_content", raw_content)
    secret = f"{_ENCRYPTED_OVERHEAD}{''.join(raw_content)}".encode()
    item = _reasoning(id, summary)
    item["encrypted_content"] = base64.b64encode(secret).decode()
    if raw_content:
        item["content"] = [_text("reasoning_text", text) for text in raw_content]
    return _done(item)


def ev_reasoning_item_added(id: str, summary: Sequence[str]) -> ResponseEvent:
    """A piece of reasoning that begins.

    Raises:
        TypeError: *summary* is one text.
    """
    return _added(_reasoning(id, summary))


def ev_reasoning_summary_text_delta(delta: str) -> ResponseEvent:
    """More of the summary of a reasoning."""
    kind = "response.reasoning_summary_text.delta"
    return {"type": kind, "delta": delta, "summary_index": 0}


def ev_reasoning_text_delta(delta: str) -> ResponseEvent:
    """More of a reasoning."""
    kind = "response.reasoning_text.delta"
    return {"type": kind, "delta": delta, "content_index": 0}


def ev_web_search_call_added_partial(id: str, status: str) -> ResponseEvent:
    """A search of the web that begins."""
    return _added({"type": "web_search_call", "id": id, "status": status})


def ev_web_search_call_done(id: str, status: str, query: str) -> ResponseEvent:
    """A search of the web that ended."""
    action = {"type": "search", "query": query}
    return _done(
        {"type": "web_search_call", "id": id, "status": status, "action": action}
    )


def ev_image_generation_call(
    id: str,
    status: str,
    revised_prompt: str,
    result: str,
) -> ResponseEvent:
    """An image that was made."""
    return _done(
        {
            "type": "image_generation_call",
            "id": id,
            "status": status,
            "revised_prompt": revised_prompt,
            "result": result,
        }
    )


def ev_function_call(call_id: str, name: str, arguments: str) -> ResponseEvent:
    """A call of a function; *arguments* is JSON in a string.

    Raises:
        TypeError: *arguments* is no string.
    """
    _check_arguments(arguments)
    return _done(
        {
            "type": "function_call",
            "call_id": call_id,
            "name": name,
            "arguments": arguments,
        }
    )


def ev_function_call_with_namespace(
    call_id: str, namespace: str, name: str, arguments: str
) -> ResponseEvent:
    """A call of a function of *namespace*; see :func:`ev_function_call`."""
    _check_arguments(arguments)
    return _done(
        {
            "type": "function_call",
            "call_id": call_id,
            "namespace": namespace,
            "name": name,
            "arguments": arguments,
        }
    )


def ev_tool_search_call(call_id: str, arguments: object) -> ResponseEvent:
    """A search for tools that the client runs; *arguments* is an object."""
    return _done(
        {
            "type": "tool_search_call",
            "call_id": call_id,
            "execution": "client",
            "arguments": arguments,
        }
    )


def ev_custom_tool_call(call_id: str, name: str, input: str) -> ResponseEvent:
    """A call of a custom tool; *input* is any text."""
    return _done(
        {"type": "custom_tool_call", "call_id": call_id, "name": name, "input": input}
    )


def ev_local_shell_call(
    call_id: str, status: str, command: Sequence[str]
) -> ResponseEvent:
    """A command that the client runs.

    Raises:
        TypeError: *command* is a text, whose letters would be its words.
    """
    check_names("command", command)
    action = {"type": "exec", "command": list(command)}
    return _done(
        {
            "type": "local_shell_call",
            "call_id": call_id,
            "status": status,
            "action": action,
        }
    )


def ev_shell_command_call(call_id: str, command: str) -> ResponseEvent:
    """A call of the function ``shell_command``."""
    return ev_shell_command_call_with_args(call_id, {"command": command})


def ev_shell_command_call_with_args(call_id: str, args: object) -> ResponseEvent:
    """The same with all of its arguments."""
    return ev_function_call(call_id, "shell_command", _json(args))


def ev_apply_patch_custom_tool_call(call_id: str, patch: str) -> ResponseEvent:
    """A patch as the input of a custom tool."""
    return _done(
        {
            "type": "custom_tool_call",
            "name": "apply_patch",
            "input": patch,
            "call_id": call_id,
        }
    )


def ev_apply_patch_function_call(call_id: str, patch: str) -> ResponseEvent:
    """A patch as the argument ``input`` of a function."""
    return _done(
        {
            "type": "function_call",
            "name": "apply_patch",
            "arguments": _json({"input": patch}),
            "call_id": call_id,
        }
    )


def ev_apply_patch_shell_command_call_via_heredoc(
    call_id: str, patch: str
) -> ResponseEvent:
    """A patch in a here-document of a shell command."""
    return ev_shell_command_call(call_id, f"apply_patch <<'EOF'\n{patch}\nEOF\n")


def user_message_item(text: str) -> ResponseEvent:
    """Return an item of a request's input: what a user said."""
    content = [_text("input_text", text)]
    return {"type": "message", "role": "user", "content": content}


def _check_arguments(arguments: object) -> None:
    if not isinstance(arguments, str):
        raise TypeError(
            f"arguments must be JSON in a string, got {type(arguments).__name__}"
        )


def _done(item: ResponseEvent) -> ResponseEvent:
    return {"type": "response.output_item.done", "item": item}


def _added(item: ResponseEvent) -> ResponseEvent:
    return {"type": "response.output_item.added", "item": item}


def _message(message_id: str, text: str) -> ResponseEvent:
    return {
        "type": "message",
        "role": "assistant",
        "id": message_id,
        "content": [_text("output_text", text)],
    }


def _reasoning(item_id: str, summary: Sequence[str]) -> ResponseEvent:
    check_names("summary", summary)
    texts = [_text("summary_text", text) for text in summary]
    return {"type": "reasoning", "id": item_id, "summary": texts}


def _text(kind: str, text: str) -> ResponseEvent:
    return {"type": kind, "text": text}
