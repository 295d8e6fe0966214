from __future__ import annotations

import enum
import math
from typing import Any

import pytest
from msgspec import UNSET

from eventbus.metrics import sanitized
from eventbus.metrics._labels import Label, label_of


class Colour(enum.Enum):
    RED = "red"


class Loud(str):
    __slots__ = ()


class Rude:
    def __str__(self) -> str:
        raise OSError


@pytest.mark.proves("H5")
@pytest.mark.parametrize(
    ("value", "label"),
    [
        ("ok", Label("ok")),
        ("", Label("")),
        (True, Label(True)),
        (7, Label(7)),
        (0.5, Label(0.5)),
        (None, Label(None)),
        (UNSET, Label(None)),
        (Colour.RED, Label("red")),
        (Loud("a"), Label("a")),
        (math.inf, Label("inf")),
        (-(2**63), Label(-(2**63))),
        (2**63, Label(str(2**63), "sanitized")),
        ("x" * 257, Label("x" * 256, "truncated")),
        ("a\ud800b", Label("a�b", "sanitized")),
        ([1, 2], Label("[1, 2]", "sanitized")),
        (Rude(), Label("test_labels.Rude", "sanitized")),
        (10**5000, Label("builtins.int", "sanitized")),
    ],
    ids=lambda value: "value" if type(value) is not Label else str(value)[:40],
)
def test_whatever_a_value_is_the_label_says_something(value: Any, label: Label) -> None:
    found = label_of(value, 256)
    expected = str(label.value)
    assert str(found.value).endswith(expected)
    assert type(found.value) is type(label.value)
    assert found.warning == label.warning


@pytest.mark.proves("H5")
@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("shell", "shell"),
        ("my tool: ä", "my_tool"),
        ("__a__", "a"),
        ("a.b_c-d/e", "a.b_c-d/e"),
        ("", "unspecified"),
        ("::", "unspecified"),
        ("-.-", "unspecified"),
        ("x" * 300, "x" * 256),
    ],
)
def test_a_value_is_sanitized_for_those_who_need_it(value: str, expected: str) -> None:
    assert sanitized(value) == expected
