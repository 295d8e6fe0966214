"""Turns of the example agent, one at a time: programs around its loop and its tools."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from eventbus.testing import responses
from tests._agent_programs import (
    AGENT,
    CANCELLED_ANYWHERE,
    CONVERSATION,
    ENDS,
    INTERRUPTED,
    ONE_CALL,
    ONE_TURN,
)
from tests._program import lines_of, run_program

pytestmark = pytest.mark.timeout(60)
for package in ("httpx", "aiohttp"):
    pytest.importorskip(package, reason=f"{package} is not installed: make installs it")


def test_the_model_is_told_of_its_calls_and_nothing_of_a_cancelled_turn(
    tmp_path: Path,
) -> None:
    (tmp_path / "notes.txt").write_text("first\nsecond\n")
    (tmp_path / "draft.txt").write_text("")
    failed, after = run_program(CONVERSATION, AGENT, tmp_path)
    assert failed == {"error": "later"}
    assert after["wrong"] == []
    outputs = after["outputs"]
    assert outputs[0] == "draft.txt\nnotes.txt"
    assert "No such file" in outputs[1]
    assert outputs[2] == "first\nsecond\n"
    assert outputs[3].split() == ["2", "notes.txt"]
    assert outputs[4] == "error: the user denied it"
    assert after["prompts"] == ["first", "second", "last"]
    assert (tmp_path / "draft.txt").exists()


@pytest.mark.proves("B21")
@pytest.mark.parametrize(
    ("end", "cost"),
    [
        (responses.ev_completed_with_tokens("r", 9), [9, None, 0]),
        (responses.ev_completed_with_tokens("r", 9, cached_tokens=0), [9, 0, 0]),
        ({"type": "response.completed", "response": {"usage": None}}, [None, None, 0]),
    ],
)
def test_a_turn_tells_no_more_of_its_tokens_than_the_model_told(
    end: responses.ResponseEvent, cost: list[int | None], tmp_path: Path
) -> None:
    message = responses.ev_assistant_message("m", "")
    message["item"]["content"] = [{"type": "refusal", "refusal": "I will not."}]
    told = one_turn([[message, end]], tmp_path)
    assert told == {"answer": "I will not.", "cost": cost, "failed": []}


def test_arguments_that_no_system_takes_fail_the_call_and_not_the_turn(
    tmp_path: Path,
) -> None:
    call = responses.ev_function_call("c", "read_file", '{"path": "\\u0000"}')
    end = responses.ev_completed("r")
    bodies = [[call, end], [responses.ev_assistant_message("m", "Well."), end]]
    told = one_turn(bodies, tmp_path)
    assert told == {"answer": "Well.", "cost": [0, None, 1], "failed": ["ValueError"]}


@pytest.mark.parametrize(
    ("error", "said"),
    [(None, "response.failed"), ({"message": "overloaded"}, "overloaded")],
)
def test_an_answer_that_failed_ends_the_turn_with_what_is_said_of_it(
    error: object, said: str, tmp_path: Path
) -> None:
    failed = {"type": "response.failed", "response": {"error": error}}
    assert one_turn([[failed]], tmp_path) == {"error": said}


def one_turn(bodies: list[list[responses.ResponseEvent]], folder: Path) -> Any:
    (told,) = run_program(ONE_TURN, AGENT, folder, json.dumps(bodies))
    return told


@pytest.mark.proves("C3")
def test_a_turn_that_is_cancelled_anywhere_has_one_end_as_has_all_in_it(
    tmp_path: Path,
) -> None:
    (told,) = run_program(CANCELLED_ANYWHERE, AGENT, tmp_path)
    assert told["wrong"] == []
    names = told["names"]
    assert names["agent.turn_aborted"] > names["agent.turn_completed"] == 1
    for cut_off in ("request", "tool_call", "approval"):
        assert names[cut_off] > 0


@pytest.mark.proves("C3")
def test_ctrl_c_in_the_middle_of_a_turn_ends_it_and_loses_nothing(
    tmp_path: Path,
) -> None:
    (told,) = run_program(INTERRUPTED, AGENT, tmp_path)
    assert told == {"interrupted": True}
    lines = lines_of(tmp_path / "session.jsonl")
    assert [line["name"] for line in lines if line["name"] in ENDS] == [
        "agent.turn_completed",
        "agent.turn_completed",
        "agent.turn_aborted",
    ]
    assert lines[-1]["name"] == "agent.turn_aborted"


@pytest.mark.parametrize(
    ("name", "arguments", "told"),
    [
        ("read_file", {"path": "../secret.txt"}, "../secret.txt is outside of the"),
        ("read_file", {"path": "link.txt"}, "link.txt is outside of the folder"),
        ("read_file", {"paht": "a"}, "Object contains unknown field `paht`"),
        ("run_command", {"command": []}, "Expected `array` of length >= 1"),
        ("run_command", {"command": ["false"]}, "exit status 1: "),
        ("run_command", {"command": ["no-such-command"]}, "No such file"),
        ("delete", {}, "no tool 'delete'; there are list_files, read_file, run_com"),
    ],
)
def test_a_tool_stays_in_its_folder_and_the_model_is_told_why_it_failed(
    name: str, arguments: object, told: str, tmp_path: Path
) -> None:
    (tmp_path / "secret.txt").write_text("secret")
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "link.txt").symlink_to(tmp_path / "secret.txt")
    given = json.dumps([name, json.dumps(arguments)])
    (raised,) = run_program(ONE_CALL, AGENT, folder, given)
    assert told in raised["error"]


def test_the_model_is_told_the_beginning_of_an_output_and_no_more_is_kept(
    tmp_path: Path,
) -> None:
    (tmp_path / "long.txt").write_text("ä" * 5_000_000)
    for name, arguments in (
        ("read_file", {"path": "long.txt"}),
        ("run_command", {"command": ["cat", "long.txt"]}),
    ):
        given = json.dumps([name, json.dumps(arguments)])
        (told,) = run_program(ONE_CALL, AGENT, tmp_path, given)
        assert told["output"] == "ä" * 20_000
        assert told["peak_bytes"] < 5_000_000
