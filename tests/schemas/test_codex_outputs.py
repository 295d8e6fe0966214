"""What the output of a tool says about how the tool ended."""

from __future__ import annotations

import pytest

from eventbus_schemas import ToolResult
from eventbus_schemas._codex_calls import OpenCall
from eventbus_schemas._codex_outputs import (
    COMMAND_TOOLS,
    tool_end,
    tool_result,
)

from ._lines import command_output


def result(text: str, *, tool_name: str = "shell", waited_ns: int = 0) -> ToolResult:
    call = OpenCall("c", tool_name, "ü", 0, 1, 2)
    return tool_result(call, text, waited_ns)


@pytest.mark.parametrize(
    ("seconds", "milliseconds"),
    [
        (0.0, "0.0"),
        (0.3, "300.0"),
        (16.1, "16100.0"),
        (1.001, "1001.0"),
        (0.07, "70.0"),
        (8.2e-5, "0.082"),
        (1e11, "100000000000000.0"),
    ],
)
def test_seconds_become_milliseconds_without_a_float_s_tail(
    seconds: float, milliseconds: str
) -> None:
    *_, duration_ms = tool_end(command_output("", seconds=seconds))
    assert str(duration_ms) == milliseconds


def test_header_of_newer_versions_tells_exit_status_and_duration() -> None:
    text = "Exit code: 2\nWall time: 0.3 seconds\nTotal output lines: 9\nOutput:\nno\n"
    assert tool_end(text) == ("no\n", 2, 300.0)


@pytest.mark.parametrize(
    "text",
    [
        "plain",
        "{",
        '{"output": 5}',
        '{"output": "x"}',
        '{"output": "x", "metadata": {"exit_code": "0", "duration_seconds": 1}}',
        '{"output": "x", "metadata": {"exit_code": 0, "duration_seconds": -1}}',
        '{"output": "x", "metadata": {"exit_code": 0, "duration_seconds": 1e12}}',
        '{"output": "x", "metadata": {"exit_code": 1e99, "duration_seconds": 1}}',
        "Exit code: none\nWall time: 1 seconds\nOutput:\n",
        '{"x":' + "[" * 100_000,
    ],
)
def test_output_that_tells_nothing_is_kept_as_it_is(text: str) -> None:
    assert tool_end(text) == (text, None, None)


@pytest.mark.parametrize("tool_name", sorted(COMMAND_TOOLS))
@pytest.mark.proves("B10")
def test_command_that_reports_no_exit_status_could_not_run(tool_name: str) -> None:
    event = result("rejected by user", tool_name=tool_name)
    assert (event.outcome, event.success, event.severity) == (
        "could_not_run",
        False,
        "error",
    )
    assert (event.output, event.output_length) == ("rejected by user", 16)


def test_other_tool_that_answers_counts_as_successful() -> None:
    event = result("Plan updated", tool_name="update_plan")
    assert (event.outcome, event.success, event.exit_code) == ("completed", True, None)


@pytest.mark.parametrize(
    ("waited_ns", "told"),
    [(-1, (None, None)), (0, (0.0, "timestamps")), (2_500_000, (2.5, "timestamps"))],
)
def test_time_between_the_lines_is_told_unless_it_runs_backwards(
    waited_ns: int, told: tuple[float | None, str | None]
) -> None:
    event = result("Plan updated", tool_name="update_plan", waited_ns=waited_ns)
    assert (event.duration_ms, event.duration_source) == told


@pytest.mark.parametrize("exit_code", [-(2**31), 2**31 - 1])
def test_exit_status_has_32_bits(exit_code: int) -> None:
    text = command_output("", exit_code=exit_code)
    assert result(text).exit_code == exit_code
    past = exit_code + (1 if exit_code > 0 else -1)
    assert result(command_output("", exit_code=past)).exit_code is None


def test_reported_duration_goes_before_the_time_between_the_lines() -> None:
    event = result(command_output("", seconds=1.5), waited_ns=9_000_000_000)
    assert (event.duration_ms, event.duration_source) == (1_500.0, "reported")


def test_it_is_what_a_session_would_make_of_the_same_call() -> None:
    assert result(command_output("a\nb", seconds=1.5, exit_code=1)) == ToolResult.of(
        "shell",
        success=False,
        arguments="ü",
        output="a\nb",
        call_id="c",
        exit_code=1,
        duration_ms=1500.0,
        duration_source="reported",
    )
