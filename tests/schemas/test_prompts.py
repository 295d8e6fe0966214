"""What is told of a prompt."""

from __future__ import annotations

import pytest

from eventbus_schemas import UserPrompt


@pytest.mark.proves("B8")
def test_prompt_carries_its_length_in_characters_and_its_counts() -> None:
    event = UserPrompt.from_text(
        "né€😀", image_input_count=1, local_image_input_count=0
    )
    assert (event.prompt, event.prompt_length) == ("né€😀", 4)
    assert (event.text_input_count, event.image_input_count) == (1, 1)
    assert event.local_image_input_count == 0
