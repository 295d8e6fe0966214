"""How long a text is, and where it may be cut."""

from __future__ import annotations

from typing import Final

_is_ascii: Final = str.isascii  # of bytes it is an error, as it should be


def byte_length(text: str) -> int:
    """Return the length of *text* in bytes of UTF-8.

    Raises:
        TypeError: It is no text.
    """
    return len(text) if _is_ascii(text) else len(_encoded(text))


def character_count(text: str) -> int:
    """Return the length of *text* in characters.

    Raises:
        TypeError: It is no text; a list has a length too.
    """
    return str.__len__(text)


def line_count(text: str) -> int:
    """Return how many lines *text* has; a last line break begins no new one."""
    return text.count("\n", 0, -1) + 1 if text else 0


def cut_at_bytes(text: str, max_bytes: int) -> str:
    """Return the longest beginning of *text* that *max_bytes* of UTF-8 hold.

    No character is cut in two, so the result may be up to three bytes shorter.
    """
    encoded = _encoded(text)
    end = max_bytes
    while 0 < end < len(encoded) and encoded[end] & 0xC0 == 0x80:
        end -= 1
    return encoded[:end].decode("utf-8", "surrogatepass")


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
