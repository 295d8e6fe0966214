"""Which lines of two transcripts belong together, and what is scrubbed in both."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

import eventbus
from eventbus import Event
from eventbus.testing import BusEvents, assert_transcript, compare_transcripts
from eventbus.testing._differing import differing


class Call(Event, tag="tool.call"):
    call_id: str
    took_ms: float = 0.0
    url: str = ""
    parts: tuple[dict[str, Any], ...] = ()


class Other(Event, tag="tool.other"):
    n: int = 0


CALLS = [Call(call_id=str(n)) for n in range(6)]


def write(path: Path, *events: Event, scrub: Any = (), update: bool = True) -> Path:
    recorder = BusEvents(eventbus.Bus())
    for event in events:
        recorder.bus.emit(event)
    assert_transcript(path, recorder.records, scrub=scrub, update=update)
    return path


@pytest.mark.proves("L8")
def test_an_event_too_many_is_one_difference(tmp_path: Path) -> None:
    one = write(tmp_path / "a", *CALLS)
    for place in range(7):
        other = write(tmp_path / "b", *CALLS[:place], Other(), *CALLS[place:])
        assert compare_transcripts(one, other) == [
            f"$[{place}]: expected nothing, got "
            f'{{"id":"<id {place + 1}>","name":"tool.other","severity":"info",'
            '"event":{"n":0}}'
        ]


@pytest.mark.proves("L8")
def test_an_event_too_few_is_one_difference(tmp_path: Path) -> None:
    one = write(tmp_path / "a", *CALLS)
    for place in range(6):
        other = write(tmp_path / "b", *CALLS[:place], *CALLS[place + 1 :])
        (found,) = compare_transcripts(one, other)
        assert found.startswith(f'$[{place}]: expected {{"id":"<id {place + 1}>"')
        assert found.endswith("got nothing")


@pytest.mark.proves("L8")
def test_events_in_another_order_are_two_differences(tmp_path: Path) -> None:
    one = write(tmp_path / "a", CALLS[0], Other(), CALLS[1])
    other = write(tmp_path / "b", Other(), CALLS[0], CALLS[1])
    found = compare_transcripts(one, other)
    assert len(found) == 2
    assert {text.partition(":")[0] for text in found} <= {"$[0]", "$[1]", "$[2]"}
    assert all('"nothing"' not in text and "nothing" in text for text in found)


def test_a_changed_event_beside_a_new_one_is_compared_by_its_name(
    tmp_path: Path,
) -> None:
    one = write(tmp_path / "a", CALLS[0], CALLS[1])
    other = write(tmp_path / "b", Other(), Call(call_id="x"), CALLS[1])
    new, changed = compare_transcripts(one, other)
    assert new.startswith("$[0]: expected nothing, got")
    assert changed == '$[0].event.call_id: expected "0", got "x"'


def test_ids_that_do_not_belong_together_still_differ(tmp_path: Path) -> None:
    """An event too many shifts their numbers, and hides nothing."""
    ids = ["call_id"]
    a, b = Call(call_id="a"), Call(call_id="b")
    one = write(tmp_path / "a", a, b, a, scrub=ids)
    fine = write(tmp_path / "b", Call(call_id="z", url="x"), a, b, a, scrub=ids)
    assert len(compare_transcripts(one, fine, scrub=ids)) == 1
    wrong = write(tmp_path / "b", Call(call_id="z", url="x"), a, b, b, scrub=ids)
    _, found = compare_transcripts(one, wrong, scrub=ids)
    assert found == '$[2].event.call_id: expected "<call_id 1>", got "<call_id 2>"'


def test_long_transcripts_are_compared_as_they_stand_in_good_time() -> None:
    lines = [{"name": "a", "event": {"n": n % 3}} for n in range(20_000)]
    assert differing(lines, lines, ()) == []
    assert len(differing(lines, lines[:-1], ())) == 1
    assert differing(lines, lines[1:], ())[0] == "$[0].event.n: expected 0, got 1"


def test_of_many_lines_those_that_belong_together_are_compared() -> None:
    lines = [{"name": "a", "event": {"n": n}} for n in range(900)]
    changed = [*lines[:450], {"name": "b"}, *lines[450:899], {"name": "a", "event": {}}]
    assert differing(lines, changed, ()) == [
        '$[450]: expected nothing, got {"name":"b"}',
        "$[899].event.n: expected 899, got nothing",
    ]


def test_empty_objects_and_lists_differ_by_what_is_in_the_other(tmp_path: Path) -> None:
    one = write(tmp_path / "a", Call(call_id="a", parts=({},)))
    other = write(tmp_path / "b", Call(call_id="a", parts=({"b": 1}, {})))
    assert compare_transcripts(one, other) == [
        "$[0].event.parts[0].b: expected nothing, got 1",
        "$[0].event.parts[1]: expected nothing, got {}",
    ]


@pytest.mark.proves("L8")
def test_durations_that_are_equal_by_chance_are_no_difference(tmp_path: Path) -> None:
    path, scrub = tmp_path / "a", ["took_ms"]
    write(path, Call(call_id="a"), Call(call_id="b"), scrub=scrub)
    again = Call(call_id="a", took_ms=1), Call(call_id="b", took_ms=2)
    write(path, *again, scrub=scrub, update=False)
    raw = write(tmp_path / "b", *again)
    assert compare_transcripts(path, raw, scrub=scrub) == []


@pytest.mark.proves("L8")
def test_what_a_pattern_finds_in_any_text_is_scrubbed(tmp_path: Path) -> None:
    address = re.compile(r"127\.0\.0\.1:\d+")
    one, other = (
        Call(
            call_id="a", url=f"to http://127.0.0.1:{port}/a", parts=({"b": f"{port}"},)
        )
        for port in (40123, 40124)
    )
    path = write(tmp_path / "a", one, scrub=[address, "b"])
    assert "to http://<scrubbed>/a" in path.read_text()
    write(path, other, scrub=[address, "b"], update=False)
    with pytest.raises(AssertionError, match=r"event\.url: expected \"to http://<scru"):
        write(path, other, scrub=["b"], update=False)


def test_one_name_is_no_list_of_names(tmp_path: Path) -> None:
    path = write(tmp_path / "a")
    with pytest.raises(TypeError, match="scrub must be a list of texts, got str"):
        compare_transcripts(path, path, scrub="call_id")


def test_a_path_may_be_a_text_and_a_file_have_other_line_ends(tmp_path: Path) -> None:
    one = write(tmp_path / "a", *CALLS)
    other = tmp_path / "b"
    other.write_bytes(b"\n" + one.read_bytes().replace(b"\n", b"\r\n") + b"\r\n")
    assert compare_transcripts(str(one), str(other)) == []
    assert_transcript(str(write(tmp_path / "c")), [])


def test_a_broken_line_is_named_by_its_number(tmp_path: Path) -> None:
    one = write(tmp_path / "a", *CALLS)
    one.write_bytes(one.read_bytes()[:-9])
    with pytest.raises(ValueError, match="a is no transcript: line 6: Input data was"):
        compare_transcripts(one, one)
