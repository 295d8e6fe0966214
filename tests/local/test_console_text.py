from __future__ import annotations

import math
import time
from typing import Annotated, Any

import msgspec
import pytest

from eventbus import Attribute, Event, Record
from eventbus_local import ConsoleSettings
from eventbus_local._console_text import ConsoleText


class ToolResult(Event, tag="agent.tool_result"):
    tool_name: str
    duration_ms: float
    success: bool = True
    attempts: int | None = None
    output: str = ""
    parts: list[str] = msgspec.field(default_factory=list)
    extra: Any = None


class Failed(Event, tag="agent.failed", severity="error"):
    reason: str
    trace: str = ""


class Warned(Event, tag="agent.warned", severity="warn"):
    trace: Annotated[str, Attribute("exception.stacktrace")] = ""


NOON = 1767355445_678_000_000  # 2026-01-02 12:04:05.678 in UTC
utc = ConsoleText(ConsoleSettings(time_zone="utc", max_value_chars=20))


def text_of(event: Event, *, color: bool = False, **fields: Any) -> str:
    fields = {"severity": "info", "time_unix_nano": NOON, **fields}
    return utc.lines([Record(event, **fields)], color=color)


def shell(**fields: Any) -> ToolResult:
    return ToolResult(tool_name="shell", duration_ms=12.5, **fields)


@pytest.mark.proves("I3")
def test_a_line_has_columns_then_what_the_event_says() -> None:
    assert text_of(shell(attempts=0)) == (
        "12:04:05.678 INFO  agent.tool_result          "
        "tool_name=shell duration_ms=12.5 attempts=0\n"
    )


def test_every_event_has_its_line_in_order() -> None:
    records = [Record(shell(attempts=n), severity="debug") for n in range(3)]
    lines = utc.lines(records, color=False).splitlines()
    assert [line[-1] for line in lines] == ["0", "1", "2"]


def test_an_unknown_time_is_shown_as_none() -> None:
    assert text_of(shell(), time_unix_nano=0).startswith("--:--:--.--- INFO  agent")


def test_the_time_is_that_of_the_local_zone_by_default(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TZ", "UTC-3")
    time.tzset()
    local = ConsoleText(ConsoleSettings())
    record = Record(shell(), time_unix_nano=NOON)
    shown = local.lines([record], color=False)
    monkeypatch.undo()
    time.tzset()
    assert shown.startswith("15:04:05.678 ")


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("two words", '"two words"'),
        ("a=b", '"a=b"'),
        ('say "x\\y"', '"say \\"x\\\\y\\""'),
        ("plain/path.txt", "plain/path.txt"),
        (False, "false"),
        (3, "3"),
        (math.nan, "nan"),
        ([1, "a"], '[1,"a"]'),
        ({"a": None}, '{"a":null}'),
        (object(), "<object>"),
        (list(range(100)), "[0,1,2,3,4,5,6,7,8,9…(+271)"),
    ],
)
def test_each_value_is_short_and_unambiguous(value: Any, shown: str) -> None:
    assert text_of(shell(extra=value)).rstrip("\n").endswith(f" extra={shown}")


def test_a_long_text_is_cut_and_the_rest_counted() -> None:
    assert text_of(shell(output="x" * 50)).endswith(f" output={'x' * 20}…(+30)\n")


def test_a_long_line_break_stays_on_the_line_of_an_event_that_is_no_error() -> None:
    assert text_of(shell(output="a\nb")).endswith(' output="a\\nb"\n')


@pytest.mark.proves("I3")
def test_an_error_is_shown_in_full_below_its_line() -> None:
    trace = "Traceback:\n  File \x1b[2J\nValueError: " + "x" * 30
    shown = text_of(Failed(reason="y" * 30, trace=trace), severity="error")
    assert shown == (
        f"12:04:05.678 ERROR agent.failed               reason={'y' * 30}\n"
        "    trace:\n"
        "    | Traceback:\n"
        "    |   File \\x1b[2J\n"
        f"    | ValueError: {'x' * 30}\n"
    )


def test_an_exception_is_shown_in_full_whatever_the_severity() -> None:
    shown = text_of(Warned(trace="a\nb"), severity="warn")
    assert shown.splitlines()[1:] == ["    trace:", "    | a", "    | b"]


@pytest.mark.parametrize("text", ["x" * 65_539, "x\n" * 32_768 + "abc"])
def test_in_full_is_65536_characters_at_most(text: str) -> None:
    shown = text_of(Failed(reason="r", trace=text), severity="error")
    assert shown.endswith("…(+3)\n")


def test_bound_attributes_follow_and_the_own_field_wins() -> None:
    shown = text_of(shell(), attributes={"conversation_id": "c", "tool_name": "x"})
    assert shown.endswith("tool_name=shell duration_ms=12.5 conversation_id=c\n")


def test_a_sampled_event_shows_what_it_stands_for() -> None:
    assert text_of(shell(), weight=10.0).endswith(" duration_ms=12.5 x10\n")


def test_colour_marks_time_severity_name_and_keys() -> None:
    assert text_of(shell(), color=True, severity="error") == (
        "\x1b[2m12:04:05.678\x1b[0m \x1b[31mERROR\x1b[0m "
        "\x1b[1magent.tool_result         \x1b[0m "
        "\x1b[36mtool_name\x1b[0m=shell \x1b[36mduration_ms\x1b[0m=12.5\n"
    )


@pytest.mark.proves("fault-92")
@pytest.mark.parametrize("color", [True, False])
@pytest.mark.parametrize(
    "evil", ["\x1b[2J", "a\n00:00:00.000 INFO  forged", "\u202e", "\r", "\x9b", "\b"]
)
def test_no_field_can_forge_a_line_or_reach_the_terminal(
    evil: str, color: bool
) -> None:
    event = shell(output=evil, parts=[evil], extra={evil: evil})
    plain = text_of(shell(output="a", parts=["a"], extra={"a": "a"}), color=color)
    shown = text_of(event, color=color, attributes={evil: evil, "b": (evil,)})
    assert shown.count("\n") == 1
    assert shown.count("\x1b") == plain.count("\x1b") + 4 * color
    assert not set(shown) & set("\u202e\r\x9b\b")


@pytest.mark.proves("fault-92")
def test_a_block_cannot_forge_a_line_either() -> None:
    trace = "a\n12:00:00.000 INFO  forged\r\x1b[2K\u2028    trace:"
    shown = text_of(Failed(reason="r", trace=trace), severity="error")
    assert all(line.startswith("    | ") for line in shown.split("\n")[2:-1])
