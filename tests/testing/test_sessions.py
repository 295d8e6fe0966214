"""Sessions of pytest whose tests share a bus, or a loop, or neither."""

from __future__ import annotations

from collections.abc import Callable

import pytest

pytest_plugins = ["pytester"]

INI = """
[pytest]
asyncio_mode = auto
asyncio_default_fixture_loop_scope = {scope}
asyncio_default_test_loop_scope = {scope}
filterwarnings = error
"""

SHARED = """
    import asyncio
    import eventbus
    import pytest
    from eventbus import Bus, Event
    from eventbus.testing import RecordingSink

    class Done(Event, tag="job.done"):
        n: int

    shared, sink = Bus(), RecordingSink()
    shared.attach(sink, name="sink")
    emit = eventbus.emitter(Done)

    def names():
        return sorted(task.get_name() for task in asyncio.all_tasks()
                      if task is not asyncio.current_task())
"""

Run = Callable[..., pytest.RunResult]


@pytest.fixture
def run(pytester: pytest.Pytester) -> Run:
    def run_tests(tests: str, *, scope: str = "function") -> pytest.RunResult:
        pytester.makeini(INI.format(scope=scope))
        pytester.makepyfile(SHARED + tests)
        quick = ("-p", "no:cacheprovider", "-p", "no:hypothesispytest")
        return pytester.runpytest_inprocess(*quick)

    return run_tests


@pytest.mark.proves("fault-125")
@pytest.mark.parametrize("scope", ["function", "session"])
def test_a_bus_of_the_module_goes_from_test_to_test(run: Run, scope: str) -> None:
    """With a loop per test, it goes from loop to loop and leaves no task there."""
    run(
        """
    @pytest.mark.parametrize("n", range(5))
    async def test_it(n):
        await shared.start()
        assert len([name for name in names() if name == "eventbus sink"]) == 1
        await shared.publish(Done(n=n))
        assert (await shared.flush()).complete
        assert [event.n for event in sink.events] == [*range(n + 1)]

    async def test_at_last_it_is_closed():
        await shared.start()
        await shared.aclose()
        await asyncio.sleep(0)
        assert names() == []
    """,
        scope=scope,
    ).assert_outcomes(passed=6)


@pytest.mark.proves("fault-125")
@pytest.mark.parametrize("scope", ["function", "session"])
def test_a_bus_of_each_test_has_its_own_events_and_leaves_no_task(
    run: Run, scope: str
) -> None:
    run(
        """
    @pytest.fixture
    async def bus():
        async with Bus() as bus:
            yield bus

    @pytest.mark.parametrize("n", range(3))
    async def test_it(bus, n):
        assert [name for name in names() if "eventbus" in name] == []
        own = RecordingSink()
        bus.attach(own)
        with eventbus.use(bus):
            emit(Done(n=n))
        await bus.flush()
        assert [event.n for event in own.events] == [n]
    """,
        scope=scope,
    ).assert_outcomes(passed=3)


@pytest.mark.proves("fault-125")
def test_a_loop_within_a_loop_has_a_bus_of_its_own(run: Run) -> None:
    run(
        """
    async def use(bus, sink, n, inner=None):
        async with bus:
            bus.attach(sink)
            bus.emit(Done(n=n))
            if inner is not None:
                await asyncio.to_thread(asyncio.run, inner())
            bus.emit(Done(n=n + 1))
        assert names() == []

    @pytest.mark.parametrize("n", range(2))
    def test_twice(n):
        outer, inner = RecordingSink(), RecordingSink()
        asyncio.run(use(Bus(), outer, 0, lambda: use(Bus(), inner, 10)))
        asyncio.run(use(Bus(), RecordingSink(), 0))
        assert [event.n for event in outer.events] == [0, 1]
        assert [event.n for event in inner.events] == [10, 11]
    """
    ).assert_outcomes(passed=2)


@pytest.mark.proves("fault-125")
@pytest.mark.parametrize("scope", ["function", "session"])
def test_with_the_fixture_nothing_is_sent_and_nothing_comes_from_before(
    run: Run, scope: str
) -> None:
    run(
        """
    @pytest.mark.parametrize("n", range(3))
    async def test_it(bus_events, n):
        emit(Done(n=n))
        assert [event.n for event in bus_events.events] == [n]
        assert bus_events.bus.stats().attachments.keys() <= {"bus_events"}
        assert [name for name in names() if "eventbus" in name] == []

    def test_after_it_nobody_listens():
        assert emit(Done(n=9)) is True
    """,
        scope=scope,
    ).assert_outcomes(passed=4)
