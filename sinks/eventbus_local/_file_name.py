"""How values become the name of one file, and never anything but a name.

A value keeps its ASCII letters and digits, ``_``, ``-`` and ``.``; of every other
character each byte of UTF-8 becomes ``%`` and two hexadecimal digits, and so do a dot
at either end and a ``-`` at the beginning. ``urllib.parse.unquote`` reads it back.
Different values make different names; those that had to be cut, by their hash.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from typing import Final

NO_VALUE: Final = "_"
MAX_NAME_BYTES: Final = 200  # of 255: rotation adds up to 50

_CUT: Final = "~"  # never left in a value as it is
_HASH_BYTES: Final = 8
_MIN_VALUE_BYTES: Final = 32
_FOREIGN: Final = r"[^A-Za-z0-9._\-]|\A[.\-]|\.\Z|\A_\Z"
_split_code: Final = re.compile(r"%[0-9A-F]?\Z")
# Devices on Windows, whatever follows the dot, and the names of rotated files.
_means_more: Final = re.compile(
    r"(?:con|prn|aux|nul|com\d|lpt\d)(?:\.|\Z)|.*\.\d{8}T\d{6}\.\d{9}Z", re.IGNORECASE
).match


class FileName:
    """A name in which values stand between texts.

    Args:
        texts: What stands around the values: one text more than there are values.

    Raises:
        ValueError: Between two values is nothing that tells where the first ends, or
            the texts leave no room for values. It begins with ``must``.
    """

    def __init__(self, texts: Sequence[str]) -> None:
        """Work out what the values must not hold, and how long they may be."""
        between = texts[1:-1]
        if any(not text or text[0] in f"%{_CUT}" for text in between):
            raise ValueError(
                "must have a character between two placeholders of one name, "
                f"other than '%' and '{_CUT}'"
            )
        self._texts = tuple(texts)
        ends = [re.escape(text[0]) for text in between]
        self._foreign = [re.compile(f"{_FOREIGN}|{end}") for end in ends]
        self._foreign.append(re.compile(_FOREIGN))
        self._room = _room(self._texts)
        self._could_be = re.compile("(?s:.+)".join(map(re.escape, texts))).fullmatch

    def of(self, values: Sequence[str]) -> str:
        """Return the name for *values*; an empty one is ``_``."""
        pairs = zip(values, self._foreign, strict=False)
        name = self._join([self._encoded(value, foreign) for value, foreign in pairs])
        if values and _means_more(name):
            return self._join([self._encoded(value, _anything) for value in values])
        return name

    def could_be(self, name: str) -> bool:
        """Return whether values could make this *name*."""
        return self._could_be(name) is not None

    def _join(self, values: Sequence[str]) -> str:
        first, *rest = self._texts
        pairs = zip(values, rest, strict=True)
        return first + "".join(value + text for value, text in pairs)

    def _encoded(self, value: str, foreign: re.Pattern[str]) -> str:
        if not value:
            return NO_VALUE
        encoded = foreign.sub(_in_hexadecimal, value[: self._room + 1])
        if len(encoded) <= self._room:
            return encoded
        whole = value.encode("utf-8", "surrogatepass")
        digest = hashlib.blake2b(whole, digest_size=_HASH_BYTES).hexdigest()
        kept = encoded[: self._room - len(_CUT) - len(digest)]
        return f"{_split_code.sub('', kept)}{_CUT}{digest}"


_anything: Final = re.compile(r"(?s:.)")


def _in_hexadecimal(match: re.Match[str]) -> str:
    data = match[0].encode("utf-8", "surrogatepass")
    return "".join(f"%{byte:02X}" for byte in data)


def _room(texts: Sequence[str]) -> int:
    """Return how many bytes each value may have."""
    count = len(texts) - 1
    around = sum(len(text.encode("utf-8", "surrogatepass")) for text in texts)
    if around + count * _MIN_VALUE_BYTES > MAX_NAME_BYTES:
        raise ValueError(
            f"must have names of at most {MAX_NAME_BYTES} bytes, "
            f"with {_MIN_VALUE_BYTES} for each placeholder"
        )
    return (MAX_NAME_BYTES - around) // max(count, 1)
