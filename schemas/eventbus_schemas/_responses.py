"""What is told of an answer and of the reasoning before it, and how much of it."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from msgspec.structs import replace

from eventbus import Label, Sensitive, Unit
from eventbus_schemas._agent_event import AgentEvent
from eventbus_schemas._blank import blank
from eventbus_schemas._metrics import SESSION_METRICS
from eventbus_schemas._texts import byte_length, cut_at_bytes

MAX_RESPONSE_BYTES: Final = 65_536

AgentType = Literal["main", "subagent"]


class AgentResponse(
    AgentEvent, tag="agent.agent_response", metrics=SESSION_METRICS, gc=False
):
    """The agent said something to its user.

    Args:
        response: The text, cut at 65,536 bytes between two characters.
        response_length: Its length before the cut.
        response_truncated: Whether it was cut.
        agent_type: Which agent spoke.
        turn_id: The turn it belongs to.
        item_id: Its own name.
        parent_conversation_id: The conversation that started this agent.
        parent_turn_id: The turn that did.
        root_turn_id: The turn that all of it goes back to.
        initiating_agent_path: Which agents stand between.
    """

    response: Annotated[str, Sensitive] = ""
    response_length: Annotated[int, Unit("By")] = 0
    response_truncated: bool = False
    agent_type: Annotated[AgentType | None, Label] = None
    turn_id: str | None = None
    item_id: str | None = None
    parent_conversation_id: str | None = None
    parent_turn_id: str | None = None
    root_turn_id: str | None = None
    initiating_agent_path: str | None = None

    @classmethod
    def from_text(
        cls,
        response: str,
        *,
        agent_type: AgentType | None = None,
        turn_id: str | None = None,
        item_id: str | None = None,
        parent_conversation_id: str | None = None,
        parent_turn_id: str | None = None,
        root_turn_id: str | None = None,
        initiating_agent_path: str | None = None,
    ) -> AgentResponse:
        """Make one, with *response* cut where it must be and the length from before."""
        length = byte_length(response)
        truncated = length > MAX_RESPONSE_BYTES
        return cls(
            response=(
                cut_at_bytes(response, MAX_RESPONSE_BYTES) if truncated else response
            ),
            response_length=length,
            response_truncated=truncated,
            agent_type=agent_type,
            turn_id=turn_id,
            item_id=item_id,
            parent_conversation_id=parent_conversation_id,
            parent_turn_id=parent_turn_id,
            root_turn_id=root_turn_id,
            initiating_agent_path=initiating_agent_path,
        )


class Reasoning(AgentEvent, tag="agent.reasoning", metrics=SESSION_METRICS, gc=False):
    """The model summed up a part of its reasoning.

    Args:
        text: The summary.
        text_length: Its length.
        item_id: Its own name.
        turn_id: The turn it belongs to.
    """

    text: Annotated[str, Sensitive] = ""
    text_length: Annotated[int, Unit("By")] = 0
    item_id: str | None = None
    turn_id: str | None = None

    @classmethod
    def from_text(
        cls, text: str, *, item_id: str | None = None, turn_id: str | None = None
    ) -> Reasoning:
        """Make one with the length that belongs to *text*."""
        return replace(
            blank(cls),
            text=text,
            text_length=byte_length(text),
            item_id=item_id,
            turn_id=turn_id,
        )
