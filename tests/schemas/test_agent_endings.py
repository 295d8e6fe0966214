"""In every way a stretch can be left it has one end, and what was around it is back."""

from __future__ import annotations

import asyncio
import gc
import random
from collections.abc import AsyncGenerator, Callable, Generator
from typing import Any

import pytest

import eventbus
from eventbus import Event, RegistrationError, trace_context
from eventbus.testing import settled
from eventbus_schemas import Session
from tests._program import run_program
from tests.schemas._agent_trees import ENDS, STARTS
from tests.schemas.test_agent_session import Rig
from tests.schemas.test_agent_session import rig as rig

# Any in this module: stretches of four types, and events of many.

MAKE: dict[str, Callable[[Session], Any]] = {
    "turn": lambda session: session.turn(),
    "thread": lambda session: session.thread("x"),
    "tool_call": lambda session: session.tool_call("shell"),
    "approval": lambda session: session.approval("shell"),
}
LEFT = {
    "turn": ("agent.turn_aborted", "interrupted"),
    "thread": ("agent.thread_stopped", "early_exit"),
    "tool_call": ("agent.call_cancelled", "tool_call"),
    "approval": ("agent.call_cancelled", "approval"),
}
each_kind = pytest.mark.parametrize("kind", MAKE)


async def end_of(rig: Rig) -> tuple[str, str | None]:
    """Return the name of the only end, and why it came; there is one start."""
    records = await rig.records()
    assert [one.name for one in records if one.name in STARTS] == [records[0].name]
    (end,) = [one for one in records if one.name in ENDS]
    assert end is records[-1]
    event = end.event
    for why in ("reason", "result", "operation"):
        if getattr(event, why, None) is not None:
            return end.name, getattr(event, why)
    return end.name, None


@pytest.mark.proves("C3")
@each_kind
async def test_it_is_entered_once_and_left_once(rig: Rig, kind: str) -> None:
    stretch = MAKE[kind](rig.session())
    with pytest.raises(RuntimeError, match="left without being inside of it"):
        stretch.__exit__(None, None, None)
    with stretch, pytest.raises(RuntimeError, match="is entered once, this one again"):
        stretch.__enter__()
    with pytest.raises(RuntimeError, match="left without being inside of it"):
        stretch.__exit__(None, None, None)
    with pytest.raises(RuntimeError, match="is entered once"):
        stretch.__enter__()
    await end_of(rig)


END_EVENTS = {
    "turn": ("agent.turn_completed", "agent.turn_failed", "agent.turn_aborted"),
    "thread": ("agent.thread_stopped", "agent.thread_failed"),
    "tool_call": ("agent.tool_result", "agent.call_cancelled"),
    "approval": ("agent.approval_decided", "agent.call_cancelled"),
}


@pytest.mark.parametrize(
    ("kind", "end"), [(kind, end) for kind, ends in END_EVENTS.items() for end in ends]
)
async def test_what_could_not_be_told_at_its_end_does_not_begin(
    rig: Rig, kind: str, end: str
) -> None:
    """Else the refusal would come in place of the error that ends it."""

    class Foreign(Event, tag=end): ...

    assert rig.bus.emit(Foreign())
    with pytest.raises(RegistrationError, match=f"two event types .* '{end}'"):
        MAKE[kind](rig.session()).__enter__()
    assert [one.name for one in await rig.records()] == [end]


def saying(kind: str, method: str, *given: Any) -> Callable[[Session], object]:
    return lambda session: getattr(MAKE[kind](session), method)(*given)


@pytest.mark.parametrize(
    ("say", "refused"),
    [
        (saying("turn", "failed", None), "error_message must be text, got None"),
        (saying("thread", "stopped", "ok", 1), "error_message must be text, got 1"),
        (saying("tool_call", "completed", {}), "output must be text, got dict"),
        (saying("tool_call", "failed", b""), "output must be text, got bytes"),
        (saying("tool_call", "could_not_run", []), "error must be text, got list"),
        (saying("approval", "decided", "denied", 1), "reason must be text, got 1"),
        (lambda session: session.thread(1), "input must be text, got 1"),
        (
            lambda session: session.tool_call("x", arguments={}),
            "arguments must be text, got dict",
        ),
        (
            lambda session: session.tool_call("x", metadata={}),
            "metadata must be text, got dict",
        ),
    ],
)
def test_what_is_no_text_is_refused_where_it_is_said_not_at_the_end(
    say: Callable[[Any], object], refused: str
) -> None:
    with pytest.raises(TypeError, match=f"^{refused}$"):
        say(Rig().session())


async def test_absent_arguments_are_no_wrong_ones(rig: Rig) -> None:
    with rig.session().tool_call("x", arguments=None, metadata=None) as call:
        call.completed()
    assert await end_of(rig) == ("agent.tool_result", None)


def test_ids_do_not_come_of_the_numbers_that_a_program_draws() -> None:
    session = Rig().session()
    tokens = set[str]()
    for _ in range(2):
        random.seed(7)
        before = random.getstate()
        with session.turn() as turn:
            trace = trace_context.current()
        assert trace is not None
        assert random.getstate() == before
        tokens |= {turn.token, trace.trace_id}
    assert sorted(map(len, tokens)) == [16, 16, 32, 32]


def test_ids_use_all_of_their_digits() -> None:
    session = Rig().session()
    first, halves = set[str](), set[str]()
    for _ in range(100):
        with session.turn() as turn:
            trace = trace_context.current()
        assert trace is not None
        first.add(turn.token[0])
        halves.add(trace.trace_id[:16])
    assert len(first) > 8
    assert len(halves) == 100


@pytest.mark.proves("J7")
@each_kind
async def test_the_outer_span_is_back_whichever_ends_first(rig: Rig, kind: str) -> None:
    outer = trace_context.parse(f"00-{'a' * 32}-{'b' * 16}-01")
    with trace_context.attach(outer), eventbus.bind(tenant="t"):
        first, second = MAKE[kind](rig.session()), MAKE[kind](rig.session())
        first.__enter__()
        second.__enter__()
        inside = trace_context.current()
        first.__exit__(None, None, None)
        assert trace_context.current() == inside
        second.__exit__(None, None, None)
        assert trace_context.current() == outer
        rig.session().user_prompt("after")
    assert (await rig.records())[-1].attributes["tenant"] == "t"


@pytest.mark.proves("C3")
@each_kind
async def test_one_that_nobody_ends_is_told_as_left(rig: Rig, kind: str) -> None:
    MAKE[kind](rig.session()).__enter__()
    gc.collect()
    assert await end_of(rig) == LEFT[kind]


@pytest.mark.proves("C3")
@each_kind
async def test_a_generator_that_nobody_runs_to_its_end(rig: Rig, kind: str) -> None:
    def steps() -> Generator[None]:
        with MAKE[kind](rig.session()):
            yield

    abandoned = steps()
    next(abandoned)
    del abandoned
    gc.collect()
    assert await end_of(rig) == LEFT[kind]
    assert trace_context.current() is None


@pytest.mark.proves("C3", "J7")
async def test_streams_read_in_turns_leave_nothing_behind(rig: Rig) -> None:
    async def stream() -> AsyncGenerator[int]:
        with rig.session().thread("x"):
            yield 1
            yield 2

    first, second = stream(), stream()
    for one in (first, second, first, second):
        await anext(one)
    await first.aclose()
    await second.aclose()
    assert trace_context.current() is None


@pytest.mark.proves("J7")
async def test_a_stream_that_the_loop_closes_is_no_parent_of_what_comes_next(
    rig: Rig,
) -> None:
    async def stream() -> AsyncGenerator[int]:
        with rig.session().thread("x"):
            yield 1

    abandoned = stream()
    await anext(abandoned)
    del abandoned
    await settled()
    with rig.session().turn() as turn:
        pass
    assert trace_context.current() is None
    records = {one.name: one for one in await rig.records()}
    end = records["agent.turn_completed"]
    assert (end.span_id, end.parent_span_id) == (turn.token, None)


async def test_a_task_that_outlives_a_turn_stays_below_it(rig: Rig) -> None:
    """Also after a call of its own: the turn's end is nothing to this task."""
    go_on = asyncio.Event()

    async def work(turn: Session) -> None:
        await go_on.wait()
        with turn.tool_call("late"):
            pass
        turn.user_prompt("late")

    with rig.session().turn() as turn:
        task = asyncio.create_task(work(turn))
        await asyncio.sleep(0)
    go_on.set()
    await task
    late = (await rig.records())[-1]
    assert late.event.prompt == "late"
    assert late.span_id == turn.token


@pytest.mark.proves("C3")
@each_kind
async def test_one_that_another_task_ends(rig: Rig, kind: str) -> None:
    stretch = MAKE[kind](rig.session()).__enter__()
    inside = trace_context.current()

    async def end() -> None:
        stretch.__exit__(None, None, None)
        assert trace_context.current() == inside  # a copy of what was current there

    await asyncio.create_task(end())
    await end_of(rig)


@pytest.mark.proves("C3")
@each_kind
async def test_a_deadline_outside_cuts_it_off(rig: Rig, kind: str) -> None:
    async def work() -> None:
        async with asyncio.timeout(0):
            with MAKE[kind](rig.session()):
                await asyncio.Event().wait()

    with pytest.raises(TimeoutError):
        await work()
    why = LEFT[kind] if kind != "thread" else ("agent.thread_stopped", "cancelled")
    assert await end_of(rig) == why


@pytest.mark.proves("C3")
@each_kind
async def test_a_task_group_that_fails_beside_it_cuts_it_off(
    rig: Rig, kind: str
) -> None:
    async def inside() -> None:
        with MAKE[kind](rig.session()):
            await asyncio.Event().wait()

    async def work() -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(inside())
            await asyncio.sleep(0)
            raise OSError("gone")

    with pytest.raises(ExceptionGroup):
        await work()
    why = LEFT[kind] if kind != "thread" else ("agent.thread_stopped", "cancelled")
    assert await end_of(rig) == why


@pytest.mark.proves("C3")
@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
async def test_a_thread_that_is_interrupted_was_cancelled(
    rig: Rig, error: type[BaseException]
) -> None:
    thread = rig.session().thread("x")
    with pytest.raises(error), thread:
        raise error
    assert await end_of(rig) == ("agent.thread_stopped", "cancelled")


@each_kind
async def test_a_closed_bus_refuses_the_end_and_nothing_is_raised(kind: str) -> None:
    rig = Rig()
    with MAKE[kind](rig.session()):
        async with rig.bus:
            pass
    names = [one.name for one in rig.sink.records]
    assert [STARTS[name] for name in names] == [kind]
    assert rig.bus.stats().refused["closed"] == 1


HEARD = """
from eventbus_schemas import Session

class Heard:
    names = []

    def emitter(self, event_type, *, attributes=None):
        return lambda event: self.names.append(event_type.__name__)

session = Session(Heard(), conversation_id="c")
"""

LOOP_CLOSED = f"""{HEARD}
async def stream():
    with session.thread("x"):
        yield 1

loop = asyncio.new_event_loop()
abandoned = stream()
loop.run_until_complete(anext(abandoned))
loop.close()
del abandoned
tell(names=Heard.names)
"""

PROGRAM_ENDS = """
import builtins
from eventbus_schemas import Session

session = Session(Bus(), conversation_id="c")
builtins.kept = [session.turn().__enter__(), session.approval("a").__enter__()]
builtins.kept.append(builtins.kept)  # until nothing else is left
"""

FORKED = f"""{HEARD}
async def work():
    with session.turn() as turn, turn.tool_call("shell"):
        dropped = turn.thread("x").__enter__()
        child = os.fork()
        if child:
            os.waitpid(child, 0)
        del dropped
    tell(child=not child, names=Heard.names)
    if not child:
        os._exit(0)

asyncio.run(work())
"""


@pytest.mark.proves("C3")
def test_a_stream_whose_loop_is_closed_has_an_end() -> None:
    (told,) = run_program(LOOP_CLOSED, options=("-W", "ignore::ResourceWarning"))
    assert told["names"] == ["ThreadStarted", "ThreadStopped"]


def test_a_program_may_end_with_one_open_and_says_nothing() -> None:
    assert run_program(PROGRAM_ENDS) == []


@pytest.mark.proves("C3")
def test_a_fork_within_it_ends_it_once_in_the_parent() -> None:
    of_child, of_parent = run_program(FORKED)
    assert (of_child["child"], of_parent["child"]) == (True, False)
    assert of_child["names"] == ["TurnStarted", "ToolStarted", "ThreadStarted"]
    ends = ["ThreadStopped", "ToolResult", "TurnCompleted"]
    assert of_parent["names"] == [*of_child["names"], *ends]
