"""Which value a field has in a line of text: ``name=value`` or ``name="value"``."""

from __future__ import annotations

import re
import sys
from typing import Final

# Nothing is looked at twice (possessive, and begun only where a text or a name can
# begin), so that the time is linear in the line.
_PAIRS: Final = re.compile(
    r'(?<!\\)"(?:[^"\\]|\\.)*+"'  # quoted text of no field: nothing in it is one
    r'|(?<![^\s={}(),"])(?P<key>[^\s={}(),"]++)='
    r'(?:"(?P<quoted>(?:[^"\\]|\\.)*+)"'
    r"|(?P<bare>(?:\{[^\s{}]*+\}|[^\s}]|\}++(?!:))*+))"  # "}:" ends a span's fields
)
_ESCAPE: Final = re.compile(
    r"\\(?:u\{(?P<braced>[0-9a-fA-F]{1,6})\}|u(?P<four>[0-9a-fA-F]{4})|(?P<one>.))"
)
_ESCAPED: Final = {"n": "\n", "t": "\t", "r": "\r", "0": "\0"}


def extract_log_field(line: str, name: str) -> str | None:
    r"""Return the value of the field *name* in *line*, or ``None`` without one.

    The whole name has to stand there: ``tool`` is neither in ``my_tool=x`` nor in
    ``tool_name=x``, and what is in the quotes of another value is no field. Of several,
    the first counts.

    Args:
        line: As a logger wrote it.
        name: Of the field.

    Returns:
        What is in the quotes, ``\"``, ``\n``, ``\u00fc`` and ``\u{fc}`` read back, or
        all up to the next space or the end of the span without a comma or a closing
        brace at its end. Empty for ``name=``.
    """
    for pair in _PAIRS.finditer(line):
        if pair["key"] != name:
            continue
        if pair["quoted"] is not None:
            return _ESCAPE.sub(_read_back, pair["quoted"])
        return _trimmed(pair["bare"])
    return None


def _read_back(escape: re.Match[str]) -> str:
    digits = escape["braced"] or escape["four"]
    if digits is None:
        return _ESCAPED.get(escape["one"], escape["one"])
    number = int(digits, 16)
    return chr(number) if number <= sys.maxunicode else escape[0]


def _trimmed(bare: str) -> str:
    """Return *bare* without what closes a list or a span around it."""
    bare = bare.rstrip(",")
    closing = len(bare) - len(bare.rstrip("}"))
    too_many = max(bare.count("}") - bare.count("{"), 0)
    return bare[: len(bare) - min(too_many, closing)]
