"""What the agent events are called in the telemetry of the Elixir SDK for codex.

Names are its dotted names (``codex_sdk`` on https://hex.pm), and those of its
measurements and metadata, each an attribute; what is a table there is several
attributes with a dot (``usage.input_tokens``). Where these say something odd, so does
this:

- What ends in a question mark is a truth value.
- A table is called ``usage`` for a session so far and ``delta`` for one request.

What has several names there, by how it ended, keeps its own name, and what tells them
apart is an attribute: ``success`` of the result of a tool, ``outcome`` of an approval,
``stage`` of a compaction and of speech, ``direction`` of sound. What is left out there
is left out here: what it says it sends and never does keeps its own form.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from eventbus import EventNaming, Naming

_Names = Mapping[str, str | tuple[str, ...]]

_OF_THREADS: Final[_Names] = {
    "gen_ai.conversation.id": "conversation_id",
    "trace_name": "trace_id",
}
_OF_TOOLS: Final[_Names] = {
    "gen_ai.conversation.id": "conversation_id",
    "gen_ai.tool.name": "tool",
    "gen_ai.tool.call.id": "call_id",
    "gen_ai.tool.call.arguments": "arguments",
    "gen_ai.tool.call.result": "output",
}
_OF_MCP: Final[_Names] = {
    **_OF_TOOLS,
    "mcp_server": "server_name",
}


def _event(name: str | None, renamed: _Names) -> EventNaming:
    return EventNaming(name=name, renamed=renamed)


codex_sdk_naming: Final = Naming(
    events={
        "agent.thread_started": _event("codex.thread.start", _OF_THREADS),
        "agent.thread_stopped": _event(
            "codex.thread.stop", {**_OF_THREADS, "error.message": "error"}
        ),
        "agent.thread_failed": EventNaming(
            name="codex.thread.exception",
            renamed={**_OF_THREADS, "exception.message": "reason"},
            added={"result": "error"},
        ),
        "agent.token_usage": _event(
            "codex.thread.token_usage.updated",
            {
                **_OF_THREADS,
                "gen_ai.usage.input_tokens": "delta.input_tokens",
                "gen_ai.usage.cache_read.input_tokens": "delta.cached_input_tokens",
                "gen_ai.usage.output_tokens": "delta.output_tokens",
                "gen_ai.usage.reasoning.output_tokens": "delta.reasoning_output_tokens",
                "total_tokens": "delta.total_tokens",
                "session_input_tokens": "usage.input_tokens",
                "session_cached_input_tokens": "usage.cached_input_tokens",
                "session_output_tokens": "usage.output_tokens",
                "session_reasoning_output_tokens": "usage.reasoning_output_tokens",
                "session_total_tokens": "usage.total_tokens",
            },
        ),
        "agent.turn_diff_updated": _event("codex.turn.diff.updated", _OF_THREADS),
        "agent.turn_compaction": _event(
            None, {**_OF_THREADS, "tokens_saved": "token_savings"}
        ),
        "agent.tool_started": _event(
            "codex.tool.start", {**_OF_TOOLS, "is_retry": "retry?"}
        ),
        "agent.tool_result": _event(None, _OF_TOOLS),
        "agent.approval_requested": _event("codex.approval.requested", _OF_TOOLS),
        "agent.approval_decided": _event(None, _OF_TOOLS),
        "agent.mcp_tool_call_started": _event("codex.mcp.tool_call.start", _OF_MCP),
        "agent.mcp_tool_call_result": _event(
            None, {**_OF_MCP, "error.message": "reason"}
        ),
        "agent.rate_limited": EventNaming(name="codex.rate_limit.rate_limited"),
        "agent.attachment_staged": EventNaming(
            name="codex.attachment.staged", renamed={"persistent": "persist?"}
        ),
        "agent.attachment_cleaned": EventNaming(
            name="codex.attachment.cleaned", renamed={"size_bytes": "bytes"}
        ),
        "agent.realtime_session_started": EventNaming(
            name="codex.realtime.session.start"
        ),
        "agent.realtime_session_stopped": EventNaming(
            name="codex.realtime.session.stop"
        ),
    },
)
