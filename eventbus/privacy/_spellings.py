"""How a text that must not leave may be spelled, and how it is taken out."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import Final
from urllib.parse import quote, quote_plus

from eventbus._event import REDACTED

BYTES: Final = "surrogateescape"
_LONG_ENOUGH: Final = 8
_MIN_TAIL: Final = 4
_percent: Final = re.compile("%[0-9A-F]{2}").sub


def spellings(secret: str) -> set[str]:
    """Return how JSON, URLs, ``repr`` and lines of a log may spell *secret*."""
    in_line = " ".join(secret.split())  # as texts of errors are
    forms = {secret, repr(secret)[1:-1], ascii(secret)[1:-1], in_line}
    forms |= _json_forms(secret)
    forms |= {inner for form in _json_forms(secret) for inner in _json_forms(form)}
    data = _bytes(secret)
    urls = {quote(data), quote(data, safe=""), quote_plus(data)}
    forms |= urls | {_percent(lambda found: found[0].lower(), url) for url in urls}
    shortest = min(len(secret), _LONG_ENOUGH)
    return {form for form in forms if len(form) >= shortest}


def _json_forms(text: str) -> set[str]:
    in_ascii = json.dumps(text)[1:-1]
    plain = json.dumps(text, ensure_ascii=False)[1:-1]
    return {plain, in_ascii, in_ascii.replace("/", "\\/")}


def _bytes(text: str) -> bytes:
    try:
        return text.encode("utf-8", BYTES)
    except UnicodeEncodeError:  # half a character, which a program put there
        return text.encode("utf-8", "surrogatepass")


def without(text: str, secrets: Iterable[str]) -> str:
    """Return *text* with each of *secrets* as ``[REDACTED]``, overlaps as one."""
    parts: list[str] = []
    done = 0
    for start, end in _merged(_places(text, secrets)):
        parts += (text[done:start], REDACTED)
        done = end
    return "".join((*parts, text[done:])) if parts else text


def without_tail(text: str, secrets: Iterable[str]) -> str:
    """Return *text*, which was cut off, without the beginning of one at its end."""
    begins = [start for secret in secrets for start in _tails(text, secret)]
    return text[: min(begins)] + REDACTED if begins else text


def _places(text: str, secrets: Iterable[str]) -> Iterator[tuple[int, int]]:
    for secret in secrets:
        at = text.find(secret)
        while at >= 0:
            yield at, at + len(secret)
            at = text.find(secret, at + len(secret))


def _merged(places: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return *places* in their order, those that overlap as one."""
    merged: list[tuple[int, int]] = []
    for start, end in sorted(places):
        if merged and start < merged[-1][1]:
            merged[-1] = merged[-1][0], max(end, merged[-1][1])
        else:
            merged.append((start, end))
    return merged


def _tails(text: str, secret: str) -> Iterator[int]:
    """Yield where the end of *text* may be the beginning of *secret*."""
    begin = secret[:_MIN_TAIL]
    at = text.find(begin, max(0, len(text) - len(secret) + 1))
    while at >= 0:
        if secret.startswith(text[at:]):
            yield at
            return
        at = text.find(begin, at + 1)
