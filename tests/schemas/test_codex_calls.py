"""How many calls may wait for their output, and which go first."""

from __future__ import annotations

from eventbus import Record
from eventbus_schemas import ToolResult
from eventbus_schemas._codex_calls import MAX_OPEN_BYTES, OpenCall, OpenCalls

from ._lines import call, events, output, records, rollout


def a_call(call_id: str, *, size: int = 0) -> OpenCall:
    return OpenCall(call_id, "shell", "x" * size, 0, 1, size)


def ids(calls: list[OpenCall] | None) -> list[str]:
    assert calls is not None
    return [call.call_id for call in calls]


def test_call_is_given_back_once() -> None:
    calls = OpenCalls()
    calls.add(a_call("a"))
    assert calls.take("a") == a_call("a")
    assert calls.take("a") is None


def test_of_two_calls_with_one_id_the_first_waits() -> None:
    calls = OpenCalls(max_bytes=10)
    calls.add(a_call("a", size=8))
    assert calls.add(a_call("a", size=2)) is None
    assert calls.take("a") == a_call("a", size=8)
    assert calls.add(a_call("b", size=10)) == []


def test_oldest_call_makes_room_when_there_are_too_many() -> None:
    calls = OpenCalls(max_calls=2)
    evicted = [ids(calls.add(a_call(call_id))) for call_id in "abc"]
    assert evicted == [[], [], ["a"]]
    assert ids(calls.take_all()) == ["b", "c"]


def test_as_many_of_the_oldest_go_as_the_bytes_of_a_new_call_need() -> None:
    calls = OpenCalls(max_bytes=10)
    for call_id in "abc":
        calls.add(a_call(call_id, size=3))
    assert ids(calls.add(a_call("d", size=7))) == ["a", "b"]


def test_call_larger_than_the_bound_is_not_kept() -> None:
    calls = OpenCalls(max_bytes=10)
    assert ids(calls.add(a_call("a", size=11))) == ["a"]
    assert calls.take("a") is None


def test_bytes_of_a_taken_call_are_free_again() -> None:
    calls = OpenCalls(max_bytes=10)
    calls.add(a_call("a", size=8))
    calls.take("a")
    assert calls.add(a_call("b", size=10)) == []
    calls.take_all()
    assert calls.add(a_call("c", size=10)) == []


def test_evicted_call_is_a_result_without_output_and_none_is_lost() -> None:
    count = 10_001
    readings = rollout(*(call(f"c-{number}") for number in range(count)))
    results = events(readings)
    assert len(readings) == len(results) == count
    assert [result.call_id for result in results] == [f"c-{n}" for n in range(count)]
    assert {result.outcome for result in results} == {"no_output"}


def test_result_of_an_evicted_call_comes_when_it_is_evicted() -> None:
    lines = [call(f"c-{number}") for number in range(10_001)]
    first, *_ = rollout(*lines, output("c-1"))
    assert isinstance(first, Record)
    assert isinstance(first.event, ToolResult)
    assert (first.event.call_id, first.event.outcome) == ("c-0", "no_output")


def test_arguments_that_wait_are_bounded_in_bytes() -> None:
    third = "x" * (MAX_OPEN_BYTES // 3 + 1)
    lines = [call(f"c-{number}", arguments=third) for number in range(3)]
    outcomes = [
        (record.event.call_id, record.event.outcome)
        for record in records(rollout(*lines, output("c-1"), output("c-2")))
    ]
    assert outcomes == [
        ("c-0", "no_output"),
        ("c-1", "could_not_run"),
        ("c-2", "could_not_run"),
    ]
