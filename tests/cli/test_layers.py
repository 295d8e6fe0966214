from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli._command import Command

LINE = '{"id": "1", "name": "tool.ran", "time_unix_nano": 1, "event": {}}\n'


@pytest.fixture
def user(tmp_path: Path) -> Path:
    path = tmp_path / "user.toml"
    path.write_text("[sinks.console]\n")
    return path


@pytest.fixture
def project(tmp_path: Path) -> Path:
    path = tmp_path / "project.toml"
    path.write_text('[sinks.console]\nmin_severity = "warn"\n')
    return path


@pytest.fixture
def managed(tmp_path: Path) -> Path:
    path = tmp_path / "managed.toml"
    path.write_text('[sinks.console]\nstream = "stderr"\n')
    return path


@pytest.mark.proves("F7")
def test_the_check_says_which_file_each_value_came_from(
    eventbus: Command, user: Path, project: Path, managed: Path
) -> None:
    project.write_text('[bus.resource]\n"vcs.ref" = "main"\n')
    done = eventbus("check", user, "--project", project, "--managed", managed, "--json")
    assert done.status == 0
    told = {one["place"]: one["origin"] for one in json.loads(done.out)["settings"]}
    assert told["$.sinks.console.stream"] == f"{managed}:2, required"
    assert told['$.bus.resource."vcs.ref"'] == f"{project}:2, not trusted"


@pytest.mark.proves("F6")
def test_the_check_fails_where_a_file_that_is_not_trusted_says_too_much(
    eventbus: Command, user: Path, project: Path
) -> None:
    project.write_text('\n[sinks.console]\nstream = "stderr"\nenabled = 5\n')
    user.write_text("[sinks.console]\nformat = 1\n")
    done = eventbus("check", user, "--project", project)
    assert done.status == 1
    assert done.err.splitlines() == [
        f"{user}:2: Expected 'json' or 'text', got 1 - at `$.sinks.console.format`",
        f"{project}:3: A file that is not trusted cannot set this - at "
        "`$.sinks.console.stream`",
        f"{project}:4: Expected `bool`, got 5 - at `$.sinks.console.enabled`",
    ]


def test_requirements_can_be_checked_alone(eventbus: Command, managed: Path) -> None:
    done = eventbus("check", "--managed", managed)
    assert done.status == 0
    assert f"{managed} is in order: 1 sink." in done.out


def test_a_requirement_wins_over_an_argument_and_says_so(
    eventbus: Command, user: Path, managed: Path
) -> None:
    option = ("--set", "sinks.console.stream=stdout")
    done = eventbus("check", user, "--managed", managed, *option)
    assert done.status == 0
    assert (
        f"Warning: `$.sinks.console.stream` is 'stderr', as {managed}:2 requires, not "
        "'stdout' of argument" in done.err.splitlines()
    )


@pytest.mark.proves("F7")
def test_a_run_delivers_as_it_is_required_without_a_file_of_the_user(
    eventbus: Command, managed: Path, tmp_path: Path
) -> None:
    records = tmp_path / "in.jsonl"
    records.write_text(LINE)
    out = tmp_path / "out.jsonl"
    managed.write_text(
        f"[sinks.console]\nenabled = false\n[sinks.jsonl]\npath = '{out}'\n"
    )
    done = eventbus("run", "--managed", managed, "--input", records)
    assert done.status == 0
    assert out.exists()


def test_a_project_s_file_alone_runs_nothing(
    eventbus: Command, project: Path, tmp_path: Path
) -> None:
    project.write_text("[sinks.jsonl]\npath = 'stolen.jsonl'\n")
    records = tmp_path / "in.jsonl"
    records.write_text(LINE)
    done = eventbus("run", "--project", project, "--input", records)
    assert done.status == 2
    assert "cannot set this" in done.err


def test_a_file_that_is_missing_is_wrong_usage(
    eventbus: Command, user: Path, tmp_path: Path
) -> None:
    done = eventbus("check", user, "--managed", tmp_path / "none.toml")
    assert done.status == 2
    assert "No such file" in done.err


def test_the_check_is_of_the_user_s_own_file(
    eventbus: Command, user: Path, managed: Path, project: Path
) -> None:
    project.write_text("")
    done = eventbus("check", user, "--managed", managed, "--project", project)
    assert f"{user} is in order: 1 sink." in done.out


@pytest.mark.proves("F7")
def test_the_check_says_who_switched_a_sink_off(
    eventbus: Command, user: Path, managed: Path
) -> None:
    managed.write_text("\n[sinks.console]\nenabled = false\n[sinks.otlp.headers]\n")
    done = eventbus("check", user, "--managed", managed)
    console, otlp = (line for line in done.out.splitlines() if line.startswith("Sink "))
    assert console.endswith(f"not attached: enabled = false ({managed}:3, required).")
    assert otlp.endswith("names no type, and nobody else has it.")
    left_out = eventbus("check", user, "--managed", managed, "--json").json["left_out"]
    assert left_out["console"] == f"enabled = false ({managed}:3, required)"
