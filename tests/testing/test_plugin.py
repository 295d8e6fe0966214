"""What the pytest plugin does to a session, and what it leaves alone."""

from __future__ import annotations

from collections.abc import Callable

import pytest

import eventbus
from eventbus._offline import is_offline, offline, reaches_network

pytest_plugins = ["pytester"]

EVENTS = """
    import eventbus
    import pytest
    from eventbus import Event
    from eventbus._offline import is_offline

    class Done(Event, tag="job.done"):
        name: str

    emit = eventbus.emitter(Done)
"""


INI = """
[pytest]
asyncio_mode = auto
asyncio_default_fixture_loop_scope = function
filterwarnings = error
"""

Run = Callable[..., pytest.RunResult]


@pytest.fixture
def run(pytester: pytest.Pytester) -> Run:
    def run_tests(tests: str, *options: str, ini: str = "") -> pytest.RunResult:
        pytester.makeini(f"{INI}\n{ini}")
        pytester.makepyfile(EVENTS + tests)
        quick = ("-p", "no:cacheprovider", "-p", "no:hypothesispytest")
        return pytester.runpytest_inprocess(*quick, *options)

    return run_tests


def test_a_run_without_the_fixture_loads_no_bus(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
    import sys

    def test_it():
        assert "eventbus.testing.plugin" in sys.modules
        assert "eventbus._bus" not in sys.modules
        assert "eventbus.testing._bus_events" not in sys.modules
        assert "msgspec" not in sys.modules
    """
    )
    alone = ("-p", "no:cacheprovider", "-p", "no:hypothesispytest")
    pytester.runpytest_subprocess(*alone).assert_outcomes(passed=1)


def test_patterns_are_scrubbed_from_a_golden_transcript(run: Run) -> None:
    test = """
    import re

    def test_it(bus_events):
        emit(Done(name="port {}"))
        bus_events.golden("done.jsonl", scrub=[re.compile(r"[0-9]+")])
    """
    write = "--eventbus-update-golden"
    run(test.format(80), write).assert_outcomes(passed=1)
    run(test.format(81)).assert_outcomes(passed=1)


@pytest.mark.proves("L5")
def test_the_fixture_stands_behind_every_emitter(run: Run) -> None:
    run(
        """
    def test_it(bus_events):
        assert emit(Done(name="a"))
        bus_events.assert_event("job.done", name="a")

    def test_next_one_is_empty(bus_events):
        assert bus_events.events == []

    def test_without_it_nobody_listens():
        assert emit(Done(name="a"))
        with eventbus.use(eventbus.Bus()):
            pass
    """
    ).assert_outcomes(passed=3)


def test_code_that_uses_a_bus_of_its_own_is_recorded_too(run: Run) -> None:
    run(
        """
    async def test_it(bus_events):
        async with eventbus.Bus() as bus:
            with eventbus.use(bus) as used:
                assert used is bus
                emit(Done(name="theirs"))
                with pytest.raises(eventbus.OwnerError, match="one bus at a time"):
                    with eventbus.use(eventbus.Bus()):
                        pass
            emit(Done(name="after"))
            assert bus.stats().emitted == 1
            with eventbus.use(bus):
                emit(Done(name="again"))
        assert {e.name for e in bus_events.events} == {"theirs", "after", "again"}
        await bus_events.wait_for("job.done", name="again")

    def test_in_a_thread(bus_events):
        with eventbus.run_in_thread(eventbus.Bus()) as bus, eventbus.use(bus):
            emit(Done(name="theirs"))
            assert bus_events.names == ["job.done"]
        with eventbus.use(bus):
            assert emit(Done(name="closed")) is False
        assert bus_events.names == ["job.done"]

    def test_its_own(bus_events):
        with eventbus.use(bus_events.bus):
            emit(Done(name="own"))
        assert bus_events.names == ["job.done"]
    """
    ).assert_outcomes(passed=3)
    with eventbus.use(eventbus.Bus()):
        pass


def test_async_tests_can_wait(run: Run) -> None:
    run(
        """
    import asyncio

    async def test_it(bus_events):
        asyncio.get_running_loop().call_soon(emit, Done(name="a"))
        assert (await bus_events.wait_for(Done)).event.name == "a"

    @pytest.mark.anyio
    @pytest.mark.parametrize("anyio_backend", ["asyncio"])
    async def test_with_anyio(bus_events, anyio_backend):
        async with bus_events.bus as bus:
            await bus.publish(Done(name="a"))
        bus_events.assert_event(Done)
    """
    ).assert_outcomes(passed=2)


def test_a_failure_names_the_difference_and_shows_no_secret(run: Run) -> None:
    result = run(
        """
    from typing import Annotated

    class Login(Event, tag="login"):
        user: str
        password: Annotated[str, eventbus.Sensitive]

    def test_it(bus_events):
        eventbus.emitter(Login)(Login(user="eve", password="hun" "ter2"))
        bus_events.assert_event("login", user="bob")
    """
    )
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["E*no event 'login' with user='bob'; of 1 near it:"])
    result.stdout.no_fnmatch_line("*hunter2*")


def test_transcripts_lie_beside_the_test_and_are_written_on_demand(
    run: Run, pytester: pytest.Pytester
) -> None:
    test = """
    def test_it(bus_events):
        emit(Done(name="a"))
        bus_events.golden("golden/done.jsonl")
    """
    result = run(test)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*no transcript at *golden/done.jsonl*"])
    run(test, "--eventbus-update-golden").assert_outcomes(passed=1)
    assert (pytester.path / "golden" / "done.jsonl").exists()
    run(test).assert_outcomes(passed=1)
    run(test.replace('"a"', '"b"')).stdout.fnmatch_lines(
        ['*$[[]0].event.name: expected "a", got "b"']
    )


@pytest.mark.proves("fault-125")
def test_the_network_is_off_with_the_fixture_and_on_without(run: Run) -> None:
    run(
        """
    def test_with(bus_events):
        assert is_offline()

    def test_without():
        assert not is_offline()

    @pytest.mark.eventbus_network
    def test_allowed(bus_events):
        assert not is_offline()
    """,
        "--strict-markers",
    ).assert_outcomes(passed=3)


def test_the_network_can_be_off_in_every_test(run: Run) -> None:
    run(
        """
    @pytest.fixture(autouse=True)
    def before():
        return is_offline()

    def test_without(before):
        assert before
        assert is_offline()

    @pytest.mark.eventbus_network
    def test_allowed(before, bus_events):
        assert not before
        assert not is_offline()
    """,
        ini="eventbus_offline = true",
    ).assert_outcomes(passed=2)


def test_the_plugin_can_be_left_out(run: Run) -> None:
    test = """
    def test_it(bus_events): ...
    """
    result = run(test, "-p", "no:eventbus")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*fixture 'bus_events' not found*"])


def test_without_autoloading_it_is_there_for_who_names_it(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    pytester.makepyfile("def test_it(bus_events): assert bus_events.events == []")
    quick = ("-p", "no:cacheprovider")
    pytester.runpytest_inprocess(*quick).assert_outcomes(errors=1)
    named = ("-p", "eventbus.testing.plugin")
    pytester.runpytest_inprocess(*quick, *named).assert_outcomes(passed=1)


def test_nothing_stays_behind_when_a_test_raises(run: Run) -> None:
    run(
        """
    def test_it(bus_events):
        raise KeyError("a")
    """
    ).assert_outcomes(failed=1)
    assert not is_offline()
    with eventbus.use(eventbus.Bus()):
        pass


def test_offline_ends_with_its_block_and_can_be_lifted_within() -> None:
    assert not is_offline()
    with offline():
        assert is_offline()
        with offline(False):
            assert not is_offline()
        assert is_offline()
    assert not is_offline()


def test_a_sink_reaches_the_network_when_its_class_says_so() -> None:
    class Far:
        network = True

    assert reaches_network(Far)
    assert reaches_network(Far())
    assert not reaches_network(object())
