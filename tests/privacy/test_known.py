"""Known secrets are found, within bounds, and cannot be got out again."""

from __future__ import annotations

import copy
import json
import pickle
import re
import traceback
from collections.abc import Callable
from typing import Any
from urllib.parse import quote, quote_plus

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
    with pytest.raises(TypeError, match="cannot be pickled"):
        known.__getstate__()
    assert copy.copy(known) is copy.deepcopy(known) is known


@pytest.mark.proves("E7")
@pytest.mark.parametrize(
    ("values", "words"),
    [
        (["abc"], "known_secrets[0] must be a value of 4 to 4096 bytes, got 3"),
        (["abcd", "é" * 2049], "known_secrets[1] must be a value of 4 to 4096"),
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


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ("hunter22", " must be a list of texts, got one str"),
        (b"hunter22", " must be a list of texts, got one bytes"),
        (None, " must be a list of texts, got one NoneType"),
        (["hunter22", 1], "[1] must be text"),
    ],
)
def test_what_is_no_list_of_texts_is_refused(values: Any, words: str) -> None:
    with pytest.raises(TypeError) as caught:
        KnownSecrets(values)
    assert str(caught.value) == f"known_secrets{words}"


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


ESCAPES: dict[str, Callable[[str], str]] = {
    "JSON": json.dumps,
    "JSON in UTF-8": lambda text: json.dumps(text, ensure_ascii=False),
    "msgspec": lambda text: msgspec.json.encode(text).decode(),
    "JSON in JSON": lambda text: json.dumps(json.dumps(text)),
    "JSON with escaped slashes": lambda text: json.dumps(text).replace("/", r"\/"),
    "repr": repr,
    "ascii": ascii,
    "a URL's path": quote,
    "a URL's query": lambda text: quote(text, safe=""),
    "a form": quote_plus,
    "one line": lambda text: " ".join(text.split()),
    "in lower case": lambda text: re.sub(
        "%..", lambda found: found[0].lower(), quote(text)
    ),
}


@pytest.mark.proves("E7")
@pytest.mark.parametrize("escape", ESCAPES)
@pytest.mark.parametrize(
    "secret",
    [
        'quo"ted/secret',
        "line\nbreak-1",
        "pässwörd\\☃",
        "it's 100 %",
        "ä\x01hidden",
        'ä"hidden',
    ],
)
def test_one_is_found_where_it_is_escaped(secret: str, escape: str) -> None:
    known = KnownSecrets([secret])
    text = ESCAPES[escape](f"<{secret}>")
    assert known.may_be_in(text)
    hidden = ESCAPES[escape]("<S>").replace("S", "[REDACTED]")
    assert known.replaced(text).strip("'\"") == hidden.strip("'\"")


def test_what_is_mostly_space_does_not_take_other_text_with_it() -> None:
    known = KnownSecrets(["a" + "\n" * 9 + "b", " " * 8])
    assert known.replaced("is a b left") == "is a b left"
    assert known.replaced("a" + "\n" * 9 + "b.") == "[REDACTED]."


@pytest.mark.parametrize("secret", [b"\xff\xfebytes-1", "half \ud800 of one"])
def test_what_is_no_text_in_utf_8_is_taken_too(secret: Any) -> None:
    text = (
        secret if isinstance(secret, str) else secret.decode("utf-8", "surrogateescape")
    )
    assert KnownSecrets([secret]).replaced(f"<{text}>") == "<[REDACTED]>"


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("abcdefgh1234ijklmnop", "[REDACTED]"),
        ("1234ijklmnop1234ijklmnop", "[REDACTED][REDACTED]"),
        ("x1234ijklmnop-abcdefgh1234", "x[REDACTED]-[REDACTED]"),
        ("<abcdefgh1234ij>", "<[REDACTED]ij>"),
        ("<the abcdefgh1234 one>", "<[REDACTED]>"),
    ],
)
def test_nothing_is_left_of_those_that_overlap(text: str, cleaned: str) -> None:
    values = ["abcdefgh1234", "1234ijklmnop", "abcdefgh", "the abcdefgh1234 one"]
    for several in (values, values[::-1]):
        assert KnownSecrets(several).replaced(text) == cleaned


def test_one_that_is_cut_off_loses_what_there_is_of_it() -> None:
    known = KnownSecrets(['quo"ted/secret', "ted/ and another", "quotquot-quotquot"])
    assert known.without_tail('it said quo"te') == "it said [REDACTED]"
    assert known.without_tail('it said quo"ted/') == "it said [REDACTED]"
    assert known.without_tail('it said "ted/ an') == 'it said "[REDACTED]'
    assert known.without_tail("it said quot-quotquo") == "it said quot-[REDACTED]"
    assert known.without_tail('it said quo"') == "it said [REDACTED]"
    assert known.without_tail("it said quo") == "it said quo"
    assert known.without_tail("quo") == "quo"
    assert known.without_tail("quotquot-quotquo") == "[REDACTED]"
