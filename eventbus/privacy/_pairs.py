"""Where text says a secret's name and its value: ``KEY=value``, ``"key": "value"``.

Every pattern is linear: words are tried at their starts alone, what is repeated never
gives back (possessive), and what may stand between name and value is bounded.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Final

from eventbus._event import REDACTED
from eventbus.privacy._key_names import KeyNames

_ENDING_LENGTH: Final = 5
_CLOSERS: Final = r"[\"'\\\])\s]"
_NO_SECRETS: Final = frozenset(
    {"", "none", "null", "nil", "true", "false", "undefined", REDACTED.lower()}
)
_LONGEST_NOTHING: Final = 12
_HEADERS: Final = ("authorization", "cookie", "cookies")
_END_OF_HEADERS: Final = "neNEsS"
_ESCAPES: Final = "nrtbf"
_MAY_OPEN: Final = "\"'\\bBrRuUfF"

_quoted: Final = re.compile(r"[bBrRuUfF]{0,2}+(\\{0,8}+)([\"'])").match
_inside: Final = {
    quote: re.compile(rf"(?:[^{quote}\\]++|\\.)*+", re.DOTALL).match for quote in "\"'"
}
_in_json: Final = re.compile(r"[^\s,}\]\"']++").match
_bare: Final = re.compile(
    r"(?:[^\s\"'\\&]++|&(?![\w.%\[\]-]{1,64}+=)|\\(?![nrt\"'\\]))++"
).match
_line: Final = re.compile(r"(?:[^\r\n\"'\\]++|(?<==)\\{0,8}+\"[^\"\r\n]*+\")++").match
_bracket: Final = re.compile(r"[\[\]{}]")


_Find = Callable[[str, int], re.Match[str] | None]
_Test = tuple[str, Callable[[str], object]]


class Pairs:
    """Finds the values that stand beside the names of secrets, and replaces them.

    Args:
        key_names: Which names those are.
    """

    def __init__(self, key_names: KeyNames) -> None:
        """Compile what is looked for."""
        self._key_names: Final = key_names
        self._may_be, self._find = _searches(tuple(sorted(key_names.names)))

    def may_be_in(self, text: str) -> bool:
        """Return whether a sign in *text* stands behind what ends as such a name."""
        return any(sign in text and test(text) for sign, test in self._may_be)

    def replaced(self, text: str) -> str:
        """Return *text* with the values of such names as ``[REDACTED]``."""
        parts: list[str] = []
        done = at = 0
        while found := self._find(text, at):
            name, quote = found.group("name", "quote")
            at = found.end()
            if _is_escaped(text, found.start(), name):
                name = name[1:]
            if not self._key_names.is_secret(name):
                continue
            start, stop = _value_at(text, at, name, bool(quote))
            if stop > start:
                is_bare = quote and start == at  # a number, say, and JSON needs text
                parts += (text[done:start], f'"{REDACTED}"' if is_bare else REDACTED)
                done = at = stop
        return "".join((*parts, text[done:])) if parts else text


def _is_escaped(text: str, start: int, name: str) -> bool:
    """Return whether the first letter of *name* ends an escape of a line's end."""
    return name[0] in _ESCAPES and text.endswith("\\", 0, start)


@lru_cache(maxsize=8)
def _searches(names: tuple[str, ...]) -> tuple[list[_Test], _Find]:
    """Return what finds *names*: the same for most buses, and 10 ms to compile."""
    tests = [_test(sign, names) for sign in "=:"]
    return tests, re.compile(_name_pattern(names)).search


def _value_at(text: str, at: int, name: str, is_json: bool, /) -> tuple[int, int]:
    """Return from where to where the secret is that begins at *at*; nothing: twice."""
    first = text[at : at + 1]
    if first in _MAY_OPEN and (opened := _quoted(text, at)):
        start = opened.end()
        stop = _quoted_end(text, start, opened[1], opened[2])
        return start, start if _is_nothing(text[start:stop], name) else stop
    if first in "[{" and first and not text.startswith(REDACTED, at):
        return at, _bracket_end(text, at)
    if is_json:
        found = _in_json(text, at)
    elif name[-1] in _END_OF_HEADERS and name.lower().endswith(_HEADERS):
        found = _line(text, at)
    else:
        found = _bare(text, at)
    if found is None or _is_nothing(found[0], name):
        return at, at
    return at, found.end()


def _is_nothing(value: str, name: str) -> bool:
    """Return whether *value* is no secret: absent, or the count of tokens."""
    if len(value) <= _LONGEST_NOTHING:
        value = value.rstrip(",;)")
        if value.lower() in _NO_SECRETS:
            return True
        return value.isdecimal() and name[-6:].lower() == "tokens"
    return False


def _quoted_end(text: str, start: int, escapes: str, quote: str) -> int:
    if not escapes:
        found = _inside[quote](text, start)
        return found.end() if found else start
    closing = escapes + quote
    at = text.find(closing, start)
    while at > start and text[at - 1] == "\\":  # one that is escaped once more
        at = text.find(closing, at + len(closing))
    return len(text) if at < 0 else at


def _bracket_end(text: str, at: int) -> int:
    depth = 0
    for found in _bracket.finditer(text, at):
        depth += 1 if found[0] in "[{" else -1
        if depth == 0:
            return found.end()
    return len(text)


def _test(sign: str, names: Sequence[str]) -> _Test:
    """Return a search for *sign* behind the end of a name, fast on what has none."""
    ends = _endings(names)
    length = min(3, *map(len, ends))
    guard = "".join(
        _either("".join(sorted({end[i - length] for end in ends})))
        for i in range(length)
    )
    pattern = f"(?<={_CLOSERS * 3}{sign})"
    for count in (2, 1, 0):
        behind = _CLOSERS * count + sign
        name = f"(?<={guard}{behind}){_one_of(ends, behind)}"
        closed = f"|(?<={_CLOSERS}{behind})(?:{pattern})"
        pattern = name + closed
    return sign, re.compile(f"{sign}(?:{pattern})").search


def _one_of(ends: list[str], behind: str, depth: int = 1) -> str:
    """Return what looks back for one of *ends*, a letter at a time from the last."""
    if len(ends) == 1:
        return f"(?<={_any_case(ends[0])}{behind})"
    groups: dict[str, list[str]] = {}
    for end in ends:
        groups.setdefault(end[-depth:], []).append(end)
    branches = [
        f"(?<={_any_case(tail)}{behind})"
        + ("" if tail in group else _one_of(group, behind, depth + 1))
        for tail, group in groups.items()
    ]
    return f"(?:{'|'.join(branches)})"


def _name_pattern(names: Sequence[str]) -> str:
    ends = _endings(names)
    return (
        r"(?<![\w.-])(?P<name>[\w.-]++)"
        rf"(?={_CLOSERS}{{0,40}}+[=:]){_one_of(ends, '')}"
        r"(?P<quote>\\{0,8}+[\"'])?+[\])]?+[^\S\r\n]{0,40}+"
        r"(?:=>|:=|={1,3}+|:{1,2}+)"
        r"(?(quote)\s{0,40}+|[^\S\r\n]{0,40}+)"
    )


def _endings(names: Sequence[str]) -> list[str]:
    """Return how *names* may end, in ``snake_case`` and in ``camelCase``."""
    spelled = {*names, *(name.replace("_", "") for name in names)}
    return sorted({name[-_ENDING_LENGTH:] for name in spelled})


def _any_case(text: str) -> str:
    return "".join(map(_either, text))


def _either(letters: str) -> str:
    """Return a class of *letters* in both cases, and of what may stand for ``_``."""
    both = "".join(sorted({*letters.lower(), *letters.upper()}))
    marks = r"\W_" if "_" in both else ""
    return f"[{''.join(map(re.escape, both.replace('_', '')))}{marks}]"
