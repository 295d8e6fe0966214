"""Facts of a wrong type are refused where they are given, so that every end is told."""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, Callable
from enum import IntEnum, StrEnum
from typing import Any

import pytest

from eventbus import Bus
from eventbus_schemas import Session, session_faults
from eventbus_schemas._agent_session import ATTRIBUTES
from tests.schemas._agent_trees import ENDS, STARTS
from tests.schemas.test_agent_endings import MAKE, each_kind
from tests.schemas.test_agent_session import Rig
from tests.schemas.test_agent_session import rig as rig

# Any in this module: what a caller says, right or wrong.

Say = Callable[[Any], object]


@pytest.fixture
async def strict() -> AsyncGenerator[Rig]:
    made = Rig(Bus(strict=True))
    async with made.bus:
        yield made


@pytest.mark.parametrize("name", ATTRIBUTES)
def test_a_fact_of_a_session_is_text(name: str) -> None:
    facts: Any = {"conversation_id": "c", name: 5}
    with pytest.raises(TypeError, match=f"^{name} must be text, got 5$"):
        Session(Bus(), **facts)


@pytest.mark.parametrize("name", [None, ""])
def test_a_session_without_a_name_is_none(name: Any) -> None:
    with pytest.raises(TypeError, match=r"^a session needs its conversation_id$"):
        Session(Bus(), conversation_id=name)


@pytest.mark.parametrize(
    ("say", "refused"),
    [
        (lambda s: s.with_model(5), "model must be text, got 5"),
        (lambda s: s.with_model(None), "model must be text, got None"),
        (lambda s: s.with_model("m", slug=5), "slug must be text, got 5"),
        (
            lambda s: s.with_inference(service_tier=1),
            "service_tier must be text, got 1",
        ),
        (
            lambda s: s.with_inference(reasoning_effort=b"x"),
            "reasoning_effort must be text, got bytes",
        ),
        (
            lambda s: s.with_attributes({"gen_ai.request.model": 5}),
            r"gen_ai\.request\.model must be text, got 5",
        ),
        (
            lambda s: s.with_attributes(5),
            "attributes must be a table by names, got 5",
        ),
        (
            lambda s: s.with_attributes({5: "x"}),
            "a name in attributes must be text, got 5",
        ),
        (
            lambda s: s.with_auth_environment(provider_key_present="sk-1"),
            "provider_key_present must be True or False, got str",
        ),
        (
            lambda s: s.with_auth_environment(provider_key_present=1),
            "provider_key_present must be True or False, got 1",
        ),
        (lambda s: s.with_request(0), "request_id must be text, got 0"),
        (lambda s: s.turn(0), "turn_id must be text, got 0"),
        (lambda s: s.turn(2**64), "turn_id must be text, got int"),
        (lambda s: s.turn(2**64 - 1), f"turn_id must be text, got {2**64 - 1}"),
        (lambda s: s.thread(workflow=1.5), r"workflow must be text, got 1\.5"),
        (
            lambda s: s.thread(tracing_disabled=0),
            "tracing_disabled must be True or False, got 0",
        ),
        (lambda s: s.tool_call(5), "tool_name must be text, got 5"),
        (lambda s: s.tool_call("x", call_id=5), "call_id must be text, got 5"),
        (
            lambda s: s.tool_call("x", attempt=True),
            "attempt must be a whole number, got True",
        ),
        (
            lambda s: s.tool_call("x", attempt=1.0),
            r"attempt must be a whole number, got 1\.0",
        ),
        (
            lambda s: s.tool_call("x", capabilities="read"),
            "capabilities must be a list of texts, got str",
        ),
        (
            lambda s: s.tool_call("x", capabilities=["read", 5]),
            "capabilities must be text, got 5",
        ),
        (lambda s: s.approval(5), "tool_name must be text, got 5"),
        (lambda s: s.approval("x", source=5), "source must be text, got 5"),
        (lambda s: s.approval("x", call_id=5), "call_id must be text, got 5"),
        (
            lambda s: s.tool_call("x").completed(success="no"),
            "success must be True or False, got str",
        ),
        (
            lambda s: s.tool_call("x").learned(duration_ms="5"),
            "duration_ms must be a number, got str",
        ),
        (
            lambda s: s.tool_call("x").learned(duration_ms=True),
            "duration_ms must be a number, got True",
        ),
        (
            lambda s: s.turn().completed(tool_call_count=True),
            "tool_call_count must be a whole number, got True",
        ),
        (
            lambda s: s.turn().completed(temporary_memory=1),
            "temporary_memory must be True or False, got 1",
        ),
        (lambda s: s.turn().completed(success=False), r"Unknown fact 'success'\. .+"),
    ],
)
def test_a_fact_of_another_type_is_refused_where_it_is_given(
    say: Say, refused: str
) -> None:
    with pytest.raises(TypeError, match=f"^{refused}$"):
        say(Rig().session())


async def test_what_is_not_known_is_none_everywhere(strict: Rig) -> None:
    session = strict.session(model=None, slug=None).with_inference()
    session = session.with_auth_environment(provider_key_name=None)  # type: ignore[typeddict-item]
    with (
        session.turn(None) as turn,
        turn.thread(workflow=None) as thread,  # type: ignore[typeddict-item]
        thread.approval("x", source=None, call_id=None),
        thread.tool_call("x", attempt=None, capabilities=None, call_id=None) as call,
    ):
        call.learned(exit_code=None)
        turn.completed(input_tokens=None)  # type: ignore[typeddict-item]
    assert len([one for one in await strict.records() if one.name in ENDS]) == 4


class Own(str):
    """Text of a type of its own."""


class Word(StrEnum):
    ONE = "one"


class Count(IntEnum):
    ONE = 1


class Number(int):
    """A whole number of a type of its own."""


class Length(float):
    """A number of a type of its own."""


@pytest.mark.proves("C3")
@pytest.mark.parametrize("text", [Own("one"), Word.ONE])
@pytest.mark.parametrize("number", [Number(1), Count.ONE])
@each_kind
async def test_values_of_ones_own_types_keep_no_end_from_being_told(
    strict: Rig, kind: str, text: Any, number: Any
) -> None:
    say: dict[str, Say] = {
        "turn": lambda one: one.completed(input_tokens=number),
        "thread": lambda one: (one.stopped("error", text), one.learned(thread_id=text)),
        "tool_call": lambda one: (
            one.learned(exit_code=number, mcp_server=text, duration_ms=Length(5)),
            one.completed(text),
        ),
        "approval": lambda one: one.decided("denied", text),
    }
    session = strict.session(model=text).with_inference(service_tier=text)
    session = session.with_attributes({"auth_mode": text}).with_request(text)
    with MAKE[kind](session.turn(text) if kind != "turn" else session) as stretch:
        say[kind](stretch)
    names = [one.name for one in await strict.records()]
    assert [name in STARTS for name in names] == [True, False]
    assert [name in ENDS for name in names] == [False, True]


@pytest.mark.proves("C3")
@each_kind
async def test_an_error_with_words_of_its_own_type_keeps_no_end_from_being_told(
    strict: Rig, kind: str
) -> None:
    class Odd(Exception):
        def __str__(self) -> str:
            return Own("no")

    with pytest.raises(Odd), MAKE[kind](strict.session()):
        raise Odd
    names = [one.name for one in await strict.records()]
    assert [name in ENDS for name in names] == [False, True]


LATE: dict[str, tuple[str, Say]] = {
    "Turn.completed": ("turn", lambda one: one.completed(input_tokens=1)),
    "Turn.failed": ("turn", lambda one: one.failed("no")),
    "Turn.aborted": ("turn", lambda one: one.aborted("replaced")),
    "Thread.stopped": ("thread", lambda one: one.stopped("error")),
    "Thread.learned": ("thread", lambda one: one.learned(thread_id="t")),
    "ToolCall.completed": ("tool_call", lambda one: one.completed("x")),
    "ToolCall.failed": ("tool_call", lambda one: one.failed("x")),
    "ToolCall.could_not_run": ("tool_call", lambda one: one.could_not_run("x")),
    "ToolCall.learned": ("tool_call", lambda one: one.learned(exit_code=1)),
    "ApprovalWait.decided": ("approval", lambda one: one.decided("denied")),
}


@pytest.mark.parametrize("method", LATE)
async def test_what_is_said_after_the_end_is_counted_and_told(
    rig: Rig, method: str, caplog: pytest.LogCaptureFixture
) -> None:
    kind, say = LATE[method]
    before = session_faults().get(method, 0)
    for error in (None, ValueError("no"), GeneratorExit()):
        stretch = MAKE[kind](rig.session())
        stretch.__enter__()
        assert not stretch.is_over
        say(stretch)
        stretch.__exit__(error and type(error), error, None)
        assert stretch.is_over
    assert session_faults().get(method, 0) == before
    assert caplog.records == []
    say(stretch)
    say(stretch)
    assert session_faults()[method] == before + 2
    assert len([one for one in await rig.records() if one.name in ENDS]) == 3
    told = [(one.name, one.levelno, one.getMessage()) for one in caplog.records]
    words = f"{method} was called after its end was told; nothing is told of it"
    assert told == [("eventbus.sessions", logging.WARNING, words)]


@pytest.mark.parametrize("success", [True, False])
async def test_a_call_completes_with_a_success_or_without(
    rig: Rig, success: bool
) -> None:
    with rig.session().tool_call("x") as call:
        call.completed("out", success=success)
    end = (await rig.records())[-1].event
    assert (end.success, end.output) == (success, "out")
    assert end.severity == ("info" if success else "warn")
