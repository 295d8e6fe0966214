"""What a label's value may be, and what becomes of one that is something else."""

from __future__ import annotations

import enum
import re
from typing import Any, Final, NamedTuple

from msgspec import UNSET

from eventbus._catalog import qualified
from eventbus.metrics._declaration import LabelValue

# Any in this module: an event's field may hold a value of any type.

UNSPECIFIED: Final = "unspecified"
MAX_SANITIZED_LENGTH: Final = 256

_NUMBERS: Final = (bool, int, float)
_MAX_INT: Final = 2**63
_disallowed: Final = re.compile(r"[^A-Za-z0-9._\-/]")


class Label(NamedTuple):
    """A value as a label has it.

    Args:
        value: It; ``None``: there is no such label.
        warning: What was wrong with it, if anything.
    """

    value: LabelValue | None
    warning: str | None = None


def label_of(value: Any, max_length: int) -> Label:
    """Return *value* as a label has it; whatever it is, the label says something."""
    if value is None or value is UNSET:
        return Label(None)
    if isinstance(value, enum.Enum):
        return label_of(value.value, max_length)
    if type(value) is str:
        return _text(value, max_length)
    if type(value) in _NUMBERS and -_MAX_INT <= value < _MAX_INT:
        return Label(value)
    return _odd(value, max_length)


def _text(text: str, max_length: int) -> Label:
    if len(text) > max_length:
        return Label(_text(text[:max_length], max_length).value, "truncated")
    try:
        text.encode()
    except UnicodeEncodeError:
        pairs = text.encode("utf-16-le", "surrogatepass")
        return Label(pairs.decode("utf-16-le", "replace"), "sanitized")
    return Label(text)


def _odd(value: object, max_length: int) -> Label:
    try:
        text = str.__str__(value) if isinstance(value, str) else f"{value}"
    except Exception:  # noqa: BLE001 - a value's own code, or too many digits
        text = qualified(type(value))
    found = _text(text, max_length)
    plain = isinstance(value, str | float) and found.warning is None
    return found if plain else Label(found.value, found.warning or "sanitized")


def sanitized(value: str) -> str:
    """Return *value* for a far side that takes letters, digits and ``._-/`` alone.

    Other characters become ``_``, those at both ends are cut off, at most 256 are
    left; what has no letter and no digit becomes ``"unspecified"``.
    """
    cut = _disallowed.sub("_", value).strip("_")[:MAX_SANITIZED_LENGTH]
    return cut if any(map(str.isalnum, cut)) else UNSPECIFIED
