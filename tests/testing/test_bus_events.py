"""What a test can ask about the events it caused."""

from __future__ import annotations

import asyncio
import threading
from typing import Annotated

import pytest

import eventbus
from eventbus import AttachError, Bus, BusClosedError, Event, Record, Sensitive
from eventbus.testing import BusEvents, RecordingSink


class Done(Event, tag="job.done"):
    name: str
    ok: bool = True
    duration_ms: float = 1.5
    output: Annotated[str, Sensitive] = ""


class Failed(Event, tag="job.failed", severity="error"):
    name: str


@pytest.fixture
def recorder() -> BusEvents:
    return BusEvents()


def test_events_are_there_without_a_loop_and_without_a_start(
    recorder: BusEvents,
) -> None:
    event = Done(name="a")
    assert recorder.bus.emit(event)
    assert recorder.events == [event]
    assert recorder.names == ["job.done"]


def test_events_come_in_the_order_of_their_emission(recorder: BusEvents) -> None:
    for n in range(1000):
        recorder.bus.emit(Done(name=str(n)))
        if n % 7 == 0:
            assert len(recorder.events) == n + 1
    assert [event.name for event in recorder.of(Done)] == [str(n) for n in range(1000)]


def test_records_have_what_was_bound(recorder: BusEvents) -> None:
    with eventbus.bind(conversation_id="c1"):
        recorder.bus.emit(Done(name="a"))
    (record,) = recorder.records
    assert record.attributes == {"conversation_id": "c1"}


def test_nothing_stays_pending_and_nothing_is_lost_on_the_bus(
    recorder: BusEvents,
) -> None:
    for n in range(20_000):
        recorder.bus.emit(Done(name=str(n)))
    assert len(recorder.events) == 20_000
    stats = recorder.bus.stats().attachments["bus_events"]
    assert (stats.offered, stats.sampled_out, stats.pending) == (20_000, 20_000, 0)
    assert stats.lost == 0


async def test_a_flush_of_a_recorded_bus_is_complete(recorder: BusEvents) -> None:
    async with recorder.bus as bus:
        bus.emit(Done(name="a"))
        assert (await bus.flush()).complete
    assert recorder.names == ["job.done"]


def test_of_gives_the_events_of_one_type(recorder: BusEvents) -> None:
    recorder.bus.emit(Done(name="a"))
    recorder.bus.emit(Failed(name="b"))
    assert recorder.of(Failed) == [Failed(name="b")]


def test_has_goes_by_name_type_function_and_fields(recorder: BusEvents) -> None:
    with eventbus.bind(conversation_id="c1"):
        recorder.bus.emit(Done(name="a", duration_ms=5))
    assert recorder.has(name="a")
    assert recorder.has("job.*", ok=True)
    assert recorder.has(Done, lambda event: event.duration_ms > 4)
    assert recorder.has(duration_ms=lambda value: value > 4, name=str)
    assert recorder.has(conversation_id="c1")
    assert not recorder.has("job.failed")
    assert not recorder.has(Done, name="b")
    assert not recorder.has(Done, duration_ms=str)
    assert not recorder.has(no_such_field=None)


def test_clear_forgets_everything_so_far(recorder: BusEvents) -> None:
    recorder.bus.emit(Done(name="a"))
    recorder.clear()
    recorder.bus.emit(Done(name="b"))
    assert recorder.events == [Done(name="b")]


@pytest.mark.proves("L5")
def test_assert_event_returns_the_first_record_that_fits(recorder: BusEvents) -> None:
    for name in ("a", "b"):
        recorder.bus.emit(Done(name=name))
    record = recorder.assert_event(Done, ok=True, duration_ms=float)
    assert isinstance(record, Record)
    assert record.event.name == "a"
    assert recorder.assert_event("job.done", lambda e: e.name > "a").event.name == "b"


@pytest.mark.proves("L5")
def test_a_failed_assertion_says_what_differs_from_the_near_ones(
    recorder: BusEvents,
) -> None:
    recorder.bus.emit(Failed(name="other"))
    recorder.bus.emit(Done(name="a"))
    with pytest.raises(AssertionError) as caught:
        recorder.assert_event("job.done", name="b", ok=True, duration_ms=str)
    assert str(caught.value).splitlines() == [
        "no event 'job.done' with name='b', ok=True, duration_ms=str; of 1 near it:",
        "  Done(name='a', ok=True, duration_ms=1.5, output='')",
        "    name: expected 'b', got 'a'",
        "    duration_ms: expected str, got 1.5",
    ]


def test_a_failed_assertion_about_another_name_lists_those_there_were(
    recorder: BusEvents,
) -> None:
    recorder.bus.emit(Failed(name="a"))
    with pytest.raises(AssertionError) as caught:
        recorder.assert_event("job.done")
    assert str(caught.value) == (
        "no event 'job.done'; the last of 1 recorded: job.failed"
    )


def test_a_failed_assertion_tells_of_events_that_the_bus_refused(
    recorder: BusEvents,
) -> None:
    class Impostor(Event, tag="job.done"):
        name: str

    recorder.bus.emit(Done(name="a"))
    recorder.bus.emit(Impostor(name="b"))
    with pytest.raises(AssertionError, match="refused by the bus: 1 unregistered"):
        recorder.assert_event(Impostor)


def test_a_sensitive_field_can_be_compared_and_is_never_shown(
    recorder: BusEvents,
) -> None:
    recorder.bus.emit(Done(name="a", output="hunter2"))
    assert recorder.has(output="hunter2")
    with pytest.raises(AssertionError) as caught:
        recorder.assert_event(Done, output="something else")
    assert "output: expected 'something else', got [REDACTED]" in str(caught.value)
    assert "hunter2" not in str(caught.value)


def test_assert_no_event_counts_what_should_not_be_there(recorder: BusEvents) -> None:
    recorder.bus.emit(Done(name="a"))
    recorder.assert_no_event(Failed)
    recorder.assert_no_event(Done, name="b")
    with pytest.raises(AssertionError, match=r"expected no event 'job\.\*', got 1"):
        recorder.assert_no_event("job.*")


@pytest.mark.proves("L5")
def test_assert_order_allows_others_between(recorder: BusEvents) -> None:
    for event in (Done(name="a"), Failed(name="b"), Done(name="c")):
        recorder.bus.emit(event)
    recorder.assert_order("job.done", Failed, Done)
    recorder.assert_order(Failed, "job.done")
    with pytest.raises(AssertionError) as caught:
        recorder.assert_order(Done, Failed, "job.failed")
    assert str(caught.value) == (
        "no event 'job.failed' after Done, Failed; "
        "recorded: job.done, job.failed, job.done"
    )


async def test_wait_for_finds_what_was_there_before(recorder: BusEvents) -> None:
    recorder.bus.emit(Done(name="a"))
    assert (await recorder.wait_for(Done, 0)).event == Done(name="a")


@pytest.mark.proves("L5")
async def test_wait_for_finds_what_a_task_emits_on_a_bus_that_was_not_started(
    recorder: BusEvents,
) -> None:
    asyncio.get_running_loop().call_soon(recorder.bus.emit, Failed(name="b"))
    asyncio.get_running_loop().call_soon(recorder.bus.emit, Done(name="a"))
    assert (await recorder.wait_for("job.done")).event == Done(name="a")


async def test_wait_for_finds_what_a_thread_emits(recorder: BusEvents) -> None:
    thread = threading.Thread(target=recorder.bus.emit, args=(Done(name="a"),))
    asyncio.get_running_loop().call_soon(thread.start)
    assert (await recorder.wait_for(Done, 5, name="a")).event.ok
    thread.join()


async def test_wait_for_works_on_a_running_bus(recorder: BusEvents) -> None:
    async with recorder.bus as bus:
        asyncio.get_running_loop().call_soon(bus.emit, Done(name="a"))
        assert (await recorder.wait_for(Done)).event == Done(name="a")


async def test_a_bus_that_was_waited_on_can_be_started_and_used_after(
    recorder: BusEvents,
) -> None:
    recorder.bus.emit(Done(name="a"))
    await recorder.wait_for(Done)
    async with recorder.bus as bus:
        await bus.publish(Done(name="b"))
    assert recorder.of(Done) == [Done(name="a"), Done(name="b")]


def test_events_emitted_after_the_loop_of_a_wait_was_closed_are_there(
    recorder: BusEvents,
) -> None:
    async def wait() -> None:
        recorder.bus.emit(Done(name="a"))
        await recorder.wait_for(Done)

    asyncio.run(wait())
    assert recorder.bus.emit(Done(name="b"))
    assert len(recorder.events) == 2


@pytest.mark.proves("L5")
async def test_wait_for_fails_when_the_time_is_up(recorder: BusEvents) -> None:
    recorder.bus.emit(Done(name="a"))
    with pytest.raises(AssertionError) as caught:
        await recorder.wait_for(Done, 0.001, name="b")
    text = str(caught.value)
    assert text.startswith("within 0.001 s: no event Done with name='b'; of 1 near it:")


async def test_two_can_wait_at_once(recorder: BusEvents) -> None:
    waits = [asyncio.ensure_future(recorder.wait_for(kind)) for kind in (Done, Failed)]
    await asyncio.sleep(0)
    recorder.bus.emit(Failed(name="b"))
    recorder.bus.emit(Done(name="a"))
    done, failed = await asyncio.gather(*waits)
    assert (done.name, failed.name) == ("job.done", "job.failed")


def test_a_bus_in_another_thread_is_asked_to_hand_over(recorder: BusEvents) -> None:
    with eventbus.run_in_thread(recorder.bus) as bus:
        bus.emit(Done(name="a"))
        assert recorder.names == ["job.done"]


def test_a_bus_in_another_thread_works_in_that_thread_alone(
    recorder: BusEvents,
) -> None:
    threads: set[int] = set()

    class Watcher(RecordingSink):
        def observe(self, batch: object) -> None:
            threads.add(threading.get_ident())

    recorder.bus.attach(Watcher())
    with eventbus.run_in_thread(recorder.bus) as bus:
        for n in range(50):
            bus.emit(Done(name=str(n)))
            assert len(recorder.events) == n + 1
    assert threading.get_ident() not in threads
    assert len(threads) == 1


def test_another_bus_can_be_watched_too(recorder: BusEvents) -> None:
    other = Bus()
    recorder.watch(other)
    other.emit(Done(name="a"))
    recorder.bus.emit(Done(name="b"))
    assert {event.name for event in recorder.of(Done)} == {"a", "b"}
    with pytest.raises(AttachError, match="the name 'bus_events' is taken"):
        recorder.watch(other)


def test_more_than_it_keeps_is_an_error_and_not_a_silence() -> None:
    recorder = BusEvents(max_records=2)
    for n in range(3):
        recorder.bus.emit(Done(name=str(n)))
    with pytest.raises(RuntimeError, match="keeps at most 2 records and missed 1"):
        _ = recorder.events


def test_what_the_bus_itself_could_not_keep_for_it_is_missed_too() -> None:
    recorder = BusEvents(max_records=2)
    for n in range(50_000):
        recorder.bus.emit(Done(name=str(n)))
    with pytest.raises(RuntimeError, match="at most 2 records and missed 49998;"):
        _ = recorder.events


def test_more_than_it_keeps_over_several_looks_is_one_too() -> None:
    recorder = BusEvents(max_records=2)
    recorder.bus.emit(Done(name="a"))
    assert recorder.names == ["job.done"]
    recorder.bus.emit(Done(name="b"))
    recorder.bus.emit(Done(name="c"))
    with pytest.raises(RuntimeError, match="keeps at most 2 records and missed 1"):
        _ = recorder.events
    recorder.clear()
    recorder.bus.emit(Done(name="d"))
    assert recorder.events == [Done(name="d")]


def test_its_repr_has_names_and_no_values(recorder: BusEvents) -> None:
    recorder.bus.emit(Done(name="a", output="hunter2"))
    assert repr(recorder) == "<BusEvents 1: job.done>"


def test_a_bus_that_runs_in_another_thread_can_be_watched(recorder: BusEvents) -> None:
    with eventbus.run_in_thread(Bus()) as bus:
        recorder.watch(bus)
        bus.emit(Done(name="a"))
        assert recorder.names == ["job.done"]
        with pytest.raises(AttachError, match="the name 'bus_events' is taken"):
            recorder.watch(bus)


async def test_a_closed_bus_that_is_used_has_nothing_to_record(
    recorder: BusEvents,
) -> None:
    async with Bus() as closed:
        pass
    recorder.watch_used(closed)
    assert recorder.events == []
    with pytest.raises(BusClosedError, match="attach was called after"):
        recorder.watch(closed)


@pytest.mark.proves("L5")
async def test_arguments_in_the_wrong_place_are_told(recorder: BusEvents) -> None:
    async def later(_: Done) -> bool:
        return False

    recorder.bus.emit(Done(name="a"))
    with pytest.raises(
        TypeError, match="match must be a plain function, got <function"
    ):
        recorder.assert_event(Done, later)
    with pytest.raises(
        TypeError,
        match=r"timeout_seconds must be a number, got <lambda>\(\): it stands",
    ):
        await recorder.wait_for(Done, lambda _: True)  # type: ignore[call-overload]


def test_true_is_not_one_in_an_event(recorder: BusEvents) -> None:
    recorder.bus.emit(Done(name="a", output="hunter2"))
    recorder.bus.relay(Record(Done(name="b"), attributes={"ok": True, "n": 1}))
    recorder.assert_event(Done, ok=True, n=1)
    for wrong in ({"ok": 1}, {"n": True}):
        with pytest.raises(AssertionError, match="expected"):
            recorder.assert_event(Done, **wrong)


def test_an_event_that_must_not_be_is_shown_without_its_secrets(
    recorder: BusEvents,
) -> None:
    for name in ("a", "b"):
        recorder.bus.emit(Done(name=name, output="hunter2"))
    with pytest.raises(AssertionError) as caught:
        recorder.assert_no_event(Done)
    text = str(caught.value)
    assert text.startswith("expected no event Done, got 2, the first: Done(name='a'")
    assert "hunter2" not in text


def test_a_field_that_is_not_there_is_of_no_type(recorder: BusEvents) -> None:
    recorder.bus.emit(Done(name="a"))
    recorder.assert_event(Done, name=object)
    with pytest.raises(AssertionError, match="nme: expected object, got no such field"):
        recorder.assert_event(Done, nme=object)


def test_of_many_near_ones_the_last_are_told(recorder: BusEvents) -> None:
    for number in range(12):
        recorder.bus.emit(Done(name=f"<{number}>"))
    with pytest.raises(AssertionError) as caught:
        recorder.assert_event(Done, name="x")
    text = str(caught.value)
    assert "of 12 near it:" in text
    assert "got '<11>'" in text
    assert "got '<2>'" in text
    assert "got '<1>'" not in text
