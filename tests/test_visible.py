from __future__ import annotations

import json

import pytest

from eventbus._visible import visible, visible_json


@pytest.mark.proves("fault-92")
@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[31mred", r"\x1b[31mred"),
        ("\x1b]8;;http://evil\x07here", r"\x1b]8;;http://evil\x07here"),
        ("\x9b31m", r"\x9b31m"),
        ("a\rb\nc\bd\te\x00\x7f", r"a\rb\nc\x08d\te\x00\x7f"),
        ("\u202egnp.exe\u2066", r"\u202egnp.exe\u2066"),
        ("a\u2028b\u2029c\x85d", r"a\u2028b\u2029c\x85d"),
        ("\ufeffa\u200bb", r"\ufeffa\u200bb"),
        ("\ud800", r"\ud800"),
        ("übung 日本語 \U0001f600", "übung 日本語 \U0001f600"),
    ],
)
def test_what_could_act_or_hide_is_shown_as_an_escape(text: str, shown: str) -> None:
    assert visible(text) == shown


@pytest.mark.proves("fault-92")
def test_json_says_the_same_with_nothing_hidden() -> None:
    value = {"a": "\x1b\x9b\u202e\u2028\x7f\ufeff ü"}
    line = json.dumps(value, ensure_ascii=False) + "\n"
    shown = visible_json(line)
    assert json.loads(shown) == value
    assert shown == ('{"a": "\\u001b\\u009b\\u202e\\u2028\\u007f\\ufeff ü"}\n')
