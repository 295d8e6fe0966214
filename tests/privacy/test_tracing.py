"""Which events may be spans, and which spans may carry content."""

from __future__ import annotations

import pytest

from eventbus import Event
from eventbus.privacy import is_traced, traces_content


class Plain(Event, tag="test.plain"): ...


class Own(Event, tag="test.own"):
    tracing_disabled: bool | None = None
    trace_sensitive: bool | None = None


@pytest.mark.parametrize(
    ("event", "attributes", "traced", "with_content"),
    [
        (Plain(), {}, True, True),
        (Plain(), {"tracing_disabled": True}, False, True),
        (Plain(), {"tracing_disabled": False}, True, True),
        (Plain(), {"trace_sensitive": False}, True, False),
        (Plain(), {"trace_sensitive": True}, True, True),
        (Own(tracing_disabled=True), {}, False, True),
        (Own(tracing_disabled=False), {"tracing_disabled": True}, True, True),
        (Own(trace_sensitive=False), {"trace_sensitive": True}, True, False),
        (Own(), {"trace_sensitive": False, "tracing_disabled": True}, False, False),
    ],
)
def test_an_event_says_it_itself_or_what_is_bound_does(
    event: Event, attributes: dict[str, bool], traced: bool, with_content: bool
) -> None:
    assert is_traced(event, attributes) is traced
    assert traces_content(event, attributes) is with_content
