from __future__ import annotations

import asyncio
from typing import Annotated, Any

import pytest

from eventbus import Event, MetricError, Unit
from eventbus.metrics import Timer, timed
from eventbus.testing import ManualClock
from tests.metrics._events import Request, Tool, counted, histogram, named

CLOCK = ManualClock()


def timer(emit: Any, event_type: type[Event] = Tool, **tags: Any) -> Timer:
    return Timer(emit, event_type, monotonic=CLOCK.monotonic, **tags)


@pytest.mark.proves("H3")
def test_a_block_becomes_one_event_with_its_time() -> None:
    emitted: list[Tool] = []
    with timer(emitted.append, tool_name="shell"):
        CLOCK.advance(0.25)
    assert emitted == [Tool(tool_name="shell", success=True, duration_ms=250.0)]
    metrics = named(counted(*emitted).snapshot())
    assert histogram(metrics["tool.duration"], tool_name="shell").sum == 0.25


@pytest.mark.proves("H3")
def test_it_is_told_on_errors_too_and_the_error_goes_on() -> None:
    emitted: list[Tool] = []
    running = timer(emitted.append, tool_name="shell")
    CLOCK.advance(1)
    with pytest.raises(KeyError), running:
        raise KeyError
    assert emitted == [Tool(tool_name="shell", success=False, duration_ms=0.0)]


@pytest.mark.proves("H3")
def test_later_tags_win_over_earlier_ones_and_over_what_the_block_says() -> None:
    emitted: list[Tool] = []
    with timer(emitted.append, tool_name="first") as running:
        running.tag(tool_name="second", success=False)
        running.tag(tool_name="third")
    assert emitted[0].tool_name == "third"
    assert emitted[0].success is False


@pytest.mark.proves("H3")
def test_it_is_told_once() -> None:
    emitted: list[Tool] = []
    with timer(emitted.append, tool_name="shell") as running:
        CLOCK.advance(1)
        assert running.record(tool_name="early") is True
        CLOCK.advance(1)
        assert running.record() is False
    assert emitted == [Tool(tool_name="early", success=True, duration_ms=1000.0)]


def test_without_with_it_runs_from_where_it_was_made() -> None:
    emitted: list[Tool] = []
    running = timer(emitted.append, tool_name="shell")
    CLOCK.advance(2)
    running.record()
    assert emitted[0].duration_ms == 2000.0


def test_without_a_span_the_only_duration_is_meant() -> None:
    emitted: list[Request] = []
    with timer(emitted.append, Request, route="/"):
        CLOCK.advance(1)
    assert emitted == [Request(route="/", duration_ms=1000.0)]


def test_a_field_of_whole_numbers_gets_one_in_its_own_unit() -> None:
    class Whole(Event):
        took: Annotated[int, Unit("us")]

    emitted: list[Whole] = []
    with timer(emitted.append, Whole):
        CLOCK.advance(0.0000026)
    assert emitted == [Whole(took=3)]
    assert type(emitted[0].took) is int


def test_a_type_that_does_not_say_where_a_duration_goes_is_refused() -> None:
    class Two(Event):
        a: Annotated[float, Unit("s")]
        b: Annotated[float, Unit("ms")]

    class Never(Event):
        size: Annotated[int, Unit("By")]

    for event_type in (Two, Never):
        with pytest.raises(MetricError, match="must say where a duration goes"):
            timer(print, event_type)


def test_a_field_that_the_type_does_not_have_is_refused_at_once() -> None:
    with pytest.raises(MetricError, match=r"no field 'tol_name'. Did you mean"):
        timer(print, tol_name="shell")
    with pytest.raises(MetricError, match="no field 'status'"):
        timer(print).tag(status="ok")


def test_what_is_missing_raises_but_never_in_the_place_of_the_block_s_own_error() -> (
    None
):
    emitted: list[Tool] = []
    with pytest.raises(TypeError, match="tool_name"), timer(emitted.append):
        pass
    with pytest.raises(KeyError) as caught, timer(emitted.append):
        raise KeyError
    assert (
        "it was not told: Missing required argument 'tool_name'"
        in (caught.value.__notes__[0])
    )
    assert emitted == []


@pytest.mark.proves("H3")
async def test_an_awaitable_is_timed_with_its_result_its_error_or_its_end() -> None:
    emitted: list[Tool] = []

    async def work(result: Any) -> Any:
        await asyncio.sleep(0)
        if isinstance(result, Exception):
            raise result
        return result

    assert await timed(emitted.append, Tool, work(7), tool_name="a") == 7
    with pytest.raises(OSError, match="gone"):
        await timed(emitted.append, Tool, work(OSError("gone")), tool_name="b")
    waiting = asyncio.create_task(
        timed(emitted.append, Tool, asyncio.Event().wait(), tool_name="c")
    )
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert [(tool.tool_name, tool.success) for tool in emitted] == [
        *(("a", True), ("b", False), ("c", False)),
    ]
    assert all(tool.duration_ms >= 0 for tool in emitted)


async def test_an_awaitable_is_not_begun_for_an_event_that_could_not_be_told() -> None:
    begun: list[int] = []

    async def work() -> None:
        begun.append(1)

    awaitable = work()
    said = "event type 'tool' must be told 'tool_name'"
    with pytest.raises(MetricError, match=said):
        await timed(begun.append, Tool, awaitable)
    assert begun == []
    await awaitable
    assert begun == [1]
