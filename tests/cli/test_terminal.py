from __future__ import annotations

import io
import os
import sys

import pytest

from eventbus.cli._terminal import (
    OutputError,
    console,
    is_terminal,
    leave,
    put,
    put_json,
    say,
    width_of,
)

if os.name == "posix":
    import termios


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_output_and_what_is_said_about_it_go_their_own_ways(
    capsys: pytest.CaptureFixture[str],
) -> None:
    put("out")
    say("err")
    assert capsys.readouterr() == ("out\n", "err\n")


def test_json_is_one_line_unless_it_is_to_be_read(
    capsys: pytest.CaptureFixture[str],
) -> None:
    put_json({"a": 1})
    put_json({"a": 1}, indent=True)
    assert capsys.readouterr().out == '{"a":1}\n{\n  "a": 1\n}\n'


def test_a_stream_that_cannot_say_a_letter_gets_its_escape(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    data = io.BytesIO()
    stream = io.TextIOWrapper(data, encoding="ascii")
    monkeypatch.setattr(sys, "stderr", stream)
    say("café \ud800")
    assert data.getvalue() == b"caf\\xe9 \\ud800\n"


def test_a_process_without_streams_says_nothing_and_cannot_put_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "stdout", None)
    monkeypatch.setattr(sys, "stderr", None)
    say("x")
    leave()
    with pytest.raises(OutputError) as caught:
        put("x")
    assert str(caught.value) == ("Cannot write the output: there is no standard output")
    assert not is_terminal(sys.stdout)


@pytest.mark.parametrize(
    ("columns", "width"), [("40", 40), ("0", None), ("", None), ("x", None)]
)
def test_columns_in_the_environment_say_how_wide_everything_is(
    monkeypatch: pytest.MonkeyPatch, columns: str, width: int | None
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    assert width_of(io.StringIO()) == width
    assert width_of(Terminal()) == width


@pytest.mark.skipif(os.name != "posix", reason="terminals of POSIX")
def test_a_terminal_says_how_wide_it_is() -> None:
    leader, follower = os.openpty()
    try:
        termios.tcsetwinsize(follower, (24, 57))
        with open(follower, "w", closefd=False) as stream:
            assert width_of(stream) == 57
    finally:
        os.close(leader)
        os.close(follower)


def test_a_closed_stream_is_no_terminal_and_hears_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stream = io.StringIO()
    stream.close()
    monkeypatch.setattr(sys, "stderr", stream)
    say("x")
    assert not is_terminal(stream)


def test_rich_draws_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    assert console(Terminal()) is not None


def test_rich_draws_nowhere_else(monkeypatch: pytest.MonkeyPatch) -> None:
    assert console(io.StringIO()) is None
    monkeypatch.setenv("TERM", "dumb")
    assert console(Terminal()) is None


def test_without_rich_nothing_is_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setitem(sys.modules, "rich", None)
    monkeypatch.setitem(sys.modules, "rich.console", None)
    assert console(Terminal()) is None


def test_what_is_said_is_one_line_whatever_is_in_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    say("a\nb\x1b")
    put("a\nb\x1b")
    put_json("\u202e\x7f")
    out, err = capsys.readouterr()
    assert err == "a\\nb\\x1b\n"
    assert out == 'a\nb\\x1b\n"\\u202e\\u007f"\n'
