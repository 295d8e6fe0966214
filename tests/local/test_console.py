from __future__ import annotations

import io
import json
import os
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from eventbus import Catalog, Event, Gap, Record, Severity, SinkContext
from eventbus._chunk import Chunk, RecordBatch
from eventbus._clock import SystemClock
from eventbus._window import Window
from eventbus_local import ConsoleSettings, ConsoleSink

Screen = Callable[[], io.StringIO]
Terminal = Callable[[], int]


class Ping(Event, tag="ping"):
    n: int = 0


class Anything(Event, tag="anything"):
    value: Any = None


@pytest.fixture(autouse=True)
def _plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm")


@pytest.fixture
def screen(monkeypatch: pytest.MonkeyPatch) -> Screen:
    """Return what puts a stream in memory in place, once the test itself runs."""

    def put() -> io.StringIO:
        stream = io.StringIO()
        monkeypatch.setattr(sys, "stdout", stream)
        return stream

    return put


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Iterator[Terminal]:
    """Return what puts a terminal in place, once the test itself runs."""
    ours, theirs = os.openpty()
    stream = open(theirs, "w", encoding="utf-8")  # noqa: SIM115

    def put() -> int:
        monkeypatch.setattr(sys, "stdout", stream)
        return ours

    yield put
    stream.close()
    os.close(ours)


def ping(n: int = 1, severity: Severity = "info") -> Record[Ping]:
    return Record(Ping(n=n), id=f"b-{n}", severity=severity)


async def test_a_console_needs_no_settings(screen: Screen) -> None:
    shown = screen()
    sink = ConsoleSink()
    await sink.start()
    assert await sink.write([ping()]) is None
    await sink.aclose()
    assert shown.getvalue() == f"--:--:--.--- INFO  {'ping':26} n=1\n"


async def test_closing_leaves_the_stream_open(
    screen: Screen,
) -> None:
    shown = screen()
    await ConsoleSink().aclose()
    assert not shown.closed


async def test_standard_error_can_be_chosen(
    screen: Screen, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = screen()
    errors = io.StringIO()
    monkeypatch.setattr(sys, "stderr", errors)
    await ConsoleSink(ConsoleSettings(stream="stderr")).write([ping()])
    assert shown.getvalue() == ""
    assert " ping " in errors.getvalue()


@pytest.mark.proves("I3")
async def test_json_is_one_record_a_line(screen: Screen) -> None:
    shown = screen()
    sink = ConsoleSink(ConsoleSettings(format="json"))
    sink.configure(SinkContext("console", {"a": "b"}, Catalog(), SystemClock()))
    record = Record(Ping(n=1), id="b-1", severity="info", resource={"a": "b"})
    await sink.write([record, ping(2)])
    assert shown.getvalue() == (
        '{"id":"b-1","name":"ping","severity":"info","event":{"n":1}}\n'
        '{"id":"b-2","name":"ping","severity":"info","event":{"n":2}}\n'
    )


@pytest.mark.proves("fault-92")
async def test_json_hides_nothing_from_a_terminal(
    screen: Screen,
) -> None:
    shown = screen()
    sink = ConsoleSink(ConsoleSettings(format="json"))
    await sink.write([Record(Anything(value="\x9b\u202e\x7f"), severity="info")])
    assert json.loads(shown.getvalue())["event"] == {"value": "\x9b\u202e\x7f"}
    assert shown.getvalue().isascii()


async def test_what_has_no_json_is_named_by_its_place_in_the_batch(
    screen: Screen,
) -> None:
    screen()
    sink = ConsoleSink(ConsoleSettings(format="json", level="info"))
    outcome = await sink.write(
        [
            ping(1, "debug"),
            Record(Anything(value=object()), severity="info"),
            Record(Anything(value="\ud800"), severity="info"),
        ]
    )
    assert outcome is not None
    assert outcome.unencodable == [
        (1, "no JSON form for builtins.object - at `$.event.value`")
    ]
    assert outcome.warned == {"sanitized": 1}


@pytest.mark.proves("I3")
@pytest.mark.parametrize("form", ["text", "json"])
async def test_what_is_below_the_level_is_not_shown(screen: Screen, form: Any) -> None:
    shown = screen()
    sink = ConsoleSink(ConsoleSettings(level="warn", format=form))
    await sink.write([ping(1), ping(2, "warn"), ping(3, "error")])
    assert shown.getvalue().count("\n") == 2


class Telling:
    def __eq__(self, other: object) -> bool:
        raise SystemExit("text was made of it")

    __hash__ = None  # type: ignore[assignment]


@pytest.mark.proves("I3")
async def test_no_text_is_made_of_what_is_not_shown(
    screen: Screen,
) -> None:
    shown = screen()
    record = Record(Anything(value=Telling()), severity="debug")
    await ConsoleSink(ConsoleSettings(level="info")).write([record])
    assert shown.getvalue() == ""
    with pytest.raises(SystemExit, match="text was made of it"):
        await ConsoleSink(ConsoleSettings(level="debug")).write([record])


@pytest.mark.parametrize(
    ("color", "environment", "colored"),
    [
        (None, {}, False),
        (True, {}, True),
        (None, {"FORCE_COLOR": "1"}, True),
        (None, {"FORCE_COLOR": "1", "NO_COLOR": "1"}, False),
        (True, {"NO_COLOR": "1"}, True),
        (False, {"FORCE_COLOR": "1"}, False),
    ],
)
async def test_who_decides_about_colour(
    screen: Screen,
    monkeypatch: pytest.MonkeyPatch,
    color: bool | None,
    environment: dict[str, str],
    colored: bool,
) -> None:
    shown = screen()
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    await ConsoleSink(ConsoleSettings(color=color)).write([ping()])
    assert ("\x1b[" in shown.getvalue()) is colored


async def test_a_terminal_has_colour(terminal: Terminal) -> None:
    screen = terminal()
    await ConsoleSink().write([ping()])
    assert b"\x1b[32mINFO \x1b[0m" in os.read(screen, 4096)


@pytest.mark.parametrize(("name", "value"), [("NO_COLOR", "1"), ("TERM", "dumb")])
async def test_a_terminal_that_wants_no_colour_has_none(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    screen = terminal()
    monkeypatch.setenv(name, value)
    await ConsoleSink().write([ping()])
    assert b"\x1b" not in os.read(screen, 4096)


@pytest.mark.proves("fault-42")
async def test_each_gap_is_a_line_before_the_batch(screen: Screen) -> None:
    stream = screen()
    batch = RecordBatch([Chunk(Window.of([Record(Ping(n=1))]), 0, 1)])
    batch.gaps = (Gap("queue_full", 3, 17, 40), Gap("expired", 1, 41, 41))
    await ConsoleSink().write(batch)
    lines = stream.getvalue().splitlines()
    assert lines[:2] == [
        "--:--:--.--- GAP   3 event(s) dropped, queue_full: sequences 17 to 40",
        "--:--:--.--- GAP   1 event(s) dropped, expired: sequences 41 to 41",
    ]
    assert "ping" in lines[2]
    assert len(lines) == 3


@pytest.mark.proves("fault-42")
async def test_lines_of_json_are_events_alone(screen: Screen) -> None:
    stream = screen()
    batch = RecordBatch([Chunk(Window.of([Record(Ping(n=1))]), 0, 1)])
    batch.gaps = (Gap("queue_full", 3, 17, 40),)
    await ConsoleSink(ConsoleSettings(format="json")).write(batch)
    assert [json.loads(line)["name"] for line in stream.getvalue().splitlines()] == [
        "ping"
    ]
