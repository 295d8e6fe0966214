"""Which texts are secrets by their own form: keys of well-known services, and so on.

A form is looked for only where single characters that it needs are in the text, which
costs a fiftieth of looking for three in a row. Every pattern is linear: it begins with
a literal, and what is repeated never gives back (possessive); where it may fail after
a long repetition, it is only tried at the start of a word.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from eventbus._event import REDACTED
from eventbus.privacy._key_names import URL_PARAMETERS

_Test = Callable[[str], object]
_Change = Callable[[str], str]


def _there(pattern: str) -> _Test:
    return re.compile(pattern).search


def _part(part: str) -> _Test:
    return lambda text: part in text


def _all(pattern: str, replacement: str = REDACTED) -> _Change:
    compiled = re.compile(pattern)
    return lambda text: compiled.sub(replacement, text)


def _in_turn(*changes: _Change) -> _Change:
    def change(text: str) -> str:
        for one in changes:
            text = one(text)
        return text

    return change


_bearer: Final = _all(
    r"(?:(?<![A-Za-z0-9_])|(?<=\\[nrt]))([bB][eE][aA][rR][eE][rR]"
    r"(?:[ \t]{1,8}+|%20|\+)[\"']?)"
    r"[\w.~+/=%-]++",
    rf"\1{REDACTED}",
)


def _may_bear(text: str) -> bool:
    return ("b" in text or "B" in text) and "earer" in text


_login: Final = re.compile(
    r"-u(?:(?<![\w-]-u)|(?<=\\[nrt]-u)|(?<=[\s\"']--u)ser(?=[\s=\"'\\]))"
    r"(?:\\{0,8}+[\"']\s{0,8}+,)?+[\s=]{0,8}+\\{0,8}+(?P<quote>[\"'])?+"
    r"[^\s:\"'\\/]{0,128}+:(?P<secret>(?(quote)[^\"'\\\r\n]++|[^\s\"'\\]++))"
).finditer
_new_line: Final = re.compile(r"(?<!\\)\r?\n").search
_COMMAND: Final = "curl"
_LONGEST_COMMAND: Final = 512


def _without_logins(text: str) -> str:
    """Return *text* without the passwords of ``curl -u user:password``."""
    parts: list[str] = []
    done = 0
    for found in _login(text):
        start, stop = found.span("secret")
        named = text.rfind(_COMMAND, max(0, start - _LONGEST_COMMAND), start)
        if named < 0 or _new_line(text, named, found.start()):
            continue
        parts += (text[done:start], REDACTED)
        done = stop
    return "".join((*parts, text[done:])) if parts else text


_unsigned: Final = _all(
    r"((?:\?|&(?:amp;)?|\\u0026|%26|%3[fF])"
    rf"(?:{'|'.join(URL_PARAMETERS)})(?:=|%3[dD]))(?:[\w.~+/=-]++|%(?!26))++",
    rf"\1{REDACTED}",
)
_sign: Final = _there("=(?:(?<=[?&;6]sig=)|(?<=ure=)|(?<=KeyId=))")


def _may_be_signed(text: str) -> object:
    return ("?" in text or "&" in text or "\\" in text) and _sign(text)


_FORMS: Final[tuple[tuple[str, _Test, _Change], ...]] = (
    (
        "-",  # OpenAI, Anthropic, GitLab, and curl's option
        _there(r"-(?:u|(?<=[kt]-)(?:(?<=sk-)|(?<=glpat-)))"),
        _in_turn(
            _all(r"sk-(?:(?<![A-Za-z0-9]sk-)|(?<=\\[nrt]sk-))[A-Za-z0-9_-]{8,}+"),
            _all(r"glpat-[\w-]{8,}+"),
            _without_logins,
        ),
    ),
    ("x", _part("xox"), _all(r"xox[a-z]-[\w-]{8,}+")),  # Slack
    (
        "_",  # GitHub, Stripe, npm, Hugging Face
        _there(
            r"_(?<=[efmoprstu]_)(?:(?<=gh[oprsu]_)|(?<=github_pat_)"
            r"|(?<=[rs]k_(?:live|test)_)|(?<=npm_)|(?<=hf_))"
        ),
        _all(
            r"(?:gh[oprsu]|github_pat|[rs]k_(?:live|test))_\w{8,}+"
            r"|(?:npm|hf)_(?:(?<![A-Za-z0-9]npm_)(?<![A-Za-z0-9]hf_)|(?<=\\[nrt]npm_)"
            r"|(?<=\\[nrt]hf_))[A-Za-z0-9]{16,}+"
        ),
    ),
    (
        "I",  # AWS, Google
        _there("I(?:A(?<=A[KS]IA)|za(?<=AIza))"),
        _all(r"A(?:[KS]IA[A-Z0-9]{16,}+|Iza[\w-]{30,}+)"),
    ),
    (
        "S",  # X-Amz-Signature and the like, in a URL, a header, JSON
        _part("-Signature"),
        _all(
            r"(-Signature(?:=|%3[dD])|X-(?:Amz|Goog|Obs|Oss)-Signature"
            r"\\{0,8}+[\"']?+\s{0,8}+[:,]\s{0,8}+\\{0,8}+[\"']?+)"
            r"(?:[\w.~+/-]++|%(?!26))++",
            rf"\1{REDACTED}",
        ),
    ),
    ("=", _may_be_signed, _unsigned),
    ("%", _there("%3[dD](?<=[deg]%3.)"), _unsigned),
    (
        "J",  # JSON Web Tokens: three parts, the last of which may be cut off
        _part("eyJ"),
        _all(
            r"eyJ(?:(?<![A-Za-z0-9_-]eyJ)|(?<=\\[nrt]eyJ))[A-Za-z0-9_-]{5,}+"
            r"\.[A-Za-z0-9_-]{4,}+(?:\.[A-Za-z0-9_-]*+){0,3}+"
        ),
    ),
    (
        "@",  # what stands before the host of a URL
        _part("://"),
        _all(r"://(?:[^\s/?#\"'<>@]*+@)++", f"://{REDACTED}@"),
    ),
    ("R", _part("BEARER"), _bearer),
    ("r", _may_bear, _bearer),
)
"""A character that must be there, a test for those that have it, and what is done."""

_pem_begin: Final = re.compile(
    r"-----BEGIN [A-Z0-9 ]{0,40}?PRIVATE KEY[A-Z ]{0,10}-----"
).search
_pem_end: Final = re.compile(r"-----END [A-Z0-9 ]{0,60}+-----").search


def may_be_in(text: str) -> bool:
    """Return whether one of the forms may be in *text*."""
    for needed, is_there, _ in _FORMS:
        if needed in text and is_there(text):
            return True
    return "-" in text and "-----BEGIN" in text


def replaced(text: str) -> str:
    """Return *text* with the secrets in it as ``[REDACTED]``."""
    if "-" in text and "-----BEGIN" in text:
        text = _without_keys(text)
    for needed, is_there, change in _FORMS:
        if needed in text and is_there(text):
            text = change(text)
    return text


def _without_keys(text: str) -> str:
    """Return *text* without PEM private keys; one that is cut off goes to the end."""
    parts: list[str] = []
    done = 0
    while begun := _pem_begin(text, done):
        parts += (text[done : begun.start()], REDACTED)
        ended = _pem_end(text, begun.end())
        done = ended.end() if ended else len(text)
    return "".join((*parts, text[done:])) if parts else text
