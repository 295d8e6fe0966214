from __future__ import annotations

import tomllib
from textwrap import dedent
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eventbus.config._lines import lines_of
from eventbus.config._tree import leaves

CASES = [
    ("a = 1\nb.c = 2\n", {("a",): 1, ("b", "c"): 2}),
    ("[t]\n# no\n\nx = 1\n", {("t",): 1, ("t", "x"): 4}),
    ("[t.u]\n[t.v]\nx=1", {("t", "u"): 1, ("t", "v", "x"): 3}),
    ("[[t]]\nx=1\n[[t]]\nx=2", {("t", 0, "x"): 2, ("t", 1, "x"): 4}),
    ("[[t]]\n[t.u]\nx=1\n[[t]]\n[t.u]\nx=1", {("t", 1, "u", "x"): 6}),
    ('"a.b"=1\n"\\u0063" . d=2\n\'e f\'=3', {("c", "d"): 2, ("e f",): 3}),
    ('a = """\n[no]\nx = 1\n"""\nb = 2', {("a",): 1, ("b",): 5}),
    ("a = '''\nx = 1 # '' \n'''\nb = 2", {("b",): 4}),
    ('a = "]}\\"#"\nb = 2', {("b",): 2}),
    ("a = [\n 1, # ]\n [2,\n 3],\n]\nb=1", {("a", 0): 2, ("a", 1, 1): 4, ("b",): 6}),
    ("a = { b = 1, c = { d = [1, 2] } }\ne = 1", {("a", "c", "d", 1): 1, ("e",): 2}),
    ("a = []\nb = {}\nc = 1979-05-27T07:32:00Z\nd = 1", {("d",): 4}),
    ("a = 1\r\nb = 2\r\n", {("b",): 2}),
    ('a = """x""""\nb = 1', {("b",): 2}),
]


@pytest.mark.parametrize(("text", "lines"), CASES)
def test_each_key_has_its_line(text: str, lines: dict[Any, int]) -> None:
    tomllib.loads(text)
    found = lines_of(text)
    assert {place: found.get(place) for place in lines} == lines


@pytest.mark.parametrize("text", ["a = [1", "a = {b = 1", "a = [", "a = ", "a"])
def test_what_breaks_off_has_an_end(text: str) -> None:
    assert lines_of(text)["a",] == 1


KEYS = st.sampled_from(["a", "b-c", '"d.e"', "'f'", '"\\""'])
TEXTS = st.sampled_from(['"x"', "'y # ]'", '"""\nz\n"""', "'''\n]\n'''", '"\\"]"'])
VALUES = st.recursive(
    TEXTS | st.sampled_from(["1", "true", "0x1F", "1.5e3", "1979-05-27"]),
    lambda inner: (
        st.lists(inner, max_size=3).map(lambda items: f"[{', '.join(items)}]")
        | st.lists(inner, max_size=3).map(
            lambda items: "[\n" + ",\n".join(items) + "\n]"
        )
        | st.lists(
            st.tuples(KEYS, inner), max_size=2, unique_by=lambda pair: pair[0]
        ).map(lambda pairs: "{" + ", ".join(f"{k} = {v}" for k, v in pairs) + "}")
    ),
    max_leaves=6,
)


@given(st.lists(st.tuples(KEYS, VALUES), max_size=4, unique_by=lambda pair: pair[0]))
def test_whatever_the_parser_accepts_has_a_line_for_every_leaf(
    pairs: list[tuple[str, str]],
) -> None:
    text = "".join(f"{key} = {value}\n" for key, value in pairs)
    try:
        tree = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return  # inline tables may not span lines before TOML 1.1
    found = lines_of(text)
    assert {place for place, _ in leaves(tree)} <= set(found)


def test_lines_are_counted_once_however_long_the_file_is() -> None:
    text = "".join(f"k{number} = {number}\n" for number in range(2000))
    assert lines_of(dedent(text))[("k1999",)] == 2000
