"""Which characters are shown as escapes, so that no value can forge a line."""

from __future__ import annotations

import re
from typing import Final

_HIDDEN: Final = (
    "\x00-\x1f\x7f-\x9f"  # C0, DEL and C1: line breaks and terminal sequences
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # bidirectional controls
    "\u2028\u2029"  # line and paragraph separators
    "\u200b\u2060-\u2064\ufeff"  # no width at all
    "\ud800-\udfff"  # no characters at all
)
_hidden: Final = re.compile(f"[{_HIDDEN}]")
_hidden_but_line_feed: Final = re.compile(f"(?!\n)[{_HIDDEN}]")


def visible(text: str) -> str:
    r"""Return *text* with what cannot be seen as ``\x1b`` or ``\u202e``."""
    return _hidden.sub(_escape, text)


def visible_lines(text: str) -> str:
    r"""Return *text* as :func:`visible` does, with its line feeds."""
    return _hidden_but_line_feed.sub(_escape, text)


def visible_json(lines: str) -> str:
    r"""Return lines of JSON that mean the same, with every hidden character escaped."""
    return _hidden_but_line_feed.sub(lambda found: f"\\u{ord(found[0]):04x}", lines)


def _escape(found: re.Match[str]) -> str:
    return ascii(found[0])[1:-1]
