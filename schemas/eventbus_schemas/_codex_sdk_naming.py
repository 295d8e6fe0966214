"""What the agent events are called in the telemetry of the Elixir SDK for codex.

Names are its dotted names (``codex_sdk`` on https://hex.pm), and those of its
measurements and metadata, each an attribute; what is a table there is several
attributes with a dot (``usage.input_tokens``). Where these say something odd, so does
this:

- What ends in a question mark is a truth value.
- A table is called ``usage`` for a session so far and ``delta`` for one request.

What has several names there, by how it ended, has that of its ``success``, its
``outcome``, its ``stage`` or its ``direction``; with a value that the SDK does not know
it keeps its own name. What it says it sends and never does keeps its own form. Attempts
count from 0 here too, where the SDK counts some of them from 1.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Never, get_args

from eventbus import EventNaming, Naming
from eventbus_schemas._realtime import AudioDirection
from eventbus_schemas._turn_progress import CompactionStage

_Names = Mapping[str, str | tuple[str, ...]]

_NONE: Final[Mapping[str, Never]] = {}
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


def _event(name: str, renamed: _Names) -> EventNaming:
    return EventNaming(name=name, renamed=renamed)


def _by(field: str, names: Mapping[str, str], renamed: _Names = _NONE) -> EventNaming:
    """Return the form of an event whose name has the word of *field* in it."""
    return EventNaming(by=field, names=names, renamed=renamed)


def _each(name: str, *words: str) -> dict[str, str]:
    return {word: name.replace("*", word) for word in words}


def _ended(name: str) -> dict[str, str]:
    return {"true": f"{name}.success", "false": f"{name}.failure"}


_SPEECH: Final = ("pipeline", "transcription", "synthesis")


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
        "agent.turn_compaction": _by(
            "stage",
            _each("codex.turn.compaction.*", *get_args(CompactionStage)),
            {**_OF_THREADS, "tokens_saved": "token_savings"},
        ),
        "agent.tool_started": _event(
            "codex.tool.start", {**_OF_TOOLS, "is_retry": "retry?"}
        ),
        "agent.tool_result": EventNaming(
            by="success",
            names=_ended("codex.tool"),
            renamed={**_OF_TOOLS, "success": "result"},
            values={"success": {"true": "ok", "false": "error"}},
        ),
        "agent.approval_requested": _event("codex.approval.requested", _OF_TOOLS),
        "agent.approval_decided": _by(
            "outcome",
            _each("codex.approval.*", "approved", "denied", "timeout"),
            _OF_TOOLS,
        ),
        "agent.mcp_tool_call_started": _event("codex.mcp.tool_call.start", _OF_MCP),
        "agent.mcp_tool_call_result": _by(
            "success",
            _ended("codex.mcp.tool_call"),
            {**_OF_MCP, "error.message": "reason"},
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
        "agent.realtime_audio": _by(
            "direction", _each("codex.realtime.audio.*", *get_args(AudioDirection))
        ),
        "agent.voice_stage_started": _by(
            "stage", _each("codex.voice.*.start", *_SPEECH)
        ),
        "agent.voice_stage_stopped": _by(
            "stage", _each("codex.voice.*.stop", *_SPEECH)
        ),
    },
)
