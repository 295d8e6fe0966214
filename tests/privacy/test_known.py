"""Known secrets are found, within bounds, and cannot be got out again."""

from __future__ import annotations

import copy
import json
import pickle
import traceback
from typing import Any

import msgspec
import pytest

from eventbus import KnownSecrets, Privacy

SECRET = "correct horse/battery"


class Holder(msgspec.Struct):
    held: Any


@pytest.mark.proves("E7")
def test_they_cannot_be_printed_pickled_or_encoded() -> None:
    known = KnownSecrets([SECRET, b"more bytes"])
    privacy = Privacy(known_secrets=known)
    said = [repr(known), str(known), f"{known}", "%r" % [known], repr(privacy)]
    assert SECRET not in "".join(said)
    assert repr(known) == "<KnownSecrets: 2>"
    refusals: list[tuple[Any, type[Exception]]] = [
        (pickle.dumps, TypeError),
        (json.dumps, TypeError),
        (msgspec.json.encode, TypeError),
        (msgspec.msgpack.encode, TypeError),
        (msgspec.to_builtins, TypeError),
        (vars, TypeError),
        (list, TypeError),
    ]
    for encode, error in refusals:
        for value in (known, Holder(known), privacy):
            with pytest.raises(error) as caught:
                encode(value)
            assert SECRET not in str(caught.value)
    assert copy.copy(known) is copy.deepcopy(known) is known


@pytest.mark.proves("E7")
@pytest.mark.parametrize(
    ("values", "words"),
    [
        (["abc"], "known_secrets[0] must be values of 4 to 4096 bytes, got 3"),
        (["abcd", "é" * 2049], "known_secrets[1] must be values of 4 to 4096 bytes"),
        ([f"abcd{n}" for n in range(33)], "must be at most 32 values, got 33"),
        (["x" * 4096] * 5, "must be at most 16384 bytes together, got 20480"),
    ],
)
def test_a_passed_limit_is_named_and_no_value_is(values: Any, words: str) -> None:
    with pytest.raises(ValueError, match="known_secrets") as caught:
        KnownSecrets(values)
    assert words in str(caught.value)
    frame = traceback.extract_tb(caught.value.__traceback__)[-1]
    assert frame.name == "__init__"
    shown = traceback.TracebackException.from_exception(
        caught.value, capture_locals=True
    )
    ours = (shown.stack[-1].locals or {}).values()
    assert not [one for one in ours if values[0] in one]


@pytest.mark.parametrize("values", ["hunter22", [1], None])
def test_what_is_no_list_of_texts_is_refused(values: Any) -> None:
    with pytest.raises(TypeError) as caught:
        KnownSecrets(values)
    assert "hunter22" not in str(caught.value)


@pytest.mark.proves("E7")
def test_short_ones_are_found_alone_and_long_ones_inside_too() -> None:
    known = KnownSecrets(["abcd", "1234567", "12345678", "éééé"])
    assert known.replaced("abcd") == known.replaced("1234567") == "[REDACTED]"
    assert known.replaced("xabcdx") == "xabcdx"
    assert known.replaced("x12345678x éééé") == "x[REDACTED]x [REDACTED]"
    assert known.may_be_among({"abcd", "x"}, "abcd\nx")


def test_as_many_and_as_long_ones_as_allowed_are_taken() -> None:
    values = [f"{n:02}" + "x" * 510 for n in range(32)]
    known = KnownSecrets(values)
    assert len(known) == 32
    assert known.replaced(" ".join(values)) == " ".join(["[REDACTED]"] * 32)


def test_one_is_found_where_it_is_escaped_or_cut_off() -> None:
    known = KnownSecrets(['quo"ted/secret', "line\nbreak-1", "abcdefgh", "abcdefghij"])
    assert "ted" not in known.replaced(json.dumps('a quo"ted/secret'))
    assert "ted" not in known.replaced("/x?a=quo%22ted/secret&b=quo%22ted%2Fsecret")
    assert "break" not in known.replaced(repr("line\nbreak-1"))
    assert known.replaced("abcdefghij") == "[REDACTED]"
    assert known.without_tail('it said quo"te') == "it said [REDACTED]"
    assert known.without_tail("it said quo") == "it said quo"
