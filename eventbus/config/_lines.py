"""In which line of a TOML file each key stands.

The standard library's parser does not say. This one only walks over text that the
parser accepted, so it need not check anything.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Final

from eventbus._place import ROOT, Place
from eventbus.config._depth import MAX_DEPTH

Match = Callable[[str, int], re.Match[str] | None]

_space: Final = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*").match
_blank: Final = re.compile(r"[ \t]*").match
_key: Final = re.compile(r"""[A-Za-z0-9_-]+|"(?:[^"\\\n]|\\.)*"|'[^'\n]*'""").match
_text: Final = re.compile(
    r'"""(?:[^"\\]|\\.|"(?!""))*"{3,5}'
    r"|'''(?:[^']|'(?!''))*'{3,5}"
    r'|"(?:[^"\\\n]|\\.)*"'
    r"|'[^'\n]*'",
    re.DOTALL,
).match
_scalar: Final = re.compile(r"[^,\]}#\n]*").match


def lines_of(text: str) -> Mapping[Place, int]:
    """Return the line, from 1, of every key and array item in *text*."""
    walk = _Walk(text.replace("\r\n", "\n"))
    walk.document()
    return walk.lines


class _Walk:
    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._counted, self._line = 0, 1
        self._arrays: dict[Place, int] = {}
        self.lines: dict[Place, int] = {}

    def document(self) -> None:
        table: Place = ROOT
        self._skip(_space)
        while self._at < len(self._text):
            if self._text[self._at] == "[":
                table = self._header()
            else:
                self._pair(table)
            self._skip(_space)

    def _skip(self, pattern: Match) -> str:
        match = pattern(self._text, self._at)
        if match is None:
            return ""
        self._at = match.end()
        return match[0]

    def _note(self, place: Place) -> None:
        self._line += self._text.count("\n", self._counted, self._at)
        self._counted = self._at
        for length in range(1, min(len(place), MAX_DEPTH) + 1):
            self.lines.setdefault(place[:length], self._line)

    def _header(self) -> Place:
        is_array = self._text.startswith("[[", self._at)
        self._at += 1 + is_array
        name = self._keys(ROOT)
        self._at += 1 + is_array
        if is_array:
            number = self._arrays.get(name, -1) + 1
            self._arrays[name] = number
            name = (*name, number)
        self._note(name)
        return name

    def _keys(self, table: Place) -> Place:
        place = table
        while True:
            self._skip(_blank)
            place = self._inside_latest(place, self._one_key())
            self._skip(_blank)
            if self._text[self._at : self._at + 1] != ".":
                return place
            self._at += 1

    def _one_key(self) -> str:
        match = _key(self._text, self._at)
        assert match is not None, "the parser accepted a key that is none"
        self._at = match.end()
        return _unquoted(match[0]) if match[0][0] in "\"'" else match[0]

    def _inside_latest(self, place: Place, name: str) -> Place:
        latest = self._arrays.get(place)
        return (*place, name) if latest is None else (*place, latest, name)

    def _pair(self, table: Place) -> None:
        place = self._keys(table)
        self._note(place)
        self._at += 1
        self._value(place)

    def _value(self, place: Place) -> None:
        self._skip(_space)
        first = self._text[self._at : self._at + 1]
        if first == "{":
            self._inline_table(place)
        elif first == "[":
            self._array(place)
        elif not self._skip(_text):
            self._skip(_scalar)

    def _inline_table(self, place: Place) -> None:
        self._at += 1
        while not self._is_over("}"):
            self._pair(place)

    def _array(self, place: Place) -> None:
        self._at += 1
        number = 0
        while not self._is_over("]"):
            self._note((*place, number))
            self._value((*place, number))
            number += 1

    def _is_over(self, end: str) -> bool:
        self._skip(_space)
        if self._text[self._at : self._at + 1] == ",":
            self._at += 1
            self._skip(_space)
        if self._text[self._at : self._at + 1] != end:
            return self._at >= len(self._text)
        self._at += 1
        return True


def _unquoted(key: str) -> str:
    import tomllib

    return next(iter(tomllib.loads(f"{key}=0")))
