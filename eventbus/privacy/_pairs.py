"""Where text says a secret's name and its value: ``KEY=value``, ``"key": "value"``.

Every pattern is linear: words are tried at their starts alone, what is repeated never
gives back (possessive), and what may stand between name and value is bounded.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import Final, NamedTuple

from eventbus._event import REDACTED
from eventbus.privacy._endings import CLOSERS, Search, endings, one_of, search_for
from eventbus.privacy._key_names import KeyNames

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
    r"(?:[^\s\"'\\&]++|&(?![\w.%\[\]-]{1,64}+=)|\\{1,8}+\ |\\(?![nrt\"'\\]))++"
).match
_in_url: Final = re.compile(r"(?:[^\s\"'\\&%]++|%(?!26))++").match
_line: Final = re.compile(
    r"(?:[^\r\n\"'\\]++|\\{1,8}+\ |(?<==)\\{0,8}+\"[^\"\r\n]*+\")++"
).match
_block: Final = re.compile(  # of YAML: lines that begin as the first one does
    r"[|>][0-9+-]{0,2}+[^\S\r\n]*+\r?\n([^\S\r\n]++)"
    r"(?P<lines>[^\n]*+(?:\n(?:\1[^\n]*+|[^\S\n]*+(?=\n)))*+)"
).match
_block_in_json: Final = re.compile(
    r"[|>][0-9+-]{0,2}+(\\{1,8}+n)(\ ++)"
    r"(?P<lines>(?:[^\\\"\n]++|\\(?!\\{0,7}+n)|\1\2)*+)"
).match
_block_in_line: Final = re.compile(
    r"[|>][0-9+-]{0,2}+[^\S\r\n]++(?P<lines>[^\r\n\"'\\]++)"
).match
_bracket: Final = re.compile(r"[\[\]{}]")

_emphasis: Final = re.compile(  # that ends between a name and its value
    r"(?:(?:[*_~]{1,3}+(?=\s)|</\w{1,16}+>)[^\S\r\n]{0,8}+){1,3}+"
).match
_TYPE: Final = (
    r"&?+(?:'\w{1,32}+\ )?+(?:mut\ )?+[A-Za-z_][\w.:]{0,64}+"
    r"(?:[\[<][\w.,:|&'\ \[\]<>]{0,64}+)?+[?!]?+"
)
_type: Final = re.compile(
    rf"(?P<type>{_TYPE}(?:\ ?\|\ ?{_TYPE}){{0,4}}+)"
    r"(?:(?P<is>[^\S\r\n]{0,8}+=(?![=>])[^\S\r\n]{0,8}+)|(?=[\s,;)}\]\"'\\]|\Z))"
).match
_known_type: Final = re.compile(
    r"&?(?:'\w+\ )?(?:mut\ )?(?:\w+(?:\.|::)){0,4}"
    r"(?:str(?:ing)?|bytes|text|u8|char|int|float|number|bool(?:ean)?|any|object"
    r"|unknown|secret(?:str(?:ing)?|bytes)|optional|option|union|final|classvar"
    r"|annotated|literal|cow|box|vec|list|dict|map|array|sequence|mapping|readonly)"
    r"(?![\w.:-])",
    re.IGNORECASE,
).match
_space: Final = r"(?:\s|\\{1,8}+[nrt]){0,80}+"
_call: Final = re.compile(
    rf"(?P<called>(?:[A-Za-z_][\w.:!]{{0,64}}+)?+)\({_space}(?=[bBrRuUfF]{{0,2}}+\\{{0,8}}+[\"'])"
).match
_next: Final = re.compile(
    r"\\{0,8}+[\"']{1,3}+(?:[\s,+]|\\{1,8}+[nrt]){0,80}+"
    r"(?:[A-Za-z_]\w{0,32}+=)?+[bBrRuUfF]{0,2}+(\\{0,8}+)([\"'])"
).match
_closed: Final = re.compile(r"\\{0,8}+[\"']\s{0,40}+,?+\s{0,40}+[)\]]").match

_Span = tuple[int, int]
_Test = tuple[str, Search]
_Value = Callable[[str, "re.Match[str]", str], _Span]


class _Form(NamedTuple):
    """One way to say a name and a value.

    Args:
        tests: Characters that must be there, and what is asked of texts that have
            them: whether a name may be said.
        find: Finds the next name, ``name`` in the match.
        value: Says from where to where its value is; nothing is twice the same.
    """

    tests: Sequence[_Test]
    find: Callable[[str, int], re.Match[str] | None]
    value: _Value


def _any(tests: Iterable[_Test], text: str) -> bool:
    for needed, test in tests:  # noqa: SIM110 - a generator costs as much as a search
        if needed in text and test(text):
            return True
    return False


class Pairs:
    """Finds the values that stand beside the names of secrets, and replaces them.

    Args:
        key_names: Which names those are.
    """

    def __init__(self, key_names: KeyNames) -> None:
        """Compile what is looked for."""
        self._key_names: Final = key_names
        self._forms: Final = _forms(tuple(sorted(key_names.names)))
        self._tests: Final = [test for form in self._forms for test in form.tests]

    def may_be_in(self, text: str) -> bool:
        """Return whether what ends as such a name may have a value in *text*."""
        return _any(self._tests, text)

    def replaced(self, text: str) -> str:
        """Return *text* with the values of such names as ``[REDACTED]``."""
        for form in self._forms:
            if _any(form.tests, text):
                text = self._replaced(text, form)
        return text

    def _replaced(self, text: str, form: _Form) -> str:
        parts: list[str] = []
        done = at = 0
        while found := form.find(text, at):
            at = found.end("said")
            name = _without_escape(text, found.start("name"), found["name"])
            if not self._key_names.is_secret(name):
                continue
            start, stop = form.value(text, found, name)
            if stop > start:
                is_bare = found["quote"] and start == at  # a number, and JSON has text
                parts += (text[done:start], f'"{REDACTED}"' if is_bare else REDACTED)
                done = at = stop
        return "".join((*parts, text[done:])) if parts else text


def _without_escape(text: str, start: int, name: str) -> str:
    """Return *name* without the end of an escape before it, as in ``%26name=``."""
    if name[0] in _ESCAPES and text.endswith("\\", 0, start):
        return name[1:]
    return name[2:] if text.endswith("%", 0, start) else name


@lru_cache(maxsize=8)
def _forms(names: tuple[str, ...]) -> tuple[_Form, ...]:
    """Return how *names* are said: the same for most buses, and 20 ms to compile."""
    ends = endings(names)
    signs = {"=": "=", ":": ":", "%": "%3[dD]"}
    pairs = [(needed, search_for(sign, ends)) for needed, sign in signs.items()]
    option = re.compile(_option(one_of(ends))).search
    twosome = re.compile(_twosome(one_of(ends))).search
    is_name = re.compile(rf"[\w.-]++{one_of(ends)}").fullmatch
    element = re.compile(_element(one_of(ends))).search
    return (
        _Form(pairs, re.compile(_pair(one_of(ends))).search, _of_pair),
        _Form([("-", _where("--", option))], option, _of_option),
        _Form([(">", search_for(">", ends))], element, _of_element),
        _Form([("(", twosome)], twosome, _of_twosome(is_name)),
    )


def _where(part: str, search: Search) -> Search:
    """Return *search* for texts that hold *part*."""
    return lambda text: search(text) if part in text else None


def _pair(end: str) -> str:
    return (
        r"(?P<said>(?<![\w.-])(?P<name>[\w.-]++)"
        rf"(?={CLOSERS}{{0,40}}+[=:%]){end}"
        r"(?P<quote>\\{0,8}+[\"'])?+[\])]?+[`*]{0,3}+[^\S\r\n]{0,40}+"
        r"(?:=>|:=|={1,3}+|:{1,2}+|%3[dD])"
        r"(?(quote)\s{0,40}+|[^\S\r\n]{0,40}+))"
    )


def _option(end: str) -> str:
    """Return the pattern of ``--token `` before a value, also in a list of texts."""
    return (
        rf"(?P<said>--(?<![\w.-]--)(?P<name>\w[\w.-]*+){end}(?P<quote>(?!))?+"
        r"(?:[^\S\r\n]{1,40}+(?![-=:])|\\{0,8}+[\"']\s{0,40}+,\s{0,40}+(?=\\{0,8}+[\"'])))"
    )


def _twosome(end: str) -> str:
    """Return the pattern of ``("token", `` before a value: of a call, or a pair."""
    return (
        r"(?P<said>\(\s{0,8}+[bBrRuU]{0,2}+\\{0,8}+[\"']"
        rf"(?P<name>[\w.-]++){end}(?P<quote>(?!))?+"
        r"\\{0,8}+[\"']\s{0,40}+,\s{0,40}+(?=[bBrRuU]{0,2}+\\{0,8}+[\"']))"
    )


def _element(end: str) -> str:
    """Return the pattern of an element of XML that has no others inside."""
    return (
        rf"(?P<said><(?P<name>\w[\w.:-]*+){end}(?P<quote>(?!))?+(?:\s[^<>]{{0,256}}+)?+>)"
        r"(?:<!\[CDATA\[)?+(?P<value>[^<\]]*+(?=</|\]\]>)|[^<\s]*+\Z)"
    )


def _of_pair(text: str, found: re.Match[str], name: str) -> _Span:
    at = found.end()
    if text.endswith(_EQUALS_IN_URLS, 0, at):
        return _whole(_in_url(text, at), at, name)
    first = text[at : at + 1]
    if first in _OPEN_BLOCKS:
        for block in _BLOCKS:
            if lines := block(text, at):
                return lines.span("lines")
    read = _reader(name, is_json=bool(found["quote"]))
    if found["quote"] or first in _QUOTES:
        return _value_at(text, at, name, read)
    if first in _OPEN_EMPHASIS and (emphasis := _emphasis(text, at)):
        at = emphasis.end()
    typed = _type(text, at) if ":" in found["said"] else None
    span = _of_typed(text, typed, name, read) if typed else None
    return span or _value_at(text, at, name, read)


def _of_typed(text: str, typed: re.Match[str], name: str, read: _Read) -> _Span | None:
    """Return where the value is behind what may be a type, or ``None`` for neither.

    What is not sure to be a type goes with the value.
    """
    is_known = _known_type(typed["type"])
    if not typed["is"]:
        return (typed.start(), typed.start()) if is_known else None
    start, stop = _value_at(text, typed.end(), name, read)
    if is_known:
        return start, stop
    return (typed.start(), stop) if typed["is"][0] == " " and stop > start else None


def _of_option(text: str, found: re.Match[str], name: str) -> _Span:
    return _value_at(text, found.end(), name, _bare)


def _of_twosome(is_name: Callable[[str], object]) -> _Value:
    def value(text: str, found: re.Match[str], name: str) -> _Span:
        at = found.end()
        start, stop = _value_at(text, at, name, _bare)
        if not _closed(text, stop) or is_name(text[start:stop]):
            return at, at  # of more than two, or names of several secrets
        return start, stop

    return value


def _of_element(text: str, found: re.Match[str], name: str) -> _Span:
    start, stop = found.span("value")
    return (
        (start, start) if _is_nothing(text[start:stop].strip(), name) else (start, stop)
    )


_OPEN_BLOCKS: Final = ("|", ">")
_OPEN_EMPHASIS: Final = ("*", "_", "~", "<")
_QUOTES: Final = ('"', "'")
_BLOCKS: Final = (_block, _block_in_json, _block_in_line)
_EQUALS_IN_URLS: Final = ("%3D", "%3d")
_Read = Callable[[str, int], "re.Match[str] | None"]


def _reader(name: str, *, is_json: bool) -> _Read:
    """Return what reads a value that is not quoted."""
    if is_json:
        return _in_json
    if name[-1] in _END_OF_HEADERS and name.lower().endswith(_HEADERS):
        return _line
    return _bare


def _value_at(text: str, at: int, name: str, read: _Read) -> _Span:
    """Return from where to where the secret is that begins at *at*; nothing: twice."""
    first = text[at : at + 1]
    if first in _QUOTES:
        start, stop = _quoted_span(text, at + 1, "", first)
        return start, start if _is_nothing(text[start:stop], name) else stop
    if first in _MAY_OPEN and (opened := _quoted(text, at)):
        start, stop = _quoted_span(text, opened.end(), opened[1], opened[2])
        return start, start if _is_nothing(text[start:stop], name) else stop
    if (first == "(" or first.isalpha() or first == "_") and (call := _call(text, at)):
        return _arguments(text, call, name)
    if first in "[{" and first and not text.startswith(REDACTED, at):
        return at, _bracket_end(text, at)
    return _whole(read(text, at), at, name)


def _arguments(text: str, call: re.Match[str], name: str) -> _Span:
    """Return from where to where the texts in parentheses are secret.

    What is asked of the environment is a name, and no secret; its default is.
    """
    spans: list[_Span] = []
    opened = _quoted(text, call.end())
    while opened:
        last = opened
        spans.append(_quoted_span(text, opened.end(), opened[1], opened[2]))
        opened = _next(text, spans[-1][1])
        if opened and opened[2] == last[2] and opened[1] != last[1]:
            break  # the text that all of this is in has ended
    secret = spans["env" in call["called"].lower() :]
    if not secret or _is_nothing(text[secret[0][0] : secret[-1][1]], name):
        return call.end(), call.end()
    return secret[0][0], secret[-1][1]


def _whole(found: re.Match[str] | None, at: int, name: str) -> _Span:
    if found is None or _is_nothing(found[0], name):
        return at, at
    return found.span()


def _is_nothing(value: str, name: str) -> bool:
    """Return whether *value* is no secret: absent, or the count of tokens."""
    if len(value) <= _LONGEST_NOTHING:
        value = value.rstrip(",;)")
        if value.lower() in _NO_SECRETS:
            return True
        return value.isdecimal() and name[-6:].lower() == "tokens"
    return False


def _quoted_span(text: str, start: int, escapes: str, quote: str) -> _Span:
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
