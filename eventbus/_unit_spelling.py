"""Which texts may be units: those that are spelled as UCUM spells them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

MAX_LENGTH: Final = 63
# https://opentelemetry.io/docs/specs/otel/metrics/api/#instrument-unit

_SPELLED_OUT: Final[Mapping[str, str]] = {
    **dict.fromkeys(("nanosecond", "nsec"), "ns"),
    **dict.fromkeys(("microsecond", "usec"), "us"),
    **dict.fromkeys(("millisecond", "milli", "msec"), "ms"),
    **dict.fromkeys(("second", "sec"), "s"),
    "minute": "min",
    "hour": "h",
    "day": "d",
    "byte": "By",
    **dict.fromkeys(("kb", "kilobyte"), "kBy"),
    **dict.fromkeys(("mb", "megabyte"), "MBy"),
    **dict.fromkeys(("gb", "gigabyte"), "GBy"),
    **dict.fromkeys(("kib", "kibibyte"), "KiBy"),
    **dict.fromkeys(("mib", "mebibyte"), "MiBy"),
    **dict.fromkeys(("gib", "gibibyte"), "GiBy"),
    "percent": "%",
    "ratio": "1",
    "token": "{token}",
}

_TERM: Final = r"(?:[\w%*^+'\"\[\]()-]+(?:\{[!-z|~]*\})?|\{[!-z|~]+\})"
_form: Final = re.compile(rf"/?{_TERM}(?:[./]{_TERM})*", re.ASCII).fullmatch


def fault_in(unit: object) -> str | None:
    """Return why *unit* is none; ``None``: it may be one.

    Its form is looked at, and that none of the usual ones is spelled out; which units
    there are is not: https://ucum.org/ucum
    """
    if type(unit) is not str or len(unit) > MAX_LENGTH or not _form(unit):
        return (
            f"a unit is 1 to {MAX_LENGTH} ASCII characters without a space, as UCUM "
            "spells it: 'ms', 'By', '1', '{token}'"
        )
    known = _SPELLED_OUT.get(unit.lower().removesuffix("s"))
    return None if known is None else f"UCUM spells it {known!r}"
