"""Golden transcripts: what is scrubbed, and how a difference is told."""

from __future__ import annotations

import json
import re
from pathlib import Path
from random import random
from typing import Annotated

import pytest

import eventbus
from eventbus import Event, Sensitive
from eventbus._encode_line import LineEncoder
from eventbus.testing import (
    BusEvents,
    ManualClock,
    assert_transcript,
    compare_transcripts,
)
from eventbus_schemas import Session, SseEvent
from eventbus_schemas.hooks import EventHooks, Received, ServerSentEvent


class Other(Event, tag="other"):
    turn_id: str
    duration_ms: float


class Call(Event, tag="tool.call"):
    call_id: str
    ok: bool = True
    parts: tuple[int, ...] = ()
    secret: Annotated[str, Sensitive] = ""


TRACE = "0af7651916cd43dd8448eb211c80319c"
OTHER = "1af7651916cd43dd8448eb211c80319c"


def recorded(*events: Event, seconds: float = 0) -> BusEvents:
    clock = ManualClock()
    clock.advance(seconds)
    recorder = BusEvents(eventbus.Bus({"host": str(seconds)}, clock=clock))
    for event in events:
        recorder.bus.emit(event)
    return recorder


def write(path: Path, *events: Event) -> Path:
    assert_transcript(path, recorded(*events).records, update=True)
    return path


@pytest.mark.proves("L8")
def test_a_run_at_another_time_on_another_host_has_the_same_transcript(
    tmp_path: Path,
) -> None:
    events = [Call(call_id="a"), Call(call_id="b", parts=(1, 2))]
    path = write(tmp_path / "run.jsonl", *events)
    assert_transcript(path, recorded(*events, seconds=100).records)


@pytest.mark.proves("L8")
def test_each_difference_is_named_by_its_field(tmp_path: Path) -> None:
    path = write(
        tmp_path / "run.jsonl", Call(call_id="a"), Call(call_id="b", parts=(1, 2))
    )
    changed = recorded(Call(call_id="a", ok=False), Call(call_id="b", parts=(1, 3, 4)))
    with pytest.raises(AssertionError) as caught:
        assert_transcript(path, changed.records)
    assert str(caught.value).splitlines() == [
        f"{path} differs in 3 place(s):",
        "  $[0].event.ok: expected true, got false",
        "  $[1].event.parts[1]: expected 2, got 3",
        "  $[1].event.parts[2]: expected nothing, got 4",
        "  scrub= leaves out what differs from run to run",
        "  pytest --eventbus-update-golden writes it anew",
    ]


def test_an_event_too_few_is_a_difference(tmp_path: Path) -> None:
    path = write(tmp_path / "run.jsonl", Call(call_id="a"), Call(call_id="b"))
    with pytest.raises(AssertionError, match=r"\$\[1\]: expected .*, got nothing"):
        assert_transcript(path, recorded(Call(call_id="a")).records)


def test_true_is_not_one(tmp_path: Path) -> None:
    path = write(tmp_path / "run.jsonl", Call(call_id="a", parts=(1,)))
    path.write_text(path.read_text().replace("[1]", "[true]"))
    with pytest.raises(AssertionError, match=r"parts\[0\]: expected true, got 1"):
        assert_transcript(path, recorded(Call(call_id="a", parts=(1,))).records)


def test_ids_are_numbered_so_that_equal_ones_still_show(tmp_path: Path) -> None:
    recorder = BusEvents()
    for trace in (TRACE, OTHER, TRACE):
        record = eventbus.Record(
            Call(call_id="x"), trace_id=trace, span_id="0" * 15 + "1"
        )
        recorder.bus.relay(record)
    path = tmp_path / "run.jsonl"
    assert_transcript(path, recorder.records, update=True)
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert [line["trace_id"] for line in lines] == [
        "<trace_id 1>",
        "<trace_id 2>",
        "<trace_id 1>",
    ]
    assert [line["id"] for line in lines] == ["<id 1>", "<id 2>", "<id 3>"]


def test_times_and_resources_are_left_out(tmp_path: Path) -> None:
    path = write(tmp_path / "run.jsonl", Call(call_id="a"))
    assert json.loads(path.read_text()) == {
        "id": "<id 1>",
        "name": "tool.call",
        "severity": "info",
        "event": {"call_id": "a", "ok": True, "parts": [], "secret": ""},
    }


def test_fields_of_ones_own_can_be_scrubbed_at_any_depth(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    first = recorded(Call(call_id="p1"), Call(call_id="p2"), Call(call_id="p1"))
    assert_transcript(path, first.records, scrub=["call_id"], update=True)
    again = recorded(Call(call_id="q7"), Call(call_id="q8"), Call(call_id="q7"))
    assert_transcript(path, again.records, scrub=["call_id"])
    crossed = recorded(Call(call_id="q7"), Call(call_id="q7"), Call(call_id="q8"))
    with pytest.raises(AssertionError, match=r"event\.call_id"):
        assert_transcript(path, crossed.records, scrub=["call_id"])


class Turn(Event, tag="agent.my_turn"):
    turn_id: str | None
    request_id: str = ""
    span_token: str = ""
    duration_ms: float = 0.0
    call_id: str = "c1"


@pytest.mark.proves("L8")
def test_what_a_session_draws_by_itself_is_scrubbed_and_nothing_else(
    tmp_path: Path,
) -> None:
    path = write(
        tmp_path / "run.jsonl",
        Turn(turn_id="t1", request_id="r1", span_token="s1", duration_ms=1.5),
        Turn(turn_id="t1"),
    )
    same = [
        Turn(turn_id="u1", request_id="q1", span_token="p1", duration_ms=2.5),
        Turn(turn_id="u1"),
    ]
    assert_transcript(path, recorded(*same).records)
    for changed in (Turn(turn_id="u2"), Turn(turn_id=None)):
        with pytest.raises(AssertionError, match=r"event\.turn_id"):
            assert_transcript(path, recorded(same[0], changed).records)
    other_call = recorded(same[0], Turn(turn_id="u1", call_id="c2"))
    with pytest.raises(AssertionError, match=r"event\.call_id"):
        assert_transcript(path, other_call.records)


def test_ids_and_durations_of_other_events_are_compared(tmp_path: Path) -> None:
    path = write(tmp_path / "run.jsonl", Other(turn_id="t1", duration_ms=1))
    changed = recorded(Other(turn_id="t2", duration_ms=2))
    with pytest.raises(AssertionError) as caught:
        assert_transcript(path, changed.records)
    assert "differs in 2 place(s)" in str(caught.value)


def test_patterns_are_scrubbed_by_the_recorder_itself(tmp_path: Path) -> None:
    for call_id, update in (("port 80", True), ("port 81", False)):
        recorder = BusEvents(folder=tmp_path, update=update)
        recorder.bus.emit(Call(call_id=call_id))
        recorder.golden("run.jsonl", scrub=[re.compile("[0-9]+")])
    text = (tmp_path / "run.jsonl").read_text()
    assert "port <" in text
    assert "port 8" not in text


def test_sessions_that_do_the_same_have_the_same_transcript(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    for update in (True, False):
        recorder = BusEvents()
        session = Session(recorder.bus, conversation_id="c1", model="m")
        with session.turn() as turn:
            hooks = EventHooks(turn).for_request()
            hooks.on_request(0, 200, None, random())
            for kind in ("response.output_text.delta", "response.completed"):
                piece = ServerSentEvent(kind, '{"response":{}}')
                hooks.on_sse_poll(Received(piece), random())
        last = recorder.of(SseEvent)[-1]
        assert last.time_to_first_token_ms is not None
        assert_transcript(path, recorder.records, update=update)


def test_a_transcript_holds_no_secret(tmp_path: Path) -> None:
    path = write(tmp_path / "run.jsonl", Call(call_id="a", secret="hunter2"))
    assert "hunter2" not in path.read_text()
    assert "[REDACTED]" in path.read_text()


def test_a_transcript_that_is_not_there_says_how_to_write_it(tmp_path: Path) -> None:
    path = tmp_path / "none.jsonl"
    with pytest.raises(AssertionError) as caught:
        assert_transcript(path, [])
    assert str(caught.value) == (
        f"no transcript at {path}: write it with pytest --eventbus-update-golden"
    )


def test_many_differences_are_cut_and_counted(tmp_path: Path) -> None:
    path = write(tmp_path / "run.jsonl", *[Call(call_id="a")] * 30)
    changed = recorded(*[Call(call_id="b")] * 30)
    with pytest.raises(AssertionError, match=r"in 30 place\(s\)[\s\S]*and 10 more"):
        assert_transcript(path, changed.records)


@pytest.mark.proves("L8")
def test_two_files_are_compared_and_each_difference_is_named(tmp_path: Path) -> None:
    one, other = tmp_path / "a.jsonl", tmp_path / "b.jsonl"
    encode = LineEncoder().encode_one
    for path, seconds, ok in ((one, 0.0, True), (other, 9.0, False)):
        records = recorded(Call(call_id="a", ok=ok), seconds=seconds).records
        path.write_bytes(b"".join(encode(record) + b"\n" for record in records))
    assert one.read_bytes() != other.read_bytes()
    assert compare_transcripts(one, other) == [
        "$[0].event.ok: expected true, got false"
    ]
    assert compare_transcripts(one, other, scrub=["call_id"]) == [
        "$[0].event.ok: expected true, got false"
    ]
    assert compare_transcripts(one, one) == []


@pytest.mark.proves("L8")
def test_fields_that_are_scrubbed_differ_in_two_files_without_a_difference(
    tmp_path: Path,
) -> None:
    one = write(tmp_path / "a.jsonl", Call(call_id="a"), Call(call_id="a"))
    other = write(tmp_path / "b.jsonl", Call(call_id="b"), Call(call_id="c"))
    assert compare_transcripts(one, other) == [
        '$[0].event.call_id: expected "a", got "b"',
        '$[1].event.call_id: expected "a", got "c"',
    ]
    assert compare_transcripts(one, other, scrub=["call_id"]) == [
        '$[1].event.call_id: expected "<call_id 1>", got "<call_id 2>"'
    ]


def test_a_file_that_is_no_transcript_is_refused_with_its_name(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text("[1]\n")
    with pytest.raises(ValueError, match=r"a.jsonl is no transcript: line 1: Exp"):
        compare_transcripts(path, path)
    with pytest.raises(ValueError, match=r"a.jsonl is no transcript"):
        assert_transcript(path, [])
