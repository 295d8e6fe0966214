"""Which value a field has in a line of text: ``name=value`` or ``name="value"``."""

from __future__ import annotations

import re
from typing import Final

# Nothing is looked at twice (possessive, and begun only where a text or a name can
# begin), so that the time is linear in the line.
_PAIRS: Final = re.compile(
    r'(?<!\\)"(?:[^"\\]|\\.)*+"'  # quoted text of no field: nothing in it is one
    r'|(?<![^\s={}(),"])(?P<key>[^\s={}(),"]++)='
    r'(?:"(?P<quoted>(?:[^"\\]|\\.)*+)"|(?P<bare>\S*+))'
)
_ESCAPE: Final = re.compile(r"\\(.)")
_ESCAPED: Final = {"n": "\n", "t": "\t", "r": "\r"}


def extract_log_field(line: str, name: str) -> str | None:
    r"""Return the value of the field *name* in *line*, or ``None`` without one.

    The whole name has to stand there: ``tool`` is neither in ``my_tool=x`` nor in
    ``tool_name=x``, and what is in the quotes of another value is no field. Of several,
    the first counts.

    Args:
        line: As a logger wrote it.
        name: Of the field.

    Returns:
        What is in the quotes, ``\"`` and ``\n`` read back, or all up to the next space
        without a comma or a closing brace at its end. Empty for ``name=``.
    """
    for pair in _PAIRS.finditer(line):
        if pair["key"] != name:
            continue
        if pair["quoted"] is not None:
            return _ESCAPE.sub(lambda m: _ESCAPED.get(m[1], m[1]), pair["quoted"])
        return _trimmed(pair["bare"])
    return None


def _trimmed(bare: str) -> str:
    """Return *bare* without what closes a list or a span around it."""
    bare = bare.rstrip(",")
    core = bare.removesuffix(":")
    too_many = core.count("}") - core.count("{")
    closing = len(core) - len(core.rstrip("}"))
    if too_many <= 0 or closing == 0:
        return bare
    return core[: len(core) - min(too_many, closing)]
