"""What is said of lines that cannot be read, and that the rest goes on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eventbus import Broken, Reading, Record, Skipped
from eventbus_schemas import _codex_lines, read_codex_exec, read_codex_rollout
from eventbus_schemas._codex_lines import MAX_KINDS, MAX_LINE_BYTES

from ._lines import broken, exec_output, item, line, rollout, shown, skipped

GOOD = shown("agent_message", message="x")
SECRET = "hunter2-the-secret"

UNREADABLE = {
    "empty object": (b"{}", "Object missing required field `type`"),
    "no object": (b"[1]", "Expected `object`, got `array`"),
    "type is no text": (b'{"type":5}', "Expected `str` - at `$.type`"),
    "cut off": (GOOD[:-9], "expected one JSON object, got: Input data was truncated"),
    "no JSON": (
        b"hello",
        "expected one JSON object, got: JSON is malformed: invalid character (byte 0)",
    ),
    "two in a line": (
        GOOD + b" {}",
        "expected one JSON object, got: JSON is malformed: trailing characters "
        f"(byte {len(GOOD) + 2})",
    ),
    "no UTF-8": (
        GOOD.replace(b'"x"', b'"\xff"'),
        "expected UTF-8, got 'utf-8' codec can't decode byte 0xff in position 0: "
        "invalid start byte",
    ),
    "half a surrogate pair": (
        GOOD.replace(b'"x"', b'"\\ud800 is half of one"'),
        "expected one JSON object, got: JSON is malformed: unexpected end of escaped "
        f"utf-16 surrogate pair (byte {GOOD.index(b'x') + 6})",
    ),
    "nested too deep": (
        b'{"type":"event_msg","x":' + b"[" * 100_000,
        "expected JSON that is not nested this deep",
    ),
    "no timestamp": (
        b'{"type":"event_msg","payload":{"type":"agent_message","message":"x"}}',
        "Object missing required field `timestamp`",
    ),
    "timestamp is no time": (
        shown("agent_message", message="x", at="yesterday"),
        "Invalid RFC3339 encoded datetime - at `$.timestamp`",
    ),
    "timestamp without a zone": (
        shown("agent_message", message="x", at="2025-09-25T01:22:20"),
        "Expected `datetime` with a timezone component - at `$.timestamp`",
    ),
    "payload without a type": (
        line("event_msg", {}),
        "Object missing required field `type` - at `$.payload`",
    ),
    "payload is no object": (
        line("event_msg", 5),
        "Expected `object`, got `int` - at `$.payload`",
    ),
    "field of another type": (
        shown("agent_message", message=5),
        "Expected `str`, got `int` - at `$.payload.message`",
    ),
    "field missing": (
        item("function_call", call_id="c", arguments=""),
        "Object missing required field `name` - at `$.payload`",
    ),
    "number below zero": (
        shown("token_count", info=None, rate_limits={"primary_window_minutes": -1}),
        "Expected `int` >= 0 - at `$.payload.rate_limits.primary_window_minutes`",
    ),
    "name too long": (
        item("function_call", call_id="c", arguments="", name="n" * 257),
        "Expected `str` of length <= 256 - at `$.payload.name`",
    ),
}


@pytest.mark.parametrize("case", UNREADABLE)
def test_unreadable_line_is_broken_with_what_was_expected_and_found(case: str) -> None:
    text, reason = UNREADABLE[case]
    assert rollout(text) == [Broken(reason, "rollout.jsonl", 1)]


@pytest.mark.parametrize("case", UNREADABLE)
def test_lines_around_an_unreadable_one_are_read(case: str) -> None:
    readings = rollout(GOOD, UNREADABLE[case][0], GOOD)
    assert [type(reading) for reading in readings] == [Record, Broken, Record]
    assert broken(readings)[0].line == 2


def test_broken_line_says_its_place_first() -> None:
    (fault,) = broken(rollout(GOOD, b"{}"))
    assert str(fault) == "rollout.jsonl:2: Object missing required field `type`"


@pytest.mark.parametrize(
    "text",
    [
        SECRET.encode(),
        msgspec.json.encode({"type": "event_msg", "payload": SECRET}),
        shown("agent_message", message=[SECRET]),
        shown("agent_message", message="x", at=SECRET),
        item("function_call", call_id=SECRET * 20, name="x", arguments=""),
        line("event_msg", {"type": [SECRET]}),
        shown("user_message", message="x", kind=f"{SECRET} {SECRET}"),
        line("event_msg", {"type": f"{SECRET} said he"}),
        GOOD.replace(b"{", b'{"type":"%s",' % SECRET.encode(), 1),
    ],
)
def test_what_is_said_of_a_line_holds_nothing_of_its_content(text: bytes) -> None:
    (reading,) = rollout(text)
    assert not isinstance(reading, Record)
    assert SECRET not in repr(reading)


def test_line_longer_than_the_limit_is_broken_and_the_rest_goes_on() -> None:
    readings = rollout(b" " * (MAX_LINE_BYTES + 1), GOOD)
    assert readings[0] == Broken(
        f"expected a line of at most {MAX_LINE_BYTES} bytes, got {MAX_LINE_BYTES + 1}",
        "rollout.jsonl",
        1,
    )
    assert isinstance(readings[1], Record)


@pytest.mark.parametrize("blank", [b"", b"\n", b" \r\n"])
def test_blank_line_is_skipped_and_counted(blank: bytes) -> None:
    assert rollout(blank) == [Skipped("blank", "rollout.jsonl", 1)]


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        (line("compacted", {"message": "x"}), "compacted"),
        (shown("entered_review_mode"), "event_msg.entered_review_mode"),
        (item("web_search_call"), "response_item.web_search_call"),
        (b'{"type":"ghost"}', "ghost"),
    ],
)
def test_unknown_line_is_skipped_by_its_type(text: bytes, kind: str) -> None:
    assert rollout(text) == [Skipped(kind, "rollout.jsonl", 1)]


@pytest.mark.parametrize("kind", ["two words", "x" * 65, "", "naïve", "a\nb"])
def test_type_that_is_no_plain_word_is_skipped_as_other(kind: str) -> None:
    (skip,) = skipped(rollout(line(kind, {})))
    assert skip.kind == "other"


def test_kinds_come_from_a_bounded_set() -> None:
    readings = rollout(*[line(f"made-up-{n}", {}) for n in range(MAX_KINDS + 10)] * 2)
    kinds = [skip.kind for skip in skipped(readings)]
    assert len(set(kinds)) == MAX_KINDS + 1
    assert kinds.count("other") == 20
    assert kinds.count("made-up-0") == 2


def test_reader_takes_one_line_at_a_time() -> None:
    taken: list[int] = []

    def endless() -> Iterator[bytes]:
        number = 0
        while True:
            taken.append(number := number + 1)
            yield GOOD

    reading = read_codex_rollout(endless(), path="x")
    assert (next(reading), next(reading)) is not None
    assert taken == [1, 2]


def test_every_reading_of_a_line_fits_the_account_whatever_the_lines_are() -> None:
    lines = [text for text, _ in UNREADABLE.values()] + [GOOD, b"", line("x", {})]
    assert len(rollout(*lines)) == len(lines)


def test_exec_output_says_the_same_of_broken_lines() -> None:
    assert exec_output(b"{", b'{"type":"turn.failed","error":5}') == [
        Broken(
            "expected one JSON object, got: Input data was truncated", "exec.jsonl", 1
        ),
        Broken("Expected `object`, got `int` - at `$.error`", "exec.jsonl", 2),
    ]


def test_limits_are_those_the_documentation_names() -> None:
    assert (_codex_lines.MAX_LINE_BYTES, _codex_lines.MAX_KINDS) == (33_554_432, 64)


def read_both(lines: Iterable[bytes]) -> list[Reading]:
    lines = list(lines)
    return [
        *read_codex_rollout(lines, path="x"),
        *read_codex_exec(lines, path="x"),
    ]


WORDS = st.sampled_from(
    [
        *("type", "timestamp", "payload", "item", "id", "call_id", "name", "output"),
        *("message", "kind", "arguments", "info", "rate_limits", "changes", "usage"),
        *("event_msg", "response_item", "session_meta", "turn_context", "error"),
        *("function_call", "function_call_output", "token_count", "user_message"),
        *("item.started", "item.completed", "thread.started", "turn.completed"),
        *("command_execution", "file_change", "mcp_tool_call"),
        "2025-09-25T01:22:20.083Z",
    ]
)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | WORDS
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=5)
    ),
    max_leaves=12,
)


@given(st.lists(st.binary(max_size=60), max_size=4))
@settings(max_examples=60, deadline=None)
def test_no_bytes_make_a_reader_raise(lines: list[bytes]) -> None:
    assert len(read_both(lines)) == 2 * len(lines)


@given(st.lists(st.dictionaries(WORDS, VALUES, max_size=4), max_size=4))
@settings(max_examples=100, deadline=None)
def test_no_object_makes_a_reader_raise(values: list[dict[str, Any]]) -> None:
    assert len(read_both(map(msgspec.json.encode, values))) == 2 * len(values)


@given(st.data())
@settings(max_examples=100, deadline=None)
def test_no_damage_to_a_good_line_makes_a_reader_raise(data: st.DataObject) -> None:
    text = bytearray(data.draw(st.sampled_from([GOOD, item("function_call_output")])))
    text[data.draw(st.integers(0, len(text) - 1))] = data.draw(st.integers(0, 255))
    assert len(rollout(bytes(text))) == 1
