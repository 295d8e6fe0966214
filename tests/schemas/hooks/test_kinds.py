"""Names of pieces become labels: few, short, and the rest is one."""

from __future__ import annotations

import pytest

from eventbus_schemas.hooks._kinds import Kinds


@pytest.mark.proves("E9")
def test_the_first_names_are_themselves_and_the_rest_is_other() -> None:
    kinds = Kinds(most=2)
    told = [kinds.of(name) for name in ("a", "b", "c", "a", "b", "d")]
    assert told == ["a", "b", "other", "a", "b", "other"]


@pytest.mark.proves("E9")
@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("response.output_text.delta", "response.output_text.delta"),
        ("response.mcp_call-v2:done/x", "response.mcp_call-v2:done/x"),
        ("x" * 64, "x" * 64),
        ("x" * 65, "other"),
        ("", "other"),
        (".x", "other"),
        ("a b", "other"),
        ("a\n", "other"),
        ("é", "other"),
    ],
)
def test_what_is_no_short_name_is_other(name: str, told: str) -> None:
    assert Kinds().of(name) == told


def test_what_is_no_name_takes_no_room() -> None:
    kinds = Kinds(most=1)
    assert kinds.of("no name") == "other"
    assert kinds.of("name") == "name"
