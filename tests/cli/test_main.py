from __future__ import annotations

import sys
from importlib.metadata import version

import pytest

from eventbus.cli import _main, main
from tests.cli._command import Command, finished, program


def test_the_version_is_the_distribution_s(eventbus: Command) -> None:
    done = eventbus("--version")
    assert (done.status, done.out) == (0, f"eventbus {version('eventbus')}\n")


def test_the_module_is_the_same_program() -> None:
    done = finished(program("--version"))
    assert (done.status, done.out) == (0, f"eventbus {version('eventbus')}\n")


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["dance"],
        ["run", "--no-such-option"],
        ["demo", "--events", "0"],
        ["demo", "--seconds", "-1"],
        ["demo", "--seed", "x"],
        ["run", "--set", "x"],
    ],
)
def test_wrong_usage_has_status_2(eventbus: Command, arguments: list[str]) -> None:
    done = eventbus(*arguments)
    assert done.status == 2
    assert done.out == ""
    assert done.err.count("\n") == 1


def test_a_command_that_does_not_exist_is_told_with_the_nearest(
    eventbus: Command,
) -> None:
    assert eventbus("rnu").err == (
        "eventbus: argument COMMAND: expected one of bench, check, demo, events, run, "
        "sinks, got 'rnu'. Did you mean 'run'? Try: eventbus --help\n"
    )


def test_wrong_usage_names_the_command_that_explains_itself(eventbus: Command) -> None:
    assert eventbus("demo", "--events", "0").err == (
        "eventbus demo: argument --events: expected at least 1, got 0. "
        "Try: eventbus demo --help\n"
    )


@pytest.mark.parametrize("command", ["run", "check", "sinks", "events", "demo"])
def test_every_command_explains_itself(eventbus: Command, command: str) -> None:
    done = eventbus(command, "--help")
    assert done.status == 0
    assert done.out.startswith(f"usage: eventbus {command}")
    assert "--json" in done.out


def test_help_names_the_exit_statuses_and_the_precedence(eventbus: Command) -> None:
    said = " ".join(eventbus("run", "--help").out.split())
    assert "0 worked, 1 the check failed or something was lost, 2 wrong usage." in said
    assert "argument, then file, then environment, then default." in said


def test_an_interruption_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(arguments: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(_main, "_command", lambda name: interrupted)
    assert main(["sinks"]) == 1
    assert capsys.readouterr().err == "eventbus: Interrupted.\n"


def test_importing_the_package_imports_no_command_line() -> None:
    code = "import sys, eventbus; print('eventbus.cli' in sys.modules)"
    assert finished([sys.executable, "-c", code]).out == "False\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--seconds", "x"), "expected a number of seconds, got 'x'"),
        (("--events", "x"), "expected a whole number, got 'x'"),
        (("--seed", "x"), "expected a whole number, got 'x'"),
    ],
)
def test_a_number_that_is_none_is_told_what_was_expected(
    eventbus: Command, arguments: tuple[str, str], message: str
) -> None:
    done = eventbus("demo", *arguments)
    assert done.status == 2
    assert message in done.err
