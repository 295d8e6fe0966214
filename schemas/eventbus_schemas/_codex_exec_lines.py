"""What the lines of ``codex exec --json`` hold: the parts that become events."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from eventbus_schemas._codex_lines import Count, KnownKinds, Name, tags

ExitCode = Annotated[int, Meta(ge=-(2**31), le=2**31 - 1)]


class Item(msgspec.Struct, tag_field="type", gc=False):
    """What a line is about, told apart by its own ``type``."""

    id: Name


class CommandExecution(Item, tag="command_execution"):
    """A command the agent runs."""

    command: str
    aggregated_output: str = ""
    exit_code: ExitCode | None = None
    status: str = ""


class ErrorMessage(msgspec.Struct, gc=False):
    """An error in the words of whoever raised it."""

    message: str


class McpToolCall(Item, tag="mcp_tool_call"):
    """A call of an MCP server's tool."""

    server: Name
    tool: Name
    arguments: msgspec.Raw = msgspec.Raw()
    result: msgspec.Raw = msgspec.Raw()
    error: ErrorMessage | None = None
    status: str = ""


class ReasoningText(Item, tag="reasoning"):
    """A part of the reasoning, summed up."""

    text: str


class AgentMessage(Item, tag="agent_message"):
    """The agent said something."""

    text: str


class Change(msgspec.Struct, gc=False):
    """One file of a change."""

    path: str
    kind: str


class FileChanges(Item, tag="file_change"):
    """Files that were changed together."""

    changes: list[Change]
    status: str


class WebSearch(Item, tag="web_search"):
    """A search of the web."""


class TodoList(Item, tag="todo_list"):
    """What the agent has before it."""


class ErrorItem(Item, tag="error"):
    """An error that ended nothing."""


AnyCall = CommandExecution | McpToolCall
AnyOther = WebSearch | TodoList | ErrorItem
AnyItem = AnyCall | ReasoningText | AgentMessage | FileChanges | AnyOther


class ExecLine(msgspec.Struct, tag_field="type", gc=False):
    """One line, told apart by its ``type``."""


class ThreadStarted(ExecLine, tag="thread.started"):
    """The session began."""

    thread_id: Annotated[str, Meta(max_length=128)]


class TurnStart(ExecLine, tag="turn.started"):
    """A turn began."""


class Usage(msgspec.Struct, gc=False):
    """Tokens a turn used."""

    input_tokens: Count | None = None
    cached_input_tokens: Count | None = None
    output_tokens: Count | None = None
    reasoning_output_tokens: Count | None = None


class TurnEnd(ExecLine, tag="turn.completed"):
    """A turn ended well."""

    usage: Usage | None = None


class TurnFailure(ExecLine, tag="turn.failed"):
    """A turn ended with an error."""

    error: ErrorMessage


class ItemStarted(ExecLine, tag="item.started"):
    """Something began that a later line completes."""

    item: AnyCall


class ItemCompleted(ExecLine, tag="item.completed"):
    """Something is complete."""

    item: AnyItem


AnyExecLine = (
    ThreadStarted | TurnStart | TurnEnd | TurnFailure | ItemStarted | ItemCompleted
)

KNOWN_KINDS: KnownKinds = {
    "thread.started": None,
    "turn.started": None,
    "turn.completed": None,
    "turn.failed": None,
    "item.started": tags(AnyCall),
    "item.completed": tags(AnyItem),
}
