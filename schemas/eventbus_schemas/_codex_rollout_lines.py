"""What the lines of a stored session hold: the parts that become events."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import msgspec
from msgspec import Meta

from eventbus_schemas._codex_lines import Count, KnownKinds, Name, Share, tags

Timestamp = Annotated[datetime, Meta(tz=True)]


class SessionMeta(msgspec.Struct, gc=False):
    """The session itself."""

    id: Annotated[str, Meta(max_length=128)]
    originator: Name | None = None
    cli_version: Name | None = None
    cwd: str | None = None
    model_provider: Name | None = None


class SandboxMode(msgspec.Struct, gc=False):
    """What commands may touch; which of the two names depends on the version."""

    mode: str | None = None
    type: str | None = None


class Context(msgspec.Struct, gc=False):
    """What holds from here on."""

    model: Name | None = None
    effort: Name | None = None
    summary: Name | None = None
    approval_policy: str | None = None
    sandbox_policy: SandboxMode | None = None
    cwd: str | None = None


class Inside(msgspec.Struct, tag_field="type", gc=False):
    """What stands in a line, told apart by its own ``type``."""


class ToolCall(Inside, tag="function_call"):
    """The model calls a tool."""

    call_id: Name
    name: Name
    arguments: str


class CustomToolCall(Inside, tag="custom_tool_call"):
    """The model calls a tool whose input is text."""

    call_id: Name
    name: Name
    arguments: str = msgspec.field(name="input")


class LocalShellCall(Inside, tag="local_shell_call"):
    """The model calls the shell that is built into it."""

    call_id: Name
    action: msgspec.Raw


class Part(msgspec.Struct, gc=False):
    """A part of a tool's output; one without text is an image."""

    text: str = ""


class ToolOutput(Inside, tag="function_call_output"):
    """A tool answered."""

    call_id: Name
    output: str | list[Part]


class CustomToolOutput(Inside, tag="custom_tool_call_output"):
    """A tool whose input is text answered."""

    call_id: Name
    output: str | list[Part]


class Message(Inside, tag="message"):
    """History for the model; ``user_message`` and ``agent_message`` tell the same."""


class ReasoningItem(Inside, tag="reasoning"):
    """History for the model; ``agent_reasoning`` tells the same, part by part."""


class UserMessage(Inside, tag="user_message"):
    """A person, or the agent on its own account, told the model something."""

    message: str
    kind: str = "plain"
    images: list[msgspec.Raw] | None = None
    local_images: list[msgspec.Raw] | None = None


class AgentMessage(Inside, tag="agent_message"):
    """The agent said something."""

    message: str


class AgentReasoning(Inside, tag="agent_reasoning"):
    """A part of the reasoning, summed up."""

    text: str


class TurnAbort(Inside, tag="turn_aborted"):
    """A turn was ended from outside."""

    reason: str = ""


class Tokens(msgspec.Struct, gc=False):
    """Numbers of tokens."""

    input_tokens: Count | None = None
    cached_input_tokens: Count | None = None
    output_tokens: Count | None = None
    reasoning_output_tokens: Count | None = None
    total_tokens: Count | None = None


class TokenInfo(msgspec.Struct, gc=False):
    """Tokens of the last request and of the session."""

    last_token_usage: Tokens
    total_token_usage: Tokens
    model_context_window: Count | None = None


class Window(msgspec.Struct, gc=False):
    """How far one limit is used up."""

    used_percent: Share | None = None
    window_minutes: Count | None = None


class Limits(msgspec.Struct, gc=False):
    """How far the limits are used up; flat or by window, as the version has it."""

    primary_used_percent: Share | None = None
    primary_window_minutes: Count | None = None
    secondary_used_percent: Share | None = None
    secondary_window_minutes: Count | None = None
    primary_to_secondary_ratio_percent: Share | None = None
    primary: Window | None = None
    secondary: Window | None = None


class TokenCount(Inside, tag="token_count"):
    """What a request used, and what is left."""

    info: TokenInfo | None = None
    rate_limits: Limits | None = None


ResponseItem = (
    ToolCall
    | CustomToolCall
    | LocalShellCall
    | ToolOutput
    | CustomToolOutput
    | Message
    | ReasoningItem
)
EventMessage = UserMessage | AgentMessage | AgentReasoning | TurnAbort | TokenCount


class RolloutLine(msgspec.Struct, tag_field="type", gc=False):
    """One line, told apart by its ``type``."""

    timestamp: Timestamp


class SessionMetaLine(RolloutLine, tag="session_meta"):
    """A line with the session itself."""

    payload: SessionMeta


class TurnContextLine(RolloutLine, tag="turn_context"):
    """A line with what holds from here on."""

    payload: Context


class ResponseItemLine(RolloutLine, tag="response_item"):
    """A line of the history that the model is given."""

    payload: ResponseItem


class EventMessageLine(RolloutLine, tag="event_msg"):
    """A line of what the agent showed."""

    payload: EventMessage


AnyRolloutLine = SessionMetaLine | TurnContextLine | ResponseItemLine | EventMessageLine

KNOWN_KINDS: KnownKinds = {
    "session_meta": None,
    "turn_context": None,
    "response_item": tags(ResponseItem),
    "event_msg": tags(EventMessage),
}
