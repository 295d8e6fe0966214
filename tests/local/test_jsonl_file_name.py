from __future__ import annotations

import re
from urllib.parse import unquote

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from eventbus_local._file_name import MAX_NAME_BYTES, FileName

LINES = FileName(["", ".jsonl"])
BARE = FileName(["", ""])
PAIRS = [FileName(["", text, ".jsonl"]) for text in ("-", "_", ".", "4", "é", "a%2F")]

HOSTILE = [
    *(
        "",
        "_",
        ".",
        "..",
        "...",
        "../../etc/x",
        "/etc/passwd",
        "a/b",
        "a\\b",
        "~",
        "~root",
    ),
    *("-rf", "a.", "a ", " a", "a\0b", "a\nb", "\x1b[2J", "C:\\x", "%2F", "%", "{id}"),
    *("CON", "con", "Nul.txt", "COM1", "lpt9.tar.gz", "CON ", "aux.", "x" * 300),
    *("é", "e\u0301", "\u202egnp.exe", "\u2028", "\ud800", "😀", "[REDACTED]"),
    "x.20010909T014640.000000000Z",
    "x.20010909T014640.000000000Z-1.jsonl.gz",
]
ANY_TEXT = st.text(st.characters(exclude_categories=()))
CLOSE_TEXT = st.text("a_-.~%4/A\u00e9", max_size=6)
VALUE = ANY_TEXT | CLOSE_TEXT | st.sampled_from(HOSTILE)

is_plain = re.compile(r"[A-Za-z0-9_%~][A-Za-z0-9._%~\-]*").fullmatch
is_device = re.compile(r"(?i)(con|prn|aux|nul|com\d|lpt\d)(\..*)?").fullmatch
is_rotated = re.compile(r"(?i).*\.\d{8}T\d{6}\.\d{9}Z").match


@pytest.mark.proves("fault-97")
@pytest.mark.parametrize("name", [LINES, BARE], ids=["lines", "bare"])
@given(value=VALUE)
@example("../../etc/x")
@example("CON")
@example("x" * 300)
@example("~")
@example("trailing.")
@example("a\0b")
def test_whatever_the_value_its_name_is_one_plain_name(
    name: FileName, value: str
) -> None:
    made = name.of([value])
    assert is_plain(made)
    assert not made.endswith(".")
    assert len(made.encode()) <= MAX_NAME_BYTES
    assert not is_device(made)
    assert not is_rotated(made)
    assert name.could_be(made)


@pytest.mark.proves("fault-97")
@given(values=st.lists(VALUE, unique=True, min_size=2, max_size=6))
def test_different_values_make_different_names(values: list[str]) -> None:
    assert len({LINES.of([value]) for value in values}) == len(values)


@given(
    name=st.sampled_from(PAIRS),
    pairs=st.lists(st.tuples(VALUE, VALUE), unique=True, min_size=2, max_size=6),
)
@example(PAIRS[0], [("x-y", "z"), ("x", "y-z")])
@example(PAIRS[1], [("", "_"), ("_", "")])
def test_different_pairs_of_values_make_different_names(
    name: FileName, pairs: list[tuple[str, str]]
) -> None:
    assert len({name.of(pair) for pair in pairs}) == len(pairs)


@given(value=st.text(min_size=1, max_size=20).filter(lambda text: text.isprintable()))
def test_a_short_value_is_read_back_from_its_name(value: str) -> None:
    assert unquote(BARE.of([value])) == value


@pytest.mark.proves("fault-97")
@pytest.mark.parametrize(
    ("value", "name"),
    [
        ("0198c7f2-9d1e", "0198c7f2-9d1e.jsonl"),
        ("Checkout_v1.2", "Checkout_v1.2.jsonl"),
        ("checkout_v1.2", "checkout_v1.2.jsonl"),
        ("", "_.jsonl"),
        ("_", "%5F.jsonl"),
        ("a b/c:d", "a%20b%2Fc%3Ad.jsonl"),
        ("..", "%2E%2E.jsonl"),
        ("../../etc/x", "%2E.%2F..%2Fetc%2Fx.jsonl"),
        ("~root", "%7Eroot.jsonl"),
        ("-rf", "%2Drf.jsonl"),
        ("trailing.", "trailing%2E.jsonl"),
        ("é", "%C3%A9.jsonl"),
        ("\ud800", "%ED%A0%80.jsonl"),
        ("con", "%63%6F%6E.jsonl"),
        ("COM1.x", "%43%4F%4D%31%2E%78.jsonl"),
        ("[REDACTED]", "%5BREDACTED%5D.jsonl"),
    ],
)
def test_names_people_will_see(value: str, name: str) -> None:
    assert LINES.of([value]) == name


@pytest.mark.proves("fault-97")
def test_a_long_value_is_cut_and_ends_in_its_hash() -> None:
    first, second = LINES.of(["x" * 300]), LINES.of(["x" * 299 + "y"])
    assert re.fullmatch(r"x{177}~[0-9a-f]{16}\.jsonl", first)
    assert first[:178] == second[:178]
    assert first != second


def test_a_long_value_is_not_cut_within_a_code() -> None:
    for start in range(3):
        made = LINES.of(["x" * start + "/" * 300])
        assert re.fullmatch(r"x*(%2F)+~[0-9a-f]{16}\.jsonl", made)


def test_a_device_is_found_across_a_text() -> None:
    assert FileName(["c", ".x"]).of(["on"]) == "c%6F%6E.x"


@pytest.mark.parametrize("text", ["", "%", "~x"])
def test_two_values_that_could_run_into_each_other_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="must have a character between two") as caught:
        FileName(["", text, ""])
    assert "other than '%' and '~'" in str(caught.value)


@pytest.mark.parametrize("texts", [["é" * 85, ""], ["", "-" * 137, ""], ["x" * 201]])
def test_texts_that_leave_no_room_for_values_are_refused(texts: list[str]) -> None:
    with pytest.raises(ValueError, match="names of at most 200 bytes, with 32 for"):
        FileName(texts)
