"""What is told of a prompt: its text only where it is asked for, its size always."""

from __future__ import annotations

from typing import Annotated

from eventbus import Sensitive, Unit
from eventbus_schemas._agent_event import AgentEvent
from eventbus_schemas._metrics import SESSION_METRICS
from eventbus_schemas._texts import character_count


class UserPrompt(
    AgentEvent, tag="agent.user_prompt", metrics=SESSION_METRICS, gc=False
):
    """A person asked the agent for something.

    Args:
        prompt: The text.
        prompt_length: Its length in characters.
        text_input_count: How many texts it was joined from.
        image_input_count: Images given by address or content.
        local_image_input_count: Images given by path.
        turn_id: The turn it begins.
    """

    prompt: Annotated[str, Sensitive] = ""
    prompt_length: Annotated[int, Unit("{character}")] = 0
    text_input_count: int | None = None
    image_input_count: int | None = None
    local_image_input_count: int | None = None
    turn_id: str | None = None

    @classmethod
    def from_text(
        cls,
        prompt: str,
        *,
        text_input_count: int | None = 1,
        image_input_count: int | None = None,
        local_image_input_count: int | None = None,
        turn_id: str | None = None,
    ) -> UserPrompt:
        """Make one with the length that belongs to *prompt*."""
        return cls(
            prompt=prompt,
            prompt_length=character_count(prompt),
            text_input_count=text_input_count,
            image_input_count=image_input_count,
            local_image_input_count=local_image_input_count,
            turn_id=turn_id,
        )
