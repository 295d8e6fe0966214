from __future__ import annotations

import pytest

from tests.cli._command import Command
from tests.config._installed import SINK, Site


def test_every_installed_sink_is_listed_with_its_settings(
    eventbus: Command, site: Site
) -> None:
    site.sink("fake", "fake_shown")
    done = eventbus("sinks")
    assert done.status == 0
    assert "console (eventbus " in done.out
    assert "fake (dist-fake_shown 1.0): " in done.out
    (line,) = [line for line in done.out.splitlines() if line.startswith("topic ")]
    assert line.split() == ["topic", '"events"', "str", "Where", "to."]


def test_one_sink_can_be_asked_for(eventbus: Command) -> None:
    done = eventbus("sinks", "jsonl")
    assert "jsonl (eventbus " in done.out
    assert "console" not in done.out


def test_an_unknown_one_is_wrong_usage(eventbus: Command) -> None:
    done = eventbus("sinks", "jsnol")
    assert done.status == 2
    assert "Did you mean 'jsonl'?" in done.err


def test_a_sink_s_own_bounds_are_told(eventbus: Command, site: Site) -> None:
    own = "\nfrom eventbus import Buffer\nFakeSink.buffer = Buffer(max_bytes=1000)\n"
    site.sink("fake", "fake_bounded", SINK + own)
    done = eventbus("sinks", "fake")
    assert "Its own default: buffer = { max_bytes = 1000 }" in done.out


def test_a_sink_that_does_not_load_is_a_line_among_the_others(
    eventbus: Command, site: Site
) -> None:
    site.sink("bad", "fake_unshown", "import sys; sys.exit()")
    done = eventbus("sinks")
    assert done.status == 0
    assert "bad (dist-fake_unshown 1.0): Sink 'bad' does not load" in done.out
    assert "console (eventbus " in done.out


@pytest.mark.parametrize("width", [40, 60])
@pytest.mark.parametrize("command", ["sinks", "events", "events agent.tool_result"])
def test_on_a_narrow_terminal_everything_can_be_read(
    eventbus: Command, monkeypatch: pytest.MonkeyPatch, width: int, command: str
) -> None:
    whole = eventbus(*command.split()).out
    monkeypatch.setenv("COLUMNS", str(width))
    lines = eventbus(*command.split()).out.splitlines()
    assert max(map(len, lines)) <= width
    said = {word for line in lines for word in line.split()}
    heads = {"setting", "default", "expects", "field", "type", "marks", "event"}
    heads |= {"severity", "version"}
    assert {word for word in whole.split() if word not in heads} <= said


def test_json_says_the_same_to_machines(eventbus: Command, site: Site) -> None:
    site.sink("fake", "fake_json")
    site.sink("worse", "fake_worse", "1/0")
    sinks = {one["name"]: one for one in eventbus("sinks", "--json").json["sinks"]}
    assert sinks["fake"]["settings"][1] == {
        "name": "port",
        "type": "`int`",
        "default": "9092",
        "description": "Which port.",
    }
    assert "ZeroDivisionError" in sinks["worse"]["error"]
    assert "error" not in sinks["fake"]


@pytest.mark.proves("fault-133")
def test_a_sink_that_the_environment_refuses_is_not_listed(
    eventbus: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EVENTBUS_DISABLE_PLUGINS", "console")
    assert "console (eventbus" not in eventbus("sinks").out
    done = eventbus("sinks", "console")
    assert done.status == 2
    assert "is not allowed" in done.err
    assert "EVENTBUS_DISABLE_PLUGINS names it" in done.err
