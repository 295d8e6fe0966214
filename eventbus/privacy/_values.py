"""Where a value begins and ends that stands beside the name of a secret.

It may be quoted, in parentheses or brackets, or bare; every pattern is linear.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from eventbus._event import REDACTED

Span = tuple[int, int]
Read = Callable[[str, int], "re.Match[str] | None"]

QUOTES: Final = ('"', "'")
SPACE: Final = r"(?:\s|\\{1,8}+[nrt]){0,80}+"
_NO_SECRETS: Final = frozenset(
    {"", "none", "null", "nil", "true", "false", "undefined", REDACTED.lower()}
)
_LONGEST_NOTHING: Final = 12
_HEADERS: Final = ("authorization", "cookie", "cookies")
_END_OF_HEADERS: Final = "neNEsS"
_MAY_OPEN: Final = "\"'\\bBrRuUfF"


_quoted: Final = re.compile(r"[bBrRuUfF]{0,2}+(\\{0,8}+)([\"'])").match
_inside: Final = {
    quote: re.compile(rf"(?:[^{quote}\\]++|\\.)*+", re.DOTALL).match for quote in "\"'"
}
_in_json: Final = re.compile(r"[^\s,}\]\"']++").match
bare: Final = re.compile(
    r"(?:[^\s\"'\\&]++|&(?![\w.%\[\]-]{1,64}+=)|\\{1,8}+\ |\\(?![nrt\"'\\]))++"
).match
_line: Final = re.compile(
    r"(?:[^\r\n\"'\\]++|\\{1,8}+\ |(?<==)\\{0,8}+\"[^\"\r\n]*+\")++"
).match
_bracket: Final = re.compile(r"[\[\]{}]")
_call: Final = re.compile(
    rf"(?P<called>(?:[A-Za-z_][\w.:!]{{0,64}}+)?+)\({SPACE}(?=[bBrRuUfF]{{0,2}}+\\{{0,8}}+[\"'])"
).match
_next: Final = re.compile(
    r"\\{0,8}+[\"']{1,3}+(?:[\s,+]|\\{1,8}+[nrt]){0,80}+"
    r"(?:[A-Za-z_]\w{0,32}+=)?+[bBrRuUfF]{0,2}+(\\{0,8}+)([\"'])"
).match


def reader(name: str, *, is_json: bool) -> Read:
    """Return what reads a value that is not quoted."""
    if is_json:
        return _in_json
    if name[-1] in _END_OF_HEADERS and name.lower().endswith(_HEADERS):
        return _line
    return bare


def value_at(text: str, at: int, name: str, read: Read) -> Span:
    """Return from where to where the secret is that begins at *at*; nothing: twice."""
    first = text[at : at + 1]
    if first in QUOTES:
        return in_quotes(text, at, name)
    if first in _MAY_OPEN and (opened := _quoted(text, at)):
        start, stop = _quoted_span(text, opened.end(), opened[1], opened[2])
        return start, start if is_nothing(text[start:stop], name) else stop
    if first in "[{" and first and not text.startswith(REDACTED, at):
        return at, _bracket_end(text, at)
    found = read(text, at)
    if found and "(" in found[0] and (call := _call(text, at)):
        return _arguments(text, call, name)
    return whole(found, at, name)


def in_quotes(text: str, at: int, name: str) -> Span:
    """Return likewise where the secret is whose quote opens at *at*."""
    start, stop = _quoted_span(text, at + 1, "", text[at])
    return start, start if is_nothing(text[start:stop], name) else stop


def _arguments(text: str, call: re.Match[str], name: str) -> Span:
    """Return from where to where the texts in parentheses are secret.

    What is asked of the environment is a name, and no secret; its default is.
    """
    spans: list[Span] = []
    opened = _quoted(text, call.end())
    while opened:
        last = opened
        spans.append(_quoted_span(text, opened.end(), opened[1], opened[2]))
        opened = _next(text, spans[-1][1])
        if opened and opened[2] == last[2] and opened[1] != last[1]:
            break  # the text that all of this is in has ended
    secret = spans["env" in call["called"].lower() :]
    if not secret or is_nothing(text[secret[0][0] : secret[-1][1]], name):
        return call.end(), call.end()
    return secret[0][0], secret[-1][1]


def whole(found: re.Match[str] | None, at: int, name: str) -> Span:
    if found is None or is_nothing(found[0], name):
        return at, at
    return found.span()


def is_nothing(value: str, name: str) -> bool:
    """Return whether *value* is no secret: absent, or the count of tokens."""
    if len(value) > _LONGEST_NOTHING:
        return False
    value = value.rstrip(",;)")
    if value.lower() in _NO_SECRETS:
        return True
    return value.isdecimal() and name.lower().endswith("tokens")


def _quoted_span(text: str, start: int, escapes: str, quote: str) -> Span:
    """Return what is between quotes, or between three of them, that open at *start*."""
    closing = escapes + quote
    if text.startswith(closing * 2, start):
        start += len(closing) * 2
        end = text.find(closing * 3, start)
        return start, len(text) if end < 0 else end
    if not escapes:
        found = _inside[quote](text, start)
        return start, found.end() if found else start
    at = text.find(closing, start)
    while at > start and text[at - 1] == "\\":  # one that is escaped once more
        at = text.find(closing, at + len(closing))
    return start, len(text) if at < 0 else at


def _bracket_end(text: str, at: int) -> int:
    depth = 0
    for found in _bracket.finditer(text, at):
        depth += 1 if found[0] in "[{" else -1
        if depth == 0:
            return found.end()
    return len(text)
