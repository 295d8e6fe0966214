from __future__ import annotations

from typing import Any

import pytest

from eventbus import Event, Record
from eventbus_local._event_line import ShownFields, event_line


class ThreadStart(Event, tag="codex.thread.start"):
    input: str
    thread_id: str | None = None


class ThreadStop(Event, tag="codex.thread.stop"):
    duration_ms: int
    thread_id: str | None = None
    turn_id: str | None = None
    result: str = ""
    early_exit: bool = False


class ThreadException(Event, tag="codex.thread.exception", severity="error"):
    duration_ms: int
    thread_id: str | None = None
    turn_id: str | None = None
    reason: str = ""


class Ping(Event): ...


class Touchy:
    def __eq__(self, other: object) -> bool:
        raise RuntimeError("do not compare")

    __hash__ = None  # type: ignore[assignment]


class Anything(Event):
    value: Any = None


@pytest.mark.proves("I3")
@pytest.mark.parametrize(
    ("event", "line"),
    [
        (
            ThreadStart(input='say "hi"', thread_id="t-1"),
            '[codex] thread start input="say \\"hi\\"" thread_id="t-1"',
        ),
        (
            ThreadStop(duration_ms=12, thread_id="t-1", turn_id="u-1", result="ok"),
            '[codex] thread stop duration_ms=12 thread_id="t-1" turn_id="u-1" '
            'result="ok"',
        ),
        (
            ThreadStop(
                duration_ms=12,
                thread_id="t-1",
                turn_id="u-1",
                result="ok",
                early_exit=True,
            ),
            '[codex] thread stop duration_ms=12 thread_id="t-1" turn_id="u-1" '
            'result="ok" early_exit=true',
        ),
        (
            ThreadException(
                duration_ms=3, thread_id="t-1", turn_id="u-1", reason="timeout"
            ),
            '[codex] thread exception duration_ms=3 thread_id="t-1" turn_id="u-1" '
            'reason="timeout"',
        ),
        (Ping(), "ping"),
        (ThreadStart(input="\x1b[31m\n"), '[codex] thread start input="\\x1b[31m\\n"'),
    ],
)
def test_the_line_of_the_default_logger(event: Event, line: str) -> None:
    assert event_line(Record(event), ShownFields()) == line


def test_a_value_that_cannot_be_compared_is_shown() -> None:
    line = event_line(Record(Anything(value=Touchy())), ShownFields())
    assert line == "anything value=<Touchy>"
