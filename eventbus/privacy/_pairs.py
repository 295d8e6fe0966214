"""Where text says a secret's name and its value: ``KEY=value``, ``"key": "value"``.

Every pattern is linear: words are tried at their starts alone, what is repeated never
gives back (possessive), and what may stand between name and value is bounded.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Final, NamedTuple

from eventbus._event import REDACTED
from eventbus.privacy._endings import CLOSERS, Search, endings, one_of, search_for
from eventbus.privacy._key_names import KeyNames
from eventbus.privacy._values import (
    QUOTES,
    SPACE,
    Read,
    Span,
    bare,
    in_quotes,
    is_nothing,
    reader,
    value_at,
    whole,
)

_ESCAPES: Final = "nrtbf"
_in_url: Final = re.compile(r"(?:[^\s\"'\\&%]++|%(?!26))++").match
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
_opened: Final = r"[bBrRuU]{0,2}+\\{0,8}+[\"']"
_closed: Final = re.compile(rf"\\{{0,8}}+[\"']{SPACE},?+{SPACE}[)\]]|\Z").match
_text_in_list: Final = re.compile(r"\[[\s\\\"'bBrRuU]").search
_in_list: Final = re.compile(r"[\[,](?:\s|\\{1,8}+[nrt])*+\Z").search
_word_before: Final = re.compile(r"(?<![A-Za-z])[A-Za-z]++\ \Z").search
_FAR: Final = 80

_Test = tuple[str, Search]
_Value = Callable[[str, "re.Match[str]", str], Span]


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


class Pairs:
    """Finds the values that stand beside the names of secrets, and replaces them.

    Args:
        key_names: Which names those are.
    """

    def __init__(self, key_names: KeyNames) -> None:
        """Compile what is looked for."""
        self._key_names: Final = key_names
        self._forms: Final = _forms(tuple(sorted(key_names.names)))
        several = (name.rpartition("_") for name in key_names.names)
        self._last_words: Final = {last for first, _, last in several if first}
        self._tests: Final = [test for form in self._forms for test in form.tests]

    def may_be_in(self, text: str) -> bool:
        """Return whether what ends as such a name may have a value in *text*."""
        for needed, test in self._tests:  # noqa: SIM110 - any() costs as much again
            if needed in text and test(text):
                return True
        return False

    def replaced(self, text: str) -> str:
        """Return *text* with the values of such names as ``[REDACTED]``."""
        for form in self._forms:
            if any(needed in text and test(text) for needed, test in form.tests):
                text = self._replaced(text, form)
        return text

    def _replaced(self, text: str, form: _Form) -> str:
        is_secret = self._key_names.is_secret
        parts: list[str] = []
        done = at = 0
        while found := form.find(text, at):
            at, begin = found.end("said"), found.start("name")
            name = _without_escape(text, begin, found["name"])
            if not is_secret(name) and not is_secret(self._longer(text, begin, name)):
                continue
            start, stop = form.value(text, found, name)
            if stop > start:
                quote = found["quote"] if start == at else None  # of JSON: a number
                parts += (text[done:start], quote or "", REDACTED, quote or "")
                done = at = stop
        return "".join((*parts, text[done:])) if parts else text

    def _longer(self, text: str, start: int, name: str) -> str:
        """Return *name* with the word before it, as in ``API Key: …``; else nothing."""
        if name.lower() not in self._last_words:
            return ""
        word = _word_before(text, max(0, start - _FAR), start)
        return f"{word[0]}{name}" if word else ""


def _without_escape(text: str, start: int, name: str) -> str:
    """Return *name* without the end of an escape before it, as in ``%26name=``."""
    before = text[start - 1 : start]
    if before == "\\" and name[0] in _ESCAPES:
        return name[1:]
    return name[2:] if before == "%" else name


@lru_cache(maxsize=8)
def _forms(names: tuple[str, ...]) -> tuple[_Form, ...]:
    """Return how *names* are said: the same for most buses, and 20 ms to compile."""
    ends = endings(names)
    signs = {"=": "=", ":": ":", "%": "%3[dD]"}
    pairs = [(needed, search_for(sign, ends)) for needed, sign in signs.items()]
    option = re.compile(_option(one_of(ends))).search
    twosome = re.compile(_twosome(r"\(", one_of(ends))).search
    in_list = re.compile(_twosome(r"\[", one_of(ends))).search
    named = re.compile(_named(one_of(ends))).search
    of_twosome = _of_twosome(re.compile(rf"[\w.-]++{one_of(ends)}").fullmatch)
    element = re.compile(_element(one_of(ends))).search
    return (
        _Form(pairs, re.compile(_pair(one_of(ends))).search, _of_pair),
        _Form([("-", _where("--", option))], option, _of_option),
        _Form([(">", search_for(">", ends))], element, _of_element),
        _Form([("(", twosome)], twosome, of_twosome),
        _Form([("[", _where_texts(in_list))], in_list, of_twosome),
        _Form([("{", _where_values(named))], named, _of_pair),
    )


def _where(part: str, search: Search) -> Search:
    """Return *search* for texts that hold *part*."""
    return lambda text: search(text) if part in text else None


def _where_values(search: Search) -> Search:
    def find(text: str) -> re.Match[str] | None:
        is_there = "value" in text or ("V" in text and "Value" in text)
        return search(text) if is_there else None

    return find


def _where_texts(search: Search) -> Search:
    return lambda text: search(text) if _text_in_list(text) else None


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


def _twosome(opener: str, end: str) -> str:
    """Return the pattern of ``("token", `` before a value: of a call, or a pair.

    With ``[`` it is of a pair in a list; a list of two texts is none.
    """
    return (
        rf"(?P<said>{opener}{SPACE}{_opened}"
        rf"(?P<name>[\w.-]++){end}(?P<quote>(?!))?+"
        rf"\\{{0,8}}+[\"']{SPACE},{SPACE}(?={_opened}))"
    )


def _named(end: str) -> str:
    """Return the pattern of ``"name": "token", "value": `` before a value.

    Up to two members that are no lists and no tables may stand between them.
    """
    other = (
        rf"{_opened}\w{{1,32}}+\\{{0,8}}+[\"']\s{{0,8}}+:\s{{0,8}}+"
        rf"(?:{_opened}[^\"'\\]{{0,64}}+\\{{0,8}}+[\"']|[\w.-]{{1,32}}+){SPACE},{SPACE}"
    )
    return (
        rf"(?P<said>(?:[nN]ame|[kK]ey)\\{{0,8}}+[\"']\s{{0,8}}+:\s{{0,8}}+{_opened}"
        rf"(?P<name>[\w.-]++){end}\\{{0,8}}+[\"']{SPACE},{SPACE}(?:{other}){{0,2}}?"
        r"(?P<quote>\\{0,8}+[\"'])[vV]alue\\{0,8}+[\"']\s{0,8}+:\s{0,8}+)"
    )


def _element(end: str) -> str:
    """Return the pattern of an element of XML that has no others inside."""
    return (
        rf"(?P<said><(?P<name>\w[\w.:-]*+){end}(?P<quote>(?!))?+(?:\s[^<>]{{0,256}}+)?+>)"
        r"(?:<!\[CDATA\[)?+(?P<value>[^<\]]*+(?=</|\]\]>)|[^<\s]*+\Z)"
    )


def _of_pair(text: str, found: re.Match[str], name: str) -> Span:
    at, said, quote = found.end(), found["said"], found["quote"]
    if said.endswith(_EQUALS_IN_URLS):
        return whole(_in_url(text, at), at, name)
    first = text[at : at + 1]
    if first in QUOTES:  # as most are, so this is asked before the rest
        return in_quotes(text, at, name)
    if first in _OPEN_BLOCKS:
        for block in _BLOCKS:
            if lines := block(text, at):
                return lines.span("lines")
    read = reader(name, is_json=bool(quote))
    if quote:
        return value_at(text, at, name, read)
    if first in _OPEN_EMPHASIS and (emphasis := _emphasis(text, at)):
        at = emphasis.end()
    typed = _type(text, at) if ":" in said else None
    span = _of_typed(text, typed, name, read) if typed else None
    return span or value_at(text, at, name, read)


def _of_typed(text: str, typed: re.Match[str], name: str, read: Read) -> Span | None:
    """Return where the value is behind what may be a type, or ``None`` for neither.

    What is not sure to be a type goes with the value.
    """
    is_known = _known_type(typed["type"])
    if not typed["is"]:
        return (typed.start(), typed.start()) if is_known else None
    start, stop = value_at(text, typed.end(), name, read)
    if is_known:
        return start, stop
    ends_base64 = typed["is"][0] == "=" and typed["is"] != "="
    return None if ends_base64 or stop == start else (typed.start(), stop)


def _of_option(text: str, found: re.Match[str], name: str) -> Span:
    return value_at(text, found.end(), name, bare)


def _of_twosome(is_name: Callable[[str], object]) -> _Value:
    def value(text: str, found: re.Match[str], name: str) -> Span:
        begin, at = found.span()
        if text[begin] == "[" and not _in_list(text, max(0, begin - _FAR), begin):
            return at, at
        start, stop = value_at(text, at, name, bare)
        if not _closed(text, stop) or is_name(text[start:stop]):
            return at, at  # of more than two, or names of several secrets
        return start, stop

    return value


def _of_element(text: str, found: re.Match[str], name: str) -> Span:
    start, stop = found.span("value")
    return (
        (start, start) if is_nothing(text[start:stop].strip(), name) else (start, stop)
    )


_OPEN_BLOCKS: Final = ("|", ">")
_OPEN_EMPHASIS: Final = ("*", "_", "~", "<")
_BLOCKS: Final = (_block, _block_in_json, _block_in_line)
_EQUALS_IN_URLS: Final = ("%3D", "%3d")
